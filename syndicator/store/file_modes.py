"""Who may read the state's files: only their owner, and a group that the operator allows.

They hold subscribers' secrets and callback addresses, so they are private from their creation.
A lock file that others could open, they could also lock.
"""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from syndicator.errors import StateError
from syndicator.file_access import group_name, user_name

#: Permissions of the state's files: read and write for the owner.
FILE = 0o600

#: Permissions of a folder that is created for the state alone.
FOLDER = 0o700

#: Added for a group that may read the state: it lists and enters the folder.
_GROUP_ENTERS = stat.S_IRGRP | stat.S_IXGRP

#: Seconds to wait while another process creates a state, which takes a few milliseconds.
_CREATION_TIMEOUT = 2.0

#: Suffixes of the files that SQLite keeps beside a database: https://sqlite.org/tempfiles.html
_COMPANION_SUFFIXES = ("-wal", "-shm", "-journal")


def create(state: Path, folder_mode: int) -> None:
    """Create the file of a new state, and its folder with this mode. An existing state stays as is.

    SQLite would create the file with the mode of any other (0644). It would also take files that a
    deleted state left beside it for the new one's: two databases would then share one `-shm`,
    which can crash a process that has the old one open.
    """
    state.parent.mkdir(mode=folder_mode, parents=True, exist_ok=True)
    if os.path.lexists(state):
        return
    with _creation_lock(state.parent):
        if not os.path.lexists(state):
            for file in companions(state):
                file.unlink(missing_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(state, flags, FILE))


@contextmanager
def _creation_lock(folder: Path) -> Iterator[None]:
    """Keep two processes that create a state at once from removing each other's files.

    Waits for a limited time: any user who can list the folder can hold this lock.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    until = time.monotonic() + _CREATION_TIMEOUT
    try:
        while time.monotonic() < until:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:  # the file system has no locks
                break
        yield
    finally:
        os.close(handle)


def companions(state: Path) -> list[Path]:
    """The paths of SQLite's files beside a database, whether they exist or not.

    SQLite gives them the permissions of the database.
    """
    database = os.path.realpath(state)
    return [Path(database + suffix) for suffix in _COMPANION_SUFFIXES]


def restrict(state: Path) -> None:
    """Make files of an older state private if every user can use them and this user owns them.

    Permissions for everyone come from an earlier version (0644); no operator chose them. Those for
    a group alone (0640, 0660) are an operator's choice, as for monitoring, and stay.
    """
    lock = lock_mode(state)
    for file in accessible_to_all(state):
        # By path, not by handle: closing a handle drops the locks that SQLite holds on the same
        # file in this process.
        # https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
        with suppress(OSError):
            if file.lstat().st_uid == os.geteuid():
                file.chmod(lock if file.suffix == ".lock" else FILE)


def share(state: Path, group: int | None) -> None:
    """Let a group read the state: its folder, its database and the files beside it.

    None: the database keeps its group and permissions. In either case the files beside it get
    them: SQLite gives them the same mode but, unless root runs it, not the same group.
    The folder is left alone if it holds anything else, and files of other users always are.
    Raises StateError if this user is not in the group.
    """
    database = Path(os.path.realpath(state))
    if group is not None:
        _give(database, group, _mode(database) | FILE | stat.S_IRGRP)
        if _is_for_state_alone(state):
            _give(state.parent, group, stat.S_IMODE(state.parent.stat().st_mode) | _GROUP_ENTERS)
    if lock_mode(state) != FILE:
        for file in filter(_mode, files(state)):
            with suppress(StateError, FileNotFoundError):
                _give(file, database.stat().st_gid, lock_mode(state))


def _give(path: Path, group: int, mode: int) -> None:
    """Give a file or folder of this user this group and mode, unless it has them."""
    seen = path.lstat()
    if os.geteuid() not in (seen.st_uid, 0):
        return
    # By path, not by handle: see `restrict`.
    if seen.st_gid != group:
        try:
            os.chown(path, -1, group, follow_symlinks=False)
        except PermissionError as error:
            me, name = user_name(os.geteuid()), group_name(group)
            hint = f"make {me} a member: usermod -aG {name} {me}; or use another state.group"
            raise StateError(f"{me} can't give {path} to the group {name}", hint=hint) from error
    if stat.S_IMODE(seen.st_mode) != mode:
        path.chmod(mode)


def _is_for_state_alone(state: Path) -> bool:
    """Whether a folder was made for the state: it is closed to others and holds nothing else."""
    names = os.listdir(state.parent)
    closed = not state.parent.stat().st_mode & stat.S_IXOTH
    return closed and all(name.startswith(state.name) for name in names)


def accessible_to_all(state: Path) -> list[Path]:
    """The state's files that every user of this host can read or write."""
    return [file for file in files(state) if _mode(file) & stat.S_IRWXO]


def lock_mode(state: Path) -> int:
    """The mode of a lock file: the database's for owner and group, nothing for everyone.

    SQLite gives the files beside a database the same. If everyone can use the database, no operator
    chose the group's permissions either, and the lock is the owner's alone.
    """
    database = _mode(Path(os.path.realpath(state)))
    return FILE if database & stat.S_IRWXO else FILE | database & (stat.S_IRGRP | stat.S_IWGRP)


def files(state: Path) -> Iterator[Path]:
    """The database, SQLite's files beside it, which may be missing, and the locks' files."""
    yield Path(os.path.realpath(state))
    yield from companions(state)
    yield from sorted(state.parent.glob(f"{escape(state.name)}.*.lock"))


def _mode(file: Path) -> int:
    """The permissions of a regular file; 0: it is missing."""
    try:
        mode = file.lstat().st_mode
    except OSError:
        return 0
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else 0
