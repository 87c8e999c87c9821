"""Entry point of the command `kabelwerk` and of `python -m kabelwerk_cli`."""

import gc
import io
import os
import sys

from .terminal.signals import Terminated, raise_on_sigterm


def main() -> None:
    """Run the command line and exit with its code."""
    # Imports create no garbage, and collecting takes longer than printing help.
    gc.set_threshold(100_000)
    _guard_standard_streams()
    try:
        raise_on_sigterm()
        sys.exit(_run())
    except Terminated:
        sys.exit(143)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        _settle_stdout()
        gc.freeze()


def _run() -> int:
    from click import Abort

    from .cli import kabelwerk

    try:
        code: int = kabelwerk.main(prog_name="kabelwerk", standalone_mode=False)
    except Abort as error:
        # click raises this for a second signal, received while the first was being reported
        raise (error.__cause__ or KeyboardInterrupt) from None
    return code


def _guard_standard_streams() -> None:
    # If the caller closed a standard stream, the next file or socket opened would get its
    # descriptor, and with it whatever a child process prints.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it stays open
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # text that the terminal's encoding cannot show is escaped and raises no error
            stream.reconfigure(errors="backslashreplace")


def _settle_stdout() -> None:
    # Python flushes stdout at exit, and if that fails, it overrides the exit code.
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
