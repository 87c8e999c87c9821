"""What people do with batches, one run after another, and what each run ends with."""

import pytest

from tests.faultserver import FAULTS, Step
from tests.shell import Shell

from .story import FILE, HUBS, JOURNAL, UPDATE, Do, busy, down, lost, rows, tell, well

NO_TOKEN = FAULTS["status-401"]
WEEK_1 = rows("anna:one ben:one")
WEEK_2 = rows("anna:two ben:two")
ALREADY = {"type": "AlreadyPosted", "applied": "no", "safe_to_rerun": True, "exit_code": 2}
AGAIN_POSTS_TWICE = {"applied": "unknown", "safe_to_rerun": False, "exit_code": 9}

STORIES = {
    "a weekly mailing under the same name": [
        Do(file=WEEK_1, posted="anna:one ben:one", outcomes="1=done 2=done"),
        Do(code=2, says="2 of 2 rows were posted", report=ALREADY, outcomes=""),
        Do(code=2, file=WEEK_2, says="0 of 2 rows were posted", report=ALREADY),
        Do("--restart", posted="anna:two ben:two"),
        Do(code=2, says="2 of 2 rows were posted", report=ALREADY),
        Do("--restart", file=WEEK_1, posted="anna:one ben:one"),
        Do("--restart", posted="anna:one ben:one"),
    ],
    "recipients who were forgotten": [
        Do(file=WEEK_1, posted="anna:one ben:one"),
        Do(code=2, file=WEEK_1 + "cleo,one\n", says="2 of 3 rows were posted"),
        Do("--resume", posted="cleo:one", outcomes="1=done 2=done 3=done"),
        Do("--resume", outcomes="1=done 2=done 3=done"),
        Do(code=2, says="3 of 3 rows were posted"),
    ],
    "a room that does not exist": [
        Do(file=rows("anna:a ghost:b ben:c"), code=10, posted="anna:a ben:c"),
        Do(code=2, says="2 of 3 rows were posted"),
        Do("--resume", code=10, outcomes="1=done 2=failed 3=done"),
        Do("--resume --rejects r.csv", code=0, says="1 handed over"),
        Do("--resume", code=0, outcomes="1=done 2=handed-over 3=done"),
        Do(code=2, report=ALREADY),
        Do(source="r.csv", file="room,text,error\ncleo,b,whatever\n", posted="cleo:b"),
        Do("--restart", code=10, posted="anna:a ben:c", outcomes="1=done 2=failed 3=done"),
    ],
    "an import with a user who does not exist": [
        Do(command=UPDATE, file=rows("anna:A ghost:B ben:C", "key,name"), code=10),
        Do(command=UPDATE, code=10, outcomes="1=done 2=failed 3=done"),
        Do("--rejects r.csv", command=UPDATE, code=0, says="1 handed over"),
        Do(command=UPDATE, code=0, outcomes="1=done 2=handed-over 3=done"),
        Do("--rejects r.csv", command=UPDATE, code=0, outcomes="1=done 2=handed-over 3=done"),
        Do(command=UPDATE, source="r.csv", file="key,name,error\ncleo,B,\n", code=0),
    ],
    "an import that is done leaves no journal": [
        Do(command=UPDATE, file=rows("anna:A ben:C", "key,name"), journal=False),
        Do(command=UPDATE, journal=False, outcomes="1=done 2=done"),
    ],
    "a pipeline in cron": [
        Do(source="-", stdin=WEEK_1, posted="anna:one ben:one", journal=False),
        Do(
            source="-",
            stdin=WEEK_1,
            faults=(well(1), lost(applied=True)),
            posted="anna:one ben:one",
            code=9,
            report=AGAIN_POSTS_TWICE,
            journal=False,
        ),
    ],
    "a pipeline in cron with a journal": [
        Do("--journal j", source="-", stdin=WEEK_1, posted="anna:one ben:one", journal=False),
        Do("--journal j", source="-", stdin=WEEK_1, code=2, report=ALREADY, journal=False),
        Do("--journal j --resume", source="-", stdin=WEEK_1, code=0, journal=False),
        Do("--journal k", source="-", stdin=WEEK_1, posted="anna:one ben:one", journal=False),
    ],
    "a rejects file that is corrected by halves": [
        Do(
            "--rejects r.csv",
            file=rows("ghost:a anna:b nobody:c"),
            posted="anna:b",
            outcomes="1=failed 2=done 3=failed",
        ),
        Do(
            source="r.csv",
            file="room,text,error\nben,a,\nnobody,c,\n",
            code=10,
            posted="ben:a",
        ),
        Do(source="r.csv", code=2, says="1 of 2 rows was posted"),
        Do("--resume", source="r.csv", file=rows("ben:a cleo:c"), posted="cleo:c"),
        Do("--resume", outcomes="1=handed-over 2=done 3=handed-over"),
    ],
    "rejects that somebody changed": [
        Do("--rejects r.csv", file=rows("ghost:a anna:b"), posted="anna:b"),
        Do(
            "--resume --rejects r.csv",
            file=rows("ghost:a anna:b nobody:c ben:d"),
            files={"r.csv": "room,text\nben,a\n"},
            leaves={"r.csv": "room,text\nben,a\n"},
            code=2,
            says="Nothing was sent",
        ),
        Do("--resume --rejects s.csv", posted="ben:d"),
        Do("--resume --rejects s.csv", outcomes="1=handed-over 2=done 3=handed-over 4=done"),
    ],
    "rejects that were there before": [
        Do(
            "--rejects r.csv",
            file=rows("ghost:a anna:b"),
            files={"r.csv": ""},
            leaves={"r.csv": ""},
            code=2,
            journal=None,
        ),
    ],
    "a trial before the rest": [
        Do(
            "--limit 3",
            file=rows("anna:a ben:b cleo:c dora:d emil:e"),
            posted="anna:a ben:b cleo:c",
            says="5 rows: 3 ",
            outcomes="1=done 2=done 3=done 4=not-attempted 5=not-attempted",
        ),
        Do("--limit 1", posted="dora:d", outcomes="1=done 2=done 3=done 4=done 5=not-attempted"),
        Do(posted="emil:e"),
        Do(code=2, says="5 of 5 rows were posted"),
    ],
    "a trial that is corrected": [
        Do("--limit 1", file=rows("anna:a ben:a"), posted="anna:a"),
        Do(
            file=rows("anna:b ben:b"),
            code=10,
            posted="ben:b",
            outcomes="1=not-attempted 2=done",
            report={"exit_code": 10},
        ),
        Do("--send-changed", posted="anna:b", outcomes="1=done 2=done"),
    ],
    "one journal for two files": [
        Do("--journal j", file=rows("anna:a"), posted="anna:a", journal=False),
        Do("--journal j", source="b.csv", file=rows("ben:b"), code=2, report=ALREADY, journal=None),
        Do("--journal j --resume", source="b.csv", posted="ben:b", journal=False),
        Do("--journal j", code=2, report=ALREADY, journal=False),
        Do("--journal j --resume", outcomes="1=done", journal=False),
        Do("--journal j --resume", source="b.csv", outcomes="1=done", journal=False),
    ],
    "one journal for two files that write to one room": [
        Do("--journal j", file=rows("anna:a"), posted="anna:a", journal=False),
        Do(
            "--journal j --resume",
            source="b.csv",
            file=rows("anna:b"),
            code=10,
            outcomes="1=not-attempted",
            journal=False,
        ),
        Do("--journal j --resume --send-changed", source="b.csv", posted="anna:b", journal=False),
        Do("--journal j --resume", outcomes="1=done", journal=False),
    ],
    "rejects with the journal of the whole": [
        Do("--rejects r.csv", file=rows("anna:a ghost:b ben:c"), posted="anna:a ben:c"),
        Do(
            f"--journal {JOURNAL} --resume",
            source="r.csv",
            file="room,text,error\ncleo,b,\n",
            posted="cleo:b",
        ),
        Do("--resume", outcomes="1=done 2=handed-over 3=done"),
        Do(code=2, report=ALREADY),
    ],
    "a row in doubt that is taken out and put back": [
        Do(
            file=rows("anna:a ben:b cleo:c"),
            faults=(well(1), lost(applied=True)),
            posted="anna:a ben:b cleo:c",
            code=9,
        ),
        Do(file=rows("anna:a cleo:c"), outcomes="1=done 2=done"),
        Do(file=rows("anna:a ben:b cleo:c"), code=2, says="2 of 3 rows were posted"),
        Do("--resume", code=9, outcomes="1=done 2=unknown 3=done"),
    ],
    "a room that is settled by people": [
        Do(
            file=rows("anna:a ben:b cleo:c"),
            faults=(lost(applied=True), lost(applied=False), lost(applied=False)),
            posted="anna:a",
            code=9,
            says="--mark-posted",
            outcomes="1=unknown 2=unknown 3=unknown",
        ),
        Do(code=9, says="--resend-unknown", outcomes="1=unknown 2=unknown 3=unknown"),
        Do("--mark-posted=anna", code=9, outcomes="1=done 2=unknown 3=unknown"),
        Do("--resend-unknown=ben", code=9, posted="ben:b", outcomes="1=done 2=done 3=unknown"),
        Do("--resend-unknown=anna", code=9, outcomes="1=done 2=done 3=unknown"),
        Do("--resend-unknown", posted="cleo:c", outcomes="1=done 2=done 3=done"),
    ],
    "all rooms settled by people": [
        Do(
            file=rows("anna:a ben:b"),
            faults=(lost(applied=True), lost(applied=True)),
            posted="anna:a ben:b",
            code=9,
        ),
        Do("--mark-posted", outcomes="1=done 2=done", says="2 messages are marked as posted"),
        Do(code=2, report=ALREADY),
    ],
    "two rooms settled at once": [
        Do(
            file=rows("anna:a ben:b cleo:c"),
            faults=(lost(applied=False), lost(applied=False), lost(applied=False)),
            code=9,
        ),
        Do(
            "--resend-unknown=anna --mark-posted=ben",
            code=9,
            posted="anna:a",
            outcomes="1=done 2=done 3=unknown",
        ),
    ],
    "a doubt is not settled by what stops the run that would": [
        Do(file=rows("anna:a ben:b"), faults=(lost(applied=True), busy()), posted="anna:a", code=9),
        Do(
            "--resend-unknown",
            file=rows("ben:b anna:a"),
            faults=(Step(NO_TOKEN),),
            code=9,
            outcomes="1=failed 2=unknown",
        ),
        Do(code=9, posted="ben:b", outcomes="1=done 2=unknown"),
    ],
    "a doubt tells its cause and its time": [
        Do(file=rows("anna:a"), faults=(lost(applied=True),), posted="anna:a", code=9),
        Do(code=9, says="Check the rooms", outcomes="1=unknown"),
    ],
    "a corrected text": [
        Do(file=rows("anna:a ben:a"), faults=(well(1), busy()), posted="anna:a", code=10),
        Do(file=rows("anna:b ben:b"), code=10, posted="ben:b", outcomes="1=not-attempted 2=done"),
        Do(code=10, outcomes="1=not-attempted 2=done"),
        Do("--send-changed", posted="anna:b", outcomes="1=done 2=done"),
        Do(code=2, report=ALREADY),
    ],
    "a text in doubt that is corrected": [
        Do(file=rows("anna:a"), faults=(lost(applied=True),), posted="anna:a", code=9),
        Do(file=rows("anna:b"), code=10, outcomes="1=not-attempted"),
        Do("--resend-unknown", code=10, outcomes="1=not-attempted"),
        Do("--send-changed", posted="anna:b"),
    ],
    "a mailing that is not finished is not started over": [
        Do(file=WEEK_1, faults=(well(1), busy()), posted="anna:one", code=10),
        Do("--restart", code=2, says="is not finished"),
        Do(posted="ben:one"),
        Do("--restart", posted="anna:one ben:one"),
    ],
    "nothing to start over": [
        Do("--restart", file=WEEK_1, posted="anna:one ben:one"),
        Do(code=2, report=ALREADY),
    ],
    "starting over that is interrupted": [
        Do(file=WEEK_1, posted="anna:one ben:one"),
        Do("--restart", faults=(well(1), busy()), posted="anna:one", code=10),
        Do(posted="ben:one"),
        Do(code=2, report=ALREADY),
    ],
    "starting over is not safe to repeat": [
        Do(file=WEEK_1, posted="anna:one ben:one"),
        Do(
            "--restart",
            faults=(well(1), lost(applied=True)),
            posted="anna:one ben:one",
            code=9,
            report=AGAIN_POSTS_TWICE,
        ),
        Do(
            "--resend-unknown",
            faults=(lost(applied=True),),
            posted="ben:one",
            code=9,
            report=AGAIN_POSTS_TWICE,
        ),
        Do(code=9, report={"safe_to_rerun": True, "applied": "unknown"}),
    ],
    "a value that is changed and changed back": [
        Do(command=UPDATE, file=rows("anna:A ghost:G", "key,name"), code=10),
        Do(command=UPDATE, file=rows("anna:B ghost:G", "key,name"), code=10),
        Do(
            command=UPDATE,
            file=rows("anna:A ghost:G", "key,name"),
            code=10,
            names={"anna": "A"},
        ),
    ],
    "a value that is put in before one that was done": [
        Do(command=UPDATE, file=rows("anna:B ghost:G", "key,name"), code=10),
        Do(
            command=UPDATE,
            file=rows("anna:A anna:B ghost:G", "key,name"),
            code=10,
            names={"anna": "B"},
        ),
    ],
    "messages of a room in order over two runs": [
        Do(
            file=rows("anna:a1 ben:b1 anna:a2 ben:b2"),
            faults=(busy(),),
            posted="ben:b1 ben:b2",
            code=10,
            outcomes="1=failed 2=done 3=not-attempted 4=done",
        ),
        Do(posted="anna:a1 anna:a2"),
    ],
    "a value in order over two runs": [
        Do(
            command=UPDATE,
            file=rows("anna:Old ben:B anna:New", "key,name"),
            faults=(down(),),
            code=9,
            outcomes="1=unknown 2=done 3=not-attempted",
        ),
        Do(command=UPDATE, outcomes="1=done 2=done 3=done", journal=False),
    ],
    "a message in doubt holds up its room in that run": [
        Do(
            file=rows("anna:a1 anna:a2 ben:b"),
            faults=(lost(applied=True),),
            posted="anna:a1 ben:b",
            code=9,
            outcomes="1=unknown 2=not-attempted 3=done",
        ),
        Do(code=9, posted="anna:a2", outcomes="1=unknown 2=done 3=done"),
    ],
    "a message that was rejected holds up nothing and is closed": [
        Do(
            file=rows("anna:a1 anna:a2"),
            faults=(Step(FAULTS["status-422"], times=1),),
            posted="anna:a2",
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
        Do(posted="anna:one ben:one"),
    ],
    "another command where nothing was done": [
        Do(command=UPDATE, file=rows("ghost:A", "key,name"), code=10),
        Do(command=("users", "ensure"), journal=False, outcomes="1=done"),
    ],
    "another command where something was done": [
        Do(command=UPDATE, file=rows("ghost:A anna:B", "key,name"), code=10),
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
        Do(file=WEEK_1, faults=(well(1), busy()), code=10, posted="anna:one"),
        Do(f"--rejects {JOURNAL}", code=2),
        Do(posted="ben:one"),
    ],
    "identical rows": [
        Do(file=rows("anna:a anna:a ben:b"), posted="anna:a anna:a ben:b"),
        Do("--resume", file=rows("ben:b anna:a anna:a anna:a"), posted="anna:a"),
    ],
}


@pytest.mark.parametrize("name", STORIES)
def test_story(shell: Shell, name: str) -> None:
    tell(shell, STORIES[name])


HUB_ROWS = "hub,room,text\n"


def test_two_hubs_in_one_file(shell: Shell) -> None:
    """A room is known by its hub as well: what waits in one does not hold up the other."""
    update = ("rooms", "update", "--archived")
    file = "hub,room\nsection9,anna\nward,anna\n"
    story = [
        Do(command=update, file=file, faults=(busy(),), code=10, outcomes="1=failed 2=done"),
        Do(command=update, outcomes="1=done 2=done", journal=False),
    ]
    tell(shell, story, hubs=HUBS)


@pytest.mark.parametrize("hubs", ["_ section9", "section9 _", "_ ward section9"])
def test_the_only_hub_under_two_names(shell: Shell, hubs: str) -> None:
    """`_` and a slug may be the same room, whose messages would come in any order."""
    file = HUB_ROWS + "".join(f"{hub},anna,{hub}\n" for hub in hubs.split())
    tell(shell, [Do(file=file, code=2, says="'_'", journal=False)])


def test_the_only_hub_by_default(shell: Shell) -> None:
    file = f"{HUB_ROWS}section9,anna,a\n,anna,b\n"
    tell(shell, [Do(file=file, code=2, says="'_'", journal=False)])
    tell(shell, [Do(file=f"{HUB_ROWS}_,anna,a\n,ben,b\n", posted="anna:a ben:b")])


def test_a_link_to_the_file(shell: Shell) -> None:
    (shell.home / "link.csv").symlink_to(FILE)
    (shell.home / "far").mkdir()
    (shell.home / "far" / "link.csv").symlink_to("../link.csv")
    story = [
        Do(file=WEEK_1, faults=(well(1), busy()), posted="anna:one", code=10),
        Do(source="far/link.csv", posted="ben:one"),
        Do(source="link.csv", code=2, report=ALREADY),
        Do(code=2, report=ALREADY),
    ]
    tell(shell, story)
    assert sorted(path.name for path in shell.home.rglob("*journal*")) == [JOURNAL]
