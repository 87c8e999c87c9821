"""The errors for mistyped commands and options."""

import pytest

from tests.shell import Shell

MISTAKES = {
    "user create": "Did you mean 'users'?",
    "users crate": "Did you mean 'create'?",
    "rooms update --room kusanagi --unasign": "Did you mean '--unassign'?",
    "users create -o jsn": "Did you mean 'json'?",
    "users create --key a --name b --fields nmae": (
        "--fields: 'nmae' is not one of id, key, name. Did you mean 'name'?"
    ),
    "rooms update --room r --archived --fields id,user.kye": "Did you mean 'user.key'?",
    "help exitcodes": "Did you mean 'exit-codes'?",
    "completion bsh": "Did you mean 'bash'?",
    "sandbox show user": "Did you mean 'users'?",
    "users create --key a --name b rows.csv": "Got unexpected extra argument (rows.csv). See",
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
        "'kabelwerk' has no option '--db' ('kabelwerk sandbox reset', 'kabelwerk sandbox serve', "
        "'kabelwerk sandbox show' have)."
    ),
}


@pytest.mark.parametrize("command", MISTAKES)
def test_what_may_have_been_meant(shell: Shell, command: str) -> None:
    ran = shell.run(*command.split())
    assert (ran.code, ran.out) == (2, "")
    assert MISTAKES[command] in ran.err
    assert "--help'" in ran.err
