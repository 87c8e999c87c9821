"""Compare how long commands of several installations take.

    python3 tools/release/compare_starts.py 1.1 /venv/bin/kabelwerk /usr/bin/kabelwerk

The first argument is the limit: how many times as long as the first program the others may take. It
compares processor times, which depend less on what else runs on the machine; the programs take
turns. It needs nothing but Python.
"""

import os
import statistics
import sys
import tempfile

CALL = ("--sandbox", "users", "ensure", "--key", "k", "--name", "N")
COMMANDS = {
    "--version": ("--version",),
    "--help": ("--help",),
    "a call, JSON": (*CALL, "-o", "json"),
    "a call, table": CALL,
}
ROUNDS = 20


def main(limit: str, *programs: str) -> None:
    """Print a table, and fail if a program takes longer than it may."""
    slower = False
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        for name, args in COMMANDS.items():
            for program in programs:  # once before it counts
                seconds(program, args, environment)
            rounds = [[seconds(p, args, environment) for p in programs] for _ in range(ROUNDS)]
            for number, program in enumerate(programs):
                ratio = statistics.median(times[number] / times[0] for times in rounds)
                took = statistics.median(times[number] for times in rounds)
                sys.stdout.write(f"{name:15} {program:40} {took * 1000:6.1f} ms  {ratio:.2f}\n")
                slower |= ratio > float(limit)
    sys.exit("slower than allowed" if slower else 0)


def seconds(program: str, args: tuple[str, ...], environment: dict[str, str]) -> float:
    """Run a program, several words with an interpreter, and return its processor time."""
    command = [*program.split(), *args]
    to_nothing = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawnp(command[0], command, environment, file_actions=to_nothing)
    _, status, used = os.wait4(process, 0)
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(*sys.argv[1:])
