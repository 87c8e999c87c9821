"""What the sandbox stores, and its file shared by several processes."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from kabelwerk_cli.sandbox.store import Invalid, Missing, Store, StoreError


@pytest.fixture
def store(tmp_path: Path):
    with closing(Store(tmp_path / "new" / "sandbox.db")) as store:
        yield store


def test_an_end_user_gets_a_room_in_every_hub(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "db", hubs=["ward", "desk"])) as store:
        store.create_user(key="kusanagi", name="Motoko", hub=None)
        store.create_user(key="batou", name="Batou", hub="ward")
        assert [(room.hub, room.user.key) for room in store.read("rooms")] == [
            ("ward", "kusanagi"),
            ("desk", "kusanagi"),
        ]
    with closing(Store(tmp_path / "db", hubs=["lab"])) as store:
        assert [room.hub for room in store.read("rooms")] == ["ward", "desk", "lab"]


def test_manual_rooms(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "db", manual_rooms=True)) as store:
        store.create_user(key="kusanagi", name="Motoko", hub=None)
        assert list(store.read("rooms")) == []
        with pytest.raises(Missing):
            store.update_room(hub="_", room="kusanagi", changes={"archived": True})


def test_a_fresh_one_has_the_hub_of_the_examples(store: Store) -> None:
    store.create_user(key="kusanagi", name="Motoko", hub=None)
    for hub in ("section9", "_"):
        store.update_room(hub=hub, room="kusanagi", changes={"archived": True})


def test_the_only_hub_has_two_names_and_one_of_several_has_one(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "db", hubs=["ward", "desk"])) as store:
        store.create_user(key="kusanagi", name="Motoko", hub=None)
        with pytest.raises(Missing):
            store.update_room(hub="_", room="kusanagi", changes={})


def test_deleting_a_user_takes_the_room_and_leaves_other_rooms(store: Store) -> None:
    for key, hub in (("kusanagi", None), ("other", None), ("batou", "section9")):
        store.create_user(key=key, name=key, hub=hub)
    for room in ("kusanagi", "other"):
        store.update_room(hub="_", room=room, changes={"hub_user": "batou"})
        store.post_message(hub="_", room=room, user="batou", text="?", html="<p>?</p>")
    store.delete_user(key="kusanagi")
    store.delete_user(key="batou")
    (room,) = store.read("rooms")
    assert (room.user.key, room.hub_user) == ("other", None)
    (message,) = store.read("messages")
    assert (message.room, message.user) == ("other", None)
    with pytest.raises(Missing):
        store.delete_user(key="kusanagi")


def test_who_may_post_and_be_assigned(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "db", hubs=["ward", "desk"])) as store:
        for key, hub in (
            ("kusanagi", None),
            ("other", None),
            ("batou", "ward"),
            ("elsewhere", "desk"),
        ):
            store.create_user(key=key, name=key, hub=hub)
        for user in ("kusanagi", "batou"):
            store.post_message(hub="ward", room="kusanagi", user=user, text="?", html="")
        for user in ("other", "elsewhere", "nobody"):
            with pytest.raises(Invalid):
                store.post_message(hub="ward", room="kusanagi", user=user, text="?", html="")
        for user in ("kusanagi", "elsewhere", "nobody"):
            with pytest.raises(Invalid):
                store.update_room(hub="ward", room="kusanagi", changes={"hub_user": user})


@pytest.mark.parametrize("name", ["\ud800", "a\x00b", "\udcff\u202e", "日本"])
def test_any_text_comes_back(store: Store, name: str) -> None:
    store.create_user(key="kusanagi", name=name, hub=None)
    assert [user.name for user in store.read("users")] == [name]


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    store.create_user(key="kusanagi", name="Motoko", hub=None)
    changes = {"archived": True, "hub_user": "nobody"}
    with pytest.raises(Invalid):
        store.update_room(hub="_", room="kusanagi", changes=changes)
    assert [room.archived for room in store.read("rooms")] == [False]


def test_reset(store: Store) -> None:
    store.create_user(key="kusanagi", name="Motoko", hub=None)
    store.reset()
    assert not [*store.read("users"), *store.read("rooms"), *store.read("messages")]
    store.create_user(key="kusanagi", name="Motoko", hub="section9")


def test_the_file_is_for_its_owner(tmp_path: Path) -> None:
    Store(tmp_path / "db").close()
    assert (tmp_path / "db").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("content", [b"not a database", b"SQLite format 3\x00" + b"\x00" * 100])
def test_a_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "db").write_bytes(content)
    with pytest.raises(StoreError, match="Cannot use sandbox database"):
        Store(tmp_path / "db")
    assert (tmp_path / "db").read_bytes() == content


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Cannot use sandbox database"):
        Store(tmp_path / "file" / "db")


WRITER = """
import sys
from pathlib import Path
from kabelwerk_cli.sandbox.store import Store
store = Store(Path(sys.argv[1]))
for number in range(5):
    store.create_user(key=f"{sys.argv[2]}-{number}", name="Motoko", hub=None)
store.close()
"""


@pytest.mark.usefixtures("alone")
def test_many_processes_begin_one_file_at_once(tmp_path: Path) -> None:
    def write(number: int) -> int:
        command = [sys.executable, "-c", WRITER, str(tmp_path / "db"), str(number)]
        return subprocess.run(command, check=False).returncode

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(write, range(16))) == {0}
    with closing(Store(tmp_path / "db")) as store:
        assert len(list(store.read("users"))) == 16 * 5
        assert len(list(store.read("rooms"))) == 16 * 5
