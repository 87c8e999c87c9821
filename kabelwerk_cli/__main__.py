"""Entry of the command `kabelwerk` and of `python -m kabelwerk_cli`."""

import gc
import io
import os
import sys

from .terminal.signals import Terminated, raise_on_sigterm


def main() -> None:
    """Run the command line and exit with its code."""
    # What is imported is no garbage: looking through it for some takes longer than a help text.
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
        # click's word for a second signal, which came while the first one was told of
        raise (error.__cause__ or KeyboardInterrupt) from None
    return code


def _guard_standard_streams() -> None:
    # A stream that was closed by the caller leaves its number free, and the next file or socket
    # that is opened would get it, with whatever a child process prints.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - there is nothing to be read
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # foreign text never crashes a terminal that cannot show it
            stream.reconfigure(errors="backslashreplace")


def _settle_stdout() -> None:
    # Python flushes once more at its end, and would exit with a code of its own if that failed.
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
