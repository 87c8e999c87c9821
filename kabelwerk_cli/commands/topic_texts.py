"""The texts of the help topics, section by section. Each is shown as it is written here."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Section(NamedTuple):
    """A part of a topic."""

    title: str
    """Its heading; empty for what comes first."""
    text: str


BATCHES = (
    Section(
        "",
        """\
kabelwerk users create --from users.csv

Every command that changes something can read a file and make one call per
row. To start, write a file such as users.csv:

key,name
kusanagi,Motoko
batou,Batou

'kabelwerk help mailings' explains what is special about messages.""",
    ),
    Section(
        "Input",
        """\
- The file is CSV (comma, semicolon, tab or pipe), JSON Lines, an .xlsx or .ods
  workbook, or '-' for stdin. Columns are named like the command's options;
  case does not matter. An option on the command line applies to every row. An
  empty cell in an optional column means "not given". Rows without any value
  are skipped.
- --map name=Patientenname reads the column "name" from "Patientenname".
  --ignore-columns birthday,ward ignores columns ('*': all unknown ones). Put a
  name that contains a comma in double quotes:
  --ignore-columns '"Ward, floor"'.
- --skip-lines 2 skips two lines above the header, such as a title.
- Text is read as UTF-8, or as UTF-16 or UTF-32 if its first bytes show it. Other
  files need --encoding; the error shows how a line reads in the likeliest
  encodings. In CSV, ="00123" means 00123.
- Of a workbook, the first visible sheet is read, or --sheet NAME. Hidden and
  filtered rows need --hidden-rows skip or include; hidden columns are read like
  others. Where a cell looks different in other languages, its value is used:
  numbers have no currency, no thousands separators and no trailing zeros, and
  dates are written 2026-03-01 or 2026-03-01T09:30:00. The zeros of a format like
  00000 and the sign of a percentage (50%) are kept.
- A row is invalid if a column that is used has an error such as #N/A, a formula
  that was not calculated, or a cell under merged ones; if a key is a date, TRUE
  or FALSE, or a number of more than 15 digits; or if it repeats the header.""",
    ),
    Section(
        "Checks",
        """\
- The whole file is checked before anything is sent. Identical errors are shown
  once, with a count and the first rows. If any row is invalid, nothing is
  sent, unless --skip-invalid is given.
- The file is copied first, to a temporary file in TMPDIR, /var/tmp or /tmp, so
  changing it during the run has no effect. If it changes before the first
  request, it is still being written, and nothing is sent.
- Keys that a spreadsheet has rounded (1.23457E+11) stop the run with exit code
  11; if they are right, use --allow damaged-keys. Keys that may have lost
  leading zeros, or appear more than once with different values, are reported.
- Keys with white space at an end, invisible characters, or not in the Unicode
  normal form NFC are invalid, unless --exact-key is given.
- --dry-run prints the first three requests, or all of them with -o jsonl, and
  sends nothing. --limit N sends only the first N rows, as a trial.""",
    ),
    Section(
        "Sending",
        """\
- Rows for the same user or room are sent in file order; others are sent in
  parallel (--concurrency, --rate). A row that could not be sent, or that the
  server failed to handle, holds back the later rows of its user or room until
  the next run; a row that the server rejected does not.
- Until the API has answered once, rows are sent one at a time: a wrong URL or
  token stops the run after one request.
- The run stops on 401 or 403, on an untrusted certificate, after ten server
  failures in a row, and after more than --max-failures failures. The number
  of retries is limited for the whole run. A 403 with a page that is not from
  the API, such as a firewall's, fails its row only.
- If the server limits the rate (429), the whole run waits as long as it asks
  for, and goes on more slowly. --rate N avoids that.
- On a terminal, you confirm deletions by typing their number, unless --yes is
  given.""",
    ),
    Section(
        "Resuming",
        """\
- A journal (FILE.kabelwerk-journal, or --journal) records each row by its
  content before it is sent. To resume after a crash, Ctrl-C, a full disk or a
  corrected file, run the same command again: rows that are done are skipped,
  failed rows are retried. The journal is removed when every row is done.
- Input from stdin or a pipe cannot be resumed, unless --journal names a file:
  kabelwerk users create --from - --journal users-$(date +%F) ...
- --rejects FILE writes invalid and rejected rows to FILE, with the reason in
  the column "error". Correct them and send FILE: the column is ignored, and
  the rows, now "handed over", are no longer sent from the original file. FILE
  has the format and encoding of the input; for a workbook, it is CSV.""",
    ),
    Section(
        "Output",
        """\
