"""What `kabelwerk help TOPIC` says; the man page and the README say the same.

Where a text lists things that the program knows (exit codes, settings), it is made from them.
"""

from collections.abc import Callable, Mapping

from kabelwerk_cli.config.settings import SETTINGS, TOKEN_VARIABLE, Rank

from .exit_codes import MEANINGS, ExitCode

WIDTH = 78

RERUN = """\
A script may run the command again after 3, 4 and 7, once the cause is gone:
nothing was changed. After 2, 5 and 6 nothing was changed either, but the
same input gets the same answer. 8 and 9 may leave something done: run users
and rooms commands again, they end in the same state however often they run.
After 'messages post' look in the room first: nothing else can tell whether
a second message would be a second one. With -o json the error on stderr says
all this in "applied" and "safe_to_rerun". What is safe to repeat was already
tried three times by then. In a crontab, hourly, and once more where the
server could not be reached:
"""
CRON = (
    "0 * * * * kabelwerk users ensure --key kusanagi --name Motoko -q"
    " || { [ $? -eq 7 ] && sleep 60 && kabelwerk users ensure --key kusanagi --name Motoko -q; }"
)

FORMATS = """\
-o table   for people: on a terminal a table, elsewhere plain columns without
           colours or frames, never wrapped or cut
-o json    an object, or an array where there may be several
-o jsonl   an object a line
-o csv     a header and a row each; nested fields as user.key; a cell that a
           spreadsheet would run gets a leading ', unless --raw-csv
-o tsv     bare values without a header, for a shell:
           id=$(kabelwerk users create --key kusanagi --name Motoko \\
                -o tsv --fields id)

--fields id,user.key picks fields in every format; JSON keeps its shape.
Results go to stdout, all else to stderr. Times are ISO 8601 in UTC. JSON is
in ASCII and lossless; elsewhere control characters are written out, as \\x1b.
With json and jsonl an error is one JSON line on stderr as well:
{"error":{"type","message","status","fields","applied","safe_to_rerun",
"attempts","request_id","exit_code"}}.
"""


BATCHES = """\
kabelwerk users create --from users.csv

Every command that changes something makes a call for each row of a file:
CSV (with , or ;), TSV or JSON Lines, or - for standard input. The columns
are the command's own options; an option on the command line holds for every
row. In CSV an empty cell of an optional column means "not given".

- The whole file is checked first. Every bad line is named, and nothing is
  sent if there is one, unless --skip-invalid says to go on without them.
- Rows for the same user or room keep their order; others run side by side
  (--concurrency, --rate). A row that failed does not hold up the next ones.
- A journal (FILE.kabelwerk-journal, or --journal) remembers each row by its
  content, before it is sent. Run the same command again, and it goes on
  where it stopped, after a crash, Ctrl-C, a full disk or a corrected file:
  rows that are done are skipped, those that failed are tried again. When
  every row is done the journal is removed; --restart begins anew.
- A message of unknown outcome is told of and not sent again, also not by
  --rejects, unless --resend-unknown says so. Look in the room first.
- The run stops after 401 or 403, with an untrusted certificate, after ten
  failures of the server in a row, or more than --max-failures. All rows
  together have a limited number of repeats.
- stdout has a record for each row, in the order in which they end: row, key,
  outcome (done, failed, unknown, not attempted), error, and the fields of
  the object (the outcome of 'users ensure' is called ensured there). Rows
  that an earlier run did have no object. A table shows only what failed.
  --rejects FILE gets the rows that were not done, to be corrected
  and run in their turn.

It ends with 0 when every row is done, 10 when some are not, 9 when nobody
knows of some. Deletions ask for the number of rows to be typed, or need
--yes.
"""


def batches() -> str:
    """Return how a file's rows are sent."""
    return BATCHES.rstrip()


def exit_code_table() -> str:
    """Return what each exit code means."""
    rows = [f"{code.value:>3}  {MEANINGS[code]}" for code in ExitCode]
    return "\n".join([*rows, "From 2 to 7, nothing was changed."])


def exit_codes() -> str:
    """Return what each exit code means, and when to run a command again."""
    return f"{exit_code_table()}\n\n{RERUN}\n{CRON}"


def environment() -> str:
    """Return which variables there are."""
    rows = [(TOKEN_VARIABLE, "The API token itself.")]
    rows += [(row.environment, row.help) for row in SETTINGS if Rank.ENVIRONMENT in row.sources]
    rows += [
        ("NO_COLOR", "Print no colours."),
        ("FORCE_COLOR", "Print colours also where no terminal is."),
        ("TERM", "With 'dumb', print neither colours nor frames nor a progress bar."),
        ("COLUMNS", "How wide tables and help texts are on a terminal."),
        ("HTTPS_PROXY", "A proxy for https, but never to this machine; also ALL_PROXY, NO_PROXY."),
    ]
    width = max(len(name) for name, _ in rows) + 2
    table = [line for name, text in rows for line in _hang(f"{name:<{width}}{text}", width)]
    intro = _wrap(
        "An option wins over the variable, the variable over the profile, the profile over the "
        "default. 'kabelwerk config show' tells what is in force, and why.",
    )
    return "\n".join([*intro, "", *table])


def formats() -> str:
    """Return what each output format is for."""
    return FORMATS.rstrip()


TOPICS: Mapping[str, Callable[[], str]] = {
    "exit-codes": exit_codes,
    "environment": environment,
    "batches": batches,
    "formats": formats,
}


def _hang(text: str, indent: int) -> list[str]:
    return _wrap(text, " " * indent)


def _wrap(text: str, indent: str = "") -> list[str]:
    import textwrap

    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
