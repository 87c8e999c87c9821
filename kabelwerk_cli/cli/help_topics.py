"""The texts of `kabelwerk help TOPIC`, which are also in the man pages and docs/help.md.

Lists of exit codes and settings are generated from the code; `commands/help.py` adds the options.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from kabelwerk_cli.config.settings import SETTINGS, TOKEN_VARIABLE, Rank
from kabelwerk_cli.terminal.exit_codes import ExitCode

SYNC = """\
kabelwerk users sync --from staff.csv --hub section9 --delete --yes

A sync makes users or rooms match a file, such as a nightly export. The API
cannot read data, so kabelwerk keeps what the backend last acknowledged in a
state file (FILE.kabelwerk-state, or --state), and sends only the differences:
one request for each new user, changed name or deletion, none for the rest.

- The first run needs --new-state; on a terminal, it asks instead. If the state
  is missing later, the run stops: without it, users who left would never be
  deleted. If the users exist already, or the state was lost, use --adopt: it
  adds the users in the file to the state and sends nothing.
- 'users sync' reads the columns key and name. With --hub, it syncs the users
  of that hub, otherwise end users. 'rooms sync' reads room, optionally hub,
  and any of archived, attributes and hub_user. An empty hub_user unassigns the
  room; empty attributes mean {}. What has no column is left unchanged.
- Users who are no longer in the file are listed and kept. --delete deletes
  them, but only those that this sync created or adopted.
- The run stops, and nothing is sent, if it would delete more users than
  --max-deletions allows (10% of known users, at least 5), or create and update
  more than --max-changes allows (50%, at least 20); if the file is empty or
  has a key twice, or, with --delete, if its last line has no line break; or if
  the state belongs to another URL, hub or command.
- --dry-run shows the plan, one record per change, and exits with the code of
  these checks. It needs no token. On a terminal, a run shows the plan and asks
  for confirmation; otherwise, deletions need --yes.
- If a run fails or is killed, run the same command again. If it is unknown
  whether a user was created, the next run creates or updates the user, but
  --delete keeps them.
- Changes made elsewhere are not noticed. Once a week, run with --full: it
  sends every row, and recreates users who were deleted elsewhere.
- stdout gets one record per change: row, key, outcome (created, updated,
  deleted, absent, kept, failed, unknown, not attempted), error, and the
  fields of the user or room. --rejects FILE writes a copy of invalid and
  rejected rows, with the reasons.

A crontab that syncs every night, and sends every row once a week:

15 2 * * 1-6 kabelwerk users sync --from /srv/hr/staff.csv --hub section9 --delete --yes -q
15 2 * * 0 kabelwerk users sync --from /srv/hr/staff.csv --hub section9 --delete --yes --full -q

In CI, keep the state between runs, even if they fail, and never let two runs
overlap. A persistent volume is safer than a cache: with a lost state, the run
stops, and with an older one, users created since then are never deleted. The
state contains the keys of all users in plain text and digests of their names,
so protect it like the export itself. docs/recipes.md has complete workflows.
"""
WIDTH = 78

UNCHANGED = "Codes 2 to 7 mean that nothing was changed."
RERUN = """\
After 3, 4 or 7, a script can rerun the command once the cause is fixed:
nothing was changed. After 2, 5 or 6, nothing was changed either, but the same
input fails again. After 8 or 9, the change may have been applied. Rerunning a
'users' or 'rooms' command is safe: nothing is done twice. If the change was
applied, 'users create' then ends with 6, and 'users delete' with 5. Before
rerunning 'messages post', check the room, or the message may be posted twice.
After 10, the error says what to do next. With -o json, the error on stderr has
this information in "applied" and "safe_to_rerun". By then, kabelwerk has
already retried what is safe to retry (see --retries).

An hourly crontab entry that tries once more if the server is unreachable:
"""
CRON = (
    "0 * * * * kabelwerk users ensure --key kusanagi --name Motoko -q"
    " || { [ $? -eq 7 ] && sleep 60 && kabelwerk users ensure --key kusanagi --name Motoko -q; }"
)

OPTIONS = """\
Every command accepts these options, before and after the subcommand:

kabelwerk --profile staging users delete --key kusanagi
kabelwerk users delete --key kusanagi --profile staging

