"""What a sync does, told as stories: the file, the run, and what is on the backend afterwards."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.batch.story import busy, down, lost, well
from tests.faultserver import FAULTS, Step, invalid
from tests.model.model import Model
from tests.model.state import Room, State, seeded
from tests.shell import Shell

from .story import FILE, ROOMS, STATE, Do, gone, rows, tell, there

DELETE = "--delete --yes"
NEW = "--new-state"
CORRECT = "Correct the invalid rows, then run the same command again."


def too_long() -> Step:
    """Reject one request."""
    return Step(invalid("no", {"name": ["is too long"]}), times=1)


def test_only_the_differences_are_sent(shell: Shell) -> None:
    tell(
        shell,
        [
            Do("u1:A u2:B", NEW, requests="POST u1, POST u2", told="u1=created u2=created"),
            Do(requests="", told="", says='"unchanged":2'),
            Do("u2:B u1:A", requests="", told=""),
            Do("u1:A u2:C u3:D", requests="PATCH u2, POST u3", told="u2=updated u3=created"),
            Do("u1:A u3:D", DELETE, requests="DELETE u2", told="u2=deleted", users="u1:A u3:D"),
            Do(
                "u1:A",
                told="u3=kept",
                requests="",
                says="1 user is no longer in the file and was kept",
            ),
            Do("u1:A", requests="", told="u3=kept", users="u1:A u3:D"),
            Do("u1:A", DELETE, requests="DELETE u3", told="u3=deleted", users="u1:A"),
            Do("u1:A", DELETE, requests="", told=""),
        ],
    )


def test_a_state_is_private_and_holds_no_values(shell: Shell) -> None:
    tell(shell, [Do("u1:Motoko-Kusanagi", NEW)])
    state = shell.home / STATE
    assert state.stat().st_mode & 0o777 == 0o600
    assert b"u1" in state.read_bytes()
    assert b"Motoko" not in state.read_bytes()


def test_others_change_the_backend(shell: Shell) -> None:
    tell(
        shell,
        [
            Do(
                "u1:A u2:B u3:C",
                NEW,
                before=there("u3"),
                requests="POST u1, POST u2, POST u3, PATCH u3",
                told="u1=created u2=created u3=updated",
                says="1 user was found to exist and updated: 'u3'",
            ),
            # whom it found, it does not delete
            Do(
                "u1:A u2:B",
                DELETE,
                requests="",
                told="u3=kept",
                says="kept (not created by this sync): 'u3'",
            ),
            Do(
                "u1:A u2:X u3:C",
                before=gone("u2"),
                requests="PATCH u2, POST u2",
                told="u2=created",
                says="1 user no longer existed and was created again: 'u2'",
            ),
            Do("u2:X u3:C", DELETE, before=gone("u1"), requests="DELETE u1", told="u1=absent"),
            # what others changed is not noticed, until --full sends every row
            Do(before=gone("u2"), requests="", told="", users="u3:C"),
            Do(
                options="--full",
                requests="PATCH u2, POST u2, PATCH u3",
                told="u2=created u3=updated",
                users="u2:X u3:C",
            ),
            # who was created again is one that it may delete
            Do("u3:C", DELETE, requests="DELETE u2", users="u3:C"),
        ],
    )


def test_adoption(shell: Shell) -> None:
    tell(
        shell,
        [
            Do("u1:A u2:B", "--adopt --dry-run", told="u1=adopt u2=adopt", requests=""),
            Do(
                "u1:A u2:B",
                "--adopt",
                requests="",
                told="",
                says='{"rows":2,"adopted":2}',
                before=there("u1", "u2"),
            ),
            Do("u1:A", DELETE, requests="DELETE u2", users="u1:Theirs"),
            Do("u1:A u3:C", before=there("u3"), requests="POST u3, PATCH u3"),
            Do("u1:A", DELETE, requests="", told="u3=kept"),
            # who was found is adopted; what is known of the values stays
            Do("u1:A u3:D", "--adopt", requests="", says='{"rows":2,"adopted":1,"unchanged":1}'),
            Do("u1:A u3:D", requests="PATCH u3", told="u3=updated"),
            Do("u1:A", DELETE, requests="DELETE u3", users="u1:Theirs"),
            Do(
                "u1:A", "--adopt --delete", code=2, says="--adopt sends nothing; leave out --delete"
            ),
            Do("u1:A", "--adopt --full", code=2, says="leave out --full"),
            Do(
                "key,name\nu1,A\nu4,\n",
                "--adopt --skip-invalid",
                code=10,
                requests="",
                says='{"rows":2,"unchanged":1,"invalid":1}',
                report={"message": CORRECT},
            ),
        ],
    )


def test_a_state_that_is_missing_or_another_one(shell: Shell) -> None:
    refused = Do("u1:A", code=2, requests="", says="There is no state 'staff.csv.kabelwerk-state'")
    tell(
        shell,
        [
            refused,
            refused._replace(options="--yes"),
            refused._replace(options="--dry-run", told="u1=create"),
            Do("u1:A", f"{NEW} --dry-run", told="u1=create", requests=""),
            Do("u1:A", f"{NEW}", requests="POST u1"),
            Do(
                "u1:A",
                f"{NEW}",
                code=2,
                requests="",
                says="State 'staff.csv.kabelwerk-state' exists",
            ),
            Do(
                "u1:A",
                "--hub section9",
                code=2,
                requests="",
                says="belongs to another sync (users sync of end users",
            ),
            Do(
                "kusanagi:true",
                "--state staff.csv.kabelwerk-state",
                command=ROOMS,
                names="room,archived",
                source="rooms.csv",
                code=2,
                requests="",
                says="not to rooms sync at",
            ),
            Do(
                "u1:A",
                "--url http://127.0.0.1:1 --token-file token",
                code=2,
                says="not to users sync of end users at http://127.0.0.1:1",
            ),
            Do("u1:A", "--state staff.csv", code=2, says="--state and --from name the same file"),
            Do("u1:A", requests=""),
        ],
    )


def test_input_from_a_pipe_needs_a_state(shell: Shell) -> None:
    there = shell.with_(KABELWERK_URL="sandbox:")
    text = b"key,name\nu1,A\n"
    ran = there.run("users", "sync", "--from", "-", NEW, stdin=text)
    assert (ran.code, "needs --state FILE" in ran.err) == (2, True)
    for options, said in ((NEW, "1 created"), ("--full", "1 updated")):
        ran = there.run("users", "sync", "--from", "-", "--state", "s", options, stdin=text)
        assert (ran.code, said in ran.err) == (0, True), ran.err


def test_a_link_to_the_export_of_the_day_keeps_one_state(shell: Shell) -> None:
    link = shell.home / "today.csv"

    def of(day: str, content: str) -> Callable[[State], None]:
        """Write the export of a day, and point the link to it."""

        def act(_: State) -> None:
            (shell.home / f"{day}.csv").write_text(rows(content))
            link.unlink(missing_ok=True)
            link.symlink_to(f"{day}.csv")

        return act

    tell(
        shell,
        [
            Do(None, NEW, source=link.name, before=of("mon", "u1:A"), requests="POST u1"),
            Do(None, source=link.name, before=of("tue", "u1:B"), requests="PATCH u1"),
        ],
    )
    assert [path.name for path in shell.home.glob("*-state")] == ["today.csv.kabelwerk-state"]


def test_files_that_are_not_what_they_should_be(shell: Shell) -> None:
    story = [
        Do("", code=2, says="is empty"),
        Do("\n", code=2, says="is empty"),
        Do("key\nu1\n", code=2, says="There is no column 'name'. Add it. Nothing was sent."),
        Do("key,name,ward\nu1,A,9\n", code=2, says="Column 'ward' is unknown"),
        Do("key,name,hub\nu1,A,section9\n", code=2, says="Column 'hub' is unknown"),
        Do(
            "u1:A u2:B u1:C",
            code=2,
            says="1 key appears more than once in 'staff.csv': 'u1' (lines 2 and 4)",
        ),
        Do('key,name\nu1,"A\n', code=2, says="Line 2 of 'staff.csv': a quoted cell"),
        Do(
            "key,name\nu1,A\nu2,B,C\nu3\n",
            code=2,
            says=("the row has 3 cells", "the row has 1 cell", "2 of 3 rows are invalid"),
        ),
        Do("u1: u2:B", code=2, says=("name: must not be empty", "1 of 2 rows is invalid")),
        Do("", source="staff.jsonl", code=2, says="'staff.jsonl' is empty"),
        Do('{"key":"u1","name":null}\n', source="staff.jsonl", code=2, says="name: must not"),
        Do('{"key":"u1"}\n', source="staff.jsonl", code=2, says="name is missing"),
    ]
    tell(shell, [do._replace(options=NEW, requests="", users="") for do in story])
    assert not list(shell.home.glob("*.kabelwerk-state"))


def test_a_file_as_people_have_it(shell: Shell) -> None:
    export = "KEY;Full-Name;Ward\r\nu1;Zoë;9\r\nu2;B;9".encode("utf-16")
    (shell.home / FILE).write_bytes(export)
    as_it_is = "--map name=FULL_NAME --ignore-columns ward --delete --yes"
    tell(
        shell,
        [
            Do(None, f"{NEW} {as_it_is}", code=11, says="has no line break"),
            Do(None, f"{NEW} {as_it_is} --allow unterminated", users="u1:Zoë u2:B"),
            Do(
                '{"key":"u1","Full-Name":"Zoë"}\n{"Key":"u2","full_name":"C"}\n',
                f"{as_it_is} --state {STATE}",
                source="staff.jsonl",
                requests="PATCH u2",
            ),
        ],
    )


def test_deletions_are_guarded(shell: Shell) -> None:
    nobody = {"code": 11, "requests": ""}
    many = " ".join(f"u{n}:A" for n in range(10, 80))
    all_but = lambda n: " ".join(many.split()[n:])  # noqa: E731
    tell(
        shell,
        [
            Do(many, NEW),
            Do(
                "key,name\n",
                DELETE,
                **nobody,
                says="has a header but no rows: --delete would delete 70 of 70 known users",
            ),
            Do(
                "key,name\n",
                f"{DELETE} --max-deletions 1000",
                **nobody,
                says="use --max-deletions 100%",
            ),
            Do(
                "key,name\n",
                "",
                requests="",
                says="70 users are no longer in the file and were kept",
            ),
            Do(
                all_but(8),
                DELETE,
                **nobody,
                says="This would delete 8 of 70 known users; --max-deletions allows 7.",
            ),
            Do(all_but(8), "--delete", **nobody, says="--max-deletions allows 7"),
            Do(all_but(8), f"{DELETE} --dry-run", **nobody, says="--max-deletions allows 7"),
            Do(all_but(8), f"{DELETE} --max-deletions 11%", **nobody, says="allows 7 (11%)"),
            Do(
                all_but(7),
                "--delete",
                code=2,
                requests="",
                says="Use --yes to delete 7 users: 'u10', 'u11', 'u12'",
            ),
            Do(all_but(7), "--delete --dry-run", requests=""),
            Do(
                "key,name\n" + all_but(7).replace(":", ",").replace(" ", "\n"),
                DELETE,
                **nobody,
                says="has no line break, so the file may be truncated",
            ),
            Do(
                None,
                f"{DELETE} --allow unterminated --max-deletions 6",
                **nobody,
                says="--max-deletions allows 6",
            ),
            Do(
                None,
                f"{DELETE} --allow unterminated --max-deletions 10%",
                requests=", ".join(f"DELETE u{n}" for n in range(10, 17)),
            ),
            Do("key,name\n", f"{DELETE} --max-deletions 100%", users=""),
        ],
    )


def test_mass_changes_are_guarded(shell: Shell) -> None:
    many = " ".join(f"u{n}:A" for n in range(10, 60))
    renamed = many.replace(":A", ":B")
    tell(
        shell,
        [
            # the first run is not counted, nor the next one while none has come to its end
            Do(
                many,
                NEW,
                code=10,
                faults=(well(3), Step(FAULTS["status-401"])),
                says='"created":3,',
            ),
            Do(many, requests=", ".join(f"POST u{n}" for n in range(13, 60))),
            Do(
                renamed,
                code=11,
                requests="",
                says=(
                    "would create 0 and update 50, with 50 users known",
                    "--max-changes allows 25",
                    "use --max-changes 50",
                ),
            ),
            Do(renamed, "--full", code=11, requests=""),
            Do(many.replace("u", "x"), code=11, requests="", says="would create 50 and update 0"),
            Do(
                many.replace(":A", ":B", 26),
                "--max-changes 25",
                code=11,
                requests="",
                says="allows 25.",
            ),
            Do(many.replace(":A", ":B", 26), "--max-changes 52%"),
            # what is sent again is not a change
            Do(many.replace(":A", ":B", 26), "--full --max-changes 0"),
        ],
    )


def test_failures_leave_what_was_known(shell: Shell) -> None:
    tell(
        shell,
        [
            Do(
                "u1:A u2:B",
                NEW,
                code=10,
                faults=(too_long(),),
                told="u1=failed u2=created",
            ),
            Do(told="u1=created", requests="POST u1"),
            Do("u1:X u2:B", code=10, faults=(too_long(),), told="u1=failed"),
            Do("u1:A u2:B", told="", requests=""),
            # a dead server, a limit, an expired token: what was not applied is sent by the next run
            Do(
                "u1:C u2:D",
                code=10,
                faults=(busy(2),),
                requests="PATCH u1, PATCH u2",
                told="u1=failed u2=failed",
                report={"applied": "no"},
            ),
            Do(
                "u1:C u2:D",
                code=4,
                faults=(Step(FAULTS["status-401"]),),
                told="u1=failed u2=not-attempted",
                report={"applied": "no"},
            ),
            Do(
                "u1:C u2:D",
                code=10,
                faults=(well(1), Step(FAULTS["status-401"])),
                told="u1=updated u2=failed",
            ),
            Do(told="u2=updated", requests="PATCH u2"),
        ],
    )


def test_a_lost_answer_does_not_make_a_user_that_was_there_a_new_one(shell: Shell) -> None:
    tell(
        shell,
        [
            Do(
                "u1:A",
                f"{NEW} --retries 1",
                before=there("u1"),
                faults=(lost(applied=False),),
                requests="POST u1, POST u1, PATCH u1",
                told="u1=updated",
                says="1 user was found to exist and updated: 'u1'",
            ),
            Do(
                "key,name\n",
                f"{DELETE} --max-deletions 100%",
                told="u1=kept",
                says="it is unknown who created them",
            ),
        ],
    )


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_answer_is_made_good_by_the_next_run(shell: Shell, *, applied: bool) -> None:
    empty = Do("key,name\n", f"{DELETE} --max-deletions 100%")
    doubt = Do(
        "u1:A",
        code=9,
        told="u1=unknown",
        requests="POST u1, PATCH u1",
        report={"applied": "unknown", "safe_to_rerun": True},
    )
    tell(
        shell,
        [
            doubt._replace(options=NEW, faults=(lost(applied=applied), down())),
            empty._replace(
                requests="", told="u1=kept", says="kept (it is unknown whether they were created)"
            ),
            Do(
                "u1:A",
                requests="POST u1, PATCH u1" if applied else "POST u1",
                told="u1=updated" if applied else "u1=created",
            ),
            Do("u1:B", code=9, faults=(lost(applied=applied),), told="u1=unknown"),
            Do("u1:A", requests="PATCH u1", told="u1=updated", users="u1:A"),
            Do("u1:A", requests="", told=""),
            # who was certainly created by this sync can be deleted
            empty._replace(
                requests="" if applied else "DELETE u1",
                says="kept (it is unknown who created them): 'u1'" if applied else (),
            ),
        ],
    )


@pytest.mark.parametrize("applied", [True, False])
def test_a_deletion_in_doubt(shell: Shell, *, applied: bool) -> None:
    tell(
        shell,
        [
            Do("u1:A u2:B", NEW),
            Do("u1:A", DELETE, code=9, faults=(lost(applied=applied),), told="u2=unknown"),
            Do("u1:A", told="u2=kept"),
            Do(
                "u1:A u2:B",
                told="u2=created" if applied else "u2=updated",
                users="u1:A u2:B",
                requests="PATCH u2, POST u2" if applied else "PATCH u2",
            ),
            Do("u1:A", DELETE, code=9, faults=(down(),), told="u2=unknown"),
            Do("u1:A", DELETE, requests="DELETE u2", users="u1:A"),
            Do("u1:A", DELETE, requests="", told=""),
        ],
    )


def test_invalid_rows_that_are_skipped_protect_their_users(shell: Shell) -> None:
    tell(
        shell,
        [
            Do("u1:A u2:B u3:C", NEW),
            Do("key,name\nu1,A\nu2,\n", DELETE, code=2, requests="", says="1 of 2 rows is invalid"),
            Do(
                None,
                f"{DELETE} --skip-invalid",
                code=10,
                requests="DELETE u3",
                told="u2=failed u3=deleted",
            ),
            Do(
                "key,name\nu1,A\nu2,B,C\n",
                f"{DELETE} --skip-invalid",
                code=2,
                requests="",
                says="Line 3 of 'staff.csv' has no readable key",
            ),
            Do(
                None,
                "--skip-invalid",
                code=10,
                requests="",
                told="=failed u2=kept",
                says="kept (line 3 may be about one of them): 'u2'.",
            ),
            Do("u1:A u2:B", told="", users="u1:A u2:B"),
            # a key that cannot be one may be about anybody, too
            Do(
                "key,name\nu1,A\nu2\x07,B\n",
                f"{DELETE} --skip-invalid",
                code=2,
                requests="",
                says="Line 3 of 'staff.csv' has no readable key",
            ),
            # whose row it is does not depend on the order of the columns
            Do(
                "name,key\nA,u1\n,u2\n",
                f"{DELETE} --skip-invalid",
                code=10,
                requests="",
                told="u2=failed",
            ),
        ],
    )


def test_rejects_are_a_copy(shell: Shell) -> None:
    rejects = shell.home / "rejects.csv"
    tell(
        shell,
        [
            Do(
                "key,name\nu1,A\nu2,\nu3,C\n",
                f"{NEW} --skip-invalid --rejects rejects.csv",
                code=10,
                faults=(too_long(),),
                told="u1=failed u2=failed u3=created",
            ),
        ],
    )
    assert [line.split(",")[0] for line in rejects.read_text().splitlines()] == ["key", "u1", "u2"]
    assert "name is too long" in rejects.read_text()


def test_a_copy_of_rejects_is_written_anew_by_each_run(shell: Shell) -> None:
    def edit(_: object) -> None:
        (shell.home / "rejects.csv").write_text("mine")

    tell(
        shell,
        [
            Do("u1:A u2:B", f"{NEW} --rejects rejects.csv", code=10, faults=(too_long(),)),
            Do(None, "--rejects rejects.csv", code=10, faults=(too_long(),), told="u1=failed"),
            Do(None, "--rejects rejects.csv", told="u1=created"),
            Do(
                "u1:X u2:B",
                "--rejects rejects.csv",
                before=edit,
                says="it was moved to",
            ),
            Do(
                "u1:X u2:C",
                "--rejects rejects.csv",
                code=10,
                before=edit,
                faults=(too_long(),),
                says="it was moved to",
            ),
        ],
    )
    for name in ("rejects.csv~", "rejects.csv~2"):
        assert (shell.home / name).read_text() == "mine"
    assert "name is too long" in (shell.home / "rejects.csv").read_text()


def hospital() -> Model:
    """A backend with rooms in two hubs."""
    state = seeded()
    state.hubs = ("section9", "ward")
    for hub in state.hubs:
        state.rooms[hub, "kusanagi"] = Room(
            state.new_id(), hub, "kusanagi", archived=False, attributes={}
        )
    return Model(state)


def test_rooms(shell: Shell) -> None:
    model = hospital()
    do = Do(command=ROOMS, source="rooms.csv", names="room,hub,archived,hub_user")
    tell(
        shell,
        [
            do._replace(
                file="kusanagi:section9:true:batou kusanagi:ward:false:",
                options=NEW,
                requests="PATCH kusanagi, PATCH kusanagi",
                told="kusanagi=updated kusanagi=updated",
            ),
            do._replace(requests="", told=""),
            do._replace(
                file="kusanagi:section9:true: kusanagi:ward:no:", requests="PATCH kusanagi"
            ),
            do._replace(
                file="kusanagi:section9:: kusanagi:ward:no:",
                code=2,
                says="archived: must not be empty",
            ),
            # a column that is not there is left as it is, and known when it comes back
            do._replace(
                file='room,hub,attributes\nkusanagi,section9,"{""ward"": 9}"\nkusanagi,ward,\n',
                requests="PATCH kusanagi, PATCH kusanagi",
            ),
            do._replace(file="kusanagi:section9:true: kusanagi:ward:no:", requests=""),
            do._replace(
                file="room,hub,attributes,archived\nkusanagi,section9,,true\n",
                told="kusanagi=kept kusanagi=updated",
                requests="PATCH kusanagi",
            ),
            do._replace(
                file="kusanagi:section9:true: kusanagi:_:no:",
                code=2,
                says="has rows for hub '_' and for hub",
            ),
            do._replace(
                file="u1:section9:true: u2:ward:no: kusanagi:_:no:",
                code=2,
                says="has rows for hub '_' and for hub",
            ),
            do._replace(
                file="kusanagi:_:no:",
                code=2,
                requests="",
                says="state 'rooms.csv.kabelwerk-state' has rooms of hub ",
            ),
            do._replace(
                file="kusanagi:section9:true: kusanagi:section9:no:",
                code=2,
                says="1 key appears more than once in 'rooms.csv': 'kusanagi'",
            ),
            do._replace(
                file="kusanagi:section9:true:",
                options="--delete",
                code=2,
                says="has no option '--delete'",
            ),
        ],
        model,
    )
    one, other = model.rooms["section9", "kusanagi"], model.rooms["ward", "kusanagi"]
    assert (one.archived, one.attributes, one.hub_user) == (True, {}, None)
    assert (other.archived, other.attributes, other.hub_user) == (False, {}, None)


def test_rooms_from_json_lines(shell: Shell) -> None:
    model = hospital()
    do = Do(command=ROOMS, source="rooms.jsonl", options="--hub section9")
    first = {"room": "kusanagi", "attributes": {"b": 1, "a": [2]}, "hub_user": "batou"}
    same = {"room": "kusanagi", "attributes": {"a": [2], "b": 1}, "hub_user": "batou"}
    blank = {"room": "kusanagi", "attributes": None, "hub_user": None}
    lines = [
        json.dumps(row) + "\n"
        for row in (first, same, {"room": "kusanagi", "archived": True}, blank)
    ]
    tell(
        shell,
        [
            do._replace(
                file=lines[0], options="--hub section9 --new-state", requests="PATCH kusanagi"
            ),
            do._replace(file=lines[1], requests=""),
            do._replace(file=lines[2], requests="PATCH kusanagi"),
            do._replace(file=lines[1], requests=""),
            do._replace(file=lines[3], requests="PATCH kusanagi"),
        ],
        model,
    )
    room = model.rooms["section9", "kusanagi"]
    assert (room.archived, room.attributes, room.hub_user) == (True, {}, None)


def test_no_batch_touches_a_state(shell: Shell) -> None:
    tell(shell, [Do("u1:A", NEW)])
    before = (shell.home / STATE).read_bytes()
    there = shell.with_(KABELWERK_URL="sandbox:")
    for options in (("--restart",), ()):
        ran = there.run("users", "create", "--from", FILE, "--journal", STATE, *options)
        assert (ran.code, "another kind of file" in ran.err) == (3, True), ran.err
    assert (shell.home / STATE).read_bytes() == before
    # nor does a sync take a journal for its state
    ran = there.run(
        "users", "create", "--from", FILE, "--limit", "1", "--journal", "j", "--dry-run"
    )
    assert ran.code == 0


def test_a_damaged_state_is_refused(shell: Shell) -> None:
    def damage(_: object) -> None:
        path = shell.home / STATE
        content = bytearray(path.read_bytes())
        place = content.index(b"created name=")
        content[place + 20] ^= 1
        path.write_bytes(content)

    def empty(_: object) -> None:
        (shell.home / STATE).write_bytes(b"")

    damaged = Do(
        "u1:A", code=3, requests="", says="Restore 'staff.csv.kabelwerk-state' from a backup"
    )
    tell(shell, [Do("u1:A", NEW), damaged._replace(before=damage), damaged._replace(before=empty)])


def test_a_folder_that_cannot_be_written(shell: Shell) -> None:
    if os.geteuid() == 0:
        Path(shell.home / STATE).mkdir()
        tell(shell, [Do("u1:A", NEW, code=2, requests="", says="is not a regular file")])
    else:
        shell.home.chmod(0o500)
        tell(shell, [Do(None, NEW, code=3, requests="")])
