"""The journal: whose it is, damage, disks that are full, and what an edited file means."""

import contextlib
import json
import queue
import resource
import sqlite3
import time
from pathlib import Path

import pytest

from kabelwerk_cli.errors import JournalError
from kabelwerk_cli.journal.entry import Entry
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.file import Kind, check_kind, connect, side_file
from kabelwerk_cli.journal.journal import Journal
from tests.batch.story import outcomes_of
from tests.faultserver import FAULTS, HANG, HONEST, FaultyServer, Step, invalid
from tests.model.state import seeded
from tests.shell import TOKEN, Shell

NO = invalid("no", {"key": ["is invalid"]})
CREATE = ("users", "create", "--from", "rows.csv")


def entry(number: int, state: Fate = Fate.DONE) -> Entry:
    return Entry(
        number.to_bytes(20, "big"), state, f"user-{number}", request_id=f"request-{number}"
    )


def filled(path: Path, count: int = 60) -> bytes:
    with Journal(path, "purpose") as journal:
        for number in range(count):
            intent = entry(number, Fate.IN_FLIGHT)
            for now, before in ((intent, None), (entry(number), intent)):
                on_disk = queue.SimpleQueue()
                journal.write(now, before, on_disk.put)
                assert on_disk.get(timeout=20) is None
    return path.read_bytes()


def known(path: Path, count: int) -> list[Entry | None]:
    with Journal(path, "purpose") as journal:
        ids = [entry(number).id for number in range(count)]
        found = journal.find(ids)
        return [found.get(known) for known in ids]


def test_what_was_written_is_found_again(tmp_path: Path) -> None:
    filled(tmp_path / "j", 10)
    assert (tmp_path / "j").stat().st_mode & 0o777 == 0o600
    assert known(tmp_path / "j", 11) == [*(entry(number) for number in range(10)), None]


def test_one_process_and_one_purpose_at_a_time(tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "j", "purpose"),
        pytest.raises(JournalError, match="in use by another process"),
    ):
        Journal(tmp_path / "j", "purpose")
    filled(tmp_path / "j", 3)
    with Journal(tmp_path / "j", "another") as journal:
        assert (journal.about.purpose, journal.about.entries) == ("purpose", 3)
        journal.clear("another")
    with Journal(tmp_path / "j", "purpose") as journal:
        assert (journal.about.purpose, journal.about.entries) == ("another", 0)
    journal.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_went_before_it_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite creates a missing file, and an empty one is no journal."""
    path = tmp_path / "j"
    filled(path, 3)

    def check_as_it_goes(name: Path, kind: Kind) -> None:
        monkeypatch.undo()
        check_kind(name, kind)
        path.unlink()

    monkeypatch.setattr("kabelwerk_cli.journal.storage.check_kind", check_as_it_goes)
    with Journal(path, "purpose") as journal:
        assert journal.about.entries == 0
        journal.commit([(entry(7), None)])
    assert known(path, 8)[7] == entry(7)


@pytest.mark.parametrize("replaced", [True, False])
def test_a_journal_that_went_while_it_was_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, replaced: bool
) -> None:
    """A run that ended removed it, and another one may have made a new one."""
    path = tmp_path / "j"
    filled(path, 3)

    def connect_as_it_goes(name: Path) -> sqlite3.Connection:
        monkeypatch.undo()
        opened = connect(name)
        path.unlink()
        if replaced:
            filled(path, 1)
        return opened

    monkeypatch.setattr("kabelwerk_cli.journal.storage.connect", connect_as_it_goes)
    with Journal(path, "purpose") as journal:
        assert journal.about.entries == (1 if replaced else 0)
        journal.commit([(entry(7), None)])
    assert known(path, 8)[7] == entry(7)


def test_a_journal_that_cannot_be_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite leaves its own journal where the disk is too full to roll back."""

    def fail(path: Path, _: str) -> sqlite3.Connection:
        side_file(path).write_bytes(b"")
        raise sqlite3.OperationalError("disk is full")

    monkeypatch.setattr("kabelwerk_cli.journal.storage.connect", fail)
    with pytest.raises(JournalError, match="disk is full"):
        Journal(tmp_path / "j", "purpose")
    assert list(tmp_path.iterdir()) == []


