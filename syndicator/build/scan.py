"""Finds the documents that are new, changed or gone since the last scan.

A scan compares what `stat` says; it opens no document. A fresh document only may have changed: the
index compares it with its row before it is read.
"""

from array import array
from collections.abc import Callable, Collection, Iterable

from msgspec import Struct
from msgspec.structs import replace

from syndicator.sources.errors import source_error
from syndicator.sources.folder import FolderScan, SourceFolder
from syndicator.store import posts
from syndicator.store.database import Database
from syndicator.store.sql import batches


class LastScan(Struct, frozen=True):
    """What the next scan is compared with."""

    #: Of every document, eight bytes each; None: compare with the store.
    stat_hashes: "array[int] | None" = None
    #: Whether some documents were found through links to their folders: they have two paths.
    linked: bool = False
    #: Paths that the next scan returns even if their stat is the same: posts put off among them.
    scan_again: frozenset[str] = frozenset()
    #: Paths that were scanned alone since `stat_hashes`.
    scanned_alone: frozenset[str] = frozenset()


class ScanResult(Struct, frozen=True):
    """Documents that may have changed, and documents that are gone. False if there are none."""

    fresh: Collection[str] = ()  #: sorted
    gone: Collection[str] = ()
    #: Of every document; None: only some paths were scanned.
    stat_hashes: "array[int] | None" = None
    linked: bool = False  #: as in `LastScan`, if every document was scanned

    def __bool__(self) -> bool:
        return bool(self.fresh or self.gone)

    @property
    def is_full(self) -> bool:
        """Whether every document was scanned."""
        return self.stat_hashes is not None


def scan(
    database: Database,
    source: SourceFolder,
    last: LastScan,
    paths: Collection[str] | None,
    progress: Callable[[int], None],
) -> ScanResult:
    """Scan these documents only, or all of them. `paths`: the only ones that may differ; None: any.

    What `progress` raises ends the scan. Raises SourceError if a source that had documents has
    none: it may be an unmounted disk.
    """
    if paths is not None:
        documents = {path for path in paths if source.is_document(path)}
        if not needs_full_scan(last, paths, documents):
            result = _scan_alone(database, source, last, documents)
            if result is not None:
                return result
    return _scan_all(database, source, last, progress)


def needs_full_scan(last: LastScan, paths: Collection[str], documents: Collection[str]) -> bool:
    """Whether every document has to be scanned although only `paths` may have changed.

    `documents`: those of the paths that can be documents. Where folders are linked, another path
    may be a document's under the link.
    """
    return last.stat_hashes is None or (last.linked and not set(paths).issubset(documents))


def some_are_gone(indexed: int, seen: int, fresh: int, fresh_and_indexed: int) -> bool:
    """Whether documents of the index are gone, by the numbers alone.

    `seen` documents exist, of which `fresh` may be new or changed; the others are indexed as they
    are. So as many indexed documents exist as there are unchanged ones and indexed fresh ones.
    """
    return indexed > seen - fresh + fresh_and_indexed


def after(last: LastScan, result: ScanResult, scan_again: Iterable[str]) -> LastScan:
    """What the scan after this one is compared with, once the index has its changes.

    `scan_again`: paths that it has to return again.
    """
    if not result.is_full:
        alone = last.scanned_alone.union(result.fresh, result.gone)
        return replace(last, scan_again=frozenset(scan_again), scanned_alone=alone)
    return LastScan(result.stat_hashes, result.linked, frozenset(scan_again))


def _scan_alone(
    database: Database, source: SourceFolder, last: LastScan, documents: Collection[str]
) -> ScanResult | None:
    """Scan some documents. None: no other document is left, which a full scan has to judge."""
    existing, gone = _look_up(database, source, documents)
    if gone:
        with database.read() as connection:
            if posts.has_no_others(connection, gone):
                return None
    return ScanResult(fresh=sorted({*existing, *_existing(source, last.scan_again)}), gone=gone)


def _scan_all(
    database: Database, source: SourceFolder, last: LastScan, progress: Callable[[int], None]
) -> ScanResult:
    again = last.scan_again | last.scanned_alone
    if last.stat_hashes is not None:  # most scans find no change: comparing two arrays is cheapest
        seen = source.scan(None, progress)
        if seen.stat_hashes == last.stat_hashes:
            existing, gone = _look_up(database, source, again - seen.closed)
            return ScanResult(sorted(existing), gone, seen.stat_hashes, seen.linked)
    seen = source.scan(_known(database, last), progress)
    _refuse_emptied(database, source, seen)
    existing = _existing(source, again)
    fresh = sorted({*seen.fresh, *existing}) if existing else seen.fresh
    gone = _gone(database, source, seen, fresh)
    return ScanResult(fresh, gone, seen.stat_hashes, seen.linked)


def _known(database: Database, last: LastScan) -> set[int]:
    """The stat hashes of documents that are not fresh. It takes a hundred bytes a document."""
    if last.stat_hashes is not None:
        return set(last.stat_hashes)
    with database.read() as connection:
        return {hash(stat) for stat in posts.all_stats(connection, settled=True)}


def _refuse_emptied(database: Database, source: SourceFolder, seen: FolderScan) -> None:
    if seen.stat_hashes:
        return
    with database.read() as connection:
        indexed = posts.count_documents(connection)
    if indexed:
        message = f"{source.root} has no posts where it had {indexed:,}"
        hint = "check that it is mounted; if all posts were deleted, start with a new state"
        raise source_error(source.root, message, hint)


def _gone(
    database: Database, source: SourceFolder, seen: FolderScan, fresh: Collection[str]
) -> set[str]:
    """The indexed documents that a full scan has not seen, but for those in closed folders."""
    with database.read() as connection:
        indexed = posts.count_documents(connection)
        both = sum(posts.count_documents(connection, batch) for batch in batches(fresh))
        if not some_are_gone(indexed, len(seen.stat_hashes), len(fresh), both):
            return set()
        existing = set(seen.stat_hashes)
        unseen = {stat.path for stat in posts.all_stats(connection) if hash(stat) not in existing}
        unseen.difference_update(fresh)
        return {path for path in unseen if not (seen.hides(path) or source.is_hidden(path))}


def _look_up(
    database: Database, source: SourceFolder, paths: Collection[str]
) -> tuple[set[str], set[str]]:
    """Those of the paths that exist, and those that the store has and that are gone.

    What is in a folder that this user may not read is neither.
    """
    existing = {path for path in paths if source.stat(path)}
    absent = [path for path in paths if path not in existing and not source.is_hidden(path)]
    if not absent:
        return existing, set()
    with database.read() as connection:
        return existing, set(posts.get(connection, absent))


def _existing(source: SourceFolder, paths: Iterable[str]) -> set[str]:
    return {path for path in paths if source.is_document(path) and source.stat(path)}