- stdout gets one record per row, as rows finish: row, key, outcome (created,
  updated, deleted, absent, posted; done for a row of an earlier run; failed,
  unknown, not attempted, handed over), error, and the fields of the user, room
  or message. CSV and TSV have error.type, error.message and so on as columns.
- A table shows only failures: identical errors once, with a count and the
  first 20 rows. The summary on stderr ends with what to do next. With json and
  jsonl, it is {"summary":{"rows":30,"updated":28,"failed":2}}.
- With -q, nothing is printed on success. Otherwise, stderr gets warnings, the
  failures as in a table, the summary and what to do next.
- --report FILE writes a JUnit XML report with one test case per row. In GitHub
  Actions, the first ten failures are also annotated in the file, and the
  counts are added to the step summary.
- --summary FILE records how the run ended: run, version, command, file,
  profile, url, started, ended, counts, exit_code and error as JSON, or metrics
  for Prometheus if FILE ends in .prom. --log-file has a line for the start and
  the end of the run, and one per request. After kill -9, FILE is still that of
  the run before, and the log has a start without an end: run the same command
  again, and see what is unknown with 'kabelwerk journal show'.
- The exit code is 0 if every row is done or handed over, 10 if some are not,
  and 9 if the outcome of some is unknown. A run that stops before anything is
  changed exits with the code of the error that stopped it (3, 4, 7).""",
    ),
)
MAILINGS = (
    Section(
        "",
        """\
kabelwerk messages post --user batou --from visits.csv --template @letter.txt

A message cannot be taken back, so a mailing is careful: a message is never
sent twice, unless an option asks for it. What 'kabelwerk help batches' says
holds here, too.""",
    ),
    Section(
        "Input",
        """\
- --template "Dear {{name}}, ..." fills in the columns of each row; --template
  @FILE reads the text from a file. The other columns of the file need not be
  options of the command. Values are inserted as they are.
- A row whose cell is empty is invalid, unless the placeholder has a default:
  {{name|patient}}.""",
    ),
    Section(
        "Sending",
        """\
- On a terminal, a run shows the first three messages, and you confirm by
  typing how many it will send, unless --yes is given. Without a terminal,
  --yes is required.
- A run that would post the same message to a room twice stops with exit code
  11, unless --allow duplicates is given. So does one that would post messages
  which another journal of the same folder has as posted in the last five days:
  the file may be a copy. The error says how to send only the rest; use --allow
  posted to post them again.
- A message whose outcome is unknown is reported, and not sent again. Check the
  room, then use --mark-posted=ROOM or --resend-unknown=ROOM (repeatable;
  without a room: all of them). Such a run also sends the rows that are left.""",
    ),
    Section(
        "Resuming",
        """\
