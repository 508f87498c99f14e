"""The state's files are private to their owner."""

import fcntl
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from syndicator.errors import MovedStateError, StateError
from syndicator.store import file_modes, kv, locks
from syndicator.store.database import Database
from syndicator.store.peek import peek


def mode(path: Path | str) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("no_umask")
def test_files_are_created_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are created with these permissions, not changed to them afterwards."""
    for name in ("chmod", "fchmod", "umask"):
        monkeypatch.delattr(os, name)
    monkeypatch.delattr(Path, "chmod")
    path = tmp_path / "below/own/state.db"
    database = Database(f"sqlite:///{path}")
    with locks.acquire(database, "daemon"), database.begin():
        files = sorted(os.listdir(path.parent))
        assert files == ["state.db", "state.db-shm", "state.db-wal", "state.db.daemon.lock"]
        assert {mode(path.parent / name) for name in files} == {0o600}
    database.close()
    assert (mode(path.parent), mode(path.parent.parent)) == (0o700, 0o777)


def test_a_rollback_journal_is_private_too(tmp_path: Path) -> None:
    """SQLite gives it the permissions of the database, in each journal mode."""
    path = tmp_path / "state.db"
    file_modes.create(path, file_modes.FOLDER)
    with closing(sqlite3.connect(path, isolation_level=None)) as state:
        state.execute("CREATE TABLE x (y)")
        state.execute("BEGIN")
        state.execute("INSERT INTO x VALUES (1)")
        assert mode(f"{path}-journal") == 0o600


def test_existing_files_stay_unchanged(tmp_path: Path) -> None:
    """A folder, a file or a link's target is neither recreated nor given other permissions."""
    (tmp_path / "disk").mkdir(mode=0o755)
    (tmp_path / "disk/real.db").write_bytes(b"")
    (tmp_path / "disk/real.db").chmod(0o640)
    (tmp_path / "state.db").symlink_to("disk/real.db")
    file_modes.create(tmp_path / "state.db", file_modes.FOLDER)
    file_modes.restrict(tmp_path / "state.db")
    assert (mode(tmp_path / "disk"), mode(tmp_path / "disk/real.db")) == (0o755, 0o640)


@pytest.mark.parametrize("permissions", [0o644, 0o666, 0o664, 0o604, 0o602])
def test_permissions_for_everyone_are_removed(tmp_path: Path, permissions: int) -> None:
    """Of a database behind a link, of SQLite's files beside it and of locks; other files stay."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "state.db").symlink_to("disk/real.db")
    ours = [
        tmp_path / name for name in ("disk/real.db", "disk/real.db-wal", "state.db.daemon.lock")
    ]
    other = tmp_path / "state.db.txt"
    for path in (*ours, other):
        path.write_bytes(b"")
        path.chmod(permissions)
    assert file_modes.accessible_to_all(tmp_path / "state.db") == ours
    file_modes.restrict(tmp_path / "state.db")
    assert [mode(path) for path in (*ours, other)] == [0o600, 0o600, 0o600, permissions]
    assert file_modes.accessible_to_all(tmp_path / "state.db") == []


@pytest.mark.parametrize("permissions", [0o640, 0o660])
def test_permissions_for_a_group_stay(tmp_path: Path, permissions: int) -> None:
    """The operator chose them. New and old locks get the same, whatever the umask."""
    state = tmp_path / "state.db"
    database = Database(f"sqlite:///{state}")
    state.chmod(permissions)
    old = tmp_path / "state.db.run.lock"
    old.write_bytes(b"")
    old.chmod(0o644)
    file_modes.restrict(state)
    before = os.umask(0o022)
    try:
        with locks.acquire(database, "daemon"):
            assert mode(tmp_path / "state.db.daemon.lock") == permissions
    finally:
        os.umask(before)
    assert (mode(old), mode(state)) == (permissions, permissions)
    database.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is in every group")
def test_a_group_gets_the_state(tmp_path: Path) -> None:
    """Its files, which may be behind a link, and their folder if nothing else is in it."""
    (tmp_path / "disk").mkdir(mode=0o700)
    state = tmp_path / "state.db"
    state.symlink_to("disk/real.db")
    real = tmp_path / "disk/real.db"
    database = Database(f"sqlite:///{real}", group=4_000)
    database.close()
    assert (mode(real.parent), real.parent.stat().st_gid) == (0o750, 4_000)
    (tmp_path / "disk").chmod(0o700)
    (tmp_path / "disk/notes").write_text("")
    database = Database(f"sqlite:///{state}", group=4_001)
    with locks.acquire(database, "run"), database.begin():
        files = [*tmp_path.glob("disk/real.db*"), *tmp_path.glob("state.db.*")]
        assert len(files) == 4
        assert {(mode(file), file.stat().st_gid) for file in files} == {(0o640, 4_001)}
    database.close()
    assert [mode(folder) for folder in (tmp_path, tmp_path / "disk")] == [0o700, 0o700]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the group")
def test_files_beside_a_state_follow_its_group(tmp_path: Path) -> None:
    """An operator gave the database to a group. SQLite's files and locks get it too."""
    state = tmp_path / "state.db"
    Database(f"sqlite:///{state}").close()
    os.chown(state, -1, 4_000)
    state.chmod(0o660)
    database = Database(f"sqlite:///{state}")
    with locks.acquire(database, "run"), database.begin():
        files = list(tmp_path.iterdir())
        assert len(files) == 4
        assert {(mode(file), file.stat().st_gid) for file in files} == {(0o660, 4_000)}
    database.close()


