"""The packages that are built: wheel, source archive, single file, Debian package."""

import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.faultserver import Authority, FaultyServer
from tests.shell import TOKEN, Ran, Shell, served
from tools.generate import ROOT
from tools.package import build_debian_package, build_single_file

CREATE = ("users", "create", "--key", "kusanagi", "--name", "Motoko", "-o", "tsv")


@pytest.fixture(scope="module")
def single_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dist") / "kabelwerk.pyz"
    build_single_file(path)
    return path


def alone(program: Path, *args: str, **environment: str) -> Ran:
    """Run a file in its directory with an empty environment."""
    ran = subprocess.run(
        [sys.executable, "-I", program.name, *args],
        cwd=program.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def test_the_single_file_alone_in_a_folder(single_file: Path, shell: Shell, tmp_path: Path) -> None:
    program = tmp_path / "alone" / "kabelwerk"
    program.parent.mkdir()
    program.write_bytes(single_file.read_bytes())
    assert single_file.stat().st_mode & 0o777 == 0o755
    assert single_file.read_bytes().startswith(b"#!/usr/bin/env python3\n")
    in_process = alone(program, *CREATE, "--url", "sandbox:own.db")
    assert in_process == (0, "1\tkusanagi\tMotoko\n", "")
    with served(shell, "--token", TOKEN) as client:
        settings = {
            name: client.environment[name] for name in ("KABELWERK_URL", "KABELWERK_API_TOKEN")
        }
        assert alone(program, *CREATE, **settings) == (0, "1\tkusanagi\tMotoko\n", "")
    table = alone(program, *CREATE[:-2], "--url", "sandbox:other.db", FORCE_COLOR="1")
    assert table.code == 0
    assert "Motoko" in table.out


def test_the_single_file_serves_a_sandbox(single_file: Path, shell: Shell) -> None:
    with shell.start(
        single_file, "sandbox", "serve", "--token", "any", program=sys.executable
    ) as process:
        try:
            assert process.stdout
            assert process.stderr
            page = process.stderr.readline().decode().split()[-1]
            with urllib.request.urlopen(page) as answer:
                assert b"/page/page.js" in answer.read()
            exports = process.stdout.readline().decode().strip().removeprefix("export ")
            name, url = exports.split("=", 1)
            ran = alone(single_file, *CREATE, **{name: url, "KABELWERK_API_TOKEN": "any"})
            assert ran == (0, "1\tkusanagi\tMotoko\n", "")
        finally:
            process.terminate()


def test_the_single_file_knows_whom_to_trust(single_file: Path) -> None:
    """The file contains the usual certificates; the tests' own authority is not among them."""
    with FaultyServer(tls=Authority().right()) as server:
        settings = {"KABELWERK_URL": server.url, "KABELWERK_API_TOKEN": TOKEN}
        ran = alone(single_file, *CREATE, **settings)
        assert server.requests == []
    assert ran.code == 3
    assert "is not trusted" in ran.err


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_source_package_builds_the_same_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "-o"]
    for folder, more in (("direct", ["--wheel"]), ("through-source", [])):
        command = [*build, tmp_path / folder, *more, ROOT]
        subprocess.run(command, check=True, capture_output=True)
    (direct,) = (tmp_path / "direct").glob("*.whl")
    (through_source,) = (tmp_path / "through-source").glob("*.whl")
    assert contents(direct) == contents(through_source)
    folders = {name.split("/")[0] for name in contents(direct)}
    version = direct.name.split("-")[1]
    package = f"kabelwerk_cli-{version}"
    assert folders == {"kabelwerk_cli", f"{package}.dist-info", f"{package}.data"}


def test_the_debian_package(tmp_path: Path) -> None:
    package = tmp_path / "kabelwerk.deb"
    build_debian_package(package)
    subprocess.run(["dpkg-deb", "-x", package, tmp_path / "root"], check=True)
    program = tmp_path / "root/usr/bin/kabelwerk"
    assert program.read_bytes().startswith(b"#!/usr/bin/python3\n")
    assert program.stat().st_mode & 0o777 == 0o755
    ran = alone(program, *CREATE, "--url", "sandbox:own.db")
    assert ran == (0, "1\tkusanagi\tMotoko\n", "")
    fields = subprocess.run(
        ["dpkg-deb", "-f", package], capture_output=True, text=True, check=True
    ).stdout
    assert "Package: kabelwerk\n" in fields
    assert "Depends: python3 (>= 3.11)\n" in fields
    share = tmp_path / "root/usr/share"
    for page in ("man1/kabelwerk-users-create.1", "man7/kabelwerk-batches.7"):
        shown = subprocess.run(
            ["man", "-M", share / "man", "--where", Path(page).stem],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert shown.strip() == str(share / f"man/{page}.gz")
    for place in (
        "bash-completion/completions/kabelwerk",
        "zsh/vendor-completions/_kabelwerk",
        "fish/vendor_completions.d/kabelwerk.fish",
    ):
        assert (share / place).is_file()