- The journal of a finished mailing is kept, and running the command again is
  an error (exit code 11): use --resume to send rows that were not sent, or
  --restart to send all of them again (next week's mailing).
- A row that was changed after its message was posted is sent only with
  --send-changed.
- Input from stdin or a pipe cannot be resumed, unless --journal names a file:
  kabelwerk messages post --from - --journal mailing-$(date +%F) ...""",
    ),
)
SYNC = (
    Section(
        "",
        """\
kabelwerk users sync --from staff.csv --hub section9 --delete --yes

A sync makes users or rooms match a file, such as a nightly export. The API
cannot read data, so kabelwerk keeps what the backend last acknowledged in a
state file (FILE.kabelwerk-state, or --state), and sends only the differences:
one request for each new user, changed name or deletion, none for the rest.""",
    ),
    Section(
        "Input",
        """\
- 'users sync' reads the columns key and name. With --hub, it syncs the users
  of that hub, otherwise end users. 'rooms sync' reads room, optionally hub,
  and any of archived, attributes and hub_user. An empty hub_user unassigns the
  room; empty attributes mean {}. What has no column is left unchanged.
- Files are read as 'kabelwerk help batches' explains.
- The first run needs --new-state; on a terminal, it asks instead. If the state
  is missing later, the run stops: without it, users who left would never be
  deleted. If the users exist already, or the state was lost, use --adopt: it
  adds the users in the file to the state and sends nothing.""",
    ),
    Section(
        "Checks",
        """\
- The run stops, and nothing is sent, if the file is empty or has a key twice,
  or if the state belongs to another URL, hub or command.
- It also stops, with exit code 11, if the plan looks like a mistake: if it
  would delete more users than --max-deletions allows (10% of known users, at
  least 5), or create and update more than --max-changes allows (50%, at least
  20); if, with --delete, the last line has no line break (--allow
  unterminated); if a new key looks like one that left, as R1 and r1, 123 and
  00123, or 4.91701E+11 and 491701234567 (--allow lookalikes); or if other new
  keys look as if a spreadsheet had changed them (--allow damaged-keys). Both
  kinds of keys stop --adopt, too.
- A key that left is kept as long as a key in the file looks like it. To delete
  such a user, use 'kabelwerk users delete'.
- --dry-run shows the plan, one record per change, and exits with the code of
  these checks. It needs no token. On a terminal, a run shows the plan and asks
  for confirmation; otherwise, deletions need --yes.""",
    ),
    Section(
        "Sending",
        """\
- Users who are no longer in the file are listed and kept. --delete deletes
  them, but only those that this sync created or adopted.
- Changes made elsewhere are not noticed. Once a week, run with --full: it
  sends every row, and recreates users who were deleted elsewhere.""",
    ),
    Section(
        "Resuming",
        """\
- If a run fails or is killed, run the same command again. If it is unknown
  whether a user was created, the next run creates or updates the user, but
  --delete keeps them.
- In CI, keep the state between runs, even if they fail, and never let two runs
  overlap. A persistent volume is safer than a cache: with a lost state, the
  run stops, and with an older one, users created since then are never deleted.
- The state contains the keys of all users in plain text and digests of their
  names, so protect it like the export itself.""",
    ),
    Section(
        "Output",
        """\
- stdout gets one record per change: row, key, outcome (created, updated,
  deleted, absent, kept, failed, unknown, not attempted), error, and the
  fields of the user or room.
- --rejects FILE writes a copy of invalid and rejected rows, with the reasons.""",
    ),
    Section(
        "Examples",
        """\
A crontab that syncs every night, and sends every row once a week:

15 2 * * 1-6 kabelwerk users sync --from /srv/hr/staff.csv --hub section9 --delete --yes -q
15 2 * * 0 kabelwerk users sync --from /srv/hr/staff.csv --hub section9 --delete --yes --full -q

docs/recipes.md has complete workflows.""",
    ),
)
CRON = (
    "0 * * * * kabelwerk users ensure --key kusanagi --name Motoko -q"
    " || { [ $? -eq 7 ] && sleep 60 && kabelwerk users ensure --key kusanagi --name Motoko -q; }"
)
"""A crontab has no lines that go on in the next."""
EXIT_CODES = (
    Section(
        "Rerunning",
        """\
After 3, 4 or 7, a script can rerun the command once the cause is fixed:
nothing was changed. After 2, 5 or 6, nothing was changed either, but the same
input fails again. After 8 or 9, the change may have been applied. Rerunning a
'users' or 'rooms' command is safe: nothing is done twice. If the change was
applied, 'users create' then ends with 6, and 'users delete' with 5. Before
rerunning 'messages post', check the room, or the message may be posted twice;
with --from and a journal, a message whose outcome is unknown is not sent again.
After 10, the error says what to do next. After 11, nothing was changed: check
the input, and use the option that the error names only if the input is right.
With -o json, the error on stderr has this information in "applied" and
"safe_to_rerun", and the name of a safety stop in "stop". By then, kabelwerk
has already retried what is safe to retry (see --retries).

An hourly crontab entry that tries once more if the server is unreachable:

"""
        + CRON,
    ),
)
OPTIONS = (
    Section(
        "",
        """\
Every command accepts these options, before and after the subcommand:

kabelwerk --profile staging users delete --key kusanagi
kabelwerk users delete --key kusanagi --profile staging

Most of them can also be set by an environment variable, as in KABELWERK_URL,
or in a profile (url = "..."); an option overrides both. 'kabelwerk config
show' prints the value of each and where it comes from.

No option takes the API token itself, because other users of the machine can
see command lines. Use 'kabelwerk login', KABELWERK_API_TOKEN or --token-file.""",
    ),
)
FORMATS = (
    Section(
        "",
        """\
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
JSON, and quoted in CSV. TSV is left as it is: do not print it to the log.""",
    ),
    Section(
        "Errors",
        """\
With json and jsonl, an error is one line of JSON on stderr:
{"error":{"type","message","status","fields","applied","safe_to_rerun",
"attempts","request_id","exit_code","stop"}}.""",
    ),
)
TEXTS: Mapping[str, Sequence[Section]] = {
    "options": OPTIONS,
    "batches": BATCHES,
    "mailings": MAILINGS,
    "sync": SYNC,
    "formats": FORMATS,
    "exit-codes": EXIT_CODES,
}
