"""What to use instead of a command, option or argument that does not exist.

People try the words of other tools first; the tables below name the right ones. A hint never
repeats the value of an option, which may be a token.
"""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import click

from kabelwerk_cli.config.parsers import closest, did_you_mean
from kabelwerk_cli.config.suggestions import with_options
from kabelwerk_cli.rows.columns import Kind
from kabelwerk_cli.terminal.session import ARGUMENTS

from .help_topics import TOPICS
from .options import ColumnOption, FileType
from .tree import walk


class Hint(NamedTuple):
    """What to say instead of some words."""

    where: str
    """For commands, the groups; for options, an option that the command must have, if any."""
    words: str
    text: str


ROOT = "kabelwerk"
NOUNS = {"user": "users", "room": "rooms", "message": "messages"}
FILES = (".csv", ".tsv", ".jsonl", ".xlsx", ".ods")

COMMANDS = (
    Hint(
        "kabelwerk users rooms messages",
        "list ls get show view find search read count export",
        "The API cannot read data. Look in Kabelwerk's apps; for the sandbox, use "
        "'kabelwerk sandbox show {noun}'.",
    ),
    Hint("kabelwerk users", "create add new register", "Use 'kabelwerk users create'."),
    Hint("kabelwerk users", "delete remove rm del", "Use 'kabelwerk users delete'."),
    Hint("users", "rename edit set change patch", "Use 'kabelwerk users update'."),
    Hint("kabelwerk users", "ensure upsert apply", "Use 'kabelwerk users ensure'."),
    Hint("kabelwerk users", "import batch bulk", "Use 'kabelwerk users create --from FILE'."),
    Hint("kabelwerk rooms", "archive close", "Use 'kabelwerk rooms update --room KEY --archived'."),
    Hint(
        "kabelwerk rooms",
        "unarchive reopen open",
        "Use 'kabelwerk rooms update --room KEY --no-archived'.",
    ),
    Hint("kabelwerk rooms", "assign", "Use 'kabelwerk rooms update --room KEY --hub-user KEY'."),
    Hint("kabelwerk rooms", "unassign", "Use 'kabelwerk rooms update --room KEY --unassign'."),
    Hint("rooms", "edit set change patch", "Use 'kabelwerk rooms update'."),
    Hint(
        "rooms",
        "create add new",
        "The API cannot create rooms. A user's app creates the room when it first connects.",
    ),
    Hint(
        "rooms",
        "delete remove rm del",
        "The API cannot delete rooms. To archive one, use 'kabelwerk rooms update --room KEY "
        "--archived'.",
    ),
    Hint("kabelwerk messages", "post send", "Use 'kabelwerk messages post'."),
    Hint("messages", "create add new write", "Use 'kabelwerk messages post'."),
    Hint(
        "messages",
        "delete remove rm del update edit change",
        "The API cannot change or delete messages.",
    ),
    Hint("kabelwerk", "update", "Use 'kabelwerk users update' or 'kabelwerk rooms update'."),
    Hint("kabelwerk", "sync", "Use 'kabelwerk users sync' or 'kabelwerk rooms sync'."),
    Hint(
        "kabelwerk",
        "hub hubs",
        "The API cannot list or change hubs. Name the hub of a room or user with --hub.",
    ),
    Hint("kabelwerk", "serve", "Use 'kabelwerk sandbox serve'."),
    Hint("kabelwerk", "auth-login init setup configure signin", "Use 'kabelwerk login'."),
    Hint("kabelwerk", "auth-logout signout", "Use 'kabelwerk logout'."),
    Hint(
        "kabelwerk",
        "auth-status status check ping",
        "Use 'kabelwerk doctor' to check the URL and the token.",
    ),
    Hint("kabelwerk", "auth", "Use 'kabelwerk login', 'kabelwerk logout' or 'kabelwerk doctor'."),
    Hint(
        "kabelwerk",
        "whoami me",
        "The API cannot say whose token it is. 'kabelwerk config show' prints the URL and where "
        "the token comes from; 'kabelwerk doctor' checks both.",
    ),
    Hint("kabelwerk", "version", "Use 'kabelwerk --version'."),
    Hint("kabelwerk", "profile profiles settings", "Use 'kabelwerk config show'."),
    Hint("config", "get list ls view path", "Use 'kabelwerk config show'."),
    Hint(
        "config",
        "set edit init unset",
        "Use 'kabelwerk login' to store a URL and a token. Other settings are in the file that "
        "'kabelwerk config show' names.",
    ),
    Hint("users rooms messages config sandbox", "help", "Use 'kabelwerk help {noun}'."),
    Hint("sandbox", "start run up", "Use 'kabelwerk sandbox serve'."),
    Hint("journal", "list ls get view print", "Use 'kabelwerk journal show FILE'."),
    Hint("sandbox", "list ls get view", "Use 'kabelwerk sandbox show'."),
    Hint("sandbox", "clear clean empty delete", "Use 'kabelwerk sandbox reset'."),
    Hint("sandbox", "stop down", "Press Ctrl-C in the terminal of 'kabelwerk sandbox serve'."),
)
OPTIONS = (
    Hint("", "--json -j", "Use -o json."),
    Hint("", "--jsonl --ndjson", "Use -o jsonl."),
    Hint("", "--csv", "Use -o csv."),
    Hint("", "--tsv", "Use -o tsv."),
    Hint("", "--output-format --out --format", "Use -o table, json, jsonl, csv or tsv."),
    Hint("", "--jq --query", "Use -o json, and send the output to jq with a pipe."),
    Hint("", "--columns", "Use --fields NAMES."),
    Hint("--from", "-f", "Use --yes to skip the confirmation, or --from FILE to read a file."),
    Hint("--yes", "-y --force --confirm --no-confirm --assume-yes", "Use --yes."),
    Hint(
        "",
        "-y --force -f --confirm --no-confirm --assume-yes",
        "Commands that ask for confirmation accept --yes.",
    ),
    Hint("--name", "-n", "Use --name NAME, or --dry-run to see what would be sent."),
    Hint("--dry-run", "-n --check --preview", "Use --dry-run."),
    Hint(
        "",
        "--token --api-key --api-token --access-token --apikey -t",
        "A token on the command line would be visible to other users. Use --token-file FILE, "
        "KABELWERK_API_TOKEN or 'kabelwerk login'.",
    ),
    Hint(
        "",
        "--password --username",
        "Kabelwerk uses API tokens, not passwords. Use 'kabelwerk login'.",
    ),
    Hint("--port", "-p", "Use --port N."),
    Hint("", "-p --env --environment --context", "Use --profile NAME."),
    Hint("", "--host --endpoint --server --base-url --api-url -u", "Use --url URL."),
    Hint("", "--insecure -k --no-verify", "Use --ca-file FILE to trust your own CA."),
    Hint("", "--debug --trace", "Use -v, or -vv for bodies."),
    Hint("", "--silent", "Use -q."),
    Hint("--version", "-V", "Use --version."),
    Hint("--key", "--id --user-id --user --user-key", "Use --key KEY."),
    Hint("--room", "--id --room-id --room-key", "Use --room KEY, the key of the room's end user."),
    Hint("--user", "--sender --author --as", "Use --user KEY, the key of the user who posts."),
    Hint("--text", "--message --body --content -m", "Use --text TEXT."),
    Hint(
        "--text-file",
        "--file --input",
        "Use --text-file FILE for the text, or --from FILE for one message per row.",
    ),
    Hint("--from", "--file --input --csv-file", "Use --from FILE."),
    Hint("--archived", "--archive", "Use --archived."),
    Hint("--archived", "--unarchive --unarchived", "Use --no-archived."),
    Hint(
        "--attributes",
        "--attribute --attr",
        "Use --attributes JSON, which replaces all attributes of the room.",
    ),
    Hint("--hub-user", "--assign --assignee --assign-to", "Use --hub-user KEY."),
)


