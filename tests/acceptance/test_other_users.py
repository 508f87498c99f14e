"""Commands of a user who may only read: by a group, or on a read-only disk."""

import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from command import Command, until
from disks import disks

from syndicator.outputs import owner

#: Users and a group without a name on any machine.
OWNER, MONITOR, READERS = 61_001, 61_002, 61_003

READING = (("status", "--check"), ("status", "--json"), ("hub", "list"))

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as other users")


def python() -> str:
    """A Python that other users may run too: this one may be below /root."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for each in (sys.executable, f"/usr/bin/{version}"):
        with suppress(OSError):
            subprocess.run([each, "-c", "import sqlite3"], check=True, user=OWNER, env=ENVIRON)
            return each
    pytest.skip(f"other users can't run {sys.executable}")


#: The packages of this Python.
ENVIRON = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


class Host(Command):
    """A site whose feeds and state belong to OWNER. A monitoring user is in the group READERS."""

    def __init__(self, root: Path, settings: str = "") -> None:
        super().__init__(root, f'[state]\nurl = "sqlite:///{root}/state/state.db"\n{settings}')
        self.state = root / "state/state.db"
        for folder in (root / "state", self.feeds):
            folder.mkdir()
            folder.chmod(0o700 if folder == root / "state" else 0o755)
            os.chown(folder, OWNER, OWNER)
        self.post("2026-01-01-a")
        self.environ |= ENVIRON
        self.python = python()

    def arguments(self, *arguments: str) -> list[str]:
        return [self.python, "-m", "syndicator", *arguments]

    def by(self, user: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.arguments(*arguments),
            cwd=self.root,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            user=user,
            group=user,
            extra_groups=[READERS],
        )

    def start(self) -> "subprocess.Popen[bytes]":
        """A daemon of OWNER."""
        return subprocess.Popen(
            self.arguments("run"),
            cwd=self.root,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=OWNER,
            group=OWNER,
            extra_groups=[READERS],
        )

    def modes(self) -> dict[str, tuple[int, int]]:
        """Mode and group of the state's folder and of each file in it."""
        files = [self.state.parent, *self.state.parent.iterdir()]
        return {
            each.name: (stat.S_IMODE(each.stat().st_mode), each.stat().st_gid) for each in files
        }


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that every user can enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="syndicator-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_group_reads_the_state(root: Path) -> None:
    """Before, while and after a daemon runs, and after it was killed. It can't write."""
    host = Host(root, f'group = "{READERS}"')
    assert host.by(OWNER, "build").returncode == 0
    assert host.modes() == {
        "state": (0o750, READERS),
        "state.db": (0o640, READERS),
        "state.db.run.lock": (0o640, READERS),
    }
    before = sorted(host.state.parent.iterdir())
    assert [host.by(MONITOR, *arguments).returncode for arguments in READING] == [0, 0, 0]
    assert sorted(host.state.parent.iterdir()) == before
    (root / "mine").mkdir()
    os.chown(root / "mine", MONITOR, MONITOR)
    assert host.by(MONITOR, "backup", "mine/copy.db").returncode == 0
    written = host.by(MONITOR, "build")
    assert (written.returncode, "belongs to user 61001" in written.stderr) == (1, True)
    daemon = host.start()
    try:
        open_files = [f"state.db{suffix}" for suffix in ("", "-wal", "-shm", ".daemon.lock")]
        until(lambda: all(host.modes().get(name) == (0o640, READERS) for name in open_files))
        running = json.loads(host.by(MONITOR, "status", "--json").stdout)
        assert running["daemon"].startswith(f"pid {daemon.pid} on ")
    finally:
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
    assert host.state.with_name("state.db-wal").stat().st_size
    assert host.by(MONITOR, "status", "--check").stdout == (
        "the daemon is not running: start it with syndicator run\n"
    )


def test_other_users_learn_whose_the_state_is(root: Path) -> None:
    """Without a group the state is its owner's alone."""
    host = Host(root)
    assert host.by(OWNER, "build").returncode == 0
    for arguments in (*READING, ("push",), ("build",)):
        refused = host.by(MONITOR, *arguments)
        assert refused.returncode == 1
        assert f"{root}/state belongs to user 61001, and user 61002 may not" in refused.stderr
        assert "sudo -u '#61001' syndicator" in refused.stderr
        assert ("state.group" in refused.stderr) == (arguments in READING)
    doctor = host.by(MONITOR, "doctor")
    assert f"output.path: {root}/feeds belongs to user 61001" in doctor.stdout
    assert owner.NAME not in doctor.stdout


def test_other_users_learn_whose_the_output_is(root: Path) -> None:
    """Of a folder that the user of the daemon may not write to."""
    host = Host(root)
    os.chown(host.feeds, 0, 0)
    refused = host.by(OWNER, "build")
    assert refused.returncode == 1
    message = f"can't be written: {root}/feeds belongs to root, and user 61001 may not write to it"
    assert message in refused.stderr


