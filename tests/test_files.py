"""Files that are replaced as a whole."""

import os
from pathlib import Path

import pytest

from kabelwerk_cli.errors import ConfigurationError
from kabelwerk_cli.files import write_private
from tests.shell import TOKEN


def test_no_device_is_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "device")
    (tmp_path / "link").symlink_to("device")
    for name in ("device", "link"):
        with pytest.raises(ConfigurationError, match="not a regular file"):
            write_private(tmp_path / name, TOKEN)
    assert (tmp_path / "device").is_fifo()
    assert {path.name for path in tmp_path.iterdir()} == {"device", "link"}
