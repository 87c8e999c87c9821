"""What GitHub Actions says in the environment."""

import os
from typing import NamedTuple


def in_workflow() -> bool:
    """Return whether GitHub Actions reads the output, which runs commands in it."""
    return bool(os.environ.get("GITHUB_ACTIONS"))


class Workflow(NamedTuple):
    """What GitHub Actions tells the programs that it runs."""

    workspace: str
    """The folder of the repository; empty if unknown."""
    summary: str
    """The file to which a summary of the step is appended; empty for none."""


def workflow() -> Workflow | None:
    """Return what GitHub Actions says, None outside it."""
    if not in_workflow():
        return None
    names = ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY")
    return Workflow(*(os.environ.get(name, "") for name in names))
