"""Equal errors are shown once, whatever of a row its text repeats."""

import tracemalloc

import pytest

from kabelwerk_cli.reporting.grouping import MOST_CAUSES, MOST_ROWS, Case, Causes, Rest

MANY = 500


def grouped(texts: dict[str, str], **more: str) -> Causes:
    """The errors of rows by their keys."""
    causes = Causes()
    for number, (key, text) in enumerate(texts.items(), start=1):
        causes.add(Case(number, number + 1, key, "failed", text, own=(key, *more.values())))
    return causes


KEYS = [f"u{n}" for n in range(MANY)]
NUMBERS = [str(n) for n in range(MANY)]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SAME = {
    "a key in quotes": ({key: f"There is no user '{key}'." for key in KEYS}, "user '…'."),
    "a bare key": ({key: f"{key} is not a user." for key in KEYS}, "… is not a user."),
    "a key with punctuation": (
        {f"{key}@x.example": f"Who is {key}@x.example?" for key in KEYS},
        "Who is …?",
    ),
    "a key twice": ({key: f"'{key}': no {key} in {key}." for key in KEYS}, "'…': no … in …."),
    "keys that are words of the text": (
        {key: f"There is a user '{key}'." for key in LETTERS},
        "There is a user '…'.",
    ),
    "keys that are numbers of the text": (
        {key: f"User '{key}': 400 Bad Request." for key in NUMBERS},
        "User '…': 400 Bad Request.",
    ),
    "bare numbers": ({key: f"User {key} is gone." for key in NUMBERS}, "User … is gone."),
    "one text": (dict.fromkeys(KEYS, "It is full."), "It is full."),
    "keys with signs of regular expressions": (
        {f"({key}.*": f"No '({key}.*'." for key in KEYS},
        "No '…'.",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_errors_that_differ_in_what_is_the_rows_own_are_one(name: str) -> None:
    texts, shown = SAME[name]
    (group,) = grouped(texts)
    assert group.count == len(texts)
    assert group.text.endswith(shown)
    first, *rows = group.lines()
    assert first.startswith(f"{len(texts)} rows failed: ")
    assert rows == [
        f"  line {place + 2} (row {place + 1}): {key}"
        for place, key in enumerate([*texts][:MOST_ROWS])
    ]


def test_other_errors_are_not_one() -> None:
    causes = grouped({"a": "No 'a'.", "b": "No 'b'.", "c": "Full.", "d": "No 'x'."})
    assert [(group.count, group.text) for group in causes] == [
        (2, "No '…'."),
        (1, "Full."),
        (1, "No 'x'."),
    ]
    assert [*causes.lines("")] == [
        "2 rows failed: No '…'.",
        "  line 2 (row 1): a",
        "  line 3 (row 2): b",
        "Line 4 (row 3): Full.",
        "Line 5 (row 4): No 'x'.",
    ]


def test_kinds_and_outcomes_are_told_apart_the_worst_first() -> None:
    causes = Causes()
    for outcome, kind in (("not attempted", ""), ("failed", "a"), ("failed", "b"), ("unknown", "")):
        causes.add(Case(1, 2, "", outcome, "Why.", kind))
    assert [group.outcome for group in causes] == ["unknown", "failed", "failed", "not attempted"]


def test_the_first_rows_are_listed_in_whatever_order_they_come() -> None:
    causes = Causes()
    for number in range(MANY, 0, -1):
        causes.add(Case(number, number + 1, f"u{number}", "failed", "Why."))
    (group,) = causes
    assert [case.number for case in group.first] == [*range(1, MOST_ROWS + 1)]
    assert [*causes.lines("see -o jsonl")][-1] == f"  and {MANY - MOST_ROWS} more; see -o jsonl"


def test_memory_is_flat_however_many_causes_there_are() -> None:
    causes = Causes()
    tracemalloc.start()
    for number in range(20_000):
        causes.add(Case(number, number, "", "failed", f"{'x' * 3000} {number:05} {'y' * 3000}"))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    *groups, rest = causes
    assert (len(groups), type(rest)) == (MOST_CAUSES, Rest)
    assert sum(group.count for group in (*groups, rest)) == 20_000
    assert held < 2_000_000
    heading, *rows = rest.lines()
    assert heading == f"{20_000 - MOST_CAUSES} rows with other errors:"
    assert len(rows) == MOST_ROWS
    assert all("xxx…yyy" in row for row in rows)
