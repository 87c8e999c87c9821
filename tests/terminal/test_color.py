"""Colors of errors, warnings and verdicts."""

import pytest

from tests.faultserver import FaultyServer
from tests.pseudo_terminal import Terminal
from tests.shell import Shell

RED, GREEN, YELLOW = "\x1b[1;31m", "\x1b[32m", "\x1b[33m"
END = "\x1b[0m"
ERROR = ("users", "create", "--key", "x")
BAD_OPTION = ("users", "create", "--nonsense")
BAD_SETTING = ("users", "create", "--timeout", "x", "-o", "table")
ENSURE = ("users", "ensure", "--key", "kusanagi", "--name", "Motoko", "--hub", "section9")
DOCTOR = ("doctor",)
PAINTED = [
    (ERROR, [f"{RED}Error:{END} Missing"]),
    (BAD_OPTION, [f"{RED}Error:{END} "]),
    (BAD_SETTING, [f"{RED}Error:{END} "]),
    (ENSURE, [f"{YELLOW}Warning:{END} User 'kusanagi' already existed"]),
    (
        DOCTOR,
        [f"{GREEN}ok{END}", f"{RED}failed{END}", f"{YELLOW}skipped{END}", f"{RED}Error:{END} "],
    ),
]
PLAIN = [
    ((), {"NO_COLOR": "1"}),
    ((), {"NO_COLOR": "1", "FORCE_COLOR": "1"}),
    ((), {"TERM": "dumb", "FORCE_COLOR": "1"}),
    ((), {"KABELWERK_NO_COLOR": "yes"}),
    ((), {"FORCE_COLOR": "0"}),
    (("--no-color",), {}),
]


@pytest.fixture
def client(shell: Shell):
    with FaultyServer() as server:
        yield shell.configured(server)


def on_a_terminal(shell: Shell, args: tuple[str, ...], **environment: str) -> str:
    with Terminal(shell.with_(**environment), *args, size=(40, 200)) as terminal:
        terminal.end()
    return terminal.screen


@pytest.mark.parametrize(("args", "painted"), PAINTED, ids=[args[0][-1] for args in PAINTED])
def test_colors_are_for_terminals_that_want_them(
    client: Shell, args: tuple[str, ...], painted: list[str]
) -> None:
    wide = client.with_(COLUMNS="200")
    if args == DOCTOR:  # fails in the middle
        wide = wide.with_(KABELWERK_URL="https://localhost:1")
    screen = on_a_terminal(wide, args)
    for text in painted:
        assert text in screen
    for more, environment in PLAIN:
        plain = on_a_terminal(wide, (*args, *more), **environment)
        assert "\x1b" not in plain
        assert "Error: " in plain or "Warning: " in plain
    ran = wide.run(*args)
    assert "\x1b" not in ran.out + ran.err
    forced = wide.with_(FORCE_COLOR="1").run(*args)
    assert f"{RED}Error:{END} " in forced.err or f"{YELLOW}Warning:{END} " in forced.err
