"""The rows that a run would send if nothing failed, in a table beside the plan."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from kabelwerk_cli.engine.options import ALL, BatchOptions
from kabelwerk_cli.journal.fate import DOUBTFUL, SENT, SKIPPED

from .plan import FIRST, Plan

_DOUBTFUL, _SKIPPED, _OWN = (
    ", ".join(f"'{fate}'" for fate in sorted(f)) for f in (DOUBTFUL, SKIPPED, SENT | SKIPPED)
)
_SCHEMA = (
    "DROP TABLE IF EXISTS pending",
    "DROP TABLE IF EXISTS posted",
    "CREATE TABLE pending (id BLOB PRIMARY KEY, number INTEGER, later INTEGER) WITHOUT ROWID",
    "CREATE TABLE posted (number INTEGER PRIMARY KEY)",
)
# the same rows for which `Tasks` makes a task
_FIND = f"""
INSERT INTO pending
SELECT CAST(digest || to_bytes(before, {len(FIRST)}) AS BLOB), number,
    row_number() OVER (ORDER BY number) > ?
FROM rows
WHERE NOT bad AND NOT closed AND ifnull(fate, '') NOT IN ({_SKIPPED})
AND (ifnull(fate, '') NOT IN ({_DOUBTFUL}) OR %s)
AND (fate IS NOT NULL OR ? OR target NOT IN (SELECT target FROM stale))
"""  # noqa: S608
_DUPLICATES = """
SELECT min(key), group_concat(line) FROM (
    SELECT key, line, digest, number FROM rows JOIN pending USING (number)
    WHERE shared AND NOT later ORDER BY number
) GROUP BY digest HAVING count(*) > 1 ORDER BY min(number)
"""
_COUNT = "SELECT count(*) FROM "
_POSTED = "pending JOIN posted USING (number) WHERE NOT later"
_LINES = f"SELECT line FROM rows JOIN (SELECT number FROM {_POSTED}) USING (number)"  # noqa: S608
EVERY = 2**62
"""No limit, in SQL."""


class Pending:
    """The messages that a run would send if nothing failed, and those that `--limit` leaves.

    Args:
        plan: the rows, compared with the journal.
        options: what to do about rows whose outcome is unknown, or that were changed; and how many
            rows are sent.
    """

    def __init__(self, plan: Plan, options: BatchOptions) -> None:
        self._plan = plan
        for statement in _SCHEMA:
            self._plan.execute(statement)
        again, values = _resent(options)
        limit = EVERY if options.limit is None else options.limit
        self._plan.execute(_FIND % again, limit, *values, options.send_changed)
        self.count = self._counted("pending")

    def duplicates(self) -> Iterator[tuple[str, Sequence[int]]]:
        """Yield the key and the lines of rows that post the same message to the same room."""
        for key, lines in self._plan.select(_DUPLICATES):
            yield key, [int(line) for line in lines.split(",")]

    def ids(self) -> Iterator[bytes]:
        """Yield the ID of each row in a journal."""
        return (row_id for (row_id,) in self._plan.select("SELECT id FROM pending"))

    def numbers_of(self, ids: Collection[bytes]) -> Sequence[int]:
        """Return the numbers of those of some rows, about 500, that are pending."""
        places = ", ".join("?" * len(ids))
        query = f"SELECT number FROM pending WHERE id IN ({places})"  # noqa: S608
        return [number for (number,) in self._plan.select(query, *ids)]

    def note_posted(self, numbers: Iterable[int]) -> None:
        """Note that rows were posted before."""
        for number in numbers:
            self._plan.execute("INSERT OR IGNORE INTO posted VALUES (?)", number)

    @property
    def posted(self) -> int:
        """How many messages that this run would send were posted before."""
        return self._counted(_POSTED)

    def lines_posted(self, most: int) -> Sequence[int]:
        """Return the lines of the first of them."""
        query = _LINES + " ORDER BY number LIMIT ?"
        return [line for (line,) in self._plan.select(query, most)]

    def are_all_in(self, found: int) -> bool:
        """Tell whether another journal has whatever was posted of the file.

        Args:
            found: how many of the rows it has.
        """
        own = f"SELECT 1 FROM rows WHERE fate IN ({_OWN}) LIMIT 1"  # noqa: S608
        return found == self._counted("posted") and not list(self._plan.select(own))

    def _counted(self, table: str) -> int:
        ((count,),) = self._plan.select(_COUNT + table)
        return int(count)


def _resent(options: BatchOptions) -> tuple[str, tuple[str, ...]]:
    """Return which rows of unknown outcome are sent again, in SQL, and its values."""
    again, again_rooms = _matching(options.resend_unknown)
    marked, marked_rooms = _matching(options.mark_posted)
    return f"({again} AND NOT {marked})", (*again_rooms, *marked_rooms)


def _matching(rooms: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    if ALL in rooms:
        return "1", ()
    return f"key IN ({', '.join('?' * len(rooms))})", rooms
