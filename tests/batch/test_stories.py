"""What people do with batches, one run after another, and what each run ends with."""

import pytest

from tests.faultserver import FAULTS, Step
from tests.shell import Shell

from .story import FILE, HUBS, JOURNAL, UPDATE, Do, busy, down, lost, rows, tell, well

NO_TOKEN = FAULTS["status-401"]
WEEK_1 = rows("r1:one r2:one")
WEEK_2 = rows("r1:two r2:two")
ALREADY = {"type": "AlreadyPosted", "applied": "no", "safe_to_rerun": True, "exit_code": 11}
AGAIN_POSTS_TWICE = {"applied": "unknown", "safe_to_rerun": False, "exit_code": 9}

STORIES = {
    "a weekly mailing under the same name": [
        Do(file=WEEK_1, posted="r1:one r2:one", outcomes="1=done 2=done"),
        Do(code=11, says="2 of 2 rows were posted", report=ALREADY, outcomes=""),
        Do(code=11, file=WEEK_2, says="0 of 2 rows were posted", report=ALREADY),
        Do("--restart", posted="r1:two r2:two"),
        Do(code=11, says="2 of 2 rows were posted", report=ALREADY),
        Do("--restart", file=WEEK_1, posted="r1:one r2:one"),
        Do("--restart", posted="r1:one r2:one"),
    ],
    "messages marked as posted in a mailing that is finished": [
        Do(file=WEEK_1, posted="r1:one r2:one"),
        Do("--mark-posted", code=11, file=WEEK_1 + "r3,one\n", report=ALREADY),
        Do("--mark-posted --resume", posted="r3:one", outcomes="1=done 2=done 3=done"),
    ],
    "recipients who were forgotten": [
        Do(file=WEEK_1, posted="r1:one r2:one"),
        Do(code=11, file=WEEK_1 + "r3,one\n", says="2 of 3 rows were posted"),
        Do("--resume", posted="r3:one", outcomes="1=done 2=done 3=done"),
        Do("--resume", outcomes="1=done 2=done 3=done"),
        Do(code=11, says="3 of 3 rows were posted"),
    ],
    "a room that does not exist": [
        Do(file=rows("r1:a ghost:b r2:c"), code=10, posted="r1:a r2:c"),
        Do(code=11, says="2 of 3 rows were posted"),
        Do("--resume", code=10, outcomes="1=done 2=failed 3=done"),
        Do("--resume --rejects r.csv", code=0, says='"handed over":1'),
        Do("--resume", code=0, outcomes="1=done 2=handed-over 3=done"),
        Do(code=11, report=ALREADY),
        Do(source="r.csv", file="room,text,error\nr3,b,whatever\n", posted="r3:b"),
        Do("--restart", code=10, posted="r1:a r2:c", outcomes="1=done 2=failed 3=done"),
    ],
    "an import with a user who does not exist": [
        Do(command=UPDATE, file=rows("r1:A ghost:B r2:C", "key,name"), code=10),
        Do(command=UPDATE, code=10, outcomes="1=done 2=failed 3=done"),
        Do("--rejects r.csv", command=UPDATE, code=0, says='"handed over":1'),
        Do(command=UPDATE, code=0, outcomes="1=done 2=handed-over 3=done"),
        Do("--rejects r.csv", command=UPDATE, code=0, outcomes="1=done 2=handed-over 3=done"),
        Do(command=UPDATE, source="r.csv", file="key,name,error\nr3,B,\n", code=0),
    ],
    "an import that is done leaves no journal": [
        Do(command=UPDATE, file=rows("r1:A r2:C", "key,name"), journal=False),
        Do(command=UPDATE, journal=False, outcomes="1=done 2=done"),
    ],
    "a pipeline in cron": [
        Do(source="-", stdin=WEEK_1, posted="r1:one r2:one", journal=False),
        Do(
            source="-",
            stdin=WEEK_1,
            faults=(well(1), lost(applied=True)),
            posted="r1:one r2:one",
            code=9,
            report=AGAIN_POSTS_TWICE,
            journal=False,
        ),
    ],
    "a pipeline in cron with a journal": [
        Do("--journal j", source="-", stdin=WEEK_1, posted="r1:one r2:one", journal=False),
        Do("--journal j", source="-", stdin=WEEK_1, code=11, report=ALREADY, journal=False),
        Do("--journal j --resume", source="-", stdin=WEEK_1, code=0, journal=False),
        Do("--journal k", source="-", stdin=WEEK_1, posted="r1:one r2:one", journal=False),
    ],
    "a rejects file that is corrected by halves": [
        Do(
            "--rejects r.csv",
            file=rows("ghost:a r1:b nobody:c"),
            posted="r1:b",
            outcomes="1=failed 2=done 3=failed",
        ),
        Do(
            source="r.csv",
            file="room,text,error\nr2,a,\nnobody,c,\n",
            code=10,
            posted="r2:a",
        ),
        Do(source="r.csv", code=11, says="1 of 2 rows was posted"),
        Do("--resume", source="r.csv", file=rows("r2:a r3:c"), posted="r3:c"),
        Do("--resume", outcomes="1=handed-over 2=done 3=handed-over"),
    ],
    "rejects that somebody changed": [
        Do("--rejects r.csv", file=rows("ghost:a r1:b"), posted="r1:b"),
        Do(
            "--resume --rejects r.csv",
            file=rows("ghost:a r1:b nobody:c r2:d"),
            files={"r.csv": "room,text\nr2,a\n"},
            leaves={"r.csv": "room,text\nr2,a\n"},
            code=2,
            says="Nothing was sent",
        ),
        Do("--resume --rejects s.csv", posted="r2:d"),
        Do("--resume --rejects s.csv", outcomes="1=handed-over 2=done 3=handed-over 4=done"),
    ],
    "rejects that were there before": [
        Do(
            "--rejects r.csv",
            file=rows("ghost:a r1:b"),
            files={"r.csv": ""},
            leaves={"r.csv": ""},
            code=2,
            journal=None,
        ),
    ],
    "a trial before the rest": [
        Do(
            "--limit 3",
            file=rows("r1:a r2:b r3:c r4:d r5:e"),
            posted="r1:a r2:b r3:c",
            says='"rows":5,"posted":3',
            outcomes="1=done 2=done 3=done 4=not-attempted 5=not-attempted",
        ),
        Do("--limit 1", posted="r4:d", outcomes="1=done 2=done 3=done 4=done 5=not-attempted"),
        Do(posted="r5:e"),
        Do(code=11, says="5 of 5 rows were posted"),
    ],
    "a trial that is corrected": [
        Do("--limit 1", file=rows("r1:a r2:a"), posted="r1:a"),
        Do(
            file=rows("r1:b r2:b"),
            code=10,
            posted="r2:b",
            outcomes="1=not-attempted 2=done",
            report={"exit_code": 10},
        ),
        Do("--send-changed", posted="r1:b", outcomes="1=done 2=done"),
    ],
    "one journal for two files": [
        Do("--journal j", file=rows("r1:a"), posted="r1:a", journal=False),
        Do("--journal j", source="b.csv", file=rows("r2:b"), code=11, report=ALREADY, journal=None),
        Do("--journal j --resume", source="b.csv", posted="r2:b", journal=False),
        Do("--journal j", code=11, report=ALREADY, journal=False),
        Do("--journal j --resume", outcomes="1=done", journal=False),
        Do("--journal j --resume", source="b.csv", outcomes="1=done", journal=False),
    ],
    "one journal for two files that write to one room": [
        Do("--journal j", file=rows("r1:a"), posted="r1:a", journal=False),
        Do(
            "--journal j --resume",
            source="b.csv",
            file=rows("r1:b"),
            code=10,
            outcomes="1=not-attempted",
            journal=False,
        ),
        Do("--journal j --resume --send-changed", source="b.csv", posted="r1:b", journal=False),
        Do("--journal j --resume", outcomes="1=done", journal=False),
    ],
    "rejects with the journal of the whole": [
        Do("--rejects r.csv", file=rows("r1:a ghost:b r2:c"), posted="r1:a r2:c"),
        Do(
            f"--journal {JOURNAL} --resume",
            source="r.csv",
            file="room,text,error\nr3,b,\n",
            posted="r3:b",
        ),
        Do("--resume", outcomes="1=done 2=handed-over 3=done"),
        Do(code=11, report=ALREADY),
    ],
    "a row in doubt that is taken out and put back": [
        Do(
            file=rows("r1:a r2:b r3:c"),
            faults=(well(1), lost(applied=True)),
            posted="r1:a r2:b r3:c",
            code=9,
        ),
        Do(file=rows("r1:a r3:c"), outcomes="1=done 2=done"),
        Do(file=rows("r1:a r2:b r3:c"), code=11, says="2 of 3 rows were posted"),
        Do("--resume", code=9, outcomes="1=done 2=unknown 3=done"),
    ],
    "a room that is settled by people": [
        Do(
            file=rows("r1:a r2:b r3:c"),
            faults=(lost(applied=True), lost(applied=False), lost(applied=False)),
            posted="r1:a",
            code=9,
            says="--mark-posted",
            outcomes="1=unknown 2=unknown 3=unknown",
        ),
        Do(code=9, says="--resend-unknown", outcomes="1=unknown 2=unknown 3=unknown"),
        Do("--mark-posted=r1", code=9, outcomes="1=done 2=unknown 3=unknown"),
        Do("--resend-unknown=r2", code=9, posted="r2:b", outcomes="1=done 2=done 3=unknown"),
        Do("--resend-unknown=r1", code=9, outcomes="1=done 2=done 3=unknown"),
        Do("--resend-unknown", posted="r3:c", outcomes="1=done 2=done 3=done"),
    ],
    "all rooms settled by people": [
        Do(
            file=rows("r1:a r2:b"),
            faults=(lost(applied=True), lost(applied=True)),
            posted="r1:a r2:b",
            code=9,
        ),
        Do("--mark-posted", outcomes="1=done 2=done", says="2 messages are marked as posted"),
        Do(code=11, report=ALREADY),
    ],
    "two rooms settled at once": [
        Do(
            file=rows("r1:a r2:b r3:c"),
            faults=(lost(applied=False), lost(applied=False), lost(applied=False)),
            code=9,
        ),
        Do(
            "--resend-unknown=r1 --mark-posted=r2",
            code=9,
            posted="r1:a",
            outcomes="1=done 2=done 3=unknown",
        ),
    ],
    "a doubt is not settled by what stops the run that would": [
        Do(file=rows("r1:a r2:b"), faults=(lost(applied=True), busy()), posted="r1:a", code=9),
        Do(
            "--resend-unknown",
            file=rows("r2:b r1:a"),
            faults=(Step(NO_TOKEN),),
            code=9,
            outcomes="1=failed 2=unknown",
        ),
        Do(code=9, posted="r2:b", outcomes="1=done 2=unknown"),
    ],
    "a doubt tells its cause and its time": [
        Do(file=rows("r1:a"), faults=(lost(applied=True),), posted="r1:a", code=9),
        Do(code=9, says="Check the room of", outcomes="1=unknown"),
    ],
    "a corrected text": [
        Do(file=rows("r1:a r2:a"), faults=(well(1), busy()), posted="r1:a", code=10),
        Do(file=rows("r1:b r2:b"), code=10, posted="r2:b", outcomes="1=not-attempted 2=done"),
        Do(code=10, outcomes="1=not-attempted 2=done"),
        Do("--send-changed", posted="r1:b", outcomes="1=done 2=done"),
        Do(code=11, report=ALREADY),
    ],
    "a text in doubt that is corrected": [
        Do(file=rows("r1:a"), faults=(lost(applied=True),), posted="r1:a", code=9),
        Do(file=rows("r1:b"), code=10, outcomes="1=not-attempted"),
        Do("--resend-unknown", code=10, outcomes="1=not-attempted"),
        Do("--send-changed", posted="r1:b"),
    ],
    "a mailing that is not finished is not started over": [
        Do(file=WEEK_1, faults=(well(1), busy()), posted="r1:one", code=10),
        Do("--restart", code=2, says="is not finished"),
        Do(posted="r2:one"),
        Do("--restart", posted="r1:one r2:one"),
    ],
    "nothing to start over": [
        Do("--restart", file=WEEK_1, posted="r1:one r2:one"),
        Do(code=11, report=ALREADY),
    ],
    "starting over that is interrupted": [
        Do(file=WEEK_1, posted="r1:one r2:one"),
        Do("--restart", faults=(well(1), busy()), posted="r1:one", code=10),
        Do(posted="r2:one"),
        Do(code=11, report=ALREADY),
    ],
    "starting over is not safe to repeat": [
        Do(file=WEEK_1, posted="r1:one r2:one"),
        Do(
            "--restart",
            faults=(well(1), lost(applied=True)),
            posted="r1:one r2:one",
            code=9,
            report=AGAIN_POSTS_TWICE,
        ),
        Do(
            "--resend-unknown",
            faults=(lost(applied=True),),
            posted="r2:one",
            code=9,
            report=AGAIN_POSTS_TWICE,
        ),
        Do(code=9, report={"safe_to_rerun": True, "applied": "unknown"}),
    ],
    "a value that is changed and changed back": [
        Do(command=UPDATE, file=rows("r1:A ghost:G", "key,name"), code=10),
        Do(command=UPDATE, file=rows("r1:B ghost:G", "key,name"), code=10),
        Do(
            command=UPDATE,
            file=rows("r1:A ghost:G", "key,name"),
            code=10,
            names={"r1": "A"},
        ),
    ],
    "a value that is put in before one that was done": [
        Do(command=UPDATE, file=rows("r1:B ghost:G", "key,name"), code=10),
        Do(
            command=UPDATE,
            file=rows("r1:A r1:B ghost:G", "key,name"),
            code=10,
            names={"r1": "B"},
        ),
    ],
    "messages of a room in order over two runs": [
        Do(
            file=rows("r1:a1 r2:b1 r1:a2 r2:b2"),
            faults=(busy(),),
            posted="r2:b1 r2:b2",
            code=10,
            outcomes="1=failed 2=done 3=not-attempted 4=done",
        ),
        Do(posted="r1:a1 r1:a2"),
    ],
    "a value in order over two runs": [
        Do(
            command=UPDATE,
            file=rows("r1:Old r2:B r1:New", "key,name"),
            faults=(down(),),
            code=9,
            outcomes="1=unknown 2=done 3=not-attempted",
        ),
        Do(command=UPDATE, outcomes="1=done 2=done 3=done", journal=False),
    ],
    "a message in doubt holds up its room in that run": [
        Do(
            file=rows("r1:a1 r1:a2 r2:b"),
            faults=(lost(applied=True),),
            posted="r1:a1 r2:b",
            code=9,
            outcomes="1=unknown 2=not-attempted 3=done",
        ),
        Do(code=9, posted="r1:a2", outcomes="1=unknown 2=done 3=done"),
    ],
    "a message that was rejected holds up nothing and is closed": [
        Do(
            file=rows("r1:a1 r1:a2"),
            faults=(Step(FAULTS["status-422"], times=1),),
            posted="r1:a2",
            code=10,
            outcomes="1=failed 2=done",
        ),
        Do("--resume", code=10, outcomes="1=failed 2=done"),
    ],
    "a token that is wrong from the start": [
        Do(
            file=WEEK_1,
            faults=(Step(NO_TOKEN),),
            code=4,
            outcomes="1=failed 2=not-attempted",
            report={"applied": "no", "safe_to_rerun": True, "exit_code": 4},
        ),
        Do(posted="r1:one r2:one"),
    ],
    "another command where nothing was done": [
        Do(command=UPDATE, file=rows("ghost:A", "key,name"), code=10),
        Do(command=("users", "ensure"), journal=False, outcomes="1=done"),
    ],
    "another command where something was done": [
        Do(command=UPDATE, file=rows("ghost:A r1:B", "key,name"), code=10),
        Do(command=("users", "ensure"), code=2, says="belongs to another batch"),
        Do("--restart", command=("users", "ensure"), code=2, says="belongs to another batch"),
    ],
    "the same file twice": [
        Do(
            "--from other.csv",
            file=WEEK_1,
            files={"other.csv": WEEK_2},
            code=2,
            says="--from",
            journal=False,
        )
    ],
    "rejects where the journal is": [
        Do(f"--rejects {JOURNAL}", file=WEEK_1, code=2, journal=False),
        Do(file=WEEK_1, faults=(well(1), busy()), code=10, posted="r1:one"),
        Do(f"--rejects {JOURNAL}", code=2),
        Do(posted="r2:one"),
    ],
    "identical rows": [
        Do(file=rows("r1:a r1:a r2:b"), code=11, says="--allow duplicates", journal=False),
        Do("--allow duplicates", posted="r1:a r1:a r2:b"),
        Do("--resume", file=rows("r2:b r1:a r1:a r1:a"), posted="r1:a"),
    ],
}


