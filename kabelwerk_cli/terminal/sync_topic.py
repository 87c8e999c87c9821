"""The text of `kabelwerk help sync`."""

SYNC = """\
kabelwerk users sync --from staff.csv --hub section9 --delete --yes

A sync makes users, or rooms, match a file: the export of the system that
knows who is there. The API cannot read, so kabelwerk remembers what the
backend last acknowledged in a state file (FILE.kabelwerk-state, or --state),
and sends only the differences: one request for a new user, one for a changed
name, one for a deletion, none for the rest.

- The first run needs --new-state, or asks. Where the state is missing later,
  the run stops: without it, nobody who left would ever be deleted. --adopt
  adds the users of the file to the state without sending anything, for users
  who exist already, or after the state was lost.
- 'users sync' has the columns key and name, and one hub (--hub; without it,
  end users). 'rooms sync' has room, perhaps hub, and some of archived,
  attributes and hub_user. An empty hub_user unassigns the room, and empty
  attributes are {}. Columns that the file does not have are left as they are.
- Users who left the file are named and kept; --delete deletes them. It only
  deletes users whom this sync created, or who were adopted.
- The plan is refused, and nothing is sent, if it would delete more users than
  --max-deletions allows (10% of those known, at least 5), or create and
  update more than --max-changes allows (50%, at least 20); if the file is
  empty, is cut in its last line, or has a key twice; or if the state belongs
  to another URL, hub or command.
- --dry-run shows the plan, one record per change, and ends with the exit code
  of these checks. It needs no token. On a terminal, the plan is shown and
  asked about; elsewhere, deletions need --yes.
- If a run fails or is killed, run the same command again. A user whose
  creation is in doubt is created or updated by the next run, but --delete
  keeps them.
- What others change on the backend is not noticed. Run with --full once a
  week: it sends every row, and recreates users who were deleted elsewhere.
- stdout gets one record per change: row, key, outcome (created, updated,
  deleted, absent, kept, failed, unknown, not attempted), error, and the
  fields of the user or room. --rejects FILE gets a copy of the rejected rows.

Every night, with the state beside the file, and every row once a week:

15 2 * * 1-6 kabelwerk users sync --from /srv/hr/staff.csv --hub section9 --delete --yes -q
15 2 * * 0 kabelwerk users sync --from /srv/hr/staff.csv --hub section9 --delete --yes --full -q

In CI, keep the state between runs, and never let two runs overlap. A cache
may restore an older state, or none, so keep it in a place that lasts, such as
a volume. It has the keys of all users in plain text, and digests of their
names: protect it like the export itself.

name: sync
on: {schedule: [{cron: "15 2 * * *"}]}
concurrency: {group: users-sync, cancel-in-progress: false}
jobs:
  sync:
    runs-on: [self-hosted]
    steps:
      - run: >
          kabelwerk users sync --from /srv/hr/staff.csv --hub section9
          --state /srv/kabelwerk/staff.state --delete --yes
        env:
          KABELWERK_URL: ${{ vars.KABELWERK_URL }}
          KABELWERK_API_TOKEN: ${{ secrets.KABELWERK_API_TOKEN }}
"""
