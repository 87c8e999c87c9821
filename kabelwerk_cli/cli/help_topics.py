"""The topics of `kabelwerk help TOPIC`; `commands/topics.py` has their texts."""

from collections.abc import Mapping

from kabelwerk_cli.terminal.exit_codes import ExitCode

TOPICS: Mapping[str, str] = {
    "options": "Options of every command, such as --profile",
    "batches": "Options of --from, and how a batch runs",
    "mailings": "Messages from a file, and how to resume them",
    "sync": "How a sync runs, and all its options",
    "formats": "Output formats: table, json, jsonl, csv and tsv",
    "exit-codes": "Exit codes, and when to rerun a command",
    "environment": "Environment variables, and what overrides what",
}
"""What each topic explains."""
UNCHANGED = "Codes 2 to 7 and 11 mean that nothing was changed."


def exit_code_line() -> str:
    """Return the exit codes in short."""
    codes = ", ".join(f"{code} {code.label}" for code in ExitCode)
    return f"Exit codes: {codes}. {UNCHANGED}"