@pytest.mark.parametrize("name", STORIES)
def test_story(shell: Shell, name: str) -> None:
    tell(shell, STORIES[name])


HUB_ROWS = "hub,room,text\n"


def test_two_hubs_in_one_file(shell: Shell) -> None:
    """A room is known by its hub as well: what waits in one does not hold up the other."""
    update = ("rooms", "update", "--archived")
    file = "hub,room\nsection9,r1\nward,r1\n"
    story = [
        Do(command=update, file=file, faults=(busy(),), code=10, outcomes="1=failed 2=done"),
        Do(command=update, outcomes="1=done 2=done", journal=False),
    ]
    tell(shell, story, hubs=HUBS)


@pytest.mark.parametrize("hubs", ["_ section9", "section9 _", "_ ward section9"])
def test_the_only_hub_under_two_names(shell: Shell, hubs: str) -> None:
    """`_` and a slug may be the same room, whose messages would come in any order."""
    file = HUB_ROWS + "".join(f"{hub},r1,{hub}\n" for hub in hubs.split())
    tell(shell, [Do(file=file, code=2, says="'_'", journal=False)])


def test_the_only_hub_by_default(shell: Shell) -> None:
    file = f"{HUB_ROWS}section9,r1,a\n,r1,b\n"
    tell(shell, [Do(file=file, code=2, says="'_'", journal=False)])
    tell(shell, [Do(file=f"{HUB_ROWS}_,r1,a\n,r2,b\n", posted="r1:a r2:b")])


def test_a_link_to_the_file(shell: Shell) -> None:
    (shell.home / "link.csv").symlink_to(FILE)
    (shell.home / "far").mkdir()
    (shell.home / "far" / "link.csv").symlink_to("../link.csv")
    story = [
        Do(file=WEEK_1, faults=(well(1), busy()), posted="r1:one", code=10),
        Do(source="far/link.csv", posted="r2:one"),
        Do(source="link.csv", code=11, report=ALREADY),
        Do(code=11, report=ALREADY),
    ]
    tell(shell, story)
    assert sorted(path.name for path in shell.home.rglob("*journal*")) == [JOURNAL]