def unknown_command(
    ctx: click.Context, words: Sequence[str], others: Iterable[str] = ()
) -> click.UsageError:
    """Return the error for an unknown subcommand.

    Args:
        ctx: the context of the group.
        words: the subcommand and what follows it.
        others: what else may have been meant.
    """
    group = ctx.command
    known = (*(group.commands if isinstance(group, click.Group) else ()), *others)
    hint = _command_hint(ctx, [word.lower() for word in words[:2]])
    meant = f" {_same_backend(ctx, hint)}" if hint else did_you_mean(words[0], known)
    return click.UsageError(f"No such command '{words[0]}'.{meant}", ctx)


def _command_hint(ctx: click.Context, words: list[str]) -> str:
    group, verb = ctx.info_name or ROOT, words[0]
    if ctx.parent is None:
        if verb in TOPICS:
            return f"Use 'kabelwerk help {verb}'."
        nouns = [NOUNS.get(word, word) for word in words]
        group = next((noun for noun in nouns if noun in NOUNS.values()), ROOT)
        # "delete user" as well as "user delete"; if there is no verb, the noun is a typo
        verb = next((word for word, noun in zip(words, nouns, strict=True) if noun != group), "")
        command = group != ROOT and ctx.command.get_command(ctx, group)  # type: ignore[attr-defined]
        if command and verb in command.commands:
            return f"Use 'kabelwerk {group} {verb}'."
    for candidate in ("-".join(words), verb):
        for hint in COMMANDS:
            if group in hint.where.split() and candidate in hint.words.split():
                return hint.text.format(noun="users" if group == ROOT else group)
    return ""


