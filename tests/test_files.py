"""Files that are replaced as a whole."""

import os
from pathlib import Path

import pytest

from kabelwerk_cli.errors import ConfigurationError
from kabelwerk_cli.files import Replacement, flush_to_disk, write_private
from tests.shell import TOKEN


def test_no_device_is_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "device")
    (tmp_path / "link").symlink_to("device")
    for name in ("device", "link"):
        with pytest.raises(ConfigurationError, match="not a regular file"):
            write_private(tmp_path / name, TOKEN)
    assert (tmp_path / "device").is_fifo()
    assert {path.name for path in tmp_path.iterdir()} == {"device", "link"}


@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o640)])
def test_a_replacement_has_its_name_once_it_is_complete(
    tmp_path: Path, *, private: bool, mode: int
) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to("target")
    before = os.umask(0o027)
    try:
        with Replacement(link, private=private) as new:
            new.file.write(b"whole")
            assert not target.exists()
            new.publish()
    finally:
        os.umask(before)
    assert (link.is_symlink(), target.read_bytes()) == (True, b"whole")
    assert target.stat().st_mode & 0o777 == mode
    assert {path.name for path in tmp_path.iterdir()} == {"target", "link"}


def test_a_replacement_that_is_not_published_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), Replacement(target) as new:  # noqa: PT012
        new.file.write(b"half")
        1 / 0  # noqa: B018
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert target.read_text() == "old"
    with pytest.raises(OSError, match="No such file"):
        Replacement(tmp_path / "missing" / "target")


def test_macos_is_asked_to_write_its_disk_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("fcntl.F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr("fcntl.fcntl", lambda _, command: asked.append(command))
    monkeypatch.setattr("os.fsync", lambda _: asked.append(-1))
    with (tmp_path / "file").open("w") as file:
        flush_to_disk(file.fileno())
        assert asked == [51]

        def refuse(*_: object) -> None:
            raise OSError

        monkeypatch.setattr("fcntl.fcntl", refuse)
        flush_to_disk(file.fileno())
        assert asked == [51, -1]