Most of them can also be set by an environment variable, as in KABELWERK_URL,
or in a profile (url = "..."); an option overrides both. 'kabelwerk config
show' prints the value of each and where it comes from.

No option takes the API token itself, because other users of the machine can
see command lines. Use 'kabelwerk login', KABELWERK_API_TOKEN or --token-file.
"""

FORMATS = """\
-o table   for people: a table on a terminal; in a pipe or a file, plain
           columns without color or frames, never wrapped or truncated
-o json    one object, or an array if the command can return several
-o jsonl   one object per line
-o csv     a header, then one row per record; nested fields are named like
           user.key; cells that a spreadsheet would run as a formula are
           prefixed with ', unless --raw-csv is given
-o tsv     values only, no header, for shell scripts:
           id=$(kabelwerk users create ... -o tsv --fields id)

--fields id,user.key selects fields in every format; JSON keeps its nesting.
Results go to stdout, everything else to stderr. Times are ISO 8601 in UTC.
JSON is ASCII and lossless; other formats escape control characters, as \\x1b.
In GitHub Actions (GITHUB_ACTIONS is set), text that would be a workflow command
is escaped as \\x3a: or \\x23[ in tables and errors, as \\u003a: or \\u0023[ in
JSON, and quoted in CSV. TSV is left as it is: do not print it to the log.
With json and jsonl, an error is one line of JSON on stderr:
{"error":{"type","message","status","fields","applied","safe_to_rerun",
"attempts","request_id","exit_code"}}.
"""


BATCHES = """\
kabelwerk users create --from users.csv

Every command that changes something can read its input from a file and make
one call per row. To start, write a file such as users.csv:

key,name
kusanagi,Motoko
batou,Batou

The file can be CSV (comma, semicolon, tab or pipe), JSON Lines, an .xlsx or
.ods workbook, or '-' for stdin. Columns are named like the command's
options; case does not matter. An option on the command line applies to every
row. An empty cell in an optional column means "not given". Rows without any
value are skipped.

- --map name=Patientenname reads the column "name" from "Patientenname", and
  --ignore-columns birthday,ward ignores columns ('*': all unknown ones). Case
  does not matter here either. Put a name that contains a comma in double
  quotes: --ignore-columns '"Ward, floor"'.
- Text is read as UTF-8, or as UTF-16 if it has a byte order mark. For other
  encodings, the error shows the likely readings: CSV files from Excel often
  need --encoding cp1252. A first line such as sep=; sets the delimiter.
- Workbooks need the extra [excel]: pip install 'kabelwerk-cli[excel]'. The
  first sheet is read, or --sheet NAME. Numbers have no thousands separators
  and no trailing zeros; dates are written 2026-03-01 or 2026-03-01T09:30:00.
  A workbook is read into memory as a whole; use CSV for very long files.
- Keys that a spreadsheet has probably changed (1.23457E+11, lost leading
  zeros) are reported before anything is sent, and so are keys that appear
  more than once with different values (except for messages).
- 'messages post --template "Dear {{name}}, ..."' fills in the columns of each
  row; --template @FILE reads the text from a file. A row whose cell is empty
  is invalid, unless the placeholder has a default: {{name|patient}}. Values
  are inserted as they are.
- The whole file is checked first. Identical errors are shown once, with a
  count and the first rows. If any row is invalid, nothing is sent, unless
  --skip-invalid is given. The run stops if the file changes after the check.
- Rows for the same user or room are sent in file order; others are sent in
  parallel (--concurrency, --rate). A row that could not be sent, or that the
  server failed to handle, holds back the later rows of its user or room until
  the next run; a row that the server rejected does not.
- A journal (FILE.kabelwerk-journal, or --journal) records each row by its
  content before it is sent. To resume after a crash, Ctrl-C, a full disk or a
  corrected file, run the same command again: rows that are done are skipped,
  failed rows are retried. --limit N tries the first N rows.
- The journal is removed when every row is done. For 'messages post', it is
  kept, and running the finished command again is an error: use --resume to
  send rows that were not sent, or --restart to send all of them again (next
  week's mailing). A row that was changed after its message was posted is sent
  only with --send-changed.
- A message whose outcome is unknown is reported, and not sent again. Check
  the room, then use --mark-posted=ROOM or --resend-unknown=ROOM (without a
  room: all of them).
- --rejects FILE writes invalid and rejected rows to FILE, with the reason in
  the column "error". Correct them and send FILE: the column is ignored, and
  the rows, now "handed over", are no longer sent from the original file. FILE
  has the format and encoding of the input; for a workbook, it is CSV.
- Input from stdin or a pipe has no journal unless --journal names one:
  kabelwerk messages post --from - --journal mailing-$(date +%F) ...
- The run stops on 401 or 403, on an untrusted certificate, after ten server
  failures in a row, and after more than --max-failures failures. The number
  of retries is limited for the whole run.
- stdout gets one record per row, as rows finish: row, key, outcome (created,
  updated, deleted, absent, posted; done for a row of an earlier run; failed,
  unknown, not attempted, handed over), error, and the fields of the user, room
  or message. CSV and TSV have error.type, error.message and so on as columns.
  A table shows only failures: identical errors once, with a count and the
  first 20 rows. The summary on stderr ends with what to do next.
- --report FILE writes a JUnit XML report with one test case per row. In GitHub
  Actions, the first ten failures are also annotated in the file, and the
  counts are added to the step summary.

The exit code is 0 if every row is done or handed over, 10 if some are not, 9
if the outcome of some is unknown. A run that stops before anything is changed
exits with the code of the error that stopped it (3, 4, 7). On a terminal, you
confirm deletions and messages by typing their number, unless --yes is given;
the prompt shows the first three messages. --dry-run prints the first three
requests, or all of them with -o jsonl.
"""


def exit_code_line() -> str:
    """Return the exit codes in short."""
    codes = ", ".join(f"{code} {code.label}" for code in ExitCode)
    return f"Exit codes: {codes}. {UNCHANGED}"


def exit_code_table() -> str:
    """Return the exit codes with their meanings."""
    rows = [f"{code.value:>3}  {code.meaning}" for code in ExitCode]
    return "\n".join([*rows, "", UNCHANGED])


def exit_codes() -> str:
    """Return the topic on exit codes, including when to rerun a command."""
    return f"{exit_code_table()}\n\n{RERUN}\n{CRON}"


def variables() -> list[tuple[str, str]]:
    """Return the environment variables with their meanings."""
    rows = [(TOKEN_VARIABLE, "The API token.")]
    rows += [(row.environment, row.help) for row in SETTINGS if Rank.ENVIRONMENT in row.sources]
    rows += [
        ("NO_COLOR", "Disable color."),
        ("FORCE_COLOR", "Use color even if the output is not a terminal."),
        ("TERM", "If 'dumb', use no color, no frames and no progress bar."),
        ("COLUMNS", "Width of tables and help text on a terminal."),
        ("PAGER", "Shows help that is longer than the terminal; empty for none. [default: less]"),
        ("HTTPS_PROXY", "Proxy for https, except to loopback addresses; also ALL_PROXY, NO_PROXY."),
    ]
    return rows


def environment() -> str:
    """Return the topic on environment variables."""
    rows = variables()
    width = max(len(name) for name, _ in rows) + 2
    table = [line for name, text in rows for line in _wrap(f"{name:<{width}}{text}", width)]
    intro = _wrap(
        "An option overrides a profile named with --profile, which overrides the environment, "
        "which overrides any other profile, which overrides the default. A token is sent to its "
        "own URL only: a profile's token to the profile's URL, a token from the environment to "
        "KABELWERK_URL if that is set. 'kabelwerk config show' prints each value and where it "
        "comes from.",
    )
    return "\n".join([*intro, "", *table])


class Topic(NamedTuple):
    """A topic that concerns more than one command."""

    summary: str
    text: Callable[[], str]


TOPICS: Mapping[str, Topic] = {
    "options": Topic("Options of every command, such as --profile", OPTIONS.rstrip),
    "batches": Topic("Options of --from, and how a batch runs", BATCHES.rstrip),
    "sync": Topic("How a sync runs, and all its options", SYNC.rstrip),
    "formats": Topic("Output formats: table, json, jsonl, csv and tsv", FORMATS.rstrip),
    "exit-codes": Topic("Exit codes, and when to rerun a command", exit_codes),
    "environment": Topic("Environment variables, and what overrides what", environment),
}


def _wrap(text: str, indent: int = 0) -> list[str]:
    import textwrap

    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)
