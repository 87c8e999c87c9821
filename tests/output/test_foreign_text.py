"""Hostile names, on a terminal and in a pipe."""

import csv
import io
import json
import os
import pty

import pytest

from tests.faultserver import Answer, Fault, FaultyServer, Outcome, Step, canned
from tests.shell import Shell

NAMES = {
    "ansi": "\x1b[31mred\x1b[0m",
    "osc8": "\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x1b\\",
    "osc52": "\x1b]52;c;QUFB\x07",
    "c1": "\x9b31m\x85\x90",
    "bidi": "\u202egro.elpmaxe\u2066\u2069\u200f",
    "lines": "a\r\nb\u2028c\x0bd\x0c",
    "markup": "[red]x[/red] [/nope] [link=https://a.example]y :smile: [@click=z]",
    "surrogate": "\ud800 \udc80",
    "nul": "a\x00b\x7f",
}
FORMATS = ["table", "json", "jsonl", "csv", "tsv"]


def run_on_a_terminal(shell: Shell, args: list[str]) -> bytes:
    """Return all that a terminal receives from a run."""
    leader, follower = pty.openpty()
    run = shell.start(*args, stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    received = b""
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # Linux raises it when the last writer has closed
            break
        if not chunk:
            break
        received += chunk
    os.close(leader)
    run.wait(timeout=20)
    return received


# A name that differs from the requested one is an error, so an error shows the hostile text. An
# attribute is not compared, so a result shows it.
def room_answer(name: str) -> Fault:
    user = {"id": 1, "key": "kusanagi", "name": name}
    room = {"id": 1, "archived": True, "attributes": {name: name}, "hub_user": None, "user": user}
    return canned("room", Answer(200, (), json.dumps(room).encode()), Outcome.DONE)


def rejection(name: str) -> Fault:
    return canned(
        "no", Answer(400, (), json.dumps({"errors": {name: [name]}}).encode()), Outcome.REJECTED
    )


ROOM_COMMAND = ("rooms", "update", "--room", "kusanagi", "--archived")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("output", FORMATS)
def test_in_a_pipe(shell: Shell, output: str, name: str) -> None:
    for fault, code in ((room_answer(NAMES[name]), 0), (rejection(NAMES[name]), 6)):
        with FaultyServer([Step(fault)]) as server:
            ran = shell.configured(server).run(*ROOM_COMMAND, "-o", output)
        assert ran.code == code
        assert_harmless(ran.out + ran.err, output)
        if code == 0 and output in {"json", "jsonl"}:
            assert json.loads(ran.out)["attributes"] == {NAMES[name]: NAMES[name]}
            assert json.loads(ran.out)["user"]["name"] == NAMES[name]
        if code and output in {"json", "jsonl"}:
            assert json.loads(ran.err)["error"]["fields"] == {NAMES[name]: [NAMES[name]]}
        if code == 0 and output == "csv":
            assert len(list(csv.reader(io.StringIO(ran.out, newline="")))) == 2


@pytest.mark.parametrize("locale", ["C", "POSIX"])
@pytest.mark.parametrize("output", FORMATS)
def test_in_a_pipe_of_a_plain_locale(shell: Shell, output: str, locale: str) -> None:
    """The locale changes the streams of an interpreter. One value holds all names."""
    name = "".join(NAMES.values())
    for fault, code in ((room_answer(name), 0), (rejection(name), 6)):
        with FaultyServer([Step(fault)]) as server:
            plain = shell.configured(server, LC_ALL=locale)
            ran = plain.execute(*ROOM_COMMAND, "-o", output)
        assert ran.code == code
        assert_harmless(ran.out + ran.err, output)


def assert_harmless(text: str, output: str) -> None:
    text.encode()  # no lone surrogate, no broken sequence
    allowed = {"tsv": {"\n", "\t"}, "csv": {"\n", "\t", "\r"}}.get(output, {"\n"})
    assert not {c for c in text if ord(c) < 32 or 0x7F <= ord(c) < 0xA0} - allowed
    assert not set(text) & set("\u202e\u2066\u2069\u200f\u2028")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("output", FORMATS)
def test_on_a_terminal(shell: Shell, output: str, name: str) -> None:
    for fault in (room_answer(NAMES[name]), rejection(NAMES[name])):
        with FaultyServer([Step(fault)]) as server:
            configured = shell.configured(server, NO_COLOR="1", COLUMNS="200")
            received = run_on_a_terminal(configured, [*ROOM_COMMAND, "-o", output])
        assert received
        assert_harmless(received.decode().replace("\r\n", "\n"), output)


def test_colours_on_a_terminal_are_our_own(shell: Shell) -> None:
    with FaultyServer([Step(room_answer(NAMES["ansi"]))]) as server:
        configured = shell.configured(server, COLUMNS="200")
        received = run_on_a_terminal(configured, list(ROOM_COMMAND))
        plain = run_on_a_terminal(configured, [*ROOM_COMMAND, "--no-color"])
        dumb = run_on_a_terminal(configured.with_(TERM="dumb"), list(ROOM_COMMAND))
    assert b"\x1b[1m" in received
    assert b"\x1b[31m" not in received
    assert b"\x1b" not in plain
    assert "┃".encode() in plain
    assert dumb.isascii()
    assert b"\x1b" not in dumb


@pytest.mark.parametrize("output", FORMATS)
def test_a_long_name_in_a_pipe_is_whole(shell: Shell, output: str) -> None:
    name = "x" * 300
    ran = shell.run(
        "--sandbox", "users", "create", "--key", "kusanagi", "--name", name, "-o", output
    )
    assert ran.code == 0
    assert name in ran.out


def test_a_bare_id(shell: Shell) -> None:
    ran = shell.run(
        "--sandbox", "users", "create", "--key", "kusanagi", "--name", "Motoko",
        "-o", "tsv", "--fields", "id",
    )  # fmt: skip
    assert ran == (0, "1\n", "")


def test_a_terminal_that_knows_no_unicode(shell: Shell) -> None:
    shell.with_(PYTHONIOENCODING="ascii").execute(
        "--sandbox", "users", "create", "--key", "k", "--name", "日本"
    )
    for encoding in ("ascii", "latin-1"):
        for output in FORMATS:
            ran = shell.with_(PYTHONIOENCODING=encoding).execute(
                "sandbox", "show", "users", "-o", output
            )
            assert ran.code == 0
            assert "\\u65e5" in ran.out


def test_names_that_are_not_utf_8_are_refused(shell: Shell) -> None:
    ran = shell.run("--sandbox", "users", "create", "--key", "k", "--name", b"caf\xe9")
    assert (ran.code, ran.out) == (2, "")
    assert "UTF-8" in ran.err


def test_a_long_message_is_one_line_of_a_bounded_length(shell: Shell) -> None:
    long = "x\x1b" * 30_000
    with FaultyServer([Step(rejection(long))]) as server:
        there = shell.configured(server)
        ran = there.run(*ROOM_COMMAND)
    (line,) = ran.err.splitlines()
    assert len(line) < 2050
    assert line.startswith("Error: Room 'kusanagi' of hub '_' was not updated: ")
    assert "…" in line


def test_the_advice_stays_behind_a_long_key(shell: Shell) -> None:
    key = "k" * 1024
    text = "t" * 5000
    words = ("messages", "post", "--room", key, "--user", key, "--text", text, f"--x{text}")
    (line,) = shell.run(*words).err.splitlines()
    assert len(line) < 2050
    assert line.endswith("See 'kabelwerk messages post --help'.")
    (line,) = shell.run(*words, "-o", "json").err.splitlines()
    assert text in json.loads(line)["error"]["message"]
