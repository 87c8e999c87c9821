"""What `-o csv` writes, `--from` reads back to the same values."""

import io
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kabelwerk_cli.output import Format, Style, write
from kabelwerk_cli.tabular.file import RowFile
from tests.faultserver import FaultyServer
from tests.shell import Shell


class Pair(NamedTuple):
    """A record."""

    key: str
    name: str


CELLS = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))
    | st.sampled_from("'=+-@\t\r\n\",;| "),
    max_size=8,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("round")


@given(cells=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4))
def test_any_cell_is_read_back(folder: Path, cells: list[tuple[str, str]]) -> None:
    stream = io.StringIO(newline="")
    write(Format.CSV, Pair, [Pair(f"u{key}", name) for key, name in cells], stream, Style())
    path = folder / "x.csv"
    path.write_bytes(stream.getvalue().encode())
    with RowFile(str(path)) as file:
        read = [tuple(raw.cells) for raw in file]
    assert read == [(f"u{key}", name) for key, name in cells]


@pytest.mark.parametrize(
    "key", ["+491701", "=1+1", "'=1", "''-1", "-5", "'-5", "'tHooft", "@x", "\uff1d1"]
)
def test_keys_come_back_as_they_were(folder: Path, key: str) -> None:
    stream = io.StringIO(newline="")
    write(Format.CSV, Pair, [Pair(key, "a\nb\tc")], stream, Style())
    (folder / "k.csv").write_bytes(stream.getvalue().encode())
    with RowFile(str(folder / "k.csv")) as file:
        assert [tuple(raw.cells) for raw in file] == [(key, "a\nb\tc")]


def test_a_users_result_can_be_used_as_input(shell: Shell) -> None:
    with FaultyServer() as server:
        run = shell.configured(server).run
        create = ("users", "create", "--key", "+491701", "--name", "=A\tB", "-o", "csv")
        made = run(*create, "--fields", "key,name")
        (shell.home / "made.csv").write_text(made.out)
        assert run("users", "update", "--from", "made.csv").code == 0
        assert server.model.users["+491701"].name == "=A\tB"
        assert "'+491701" not in server.model.users
