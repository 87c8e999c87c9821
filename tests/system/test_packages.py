"""The packages that are built: wheel, source archive, single file, Debian package."""

import json
import marshal
import os
import re
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from kabelwerk_cli import __version__
from tests.faultserver import Authority, FaultyServer
from tests.shell import TOKEN, Ran, Shell, served
from tests.tabular.workbooks import ods, xlsx
from tools.generate import ROOT
from tools.release.__main__ import release
from tools.release.single_file import find, pythons

CREATE = ("users", "create", "--key", "kusanagi", "--name", "Motoko", "-o", "tsv")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a release, built by somebody else, elsewhere, under another umask."""
    folder = tmp_path_factory.mktemp("release")
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    before = os.umask(0o077)
    try:
        release(clone, folder / "dist")
    finally:
        os.umask(before)
    return folder / "dist"


@pytest.fixture
def single_file(built: Path) -> Path:
    return built / "kabelwerk.pyz"


def test_a_release_has_the_same_bytes_wherever_it_is_built(built: Path, tmp_path: Path) -> None:
    release(ROOT, tmp_path)
    assert (tmp_path / "SHA256SUMS").read_text() == (built / "SHA256SUMS").read_text()
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    subprocess.run(check, cwd=built, check=True, capture_output=True)
    listed = {line.split()[1] for line in (built / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in built.iterdir()} - {"SHA256SUMS"}
    assert len(listed) == 6
    assert all(path.stat().st_mode & 0o044 for path in built.iterdir())


def test_the_bill_and_the_licenses_name_all_that_is_bundled(built: Path) -> None:
    lock = (ROOT / "tools/locks/bundle.txt").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", lock, flags=re.MULTILINE))
    (bill,) = built.glob("*.cdx.json")
    parts = json.loads(bill.read_text())["components"]
    assert {(part["name"].lower(), part["version"]) for part in parts} == locked
    text = (built / "LICENSES.txt").read_text()
    titles = set(re.findall(r"^=+\n(\S+) (\S+) \(.+\)\n=+$", text, flags=re.MULTILINE))
    named = {(name.lower(), version) for name, version in titles}
    assert named == locked | {("kabelwerk-cli", __version__)}


@pytest.mark.parametrize("version", ["3.6", "3.8", "3.10"])
def test_an_older_python_gets_one_line(single_file: Path, version: str) -> None:
    older = next(find(version), None)
    pretense = f"sys.version_info = ({version.replace('.', ', ')})"
    command = [older, single_file] if older else pretending(single_file, pretense)
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    said = f"Error: kabelwerk needs Python 3.11 or newer, not {version}.\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "", said)


def test_windows_gets_one_line(single_file: Path) -> None:
    command = pretending(single_file, "import os; os.name = 'nt'")
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    said = "Error: kabelwerk does not run on Windows. Use Linux or macOS, or WSL.\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "", said)


def test_the_sources_serve_a_python_that_nothing_is_compiled_for(single_file: Path) -> None:
    command = [*pretending(single_file, "pass"), "--version"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == f"kabelwerk, version {__version__}\n"


def pretending(single_file: Path, pretense: str) -> list[str | Path]:
    """Return a command in which a Python that nothing is compiled for runs the single file."""
    program = repr(str(single_file))
    code = (
        "import runpy, sys, types\n"
        "sys.implementation = types.SimpleNamespace(**vars(sys.implementation))\n"
        "sys.implementation.cache_tag = None\n"
        f"sys.argv[0] = sys.path[0] = {program}\n"
        f"{pretense}\n"
        f"runpy.run_path({program}, run_name='__main__')"
    )
    return [sys.executable, "-c", code]


def test_the_single_file_has_its_modules_compiled_and_their_sources(single_file: Path) -> None:
    with zipfile.ZipFile(single_file) as archive:
        lists = {
            name: set(marshal.loads(archive.read(name)))
            for name in archive.namelist()
            if re.fullmatch(r"cpython-3\d+|sources", name)
        }
        tags = {f"cpython-{version.replace('.', '')}" for version in pythons()}
        assert lists.keys() == tags | {"sources"}
        assert len(set(map(frozenset, lists.values()))) == 1
        assert "kabelwerk_cli.__main__" in lists["sources"]
    for python in pythons().values():
        ask = [python, single_file, "--version"]
        ran = subprocess.run(ask, capture_output=True, text=True, check=True)
        assert ran.stdout == f"kabelwerk, version {__version__}\n"


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
    read_workbooks(program)
    table = alone(program, *CREATE[:-2], "--url", "sandbox:other.db", FORCE_COLOR="1")
    assert table.code == 0
    assert "Motoko" in table.out


def read_workbooks(program: Path) -> None:
    """Check that a program reads workbooks with nothing but what is in its package."""
    for name, book in (("users.xlsx", xlsx), ("users.ods", ods)):
        (program.parent / name).write_bytes(book(Staff=[["key", "name"], ["batou", "Bâtou"]]))
        ran = alone(program, "users", "ensure", "--from", name, "--url", f"sandbox:{name}.db", "-q")
        assert ran == (0, "", "")
        shown = alone(program, "sandbox", "show", "users", "--url", f"sandbox:{name}.db")
        assert "Bâtou" in shown.out


def test_the_single_file_serves_a_sandbox(single_file: Path, shell: Shell) -> None:
    with shell.launch(
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


def test_the_debian_package(built: Path, tmp_path: Path) -> None:
    (package,) = built.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", package, tmp_path / "root"], check=True)
    program = tmp_path / "root/usr/bin/kabelwerk"
    assert program.read_bytes().startswith(b"#!/usr/bin/python3\n")
    assert program.stat().st_mode & 0o777 == 0o755
    scripts = tmp_path / "control"
    subprocess.run(["dpkg-deb", "-e", package, scripts], check=True)
    check = ["md5sum", "--check", "--strict", "--quiet", scripts / "md5sums"]
    subprocess.run(check, cwd=tmp_path / "root", check=True)
    # it looks for its modules where they are once it is installed
    modules = tmp_path / "root/usr/share/kabelwerk"
    text = program.read_text().replace("/usr/share/kabelwerk", str(modules))
    program.write_text(text)
    assert not list(modules.rglob("*.pyc"))
    ran = alone(program, *CREATE, "--url", "sandbox:own.db")
    assert ran == (0, "1\tkusanagi\tMotoko\n", "")
    read_workbooks(program)
    assert "py3compile -p kabelwerk /usr/share/kabelwerk" in (scripts / "postinst").read_text()
    assert "py3clean -p kabelwerk" in (scripts / "prerm").read_text()
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


def test_the_workflows_use_only_what_is_pinned() -> None:
    for workflow in (ROOT / ".github/workflows").glob("*.yml"):
        used = re.findall(r"uses: (\S+)", workflow.read_text())
        assert used
        assert all(re.fullmatch(r"[\w/.-]+@[0-9a-f]{40}", action) for action in used), workflow


@pytest.mark.parametrize(("tag", "code"), [(f"v{__version__}", 0), ("v9.9.9", 1)])
def test_a_tag_is_that_of_the_version(tag: str, code: int) -> None:
    check = [sys.executable, "-m", "tools.release.tag", tag]
    ran = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == code
    assert (f"this is version {__version__}" in ran.stderr) is bool(code)


def test_the_image_has_the_single_file(built: Path, tmp_path: Path) -> None:
    """The steps of the Dockerfile, in a folder that stands for the image."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    (copied,) = [line.split()[1:] for line in lines if line.startswith("COPY ")]
    program = tmp_path / copied[1].lstrip("/")
    program.parent.mkdir(parents=True)
    program.write_bytes((built / Path(copied[0]).name).read_bytes())
    program.chmod(0o755)
    assert 'ENTRYPOINT ["kabelwerk"]' in lines
    ran = alone(program, *CREATE, "--url", "sandbox:own.db")
    assert ran == (0, "1\tkusanagi\tMotoko\n", "")
