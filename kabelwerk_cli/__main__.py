"""Entry point of the command `kabelwerk` and of `python -m kabelwerk_cli`."""

import gc
import io
import os
import sys

if False:  # `typing.TYPE_CHECKING`, without importing typing
    from typing import TextIO


NEEDED = (3, 11)
"""The oldest Python that runs it. This file has to be valid for older ones too, from 3.6 on."""


def _reason_not_to_run() -> str:
    found = sys.version_info[:2]
    if found < NEEDED:
        return (
            f"kabelwerk needs Python {NEEDED[0]}.{NEEDED[1]} or newer, not {found[0]}.{found[1]}."
        )
    if os.name == "nt":
        return "kabelwerk does not run on Windows. Use Linux or macOS, or WSL."
    return ""


def main() -> None:
    """Run the command line and exit with its code."""
    reason = _reason_not_to_run()
    if reason:
        sys.stderr.write(f"Error: {reason}\n")
        sys.exit(3)
    # Imports create no garbage, and collecting takes longer than printing help.
    gc.set_threshold(100_000)

    from kabelwerk_cli.terminal.signals import ignore_signals, raise_on_signals

    try:
        try:
            raise_on_signals()
            _guard_standard_streams()
            code = _run()
        finally:
            ignore_signals()  # the result has been reported; only cleanup is left
    except KeyboardInterrupt as signal:
        from kabelwerk_cli.cli.root import report_interrupt

        code = report_interrupt(signal)
    ignore_signals()
    _settle(sys.stdout, 1)
    _settle(sys.stderr, 2)
    # everything is flushed and closed; freeing every object first would only take time
    os._exit(code)


def _run() -> int:
    from kabelwerk_cli.terminal.signals import held_signals

    with held_signals():
        from click import Abort

        from kabelwerk_cli.cli.root import kabelwerk
    try:
        code: int | None = kabelwerk.main(prog_name="kabelwerk", standalone_mode=False)
    except SystemExit as ended:
        return int(ended.code or 0)  # of a completion
    except Abort as error:
        # what click makes of a signal that arrives outside of the error boundary
        raise (error.__cause__ or KeyboardInterrupt) from None
    return code or 0


def _guard_standard_streams() -> None:
    from kabelwerk_cli.terminal.hangup import outlive_terminals

    # If the caller closed a standard stream, the next file or socket opened would get its
    # descriptor, and with it whatever a child process prints.
    # A closed stdout is opened read-only, so that writing to it fails and is reported.
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - it stays open
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # text that the terminal's encoding cannot show is escaped and raises no error
            stream.reconfigure(errors="backslashreplace")
    outlive_terminals()


def _settle(stream: "TextIO | None", number: int) -> None:
    # Python flushes the streams at exit, and if that fails, it overrides the exit code.
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)


if __name__ == "__main__":
    main()
