"""`users ensure --hub` of users who exist: an update has no hub, so it is ignored."""

import json

from tests.faultserver import FaultyServer
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import Shell

ENSURE = ("users", "ensure", "--name", "Name")
WHY = "already existed, so the hub was ignored: it is only used to create a user."


def test_one_user(shell: Shell) -> None:
    warning = f"User 'kusanagi' {WHY}"
    with FaultyServer() as server:
        run = shell.configured(server).run
        for key, more, told in (
            ("kusanagi", ("--hub", "section9"), f"Warning: {warning}\n"),
            ("kusanagi", ("--hub", "section9", "-q"), f"Warning: {warning}\n"),
            ("kusanagi", (), ""),
            ("r1", ("--hub", "section9"), ""),
            ("r1", ("--hub", "section9"), f"Warning: User 'r1' {WHY}\n"),
        ):
            ran = run(*ENSURE, "--key", key, *more)
            assert (ran.code, ran.err) == (0, told)
        ran = run(*ENSURE, "--key", "kusanagi", "--hub", "section9", "-o", "json")
        assert json.loads(ran.err) == {"note": warning}


def test_a_batch_says_once_how_many(shell: Shell) -> None:
    keys = ["old0", "old1", "old2", "new0"]
    rows = [{"key": key, "hub": "section9"} for key in keys] + [{"key": "bare0"}]
    (shell.home / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    batch = (*ENSURE, "--from", "rows.jsonl", "--restart")
    with FaultyServer(model=Model(populated(3))) as server:
        there = shell.configured(server)
        ran = there.run(*batch)
        assert ran.code == 0
        assert f"Warning: 3 users {WHY}\n" in ran.err
        notes = [json.loads(line) for line in there.run(*batch, "-o", "jsonl").err.splitlines()]
        assert notes.count({"note": f"4 users {WHY}"}) == 1
        assert len(notes) == 2
        assert there.run(*batch, "-q").err == f"Warning: 4 users {WHY}\n"
