"""The errors for mistyped commands and options, and for those of other tools."""

import itertools
import json
import re

import pytest

from kabelwerk_cli.cli.hints import COMMANDS, OPTIONS
from kabelwerk_cli.cli.root import kabelwerk
from kabelwerk_cli.cli.tree import walk
from tests.shell import Shell

SECRET = "s3cr3t-of-kusanagi"
USERS = "sandbox, use 'kabelwerk sandbox show users'."
ROOMS = "sandbox, use 'kabelwerk sandbox show rooms'."
MESSAGES = "sandbox, use 'kabelwerk sandbox show messages'."
CREATE = "No such command '{}'. Use 'kabelwerk users create'."
HUBS = "The API cannot list or change hubs."
SHOW = "Use 'kabelwerk config show'."
FILE = "Other settings are in the file that 'kabelwerk config show' names."
TOKEN = "Use --token-file FILE, KABELWERK_API_TOKEN or 'kabelwerk login'."
YES = "Use --yes."
NEW = "users create --key a --name b"
MISTAKES = {
    "user": "Did you mean 'users'?",
    "user create": CREATE.format("user"),
    "user list": USERS,
    "create user": CREATE.format("create"),
    "delete user": "Use 'kabelwerk users delete'.",
    "delete users --key kusanagi": "Use 'kabelwerk users delete'.",
    "archive room": "Use 'kabelwerk rooms update --room KEY --archived'.",
    "list rooms": ROOMS,
    "room": "Did you mean 'rooms'?",
    "message": "Did you mean 'messages'?",
    "message send": "Use 'kabelwerk messages post'.",
    "users crate": "Did you mean 'create'?",
    "users list": USERS,
    "users get kusanagi": USERS,
    "users show": USERS,
    "users add": CREATE.format("add"),
    "users remove": "Use 'kabelwerk users delete'.",
    "users rm kusanagi": "Use 'kabelwerk users delete'.",
    "rooms archive": "Use 'kabelwerk rooms update --room KEY --archived'.",
    "rooms unarchive": "Use 'kabelwerk rooms update --room KEY --no-archived'.",
    "rooms assign": "Use 'kabelwerk rooms update --room KEY --hub-user KEY'.",
    "rooms unassign": "Use 'kabelwerk rooms update --room KEY --unassign'.",
    "rooms list": ROOMS,
    "rooms get": ROOMS,
    "rooms show": ROOMS,
    "rooms create": "The API cannot create rooms.",
    "rooms delete": "The API cannot delete rooms.",
    "messages send": "Use 'kabelwerk messages post'.",
    "messages create": "Use 'kabelwerk messages post'.",
    "messages list": MESSAGES,
    "messages get": MESSAGES,
    "messages show": MESSAGES,
    "messages delete": "The API cannot change or delete messages.",
    "hubs": HUBS,
    "hubs list": HUBS,
    "hub create": HUBS,
    "auth": "Use 'kabelwerk login', 'kabelwerk logout' or 'kabelwerk doctor'.",
    "auth login": "Use 'kabelwerk login'.",
    f"auth login --token {SECRET}": "Use 'kabelwerk login'.",
    "auth logout": "Use 'kabelwerk logout'.",
    "auth status": "Use 'kabelwerk doctor' to check the URL and the token.",
    "whoami": "'kabelwerk config show' prints the URL and where the token comes from",
    "version": "Use 'kabelwerk --version'.",
    "config set url x": FILE,
    "config edit": FILE,
    "config init": FILE,
    "config get": SHOW,
    "config list": SHOW,
    "sandbox start": "Use 'kabelwerk sandbox serve'.",
    "exit-codes": "Use 'kabelwerk help exit-codes'.",
    "nonsense": "No such command 'nonsense'. See 'kabelwerk --help'.",
    "help exitcodes": "Did you mean 'exit-codes'?",
    "help exit": "Did you mean 'exit-codes'?",
    "users help": "Use 'kabelwerk help users'.",
    "help user": "Did you mean 'users'?",
    "help users crate": "Did you mean 'create'?",
    "help users create x": "No such command 'x'. See 'kabelwerk users create --help'.",
    "--json users create": "Use -o json.",
    f"{NEW} --json": "No such option '--json'. Use -o json.",
    f"{NEW} --output-format json": "Use -o table, json, jsonl, csv or tsv.",
    "users delete --key a -y": YES,
    "users delete --key a --force": YES,
    "users delete --key a -f": "Use --yes to skip the confirmation, or --from FILE to",
    "-y users delete --key a": "Commands that ask for confirmation accept --yes.",
    f"--token {SECRET} users create": TOKEN,
    f"{NEW} --token {SECRET}": TOKEN,
    f"{NEW} --token={SECRET}": TOKEN,
    f"{NEW} --api-key {SECRET}": TOKEN,
    f"{NEW} -t{SECRET}": TOKEN,
    f"login --token {SECRET}": TOKEN,
    f"login {SECRET}": "'kabelwerk login' takes options only.",
    f"{NEW} -p staging": "Use --profile NAME.",
    "sandbox serve -p 80": "Use --port N.",
    "users create --id 5": "Use --key KEY.",
    "rooms update --id 5": "Use --room KEY, the key of the room's end user.",
    "users create --file users.csv": "Use --from FILE.",
    "messages post --file text": "Use --text-file FILE for the text, or --from FILE for",
    "messages post --message Hello": "Use --text TEXT.",
    "messages post --body Hello": "Use --text TEXT.",
    f"{NEW} --verbos": "Did you mean '--verbose'?",
    f"{NEW} --dry": "Did you mean '--dry-run'?",
    f"{NEW} --yes=1": "does not take a value. See 'kabelwerk users create --help'.",
    f"{NEW} --foo": "No such option '--foo'. See 'kabelwerk users create --help'.",
    "rooms update --room kusanagi --unasign": "Did you mean '--unassign'?",
    "users create -o jsn": "Did you mean 'json'?",
    f"{NEW} --fields nmae": ("--fields: 'nmae' is not one of id, key, name. Did you mean 'name'?"),
    "rooms update --room r --archived --fields id,user.kye": "Did you mean 'user.key'?",
    "completion bsh": "Did you mean 'bash'?",
    "sandbox show user": "Did you mean 'users'?",
    "users create kusanagi Motoko": "Use --key kusanagi --name Motoko.",
    "users create kusanagi": "Use --key kusanagi.",
    "users create help": "Use 'kabelwerk users create --help'.",
    "users create --key a -n A": "Use --name NAME, or --dry-run to see what would be sent.",
    "messages post -n": "Use --dry-run.",
    f"{NEW} --jq .id": "Use -o json, and send the output to jq with a pipe.",
    "messages post kusanagi Hello": "Use --room kusanagi --user KEY --text Hello.",
    "users create a b c": "Use --key KEY --name NAME, with quotes around values that contain",
    "users create users.csv": "Use --from users.csv.",
    "users create --from a.csv b.csv": "--from takes one file.",
    f"{NEW} c": "Put quotes around a value that contains spaces.",
    "users update kusanagi Motoko": "Use --key kusanagi --name Motoko.",
    "users delete kusanagi": "Use --key kusanagi.",
    "users delete kusanagi --yes": "Use --key kusanagi.",
    "users sync staff.csv": "Use --from staff.csv.",
    "rooms update kusanagi --archived": "Use --room kusanagi.",
    "messages post kusanagi batou Hello": "Use --room kusanagi --user batou --text Hello.",
    "messages post --room r --user u Hello": "Use --text Hello.",
    "sandbox show users rooms": "Got unexpected extra argument (rooms). See",
    "users create": "Missing option '--key'.",
    "users create --key a": "Missing option '--name'.",
    "messages post --room r --text t": "Missing option '--user'.",
    "users create --key a --archived": (
        "'kabelwerk users create' has no option '--archived' ('kabelwerk rooms update' has)."
    ),
    "users --key a create": (
        "'kabelwerk users' has no option '--key' ('kabelwerk users create', 'kabelwerk users "
        "delete', 'kabelwerk users ensure', 'kabelwerk users update' have)."
    ),
    "--db x sandbox serve": (
        "'kabelwerk' has no option '--db' ('kabelwerk sandbox add-hub', 'kabelwerk sandbox reset', "
        "'kabelwerk sandbox serve', 'kabelwerk sandbox show' have)."
    ),
}


