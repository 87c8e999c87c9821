"""Where the configuration file is."""

import platformdirs
import pytest

from kabelwerk_cli.config.resolve import default_config


@pytest.mark.parametrize("config_home", [None, "", "relative", "/somewhere"])
def test_the_usual_configuration_file(
    monkeypatch: pytest.MonkeyPatch, config_home: str | None
) -> None:
    """platformdirs knows the same folder, but takes longer to import than a call may."""
    monkeypatch.setenv("HOME", "/home/kusanagi")
    if config_home is None:
        monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CONFIG_HOME", config_home)
    expected = platformdirs.user_config_path("kabelwerk") / "config.toml"
    assert default_config() == str(expected)
