"""Every text file that is read may begin with a byte order mark, which is no part of its text."""

import codecs

from tests.faultserver import FaultyServer
from tests.shell import TOKEN, Shell

FILES = {
    "config.toml": 'profile = "clinic"\n\n[profiles.clinic]\nurl = "URL"\ntoken_file = "token"\n',
    "token": f"{TOKEN}\n",
    "text": "Hello\n",
    "letter": "Dear {{name}}\n",
    "rows.csv": "room,name\nkusanagi,Motoko\n",
    "attributes.json": '{"ward": 9}\n',
}
BY_BATOU = ("messages", "post", "--user", "batou", "--yes")


def test_the_mark_is_dropped_from_each_file(shell: Shell) -> None:
    with FaultyServer() as server:
        for name, text in FILES.items():
            said = text.replace("URL", server.url).replace('"token"', f'"{shell.home / "token"}"')
            (shell.home / name).write_bytes(codecs.BOM_UTF8 + said.encode())
            (shell.home / name).chmod(0o600)

        def run(*args: str, stdin: bytes = b"") -> None:
            ran = shell.run("--config", "config.toml", *args, stdin=stdin)
            assert (ran.code, ran.err) == (0, "")

        run(*BY_BATOU, "--room", "kusanagi", "--text-file", "text")
        run(*BY_BATOU, "--room", "kusanagi", "--text-file", "-", stdin=codecs.BOM_UTF8 + b"Bye\n")
        run(*BY_BATOU, "--from", "rows.csv", "--template", "@letter", "-q")
        run("rooms", "update", "--room", "kusanagi", "--attributes", "@attributes.json")
        assert [m.text for m in server.model.messages] == ["Hello", "Bye", "Dear Motoko"]
        assert server.model.rooms["section9", "kusanagi"].attributes == {"ward": 9}
