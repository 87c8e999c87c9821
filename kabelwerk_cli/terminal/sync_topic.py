"""The text of `kabelwerk help sync`."""

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
