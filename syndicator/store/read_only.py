"""Reads a state without writing anything: no file of SQLite's beside it either, as far as possible.

SQLite reads a database in WAL mode without write permission if its `-wal` and `-shm` exist, as
while a daemon runs or after a crash. It would create missing ones. If they are missing, everything
is in the database, which can be read as `immutable`: https://sqlite.org/wal.html#read_only_databases
"""

import os
from pathlib import Path

from syndicator.store.file_modes import companions

#: Size and time of the database's last change, and whether it has a write-ahead log.
Version = tuple[int, int, bool]


class ReadOnlyFile:
    """An SQLite database that is only read. It should be open for a short time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        #: The version that is read, if no process may change it meanwhile. None: any may.
        self._version = None if _is_in_use(path) else _version(path)

    @property
    def query(self) -> dict[str, str]:
        """The parameters of its URI: https://sqlite.org/uri.html"""
        return {"mode": "ro", **({"immutable": "1"} if self._version else {})}

    def is_unchanged(self) -> bool:
        """Whether what was read is consistent: no process began to write meanwhile."""
        return self._version is None or self._version == _version(self._path)


def _is_in_use(path: Path) -> bool:
    """Whether a process has it open in WAL mode, or one that crashed left its log."""
    return any(os.path.lexists(file) for file in companions(path))


def _version(path: Path) -> Version:
    seen = os.stat(path)
    return seen.st_size, seen.st_mtime_ns, _is_in_use(path)