def test_a_cut_at_any_byte_is_noticed(tmp_path: Path) -> None:
    whole = filled(tmp_path / "j")
    sizes = {0, 1, 100, *range(len(whole) - 4200, len(whole), 13)}
    for size in sorted(sizes):
        (tmp_path / "j").write_bytes(whole[:size])
        with pytest.raises(JournalError, match="cannot be used"):
            Journal(tmp_path / "j", "purpose")


def test_a_flipped_bit_never_changes_what_is_known(tmp_path: Path) -> None:
    """A bit of no meaning may go unnoticed; then all that is known is as it was."""
    count = 60
    whole = filled(tmp_path / "j", count)
    before = known(tmp_path / "j", count)
    noticed = 0
    for place in range(0, len(whole), 29):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        (tmp_path / "j").write_bytes(damaged)
        try:
            assert known(tmp_path / "j", count) == before, place
        except JournalError:
            noticed += 1
    assert noticed > 100


def test_damage_is_exit_3_and_nothing_is_sent(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("key,name\na,A\nb,B\n")
    with FaultyServer([Step(HONEST, times=1), Step(NO, times=1)]) as server:
        run = shell.configured(server).run
        assert run(*CREATE, "--concurrency", "1").code == 10
        journal = shell.home / "rows.csv.kabelwerk-journal"
        journal.write_bytes(journal.read_bytes()[:-1000])
        before, damaged = len(server.requests), journal.read_bytes()
        for options in ((), ("--restart",)):
            ran = run(*CREATE, *options)
            assert ran.code == 3
            assert f"Move '{journal.name}' away" in ran.err
            assert journal.read_bytes() == damaged
        assert len(server.requests) == before
        journal.rename(shell.home / "away")
        assert run(*CREATE).code == 10  # a is there already
        assert "b" in server.model.users


def test_what_is_said_of_a_damaged_mailing_posts_nothing_twice(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("room,text\nkusanagi,Hello\n")
    journal = shell.home / "rows.csv.kabelwerk-journal"
    journal.write_bytes(b"")
    with FaultyServer() as server:
        post = ("messages", "post", "--user", "batou", "--from", "rows.csv", "--yes")
        ran = shell.configured(server).run(*post)
        assert (ran.code, server.requests) == (3, [])
    assert "from a backup made after its last run (an older one posts messages twice)" in ran.err
    assert "Do not move the journal away" in ran.err


def test_neither_token_nor_text_is_in_it(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("room,user,text\nkusanagi,batou,very private\n")
    with FaultyServer([Step(FAULTS["reset-after-reading"])]) as server:
        ran = shell.configured(server).run("messages", "post", "--yes", "--from", "rows.csv")
    assert ran.code == 9
    content = (shell.home / "rows.csv.kabelwerk-journal").read_bytes()
    assert TOKEN.encode() not in content
    assert b"private" not in content
    assert b"kusanagi" in content


def test_another_command_is_exit_2(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("key,name\na,A\nb,B\n")
    with FaultyServer([Step(NO, times=1)]) as server:
        run = shell.configured(server).run
        assert run(*CREATE, "--concurrency", "1").code == 10
        ran = run("users", "ensure", "--from", "rows.csv")
        assert ran.code == 2
        assert "another batch" in ran.err


def test_an_edited_and_reordered_file_goes_on(shell: Shell) -> None:
    rows = [f"u{n},x\n" for n in range(20)]
    (shell.home / "rows.csv").write_text("key,name\n" + "".join(rows) + "bad,x\n")
    with FaultyServer([Step(NO, path="/api/users", times=1)]) as server:
        run = shell.configured(server).run
        assert run(*CREATE, "--concurrency", "1").code == 10
        assert len(server.requests) == 21
        (shell.home / "rows.csv").write_text("key,name\n" + "good,x\n" + "".join(reversed(rows)))
        ran = run(*CREATE, "-o", "jsonl")
        assert ran.code == 0
        assert len(server.requests) == 21 + 2  # the one that was rejected, and the new one
        assert len(ran.out.splitlines()) == 21


def test_the_order_of_options_makes_no_other_row(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("text\none\ntwo\nthree\n")
    hello, there = ["--user", "batou"], ["--room", "kusanagi"]
    batch = ("--from", "rows.csv", "--concurrency", "1")
    with FaultyServer([Step(HONEST, times=2), Step(NO, times=1)]) as server:
        run = shell.configured(server).run
        assert run("messages", "post", "--yes", *hello, *there, *batch).code == 10
        again = run("messages", "post", "--yes", *batch, *there, *hello, "--hub", "_", "--resume")
        assert again.code == 0
        assert [message.text for message in server.model.messages] == ["one", "two", "three"]


KNOWN_AS = {
    "users create": ('{"key": "kusanagi", "name": "Motoko"}', "997C59132FF3AECBEC6C04A2819860C4"),
    "users update": ('{"name": "Motoko", "key": "kusanagi"}', "997C59132FF3AECBEC6C04A2819860C4"),
    "users ensure": (
        '{"key": "jürgen-日本", "name": "J", "hub": "section9"}',
        "FC4F03EAE2A5446C2991E37FF927D3D0",
    ),
    "users delete": ('{"key": "kusanagi"}', "0DA2819EB5983A17A6215ADA86E6D2E1"),
    "rooms update": (
        '{"room": "kusanagi", "attributes": {"b": 1.5, "a": null}}',
        "04CC06C4142F09BC23E83AF7621AAE67",
    ),
    "messages post": (
        '{"room": "kusanagi", "user": "batou", "text": "a\\u2028😀"}',
        "4329FE7829CE3A583820E36621654878",
    ),
}


@pytest.mark.parametrize("command", KNOWN_AS)
def test_a_later_version_knows_the_rows_again(shell: Shell, command: str) -> None:
    row, digest = KNOWN_AS[command]
    (shell.home / "rows.jsonl").write_text(row)
    with FaultyServer([Step(NO)]) as server:
        ran = shell.configured(server).run(*command.split(), "--from", "rows.jsonl", "--yes")
    assert ran.code == 10
    with contextlib.closing(
        sqlite3.connect(shell.home / "rows.jsonl.kabelwerk-journal")
    ) as journal:
        assert journal.execute("SELECT hex(id) FROM entries").fetchall() == [(digest + "00000000",)]


def test_identical_rows_count_apart(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("text\n" + "same\n" * 5)
    post = (
        "messages",
        "post",
        "--yes",
        "--room",
        "kusanagi",
        "--user",
        "batou",
        "--from",
        "rows.csv",
    )
    with FaultyServer([Step(HONEST, times=2), Step(FAULTS["status-429"], times=1)]) as server:
        run = shell.configured(server).run
        stopped = run(*post, "--retries", "0", "-o", "json")
        assert (stopped.code, server.requests) == (11, [])
        assert (
            "1 message would be posted more than once: room 'kusanagi' (lines 2, 3,"
            in (json.loads(stopped.err.splitlines()[-1])["error"]["message"])
        )
        allowed = (*post, "--retries", "0", "--allow", "duplicates")
        assert run(*allowed).code == 10
        assert run(*allowed).code == 0
        assert [m.text for m in server.model.messages] == ["same"] * 5


def test_a_second_process_is_turned_away(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("key,name\na,A\n")
    with FaultyServer([Step(HANG, times=1)]) as server:
        there = shell.configured(server)
        first = there.start(*CREATE)
        while not server.requests:
            assert first.poll() is None
            time.sleep(0.01)
        ran = there.run(*CREATE)
        first.kill()
        first.communicate(timeout=60)
    assert ran.code == 3
    assert "in use by another process" in ran.err


@pytest.mark.parametrize("room", [10_000, 16_000, 30_000, 60_000])
def test_a_disk_that_is_full_sends_no_row_without_an_intent(shell: Shell, room: int) -> None:
    rows = "".join(f"user-{n:04},Name\n" for n in range(600))
    (shell.home / "rows.csv").write_text(f"key,name\n{rows}")
    with FaultyServer() as server:
        there = shell.configured(server)
        process = there.launch(
            *CREATE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        )
        _, err = process.communicate(timeout=60)
        assert process.returncode in {3, 10}, err
        assert b"journal" in err
        sent = {request.json["key"] for request in server.requests}
        assert len(sent) < 600
        journal = shell.home / "rows.csv.kabelwerk-journal"
        if sent:
            with sqlite3.connect(journal) as db:
                kept = {key for (key,) in db.execute("SELECT key FROM entries")}
            db.close()
            assert sent <= kept
        # with room on the disk the rest is done; of a row whose result could not be written,
        # nobody knows whose request made the user, and it is said so
        again = there.run(*CREATE, "-o", "jsonl")
        assert again.code in {0, 9}
        outcomes = [json.loads(line)["outcome"] for line in again.out.splitlines()]
        assert len(outcomes) == 600
        assert set(outcomes) <= {"created", "done", "unknown"}
        assert outcomes.count("unknown") <= 8 + 16  # in flight, and waiting for a worker
        assert len(server.model.users) == 600 + len(seeded().users)


def test_a_folder_that_cannot_be_written(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("key,name\na,A\n")
    (shell.home / "link").symlink_to("nowhere")
    with FaultyServer() as server:
        for path in ("/proc/journal", "no-folder/journal", "link"):
            ran = shell.configured(server).run(*CREATE, "--journal", path)
            assert (ran.code, f"Cannot open journal '{path}': " in ran.err) == (3, True), ran.err
            assert (
                "Check that its folder exists and can be written, or use --journal FILE" in ran.err
            )
        assert server.attempts == []


def test_a_name_that_cannot_be_one(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("key,name\na,A\n")
    with FaultyServer() as server:
        run = shell.configured(server).run
        assert run(*CREATE, "--journal", "x" * 300).code == 3
        assert run(*CREATE, "--rejects", "x" * 300).code == 2
        assert server.attempts == []


def test_standard_input_says_that_it_cannot_be_gone_on_with(shell: Shell) -> None:
    with FaultyServer() as server:
        ran = shell.configured(server).run(
            "users", "create", "--from", "-", stdin=b"key,name\na,A\n"
        )
        assert "a" in server.model.users
    assert ran.code == 0
    assert "--journal" in ran.err


def test_a_stream_under_a_name(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("key,name\na,A\nb,B\n")
    batch = ("users", "ensure", "-o", "jsonl", "--from")
    with FaultyServer() as server, (shell.home / "rows.csv").open("rb") as rows:
        there = shell.configured(server)
        pipe = there.run(*batch, "/dev/stdin", stdin=rows.read())
        rows.seek(0)
        with there.start(*batch, "/dev/stdin", stdin=rows) as process:
            redirected = process.communicate(timeout=60)[0].decode()
        for out in (pipe.out, redirected):
            assert set(outcomes_of(out).values()) == {"done"}
    assert "cannot be resumed" in pipe.err
    assert [path.name for path in shell.home.iterdir()] == ["rows.csv"]


def test_quiet_success_prints_nothing(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("key,name\na,A\n")
    with FaultyServer() as server:
        assert shell.configured(server).run(*CREATE, "-q", "-o", "json") == (0, "", "")
        (shell.home / "rows.csv").write_text("key,name\na,A\n")
        again = shell.configured(server).run(*CREATE, "-q", "-o", "json")
    assert again.code == 10
    assert json.loads(again.err.splitlines()[-1])["error"]["exit_code"] == 10


def test_commits_reach_the_disk_on_macos_too(tmp_path: Path) -> None:
    filled(tmp_path / "j", 1)
    with contextlib.closing(connect(tmp_path / "j")) as db:
        assert db.execute("PRAGMA fullfsync").fetchone() == (1,)