def unknown_option(ctx: click.Context, option: str) -> click.UsageError:
    """Return the error for an option that a command does not have."""
    own = [name for param in ctx.command.get_params(ctx) for name in _names(param)]
    for hint in OPTIONS:
        if option in hint.words.split() and (not hint.where or hint.where in own):
            text = _same_backend(ctx, hint.text)
            return click.UsageError(f"No such option '{option}'. {text}", ctx)
    if owners := _owners(ctx, option):
        have = "has" if len(owners) == 1 else "have"
        return click.UsageError(
            f"'{ctx.command_path}' has no option '{option}' ({', '.join(owners)} {have}).", ctx
        )
    bare = {name.lstrip("-"): name for name in own}
    close = closest(option.lstrip("-"), tuple(bare))
    meant = f" Did you mean '{bare[close]}'?" if close else ""
    return click.UsageError(f"No such option '{option}'.{meant}", ctx)


def _same_backend(ctx: click.Context, text: str) -> str:
    """Return a hint whose commands mean the backend of the command line that it is about."""
    return with_options(text, ctx.meta.get(ARGUMENTS, ()))


def _names(param: click.Parameter) -> Sequence[str]:
    return (*param.opts, *param.secondary_opts)


def _owners(ctx: click.Context, option: str) -> list[str]:
    root = ctx.find_root()
    return [
        f"'{' '.join(path)}'"
        for command, path in walk(root.command, (root.info_name or "",))
        if any(option in _names(param) for param in command.params)
    ]


def unexpected_arguments(ctx: click.Context, args: Sequence[str]) -> click.UsageError | None:
    """Return the error for arguments that should be options; None if there are none.

    Args:
        ctx: the context of the command.
        args: its command line.
    """
    command = ctx.command
    if any(isinstance(param, click.Argument) for param in command.params):
        return None
    given, left, _ = command.make_parser(ctx).parse_args(list(args))
    if not left:
        return None
    if not any("--from" in param.opts for param in command.params):
        # what follows `login` may be a token
        return click.UsageError(f"'{ctx.command_path}' takes options only.", ctx)
    return click.UsageError(
        f"Unexpected argument '{left[0]}'. {_as_options(ctx, given, left)}", ctx
    )


def _as_options(ctx: click.Context, given: Iterable[str], left: Sequence[str]) -> str:
    """Return the options that arguments were probably meant for."""
    if list(left) == ["help"]:
        return f"Use '{ctx.command_path} --help'."
    columns = [
        param
        for param in ctx.command.params
        if isinstance(param, ColumnOption)
        and not param.is_flag
        and not isinstance(param.type, FileType)
        and (param.column.required or param.column.kind is not Kind.KEY)
    ]
    free = [param for param in columns if param.name not in given]
    if "from_file" in given:
        return "--from takes one file. Put quotes around a name that contains spaces."
    if left[0].lower().endswith(FILES) or not columns:
        return f"Use --from {shlex.quote(left[0])}."
    if not free:
        return "Put quotes around a value that contains spaces."
    if len(left) > len(free):
        needed = " ".join(f"{param.opts[0]} {param.metavar}" for param in free)
        return f"Use {needed}, with quotes around values that contain spaces."
    return f"Use {' '.join(_filled(free, left))}."


def _filled(free: Sequence[ColumnOption], words: Sequence[str]) -> Iterator[str]:
    """Yield options with the words that are probably their values.

    The first word is the first option's. Of several words, the last is the last option's, such as a
    text; options between them may get none.
    """
    gap = len(free) - len(words) if len(words) > 1 else 0
    values = [*words[:-1], *([None] * gap), *words[-1:]]
    for param, word in zip(free, values, strict=False):
        yield f"{param.opts[0]} {param.metavar if word is None else shlex.quote(word)}"
