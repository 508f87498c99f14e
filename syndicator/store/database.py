"""The connection to SQLite or PostgreSQL: opening, migrations, transactions."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Connection, make_url, text

from syndicator.errors import MovedStateError, StateError
from syndicator.store import file_modes
from syndicator.store.engines import LOCK_TIMEOUT, file_of, open_engine, read_only_engine
from syndicator.store.read_only import ReadOnlyFile
from syndicator.store.refusals import (
    HEAD,
    MIGRATIONS,
    missing_state,
    refuse_special_file,
    version_of,
)
from syndicator.store.schema import metadata
from syndicator.store.state_errors import readable_errors, without_password

#: As Alembic defines it. A new state gets its tables at once, stamped with the newest migration.
#: https://alembic.sqlalchemy.org/en/latest/cookbook.html#building-an-up-to-date-database-from-scratch
_ALEMBIC = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)

#: PostgreSQL's advisory lock of a process that makes or migrates the tables. Any fixed number.
_MIGRATING = 7_046_029

#: PostgreSQL's advisory lock of a transaction that writes tables of the push. Any fixed number.
_PUSHING = 7_046_030

#: The `synchronous` setting of SQLite for a durable transaction, which survives a power cut.
#: Queued jobs must. https://sqlite.org/pragma.html#pragma_synchronous
_DURABLE = "FULL"

#: The setting for a transaction whose loss is harmless.
_FAST = "NORMAL"

#: PostgreSQL ends a transaction whose client is silent for longer, as one whose network was cut or
#: that is suspended: its locks would stop all others. For this transaction only, since a pooler may
#: give its session to another client. https://www.postgresql.org/docs/current/runtime-config-client.html
_LIMIT_SILENCE = "SET LOCAL idle_in_transaction_session_timeout = '9s'"
#: No statement waits longer for a lock: the work is repeated, and `status` says why it failed.
_LIMIT_WAIT = "SET LOCAL lock_timeout = '60s'"
_NO_WAIT_FOR_DISK = "SET LOCAL synchronous_commit = off"


class Database:
    """A state by its URL: `sqlite:///path` or `postgresql+psycopg://…`; `sqlite://` is in memory.

    Opening creates a missing state and migrates an older one; a newer schema is refused.
    Raises StateError, with a readable cause, for each error that an operator can fix.
    """

    def __init__(
        self,
        url: str,
        *,
        folder_mode: int = file_modes.FOLDER,
        group: int | None = None,
        read_only: bool = False,
        lasting: bool = True,
    ) -> None:
        """`folder_mode`: the permissions of the state's folder, if it has to be created.

        `group`: the group that may read a state in files; None: it stays as it is.
        `read_only`: create, change and migrate nothing, so that no write permission is needed. A
        missing or older state is refused. `lasting`: False: nobody needs it after this process, so
        no transaction waits for the disk.
        """
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._read_only = read_only
        self._lasting = lasting
        self._read_only_file: ReadOnlyFile | None = None
        self._inode: tuple[int, int] | None = None
        #: The daemon that uses it. PostgreSQL shows which transactions are its own, so that others
        #: can end them when it is dead. None: a command.
        self.process: str | None = None
        self._of_thread = threading.local()
        self._writing = threading.Lock() if self.sqlite else None
        with self._readable_errors(without_password(self.url)):
            if self.path:
                refuse_special_file(str(self.path))
            if read_only:
                self._open_read_only()
            else:
                self._open(folder_mode, group)
            self._inode = _inode(self.path)
            companions = file_modes.companions(self.path) if self.path else []
            self._companions = {file: _inode(file) for file in companions}

    @property
    def name(self) -> str:
        """The name of the state in messages, without its password."""
        return str(self.path or without_password(self.url))

    @property
    def path(self) -> Path | None:
        """The file of an SQLite state; None: it is not a file."""
        return file_of(self.url)

    @contextmanager
    def begin(self, *, durable: bool = True, push: bool = False) -> Iterator[Connection]:
        """A transaction that may write. One at a time on SQLite; the others wait.

        A transaction that isn't `durable` doesn't wait for the disk. It survives the process, but
        a power cut may undo it unless a durable transaction came after it.

        `push`: whether it writes tables of the push (`push_schema`). One of these runs at a time,
        on PostgreSQL too. Each waits before it locks any row, so none of them meets a deadlock.
        """
        self.check()
        options = self._options(durable, push)
        with (
            _in_turn(self._writing),
            self._readable_errors(self.name),
            self.engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection
            if fence := getattr(self._of_thread, "fence", None):
                fence(connection)

    def _options(self, durable: bool, push: bool) -> dict[str, str]:
        if self.sqlite:
            return {"synchronous": _DURABLE if durable and self._lasting else _FAST}
        begin = ["BEGIN", _LIMIT_SILENCE, _LIMIT_WAIT, *([] if durable else [_NO_WAIT_FOR_DISK])]
        if self.process:  # `processes.end_sessions` finds it by these letters
            begin.append(f"SET LOCAL application_name = 'syndicator {self.process[-8:]}'")
        if push:
            begin.append(f"SELECT pg_advisory_xact_lock({_PUSHING})")
        return {"begin": "; ".join(begin)}

    @contextmanager
    def fenced(self, fence: Callable[[Connection], None]) -> Iterator[None]:
        """Call `fence` before each commit of this thread in the block.

        An exception from it undoes the transaction. Other threads commit as ever.
        """
        outer = getattr(self._of_thread, "fence", None)
        self._of_thread.fence = fence
        try:
            yield
        finally:
            self._of_thread.fence = outer

    @contextmanager
    def read(self, *, repeatable: bool = False) -> Iterator[Connection]:
        """A transaction that only reads, from one consistent snapshot.

        `repeatable`: PostgreSQL takes it for the whole transaction, not for each statement anew.
        """
        self.check()
        with self._readable_errors(self.name), self.engine.connect() as connection:
            if repeatable:
                connection.execution_options(begin="BEGIN ISOLATION LEVEL REPEATABLE READ")
            with connection.begin():
                yield connection
        if self._read_only_file and not self._read_only_file.is_unchanged():
            message = f"{self.name} was changed while it was read"
            raise StateError(message, hint="run the command again")

    def check(self) -> None:
        """Raise MovedStateError when the file is not the one that was opened.

        Open connections would still read and write the old file, which no other process sees, and
        new connections would open the new file: queued jobs would be lost between the two.
        """
        if self._inode and _inode(self.path) != self._inode:
            hint = "no action is needed if this was intended: the daemon opens the new file"
            raise MovedStateError(f"{self.name} was deleted, moved away or replaced", hint=hint)

    def remove_companions(self) -> None:
        """Remove SQLite's files beside the file that was opened, after another file replaced it.

        SQLite would apply them to the new file, with the newest changes of the old one.
        """
        for file, inode in self._companions.items():
            if inode and _inode(file) == inode:
                file.unlink(missing_ok=True)

    def close(self) -> None:
        self.engine.dispose()

    def _readable_errors(self, name: str) -> AbstractContextManager[None]:
        return readable_errors(name, self.path, write=not self._read_only)

    def _open(self, folder_mode: int, group: int | None) -> None:
        if self.path:
            file_modes.create(self.path, folder_mode)
            file_modes.restrict(self.path)
        self.engine = open_engine(self.url, sqlite=self.sqlite)
        self._migrate()
        if self.path:
            file_modes.share(self.path, group)

    def _open_read_only(self) -> None:
        if self.path and not os.path.lexists(self.path):
            raise missing_state(self.name)
        self.engine, self._read_only_file = read_only_engine(self.url)
        with self.engine.connect() as connection:
            version = version_of(self.name, connection)
        if version is None:
            raise missing_state(self.name)
        if version != HEAD:
            message = f"{self.name} was written by an earlier version (schema {version})"
            hint = "syndicator run and syndicator build of this version migrate it"
            raise StateError(message, hint=hint)

    def _migrate(self) -> None:
        with self.engine.connect() as connection:
            version = version_of(self.name, connection)
        if version == HEAD:
            return
        if version is not None:
            self._refuse_running_daemon(version)
        with self.begin() as connection:
            if not self.sqlite:  # there, a writing transaction excludes all others
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
            # Another process may have migrated it meanwhile.
            version = version_of(self.name, connection)
            if version is None:
                metadata.create_all(connection, checkfirst=False)
                connection.execute(text(_ALEMBIC))
                connection.execute(
                    text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD}
                )
            elif version != HEAD:
                _upgrade(connection)

    def _refuse_running_daemon(self, version: str) -> None:
        """An older daemon could not use the state any more, and would publish nothing."""
        from syndicator.store import locks

        if daemon := locks.find_daemon(self, version):
            message = f"a daemon of another version runs on {self.name}: {daemon}"
            raise StateError(message, hint="stop it before you use this version")


@contextmanager
def _in_turn(lock: "threading.Lock | None") -> Iterator[None]:
    """Let threads of this process write to SQLite one after the other.

    SQLite would let a thread sleep for up to a tenth of a second, again and again, while others
    write in between. https://sqlite.org/c3ref/busy_handler.html
    """
    acquired = lock is not None and lock.acquire(timeout=LOCK_TIMEOUT)
    try:
        yield
    finally:
        if lock is not None and acquired:
            lock.release()


def _inode(path: Path | None) -> tuple[int, int] | None:
    """Device and inode, which identify a file whatever its path; None: it is missing."""
    try:
        status = os.stat(path) if path else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status else None


def _upgrade(connection: Connection) -> None:
    # Importing Alembic takes a quarter of a second, and is needed once for each new version.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
