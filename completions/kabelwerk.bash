_kabelwerk_completion() {
    local IFS=$'\n' type value
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                printf -v value %q "$value"
                COMPREPLY+=("$value")
                ;;
        esac
    done < <(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" \
        _KABELWERK_COMPLETE=bash_complete "$1")
}

complete -o nosort -F _kabelwerk_completion kabelwerk
