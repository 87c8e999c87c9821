"""The program, run as its executable does, that tells through a pipe when it handles signals."""

import os
import sys

from kabelwerk_cli import __main__ as program

pipe = int(sys.argv.pop(1))
handle_signals = program.raise_on_signals


def handle_signals_and_tell() -> None:
    handle_signals()
    os.write(pipe, b".")
    os.close(pipe)


program.raise_on_signals = handle_signals_and_tell
if __name__ == "__main__":
    sys.argv[0] = "kabelwerk"
    sys.exit(program.main())
