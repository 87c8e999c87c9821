"""The documents in `docs/`: their examples run as they stand."""

import re
import subprocess
from pathlib import Path

from tests.shell import EXECUTABLE, TOKEN, Shell, served

DOCS = Path(__file__).parent.parent / "docs"


def examples(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), re.DOTALL)


def test_the_python_examples_run(shell: Shell) -> None:
    python = EXECUTABLE.with_name("python")
    with served(shell, "--token", TOKEN) as client:
        ran = [
            subprocess.run(
                [python, "-W", "error", "-c", example],
                env=client.environment,
                cwd=shell.home,
                capture_output=True,
                text=True,
                check=False,
            )
            for example in examples("python.md")
        ]
        shown = shell.run("sandbox", "show", "users", "-o", "tsv", "--fields", "key")
    assert [(each.returncode, each.stderr) for each in ran] == [(0, "")] * 4
    printed = [each.stdout.strip() for each in ran]
    assert re.fullmatch(r"\d+ \d{4}-\S+\+00:00", printed[0])
    assert printed[1:] == ["created", "20", ""]
    assert {"kusanagi", "batou", "r1", "u0", "u19"} <= set(shown.out.split())