def test_a_group_that_the_owner_is_not_in(root: Path) -> None:
    """It can't be given the files, which the error says before anything is built."""
    host = Host(root, 'group = "61009"')
    refused = host.by(OWNER, "build")
    assert refused.returncode == 1
    assert f"user 61001 can't give {root}/state/state.db to the group 61009" in refused.stderr
    assert host.modes()["state.db"] == (0o600, OWNER)
    assert not host.feed("index.html")


def test_a_folder_that_is_not_for_the_state_alone_stays_closed(root: Path) -> None:
    """`doctor` names it. Only the operator knows what else a group may see."""
    host = Host(root, f'group = "{READERS}"')
    (host.state.parent / "diary").write_text("")
    assert host.by(OWNER, "build").returncode == 0
    assert host.modes()["state"] == (0o700, OWNER)
    assert host.modes()["state.db"] == (0o640, READERS)
    doctor = host.by(OWNER, "doctor")
    assert f"state.group: members of 61003 can't enter {root}/state" in doctor.stdout
    assert f"chgrp 61003 {root}/state && chmod g+x {root}/state" in doctor.stdout


@pytest.mark.parametrize("crashed", [False, True])
def test_a_read_only_disk(root: Path, crashed: bool) -> None:
    """The state is read there, with what a killed daemon left in its log; nothing is written."""
    with disks(root / "disk") as (disk,):
        host = Command(root, f'[state]\nurl = "sqlite:///{disk.at}/state.db"')
        host.post("2026-01-01-a")
        host.build()
        if crashed:
            _crash_while_subscribed(disk.at / "state.db")
        disk.read_only()
        before = sorted(disk.at.iterdir())
        assert host("status").returncode == 0
        listed = json.loads(host("hub", "list", "--json").stdout)["subscriptions"]
        assert len(listed) == crashed
        copy = root / "copy.db"
        assert host("backup", str(copy)).returncode == 0
        with closing(sqlite3.connect(copy)) as database:
            count = database.execute("SELECT count(*) FROM subscriptions").fetchone()
        assert count == (crashed,)
        assert sorted(disk.at.iterdir()) == before
        if not crashed:  # the rest is refused at the same place
            return
        assert f"state.url: {disk.at} is on a read-only disk" in host("doctor").stdout
        for command in ("build", "push", "run"):
            refused = host(command)
            assert (refused.returncode, "is on a read-only disk" in refused.stderr) == (1, True)
        assert sorted(disk.at.iterdir()) == before


def test_a_log_without_its_index_is_not_left_out(root: Path) -> None:
    """A copy of the database and its log on a read-only disk: SQLite can't read the log there."""
    with disks(root / "disk") as (disk,):
        host = Command(root, f'[state]\nurl = "sqlite:///{disk.at}/state.db"')
        host.build()
        _crash_while_subscribed(disk.at / "state.db")
        (disk.at / "state.db-shm").unlink()
        disk.read_only()
        listed = host("hub", "list")
        assert listed.returncode == 1
        assert "state.db-wal can't be read without state.db-shm" in listed.stderr
        assert "hint: copy state.db and state.db-wal to a folder" in listed.stderr
        assert host("backup", str(root / "copy.db")).stderr == listed.stderr


def _crash_while_subscribed(state: Path) -> None:
    """Leave a subscription in the write-ahead log of a process that was killed."""
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(state, isolation_level=None)
        connection.execute(
            "INSERT INTO subscriptions (topic, callback, host, since, expires, failures) "
            "VALUES ('http://a.example/', 'http://b.example/', 'b.example', 0, 1 << 52, 0)"
        )
        os._exit(0)
    os.waitpid(child, 0)
    with closing(sqlite3.connect(f"file:{state}?immutable=1", uri=True)) as database:
        assert database.execute("SELECT count(*) FROM subscriptions").fetchone() == (0,)


@pytest.mark.parametrize("mode", [0o700, 0o744, 0o711])
def test_a_folder_of_posts_that_is_closed(root: Path, mode: int) -> None:
    """It is a problem. Its posts stay in the feeds, also as the site changes; others go out."""
    host = Host(root)
    year = host.site / "_posts/2025"
    year.mkdir()
    host.post("2025-01-01-old", "Old").rename(year / "2025-01-01-old.md")
    assert host.by(OWNER, "build").returncode == 0
    year.chmod(mode)
    host.post("2026-01-02-b", "Second")
    for title in ("", "title: Another\n"):
        with (host.site / "_config.yml").open("a") as config:
            config.write(title)
        built = host.by(OWNER, "build")
        assert built.returncode == 1
        assert "_posts/2025: can't be read: Permission denied. Its posts stay" in built.stdout
        shown = host.feed("all.atom")
        assert all(title in shown for title in ("Old", "Second", "A title"))
        assert "_posts/2025: can't be read" in host.by(OWNER, "status").stdout
    year.chmod(0o755)
    (year / "2025-01-01-old.md").unlink()
    built = host.by(OWNER, "build")
    assert (built.returncode, "Old" in host.feed("all.atom")) == (0, False)
    assert "can't be read" not in host.by(OWNER, "status").stdout