def test_a_link_beside_a_state_is_left_alone(tmp_path: Path) -> None:
    """A planted link with the name of a state's file may lead to a file of another program."""
    (tmp_path / "other").write_bytes(b"")
    (tmp_path / "other").chmod(0o644)
    for name in ("state.db-wal", "state.db.run.lock"):
        (tmp_path / name).symlink_to("other")
    file_modes.restrict(tmp_path / "state.db")
    assert mode(tmp_path / "other") == 0o644


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files of others")
def test_files_of_another_user_are_reported_and_left_alone(tmp_path: Path) -> None:
    """`doctor` names the user who may change them."""
    path = tmp_path / "state.db"
    path.write_bytes(b"")
    path.chmod(0o644)
    os.chown(path, 65_534, 65_534)
    file_modes.restrict(path)
    assert (mode(path), file_modes.accessible_to_all(path)) == (0o644, [path])


def test_restricting_files_keeps_the_locks_of_a_transaction(tmp_path: Path) -> None:
    """If this process opens the state again, another process still can't write meanwhile."""
    path = tmp_path / "state.db"
    first = Database(f"sqlite:///{path}")
    with first.begin():
        for each in (path, Path(f"{path}-shm")):  # the -shm has the locks
            each.chmod(0o644)
        Database(f"sqlite:///{path}").close()
        assert (mode(path), mode(f"{path}-shm")) == (0o600, 0o600)
        # A new process, since a forked one would share SQLite's locks in memory.
        code = (
            "import sqlite3, sys; "
            "sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        )
        other = subprocess.run(
            [sys.executable, "-c", code, path],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert "database is locked" in other.stderr
    first.close()


def test_a_lock_has_the_group_permissions_of_its_state(tmp_path: Path) -> None:
    """Users who may read the state may also see who holds its lock; others may not."""
    path = tmp_path / "state.db"
    database = Database(f"sqlite:///{path}")
    path.chmod(0o640)
    with locks.acquire(database, "daemon"):
        assert mode(f"{path}.daemon.lock") == 0o640
    database.close()


def test_peeking_creates_only_private_files(tmp_path: Path) -> None:
    """SQLite's files beside the state are private too."""
    path = tmp_path / "state.db"
    Database(f"sqlite:///{path}").close()
    peek(f"sqlite:///{path}")
    assert {mode(each) for each in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("plant", [os.mkfifo, os.mkdir, lambda path: os.symlink("victim", path)])
def test_a_special_file_in_place_of_a_lock(tmp_path: Path, plant) -> None:  # type: ignore[no-untyped-def]
    """The error names it. It is never opened for waiting or writing."""
    database = Database(f"sqlite:///{tmp_path}/state.db")
    (tmp_path / "victim").write_text("precious")
    plant(f"{tmp_path}/state.db.daemon.lock")
    with (
        pytest.raises(StateError, match=r"daemon\.lock is not a regular file"),
        locks.acquire(database, "daemon"),
    ):
        pass
    with pytest.raises(StateError, match=r"daemon\.lock is not a regular file"):
        locks.holder(database, "daemon")
    locks.write_heartbeat(database, "daemon")
    database.close()
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_new_state_shares_nothing_with_a_deleted_one(tmp_path: Path) -> None:
    """Otherwise a process with the old one open would read the files of the new one."""
    path = tmp_path / "state.db"
    old = Database(f"sqlite:///{path}")
    with old.begin() as connection:
        kv.put(connection, "which", "old")
    path.unlink()
    new = Database(f"sqlite:///{path}")
    with new.begin() as connection:
        assert kv.get(connection, "which") is None
        kv.put(connection, "which", "new")
    assert _open_files() >= {
        (f"{path}{suffix}", gone) for suffix in ("", "-wal", "-shm") for gone in (True, False)
    }
    with old.engine.connect() as connection:
        assert kv.get(connection, "which") == "old"
    old.close()
    other = Database(f"sqlite:///{path}")
    with other.read() as connection, new.read() as seen:
        assert kv.get(connection, "which") == kv.get(seen, "which") == "new"
    other.close()
    new.close()


def test_a_new_state_shares_nothing_with_a_replaced_one(tmp_path: Path) -> None:
    """SQLite would apply the old one's journal to the new file."""
    path, backup = tmp_path / "state.db", tmp_path / "backup.db"
    for file, which in ((backup, "backup"), (path, "first")):
        database = Database(f"sqlite:///{file}")
        with database.begin() as connection:
            kv.put(connection, "which", which)
        database.close()
    old = Database(f"sqlite:///{path}")
    with old.begin() as connection:
        kv.put(connection, "which", "changed")
    backup.replace(path)
    with pytest.raises(MovedStateError):
        old.check()
    old.remove_companions()
    new = Database(f"sqlite:///{path}")
    old.remove_companions()  # the files there now belong to the new one
    with new.read() as connection, old.engine.connect() as before:
        assert (kv.get(connection, "which"), kv.get(before, "which")) == ("backup", "changed")
    assert os.path.exists(f"{path}-wal")
    old.close()
    new.close()


def test_several_processes_create_one_state(tmp_path: Path) -> None:
    """None removes the files that another has just written."""
    names = ("one", "two", "three", "four", "five", "six")
    processes = [_open_in_another_process(tmp_path / "state.db", name) for name in names]
    assert [process.wait(60) for process in processes] == [0] * len(names)
    database = Database(f"sqlite:///{tmp_path}/state.db")
    with database.read() as connection:
        assert [kv.get(connection, name) for name in names] == ["here"] * len(names)
    database.close()


def test_another_user_can_not_prevent_the_creation_of_a_state(tmp_path: Path) -> None:
    """Every user who can list a folder can lock it."""
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    assert _open_in_another_process(tmp_path / "state.db", "one").wait(60) == 0
    os.close(folder)


def _open_in_another_process(path: Path, key: str) -> subprocess.Popen[bytes]:
    script = (
        "import sys\n"
        "from syndicator.store import kv\n"
        "from syndicator.store.database import Database\n"
        "database = Database('sqlite:///' + sys.argv[1])\n"
        "with database.begin() as connection: kv.put(connection, sys.argv[2], 'here')"
    )
    return subprocess.Popen([sys.executable, "-c", script, str(path), key])


def _open_files() -> set[tuple[str, bool]]:
    """The files that this process has open, and whether each is deleted."""
    links = [os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return {(link.removesuffix(" (deleted)"), link.endswith(" (deleted)")) for link in links}
