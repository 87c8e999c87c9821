"""What is made from the program itself is current."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent


def load_generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "tools" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_is_current() -> None:
    assert load_generator().readme() == (ROOT / "README.md").read_text(encoding="utf-8")
