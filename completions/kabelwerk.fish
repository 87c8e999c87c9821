function _kabelwerk_completion
    set -l line (commandline -cp | string collect)
    set -l word (commandline -ct)
    set -l option (string match -r -- '^--[^=]*=' $word)
    for item in (env COMP_LINE="$line" _KABELWERK_COMPLETE=line_complete kabelwerk 2>/dev/null)
        set -l parts (string split -m 2 \t -- $item)
        if test $parts[1] = file
            for path in (complete -C "'' "(string replace -r -- '^--[^=]*=' '' $word))
                echo "$option$path"
            end
        else if not string match -q -- '~*' "$option$parts[2]" # fish would not quote it
            echo "$option$parts[2]"\t"$parts[3]"
        end
    end
end

complete --keep-order --no-files --command kabelwerk --arguments "(_kabelwerk_completion)"
