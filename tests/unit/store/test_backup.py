"""A backup is complete, private and never in the way of what is there. The log stays short."""

import os
import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from disks import disks
from sqlalchemy import text

from syndicator.errors import StateError
from syndicator.store import kv, locks
from syndicator.store.backup import back_up, checkpoint
from syndicator.store.database import Database


@pytest.fixture
def url(tmp_path: Path) -> str:
    (tmp_path / "var").mkdir()
    url = f"sqlite:///{tmp_path / 'var/state.db'}"
    database = Database(url)
    put(database, "0")
    database.close()
    return url


def put(database: Database, value: str) -> None:
    """Store a value twice, in one transaction."""
    with database.begin(durable=False) as connection:
        kv.put(connection, "one", value)
        kv.put(connection, "other", value)


def values(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT value FROM kv WHERE name IN ('one', 'other')")
        return [value for (value,) in rows]


def test_a_backup_under_a_writer(url: str, tmp_path: Path) -> None:
    """It is as of one time, in one file, for its owner's eyes only."""
    database = Database(url)
    stopped = threading.Event()

    def write() -> None:
        number = 0
        while not stopped.is_set():
            put(database, str(number := number + 1))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            file = tmp_path / f"{number}.db"
            assert back_up(url, file, overwrite=False) == file.stat().st_size
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            one, other = values(file)
            assert one == other
    finally:
        stopped.set()
        writer.join()
        database.close()
    assert sorted(os.listdir(tmp_path)) == ["0.db", "1.db", "2.db", "3.db", "4.db", "var"]


def test_a_backup_is_a_state(url: str, tmp_path: Path) -> None:
    """And leaves nothing beside the one that it was made of."""
    back_up(url, tmp_path / "b.db", overwrite=False)
    assert os.listdir(tmp_path / "var") == ["state.db"]
    database = Database(f"sqlite:///{tmp_path / 'b.db'}")
    with database.read() as connection:
        assert kv.get(connection, "one") == "0"
    database.close()


def test_an_existing_file_is_kept(url: str, tmp_path: Path) -> None:
    """Unless the operator says otherwise. A link there is replaced, not followed."""
    file, elsewhere = tmp_path / "b.db", tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    file.symlink_to(elsewhere)
    with pytest.raises(StateError, match="is not a file"):
        back_up(url, file, overwrite=True)
    file.unlink()
    file.write_text("mine")
    with pytest.raises(StateError, match="exists already") as caught:
        back_up(url, file, overwrite=False)
    assert "--overwrite" in str(caught.value.hint)
    assert file.read_text() == elsewhere.read_text() == "mine"
    back_up(url, file, overwrite=True)
    assert values(file) == ["0", "0"]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("var/state.db", "belongs to the state itself"),
        ("var/../var/state.db-wal", "belongs to the state itself"),
        ("var/state.db.daemon.lock", "belongs to the state itself"),
        ("var", "is not a file"),
        ("nowhere/b.db", "No such file or directory"),
        ("var/state.db/b.db", "Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_what_can_not_be_a_backup(url: str, tmp_path: Path, file: str, message: str) -> None:
    """Even if it is to be overwritten. Two daemons could run if one's lock were replaced."""
    database = Database(url)
    with locks.acquire(database, "daemon"):
        pass
    database.close()
    before = sorted(os.listdir(tmp_path / "var"))
    with pytest.raises(StateError, match=message) as caught:
        back_up(url, tmp_path / file, overwrite=True)
    assert caught.value.hint
    assert os.listdir(tmp_path) == ["var"]
    assert sorted(os.listdir(tmp_path / "var")) == before
    assert values(tmp_path / "var/state.db") == ["0", "0"]


def test_a_state_on_a_read_only_disk(url: str, tmp_path: Path) -> None:
    """SQLite would create files beside it."""
    with disks(tmp_path / "disk") as [disk]:
        shutil.copy(tmp_path / "var/state.db", disk.at / "state.db")
        disk.read_only()
        back_up(f"sqlite:///{disk.at / 'state.db'}", tmp_path / "b.db", overwrite=False)
    assert values(tmp_path / "b.db") == ["0", "0"]


@pytest.mark.parametrize("left", [-65536, 8192])
def test_a_full_disk_is_named(url: str, tmp_path: Path, left: int) -> None:
    """Not the state: neither if the copy finds no space, nor SQLite's files beside it."""
    size = (tmp_path / "var/state.db").stat().st_size + left
    with disks(tmp_path / "disk", size=size) as [disk]:
        with pytest.raises(StateError, match=str(disk.at)) as caught:
            back_up(url, disk.at / "b.db", overwrite=False)
        assert "space" in str(caught.value.hint)
        assert os.listdir(disk.at) == []


def test_a_damaged_state_gives_no_backup(url: str, tmp_path: Path) -> None:
    """Nor does a file that is not a database. An earlier backup stays."""
    state, file = tmp_path / "var/state.db", tmp_path / "b.db"
    back_up(url, file, overwrite=False)
    before = file.read_bytes()
    whole = state.read_bytes()
    for damaged in (whole[:8192] + b"\xff" * 20_000 + whole[28_192:], b"none" * 999, b""):
        state.write_bytes(damaged)
        with pytest.raises(StateError):
            back_up(url, file, overwrite=True)
        assert file.read_bytes() == before
    state.unlink()
    with pytest.raises(StateError):
        back_up(url, file, overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["b.db", "var"]
    assert not state.exists()


def test_an_older_state_is_copied_as_it_is(url: str, tmp_path: Path) -> None:
    """Before an upgrade the newer version can make the backup."""
    with closing(sqlite3.connect(tmp_path / "var/state.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    back_up(url, tmp_path / "b.db", overwrite=False)
    for file in (tmp_path / "b.db", tmp_path / "var/state.db"):
        with closing(sqlite3.connect(file)) as connection:
            versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        assert versions == [("0001",)]


def test_postgresql_has_its_own_backups() -> None:
    """The hint is a command for a shell. It shows no password."""
    url = "postgresql+psycopg://me:se%20cret@db.example/my%20state?sslpassword=x"
    with pytest.raises(StateError, match="PostgreSQL makes the backups") as caught:
        back_up(url, Path("/b/a b.dump"), overwrite=False)
    assert caught.value.hint == (
        "pg_dump --format=custom '--file=/b/a b.dump' 'postgresql://me@db.example/my state'"
    )


def test_a_checkpoint_fills_the_file(url: str, tmp_path: Path) -> None:
    """So that a copy of it alone has what was written. It waits for no reader."""
    state = tmp_path / "var/state.db"
    database = Database(url)
    with database.read() as reader:
        assert kv.get(reader, "one") == "0"
        put(database, "1")
        checkpoint(database)
    put(database, "2")
    assert values(shutil.copy(state, tmp_path / "before.db")) != ["2", "2"]
    checkpoint(database)
    assert values(shutil.copy(state, tmp_path / "after.db")) == ["2", "2"]
    database.close()


def test_checkpoints_keep_the_log_short(url: str, tmp_path: Path) -> None:
    """What was copied is overwritten."""
    log = tmp_path / "var/state.db-wal"
    database = Database(url)
    put(database, "first")
    checkpoint(database)
    size = log.stat().st_size
    assert size
    for number in range(50):
        put(database, str(number))
        checkpoint(database)
    assert log.stat().st_size == size
    with database.begin() as connection:  # a checkpoint does not change how others are durable
        assert connection.scalar(text("PRAGMA synchronous")) == 2
    database.close()


def test_a_state_in_memory_has_no_checkpoints() -> None:
    """It has no file."""
    database = Database("sqlite://")
    checkpoint(database)
    database.close()
