"""Shell completion: one protocol for bash, zsh and fish, and a script for each.

At each TAB, a script runs kabelwerk with the command line up to the cursor in `COMP_LINE`, and gets
one line per candidate: its type (`plain`, or `file` for file names), the value and its description,
separated by tabs. A value is literal: each script quotes it as its shell needs.
"""

from collections.abc import Iterable
from itertools import dropwhile
from typing import Any

from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    split_arg_string,
)

from kabelwerk_cli.config.resolve import typed_line

CURSOR = "\0"
"""Marks the end of the line, so that a blank before it begins a new word."""


class LineCompletion(ShellComplete):
    """Completes the word at the cursor, for any of the scripts."""

    name = "line"
    source_template = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor, without the program, and the one at the cursor."""
        words = split_arg_string(typed_line() + CURSOR)
        *args, incomplete = dropwhile(lambda word: "=" in word, words)  # such as `LANG=C kabelwerk`
        return args[1:], incomplete.removesuffix(CURSOR)

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Return a candidate as a line."""
        value = item.value if item.type == "plain" else ""
        return f"{item.type}\t{value}\t{item.help or ''}"


def file_names(incomplete: str) -> list[CompletionItem[Any]]:
    """Return what makes a shell complete file names."""
    return [CompletionItem(incomplete, type="file")]


def starting_with(incomplete: str, words: Iterable[str]) -> list[CompletionItem[Any]]:
    """Return the words that complete an incomplete one."""
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def register() -> None:
    """Make click complete with `LineCompletion`."""
    add_completion_class(LineCompletion)


# A word can have several parts for readline, such as --output=j, a:b and 'a b, of which it replaces
# the last. `lead` is what comes before that part.
BASH = r"""_kabelwerk_completion() {
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
"""
ZSH = r"""#compdef kabelwerk

_kabelwerk() {
    local line="${(j: :)words[1,CURRENT-1]} $QIPREFIX$IPREFIX$PREFIX" type value description
    local -a plain described files
    compset -P 1 '--*='
    while IFS=$'\t' read -r type value description; do
        if [[ $type == file ]]; then
            files=(yes)
        elif [[ -n $description ]]; then
            described+=("${value//:/\\:}:$description")
        else
            plain+=("$value")
        fi
    done < <(COMP_LINE=$line _KABELWERK_COMPLETE=line_complete kabelwerk 2>/dev/null)
    (( $#files )) && _files
    (( $#described )) && _describe -V kabelwerk described
    (( $#plain )) && compadd -V kabelwerk -a plain
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _kabelwerk "$@"
else
    compdef _kabelwerk kabelwerk
fi
"""
FISH = r"""function _kabelwerk_completion
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
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
"""The script for each shell."""
INSTALLING = {
    "bash": 'add this line to ~/.bashrc: eval "$(kabelwerk completion bash)"',
    "zsh": 'add this line to ~/.zshrc, after compinit: eval "$(kabelwerk completion zsh)"',
    "fish": "run: kabelwerk completion fish > ~/.config/fish/completions/kabelwerk.fish",
}
"""What to do with each script."""


def how_to_install(shell: str) -> str:
    """Return how to turn on completion in a shell, as a sentence; empty for an unknown shell.

    Args:
        shell: its name or path.
    """
    name = shell.rpartition("/")[2]
    return f"To turn on completion in {name}, {INSTALLING[name]}" if name in INSTALLING else ""
