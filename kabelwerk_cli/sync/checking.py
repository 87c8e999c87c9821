"""Makes the plan of a sync from the file and the state, and checks it."""

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

from kabelwerk_cli.backend.backends import backend_name
from kabelwerk_cli.engine.options import BatchOptions
from kabelwerk_cli.engine.run import note_hidden_rows, refuse_invalid
from kabelwerk_cli.engine.stops import NAMED, lines, listed, refuse_mistakes
from kabelwerk_cli.errors import BadFile
from kabelwerk_cli.output import visible_key
from kabelwerk_cli.reporting.reporter import Reporters
from kabelwerk_cli.rows.reader import SecondReading, SyncRowReader
from kabelwerk_cli.rows.row import Place, Row
from kabelwerk_cli.rows.table import ANY_HUB, check_hubs
from kabelwerk_cli.tabular.file import RowFile
from kabelwerk_cli.terminal.session import Session

from .actions import IN_FILE, Action
from .decisions import Delete
from .guards import Counts, nameless, suspicions
from .looks import compare_looks, keep_lookalikes, suspicious_keys
from .options import SyncOptions
from .plan import SyncMode, SyncPlan
from .state import Digests, State

Tell = Callable[[Place, str], None]
"""Is told each invalid row, and what is wrong with it."""


class Sync(NamedTuple):
    """A sync command with its settings and options."""

    command: str
    """The command's path, such as `users sync`."""
    hub: str | None
    """The hub on the command line, if any."""
    noun: str
    """`user` or `room`."""
    reader: SyncRowReader
    record: type
    """The type of the record that a row's call returns."""
    creates: bool
    """Whether unknown users are created."""
    delete: Delete | None
    """Returns the call for a deletion; None if nothing can be deleted."""
    line: tuple[str, ...]
    """The words of the command line, without the program."""
    secret: str
    """The key of the digests of a new state."""
    batch: BatchOptions
    options: SyncOptions
    session: Session

    @property
    def may_ask(self) -> bool:
        """Whether to ask for confirmation of the plan."""
        return not (self.session.console.cannot_ask or self.batch.yes)

    @property
    def scope(self) -> str:
        """The users or rooms that a state is for; empty if the file has a hub column."""
        if self.hub is not None:
            return f"in hub '{self.hub}'"
        return "of end users" if self.noun == "user" else ""

    @property
    def purpose(self) -> str:
        """The purpose of a state of this sync: its command, scope and address."""
        words = filter(None, (self.command, self.scope))
        return f"{' '.join(words)} at {backend_name(self.session.settings)}"


def make_plan(
    sync: Sync, file: RowFile, state: State | None, plan: SyncPlan, reporters: Reporters
) -> None:
    """Compare the file with the state, and report invalid rows.

    Raises:
        BadFile: the file cannot be read, is empty, or has invalid rows or a key twice.
    """
    sends = not (sync.options.adopt or sync.batch.dry_run)
    with reporters.checking(goes_on=sync.batch.skip_invalid and sends):
        _compare(sync, file, state, plan, reporters.invalid)
    if plan.bad and not sync.batch.skip_invalid:
        refuse_invalid(reporters, plan, "sync")
    _refuse_twice(sync, file, plan)


def _refuse_twice(sync: Sync, file: RowFile, plan: SyncPlan) -> None:
    twice = plan.twice()
    if not (first := list(itertools.islice(twice, NAMED))):
        return
    count = len(first) + sum(1 for _ in twice)
    names = (f"'{visible_key(key)}' {lines(numbers)}" for key, numbers in first)
    many = "1 key appears" if count == 1 else f"{count} keys appear"
    raise BadFile(
        f"{many} more than once in '{file.name}': {listed(names, count)}. Keep one row per "
        f"{sync.noun}."
    )


def _compare(sync: Sync, file: RowFile, state: State | None, plan: SyncPlan, tell: Tell) -> None:
    secret = state.about.secret if state else sync.secret
    plan.add(_parsed(sync, file, tell), Digests(secret), sync.reader.values)
    plan.keep(map(sync.reader.parse, file.hidden()), Digests(secret))
    note_hidden_rows(sync.session.console, file)
    if file.is_json and plan.rows == 0:
        raise BadFile(f"'{file.name}' is empty.")
    if file.is_json:
        sync.reader.columns.check_seen()
    hubs = plan.hubs()
    check_hubs(file, hubs)
    if state and any(hubs):
        _check_known_hubs(file, state, hubs)
    options = sync.options
    plan.compare(SyncMode(sync.creates, options.delete, options.full, options.adopt))
    if any(plan.counts[action] for action in IN_FILE):
        _validate(sync, file, plan, tell)
    compare_looks(plan)
    if not options.adopt:
        keep_lookalikes(plan)


def _check_known_hubs(file: RowFile, state: State, hubs: set[str]) -> None:
    """Refuse a hub under another name than before: what is known of its rooms would not hold."""
    for hub, known in itertools.product(hubs, state.hubs()):
        if hub != known and ANY_HUB in {hub, known}:
            raise BadFile(
                f"'{file.name}' has rows for hub '{hub}', and state '{state.path}' has rooms of "
                f"hub '{known}', which may be the same. Use one name for it, or another --state."
            )


def _parsed(sync: Sync, file: RowFile, tell: Tell) -> Iterator[Row]:
    for row in map(sync.reader.parse, file):
        if row.problem:
            tell(row.place, row.problem)
        yield row


def _validate(sync: Sync, file: RowFile, plan: SyncPlan, tell: Tell) -> None:
    """Check that each changed row is valid; unchanged rows were valid when they were sent."""
    reading = SecondReading(file)
    for place in plan.valid():
        if not place.line:
            return  # from here on, they are in no row
        row = sync.reader.read(reading.raw(place))
        if isinstance(row, Row):
            tell(place, row.problem)
            plan.refuse(place, names_nobody=row.column == "key")
        elif (flaw := sync.reader.flaw(place)) and not plan.knows(place):
            tell(place, flaw)
            plan.refuse(place, names_nobody=False)


def refuse_plan(sync: Sync, file: RowFile, state: State | None, plan: SyncPlan) -> None:
    """End the run if the plan looks like a mistake.

    Raises:
        Refused: nobody can be deleted.
        SafetyStop: it looks like a mistake that is not allowed.
    """
    suspicious = suspicious_keys(plan, Digests(state.about.secret) if state else None)
    if sync.options.adopt:
        refuse_mistakes(suspicious, sync.batch.allow)
        return
    counts = Counts(
        file=file.name,
        noun=sync.noun,
        rows=plan.rows,
        known=state.about.entries if state else 0,
        creations=plan.counts[Action.CREATE],
        updates=plan.counts[Action.UPDATE],
        deletions=plan.counts[Action.DELETE],
        guarded=bool(state and state.about.finished),
        terminated=file.is_terminated,
        nameless=plan.nameless,
    )
    if refusal := nameless(counts):
        raise refusal
    refuse_mistakes((*suspicious, *suspicions(counts, sync.options)), sync.batch.allow)
