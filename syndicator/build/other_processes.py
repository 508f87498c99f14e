"""Finds out what other processes published on the same state: a build beside a daemon."""

import secrets
from collections.abc import Callable, Sequence

from syndicator.model.archive import ArchivePage
from syndicator.store import archives, feeds, kv
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow


class OtherProcesses:
    """Reports the files that other processes published since this process's last run."""

    def __init__(
        self,
        database: Database,
        on_published: Callable[[Sequence[FileRow]], None],
        on_archived: Callable[[Sequence[ArchivePage]], None],
    ) -> None:
        """These are called after another's run, with all files and pages, removed ones too."""
        self._database = database
        self._on_published = on_published
        self._on_archived = on_archived
        self._name = secrets.token_hex(8)  #: identifies this process's runs in the state

    def has_run(self) -> bool:
        """Whether the last run was another process's."""
        with self._database.read() as connection:
            return kv.get(connection, "run by") != self._name

    def catch_up(self) -> None:
        """Report their files, if another process has run. The caller holds the run lock."""
        if self.has_run():
            with self._database.read() as connection:
                rows = feeds.all_files(connection)
                pages = list(archives.all_pages(connection))
            self._on_archived(pages)
            self._on_published(rows)
            with self._database.begin(durable=False) as connection:
                kv.put(connection, "run by", self._name)
