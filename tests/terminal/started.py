"""The program, run as its executable does, that tells through a pipe when it handles signals."""

import os
import sys

from kabelwerk_cli.__main__ import main
from kabelwerk_cli.terminal import signals

pipe = int(sys.argv.pop(1))
handle_signals = signals.raise_on_signals


def handle_signals_and_tell() -> None:
    handle_signals()
    os.write(pipe, b".")
    os.close(pipe)


signals.raise_on_signals = handle_signals_and_tell
if __name__ == "__main__":
    sys.argv[0] = "kabelwerk"
    sys.exit(main())
