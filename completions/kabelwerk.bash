_kabelwerk_completion() {
    local line=${COMP_LINE:0:COMP_POINT} lead quote= option= type value
    lead=${line%"$2"}
    lead=${lead##*[[:space:]]}
    case $lead in *[\'\"]) quote=${lead: -1} lead=${lead%?} ;; esac
    [[ $lead == --*=* ]] && lead=${lead#--*=}
    [[ $2 == --*=* ]] && option=${2%%=*}=
    while IFS=$'\t' read -r type value _; do
        [[ $type == file ]] && compopt -o default
        [[ $type == plain && $value == "$lead"* ]] || continue
        value=${value#"$lead"}
        case $quote in
            \') value=${value//\'/\'\\\'\'} ;;
            \")
                [[ $value == *!* ]] && continue # it cannot be quoted there
                value=${value//\\/\\\\} value=${value//\"/\\\"}
                value=${value//\$/\\\$} value=${value//\`/\\\`}
                ;;
            *) [[ $value ]] && printf -v value %q "$value" ;;
        esac
        if [[ $quote ]]; then # readline takes one at either end for that around the word
            [[ $value == "$quote"* ]] && value=$quote$value
            [[ $value == *"$quote" ]] && value+=$quote
        fi
        COMPREPLY+=("$option$value")
    done < <(COMP_LINE=$line _KABELWERK_COMPLETE=line_complete "$1" 2>/dev/null)
}

complete -o nosort -F _kabelwerk_completion kabelwerk