@pytest.mark.parametrize("command", MISTAKES)
def test_what_may_have_been_meant(shell: Shell, command: str) -> None:
    there = shell.configured("http://127.0.0.1:9")  # sending anything would end with 7
    ran = there.run(*command.split())
    as_json = there.with_(KABELWERK_OUTPUT="json").run(*command.split())
    assert (ran.code, ran.out) == (2, "")
    assert MISTAKES[command] in ran.err
    assert ran.err.count("\n") == 1
    assert "--help'" in ran.err
    assert SECRET not in ran.err + as_json.err
    error = json.loads(as_json.err)["error"]
    assert (as_json.code, error["exit_code"], error["type"]) == (2, 2, "UsageError")
    assert as_json.out == ""
    if "jsn" not in command:  # which decides on the format, too
        assert f"Error: {error['message']}\n" == ran.err


def test_a_quoted_value_stays_quoted(shell: Shell) -> None:
    ran = shell.run("users", "create", "kusanagi", "Motoko Kusanagi")
    assert "Use --key kusanagi --name 'Motoko Kusanagi'." in ran.err


def test_rows_on_standard_input_without_from(shell: Shell) -> None:
    for args in (("users", "create"), ("messages", "post", "--user", "batou")):
        ran = shell.run(*args, stdin=b"key,name\na,A\n")
        assert (ran.code, ran.out) == (2, "")
        assert "To read rows from standard input, use --from -" in ran.err
    assert "--from -" not in shell.run("users", "create").err


def test_hints_name_commands_and_options_that_exist() -> None:
    tree = {" ".join(path): command for command, path in walk(kabelwerk, ("kabelwerk",))}
    options = {option for command in tree.values() for p in command.params for option in p.opts}
    for hint in (*COMMANDS, *OPTIONS):
        for line in re.findall(r"'(kabelwerk [^']*)'", hint.text):
            words = line.format(noun="users").split()
            path = " ".join(itertools.takewhile(str.islower, filter(str.isalpha, words)))
            if path not in {"kabelwerk help users", "kabelwerk sandbox show users"}:
                assert path in tree, hint
        for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", hint.text):
            assert option in options | {"--no-archived", "-vv"}, hint


def test_no_word_has_two_hints() -> None:
    for table in (COMMANDS, OPTIONS):
        places = [
            (where, word)
            for hint in table
            for where in hint.where.split() or [""]
            for word in hint.words.split()
        ]
        assert len(places) == len(set(places))
