"""The curl command of --dry-run, pasted into a shell, does what the call does."""

import html
import json
import random
import subprocess
from pathlib import Path

from tests.faultserver import Authority, FaultyServer, Step, redirect
from tests.shell import EXECUTABLE, TOKEN, Shell, served

ALPHABET = "abcXYZ019 '\"\\$`!*?[]{}()<>|&;#~%@:+=,./-_^\t\n\r\u00e9日\u202e\U0001f600\x1b\x07"
KEY_ALPHABET = "".join(character for character in ALPHABET if character >= " ")


def words(seed: int, alphabet: str, count: int) -> list[str]:
    choose = random.Random(seed)
    return ["".join(choose.choices(alphabet, k=choose.randint(1, 30))) for _ in range(count)]


def usable(key: str) -> bool:
    return key.strip() == key and key not in {"", ".", ".."}


KEYS = list(dict.fromkeys(key for key in words(1, KEY_ALPHABET, 300) if usable(key)))[:120]
TEXTS = words(2, ALPHABET, 120)


def lines(shell: Shell, commands: list[list[str]]) -> list[str]:
    """Return the curl command of each command line, all made by one process for speed."""
    script = shell.home / "preview.py"
    script.write_text(
        "import json, sys\n"
        "from click.testing import CliRunner\n"
        "from kabelwerk_cli.cli.root import kabelwerk\n"
        "for args in json.load(sys.stdin):\n"
        "    ran = CliRunner().invoke(kabelwerk, args, catch_exceptions=False)\n"
        "    assert ran.exit_code == 0, (args, ran.stderr)\n"
        "    print(json.dumps(ran.stdout))\n"
    )
    python = str(Path(EXECUTABLE).with_name("python"))
    ran = subprocess.run(
        [python, script],
        input=json.dumps(commands).encode(),
        env=shell.environment,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return [json.loads(line) for line in ran.stdout.splitlines()]


def paste(shell: Shell, lines: list[str]) -> None:
    # `-q` comes first, and a here-document after the last option
    careful = [line.replace("curl -q ", "curl -q --silent --fail ", 1) for line in lines]
    script = shell.home / "pasted.sh"
    script.write_text("set -e\n" + "".join(careful))
    ran = subprocess.run(["bash", script], env=shell.environment, capture_output=True, check=False)
    assert ran.returncode == 0, (ran.stderr, ran.stdout[-500:])


def test_hundreds_of_previews_do_what_the_calls_do(shell: Shell) -> None:
    with served(shell, "--token", TOKEN) as client:
        previewing = client.without("KABELWERK_API_TOKEN")
        create = [
            ["users", "create", "--dry-run", "--exact-key", "--key", key, "--name", f"x{name}"]
            for key, name in zip(KEYS, TEXTS, strict=True)
        ]
        made = lines(previewing, create)
        assert all(TOKEN not in line and line.count("\n") == 1 for line in made)
        paste(client, made)
        show = shell.run("sandbox", "show", "users", "-o", "jsonl")
        assert {(u["key"], u["name"]) for u in map(json.loads, show.out.splitlines())} == {
            (key, f"x{name}") for key, name in zip(KEYS, TEXTS, strict=True)
        }
        post = [
            [
                "messages",
                "post",
                "--dry-run",
                "--exact-key",
                "--room",
                key,
                "--user",
                key,
                "--text",
                f"x{text}",
            ]
            for key, text in zip(KEYS, TEXTS, strict=True)
        ]
        room = [
            [
                "rooms",
                "update",
                "--dry-run",
                "--exact-key",
                "--room",
                key,
                "--attributes",
                json.dumps({text: text}),
            ]
            for key, text in zip(KEYS, TEXTS, strict=True)
        ]
        update = [
            ["users", "update", "--dry-run", "--exact-key", "--key", k, "--name", f"y{k}"]
            for k in KEYS
        ]
        paste(client, lines(previewing, post + room + update))
        shown = shell.run("sandbox", "show", "messages", "-o", "jsonl", "--fields", "room,text")
        escapes = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
        assert [json.loads(line) for line in shown.out.splitlines()] == [
            {"room": key, "text": f"x{text}".translate(str.maketrans(escapes))}
            for key, text in zip(KEYS, TEXTS, strict=True)
        ]
        rooms = shell.run("sandbox", "show", "rooms", "-o", "jsonl").out.splitlines()
        assert [json.loads(line)["attributes"] for line in rooms] == [{t: t} for t in TEXTS]
        paste(
            client,
            lines(
                previewing,
                [["users", "delete", "--dry-run", "--exact-key", "--key", k] for k in KEYS],
            ),
        )
        assert shell.run("sandbox", "show", "users", "-o", "tsv").out == ""


def dry(shell: Shell, *args: str) -> str:
    ran = shell.run(*args, "--dry-run")
    assert (ran.code, ran.err) == (0, ""), ran
    return ran.out


def test_a_long_text_can_be_pasted(shell: Shell) -> None:
    text = "Line of 'quoted' text: $HOME `x` BODY BODY_\n" * 12_000
    (shell.home / "long.txt").write_text(text)
    with served(shell, "--token", TOKEN) as client:
        client.run("users", "create", "--key", "kusanagi", "--name", "Motoko")
        post = ("messages", "post", "--room", "kusanagi", "--user", "kusanagi")
        line = dry(client, *post, "--text-file", "long.txt")
        assert line.startswith("printf %s ")
        paste(client, [line])
        shown = shell.run("sandbox", "show", "messages", "-o", "json", "--fields", "text").out
    (message,) = json.loads(shown)
    assert html.unescape(message["text"]) == text.removesuffix("\n")


def test_neither_a_curlrc_nor_a_proxy_changes_it(shell: Shell) -> None:
    with FaultyServer([Step(redirect(302, "/elsewhere"))]) as server, FaultyServer() as proxy:
        there = shell.configured(server, http_proxy=proxy.url, ALL_PROXY=proxy.url)
        (shell.home / ".curlrc").write_text(f"location\nproxy = {proxy.url}\n")
        paste(there, [dry(there, "users", "update", "--key", "kusanagi", "--name", "Motoko")])
        assert len(server.requests) == 1
        assert proxy.attempts == []


def test_the_certificate_is_checked_by_the_ca_in_force(
    shell: Shell, authority: Authority, ca_file: Path
) -> None:
    with FaultyServer(tls=authority.right()) as server:
        there = shell.configured(server)
        update = ("users", "update", "--key", "kusanagi", "--name", "Motoko Kusanagi")
        paste(there, [dry(there, *update, "--ca-file", str(ca_file))])
        assert server.model.users["kusanagi"].name == "Motoko Kusanagi"
