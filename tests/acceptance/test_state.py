"""An operator backs up, restores and moves the state of a site."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from command import Command, Hub, until

from syndicator.outputs import owner


def has_post(database: Path, path: str) -> bool:
    """Whether a copy of a state's file alone knows a post."""
    try:
        with closing(sqlite3.connect(shutil.copy(database, database.with_name("copy")))) as copy:
            return bool(copy.execute("SELECT 1 FROM posts WHERE path = ?", [path]).fetchone())
    except sqlite3.DatabaseError:  # it was copied in the middle of a checkpoint
        return False


def tree(command: Command) -> dict[str, tuple[bytes, int]]:
    """Bytes and mtime of every feed file. The owner's file names the path of the state."""
    return {
        str(path.relative_to(command.feeds)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in command.feeds.rglob("*")
        if path.is_file() and path.name != owner.NAME
    }


def test_backup_restore_and_move(tmp_path: Path) -> None:
    """A backup under a daemon, a restore after further posts, and a move send nothing anew."""
    state, file = tmp_path / "var/syndicator.db", tmp_path / "backup.db"
    with Hub() as hub:
        command = Command(tmp_path, f'[push]\nhubs = ["{hub.url}"]\n')
        command.post("2026-01-01-one", "One")
        with command.running() as daemon:
            hub.topics(6)
            refused = command("move-state", "sqlite:///../moved/state.db")
            assert (refused.returncode, refused.stdout) == (1, "")
            assert f"pid {daemon.process.pid}" in refused.stderr
            assert not (tmp_path / "moved").exists()
            done = command("backup", "--json", str(file))
            assert json.loads(done.stdout) == {"file": str(file), "bytes": file.stat().st_size}
            command.post("2026-01-02-two", "Two")
            hub.topics(6)
            until(lambda: has_post(state, "_posts/2026-01-02-two.md"), what="a checkpoint")
            assert daemon.end()[0] == 0
        shown = tree(command)

        shutil.copy(file, state)
        with command.running() as daemon:
            hub.topics(6)  # the backup does not know that they were sent
            assert daemon.end()[0] == 0
        assert tree(command) == shown

        moved = command("move-state", "sqlite:///../moved/state.db")
        assert moved.returncode == 0, moved.stderr
        url = f"sqlite:///{tmp_path / 'moved/state.db'}"
        assert moved.stdout.startswith(f"copied to {url}: 2 ids, ")
        assert f'set [state] url = "{url}"' in moved.stdout
        command.configure(f'[push]\nhubs = ["{hub.url}"]\n[state]\nurl = "{url}"\n')
        assert "0 of" in command("build").stdout
        assert command("push").stdout == "nothing sent\n"
        assert tree(command) == shown
        assert hub.pings.empty()
