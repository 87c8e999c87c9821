"""Shows what a run would send, for `--dry-run` and before a confirmation."""

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kabelwerk_cli.backend.backends import backend_and_profile
from kabelwerk_cli.backend.dry_run import show_previews
from kabelwerk_cli.engine.task import Task
from kabelwerk_cli.output import Format
from kabelwerk_cli.terminal.confirm import check_protection, confirm, is_protected
from kabelwerk_cli.words import capitalized, count_of

from .decisions import Tasks

if TYPE_CHECKING:
    from .batch import Batch


SHOWN = 3
"""How many requests a dry run shows in a table, and how many messages a confirmation."""
LONGEST_TEXT = 200
"""The longest part of a message that a confirmation shows, in characters."""


def preview(batch: "Batch", tasks: Tasks, rows: int) -> None:
    """Print the requests that a run would send: all of them as JSON, otherwise the first.

    Args:
        batch: the batch.
        tasks: the rows that would be sent.
        rows: how many rows the file has.
    """
    shown: Iterable[Task] = _pending(batch, tasks)
    if batch.output not in {Format.JSON, Format.JSONL}:
        first, number = _survey(batch, tasks)
        more = f" The first {len(first)}:" if number > len(first) else ""
        batch.session.console.note(f"{number} of {count_of(rows, 'row')} would be sent.{more}")
        if not first:
            return
        shown = first
    show_previews(batch.session, (task.call for task in shown))


def ask(batch: "Batch", tasks: Tasks) -> bool:
    """Ask for confirmation, if what is going to be sent needs one.

    Messages and deletions are confirmed by their number; an import only in a protected profile.

    Returns:
        Whether somebody was asked, which may have taken a while.

    Raises:
        Cancelled: it was not confirmed.
    """
    session = batch.session
    check_protection(session, yes=batch.options.yes)
    imports = batch.repeatable and not batch.destructive
    if batch.options.yes or (imports and not is_protected(session)):
        return False
    first, number = _survey(batch, tasks)
    if not number:
        return False
    if imports:
        what, answer = f"Send {count_of(number, 'row')} with '{batch.name}'", "y"
        details = [capitalized(task.call.subject) for task in first]
    elif batch.destructive:
        what, answer, details = f"Delete {count_of(number, 'user')}", str(number), []
    else:
        what, answer = f"Post {count_of(number, 'message')}", str(number)
        details = [_message(task) for task in first]
    if details and number > len(first):
        details.append(f"... and {number - len(first)} more")
    question = f"{what} at {backend_and_profile(session.settings)}?"
    confirm(session, question, yes=False, answer=answer, details=details)
    return True


def _pending(batch: "Batch", tasks: Tasks) -> Iterator[Task]:
    """Yield the rows that a run sends if nothing fails."""
    pending = (task for task in tasks if isinstance(task, Task))
    return itertools.islice(pending, batch.options.limit)


def _survey(batch: "Batch", tasks: Tasks) -> tuple[list[Task], int]:
    """Return the first rows that a run sends, and how many it sends in all."""
    first = list(itertools.islice(_pending(batch, tasks), SHOWN))
    number, limit = tasks.count(), batch.options.limit
    return first, number if limit is None else min(number, limit)


def _message(task: Task) -> str:
    body = task.call.body or {}
    text = str(body.get("text", ""))
    cut = f"{text[:LONGEST_TEXT]}..." if len(text) > LONGEST_TEXT else text
    return f"To {task.call.key} from {body.get('user', '')}: {cut}"
