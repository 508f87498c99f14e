"""Other processes that have runs on the same state: a build beside a daemon."""

import secrets
from collections.abc import Callable, Sequence

from syndicator.store import feeds, kv
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow


class OtherProcesses:
    """What they published, told to whoever serves it here."""

    def __init__(self, database: Database, tell: Callable[[Sequence[FileRow]], None]) -> None:
        """`tell` is called with every file that is out, or was, after another process had a run."""
        self._database = database
        self._tell = tell
        self._name = secrets.token_hex(8)  #: by which the state knows whose its last run was

    def has_run(self) -> bool:
        """Whether another process had one since the last one here."""
        with self._database.read() as connection:
            return kv.get(connection, "run by") != self._name

    def catch_up(self) -> None:
        """Tell of what they published since the last run here. Only who holds the run's lock may call it."""
        if self.has_run():
            with self._database.read() as connection:
                rows = feeds.all_files(connection)
            self._tell(rows)
            with self._database.begin(durable=False) as connection:
                kv.put(connection, "run by", self._name)
