"""What a subscriber is sent of a topic: all of it, or what it does not have (W3C WebSub §7)."""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import datetime

from msgspec import Struct, field

from syndicator.cache import LruCache
from syndicator.errors import OutputError
from syndicator.model.content import FeedFile
from syndicator.push.plan import Files
from syndicator.store import versions
from syndicator.store.database import Database

#: Bytes of reduced feeds that are kept in memory.
_MAX_KEPT = 16 * 1024 * 1024


class Payloads(Struct):
    """Chooses what is sent, for each version of a topic that subscribers have."""

    database: Database
    read_topic: Callable[[str], FeedFile | None]  #: see `Topics.read`
    clock: Callable[[], datetime]
    only_changes: bool  #: whether what a subscriber has is left out
    recorded: dict[str, str] = field(default_factory=dict)  #: the digest by topic
    #: By topic and the version that a subscriber has.
    reduced: LruCache[tuple[str, str], str, FeedFile] = field(
        default_factory=lambda: LruCache(_MAX_KEPT)
    )

    def read(self, topics: Collection[str]) -> Files:
        """The current files of topics, without those that can't be read at present."""
        files = dict[str, FeedFile | None]()
        for topic in topics:
            with suppress(OutputError):  # the run that repairs the file reports it
                files[topic] = self.read_topic(topic)
        if self.only_changes:
            self._record(files.values())
        return files

    def _record(self, files: Iterable[FeedFile | None]) -> None:
        """Record the entries of versions before they are sent."""
        from syndicator.formats import changes

        new = [file for file in files if file and self.recorded.get(file.url) != file.digest]
        if not new:
            return
        entries = {file.url: changes.entry_digests(file) for file in new}
        with self.database.begin(durable=False, push=True) as connection:
            for file in new:
                now = self.clock()
                versions.record(connection, file.url, file.digest, entries[file.url], now)
        self.recorded |= {file.url: file.digest for file in new}

    def of(self, file: FeedFile, had: str | None) -> FeedFile:
        """What is sent to a subscriber that has the version with the digest `had`; None: unknown.

        Entries that are not new or changed since then are left out. All of the topic is sent if
        that version is not known any more, or if no entry is new or changed.
        """
        if had is None or not self.only_changes:
            return file
        kept = self.reduced.get((file.url, had), file.digest)
        if kept is None:
            from syndicator.formats import changes

            with self.database.read() as connection:
                known = versions.entries(connection, file.url, had)
            kept = changes.without(file, known) if known else file
            self.reduced.put((file.url, had), file.digest, kept, len(kept.data))
        return kept
