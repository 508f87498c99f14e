"""Updates the index of posts from changed documents, and marks the feeds they are in as stale."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from syndicator.build import identity
from syndicator.build.feed_names import FeedNames
from syndicator.build.read import ReadRequest, ReadResult, read_all
from syndicator.jekyll.site import Site
from syndicator.model.content import Identity, PostHead, Problem
from syndicator.model.progress import Phase, Progress
from syndicator.sources.folder import SourceFolder
from syndicator.store import entries, feeds, identities, posts, problems
from syndicator.store.database import Database
from syndicator.store.posts import PostRow
from syndicator.store.sql import BATCH, batches

#: How long after its file was removed a post may be continued under another path. A crash, a reload
#: or a slow copy may separate the two halves of a rename.
RENAMING = timedelta(hours=1)

_Known = Mapping[str, PostRow]


@dataclass(slots=True)
class IndexResult:
    """What changed in the index."""

    new: int = 0
    changed: int = 0
    gone: int = 0
    #: Paths to scan again: they changed within the file system's clock resolution.
    racy: set[str] = field(default_factory=set)
    freed_id: bool = False  #: whether a post gave up its id
    last: str = ""  #: the last post counted as new or changed

    @property
    def only(self) -> str | None:
        """The new or changed post, if there is just one and none is gone."""
        return self.last if self.new + self.changed == 1 and not self.gone else None

    def count(self, row: PostRow, before: PostRow | None) -> None:
        """Count a post indexed as `row`, whose row was `before`."""
        was, now = before.head if before else None, row.head
        self.freed_id |= before is not None and before.id not in (None, row.id)
        if now and not was:
            self.new += 1
            self.last = row.stat.path
        elif was and not now:
            self.gone += 1
        elif before and _shown(before) != _shown(row):
            self.changed += 1
            self.last = row.stat.path


@dataclass(slots=True)
class _ReadDocument:
    """A document as it was read now, with its row in the index."""

    read: ReadResult
    before: PostRow | None
    head: PostHead | None  #: as feeds show it, once its identity is known
    problems: tuple[Problem, ...]
    conflict: tuple[Problem, ...] = ()  #: another post has its id
    hidden_id: str | None = None  #: the id of a post that is hidden now

    @property
    def path(self) -> str:
        return self.read.stat.path


class Indexer:
    """Reads documents, gives them identities, and marks the feeds they are or were in as stale.

    Index writes are not fsynced. After a power cut they are redone; nothing is announced before a
    later durable commit.

    `using_posts`: the posts whose entries show other posts, so that any change may affect them.
    `batch`: documents in one transaction.
    """

    def __init__(
        self,
        database: Database,
        source: SourceFolder,
        site: Site,
        names: FeedNames,
        using_posts: Collection[str],
        batch: int = BATCH,
    ) -> None:
        self.database = database
        self.source = source
        self.site = site
        self.names = names
        self.using_posts = using_posts
        self.batch = batch
        #: Posts that got a suffixed id in this run, with their identities before.
        self._suffixed: dict[str, Identity | None] = {}

    def index(
        self, fresh: Collection[str], gone: Collection[str], now: datetime, progress: Progress
    ) -> IndexResult:
        """Remove the gone paths and read the fresh ones, in batches of one transaction each."""
        result = IndexResult()
        self._remove(gone, now, result)
        self._read(fresh, now, result, progress)
        if result.freed_id:  # posts with a suffixed id may now have the plain one
            with self.database.begin(durable=False) as connection:
                again = sorted(problems.subjects(connection, "id") | self._suffixed.keys())
                posts.mark_unread(connection, again)
                # These suffixed ids were given in this run and are not published yet: discard them.
                identities.remove(connection, self._suffixed)
                before = [identity for identity in self._suffixed.values() if identity]
                identities.put(connection, before)
            already_counted = IndexResult(racy=result.racy)
            self._read(again, now, already_counted, progress)
        return result

    def _read(
        self, fresh: Collection[str], now: datetime, result: IndexResult, progress: Progress
    ) -> None:
        done = 0
        with closing(
            read_all(self.source, self.site, self._requests(fresh), len(fresh))
        ) as batched:
            for (known, requests), results in batched:
                # A file that vanished between scan and read may return: scan it again.
                result.racy.update(
                    path for (path, _), read in zip(requests, results, strict=True) if read is None
                )
                self._index_batch(known, [read for read in results if read], now, result)
                done += self.batch
                progress(min(done, len(fresh)), len(fresh), Phase.READING)

    def _requests(
        self, fresh: Collection[str]
    ) -> Iterator[tuple[tuple[_Known, list[ReadRequest]], list[ReadRequest]]]:
        """What to read, in batches with the known rows. Unchanged files are left out."""
        for batch in batches(fresh, self.batch):
            with self.database.read() as connection:
                known = posts.get(connection, batch)
            requests = [
                (path, known[path].digest if path in known else "")
                for path in batch
                if self._differs(path, known.get(path))
            ]
            yield (known, requests), requests

    def _differs(self, path: str, before: PostRow | None) -> bool:
        return not (
            before and before.settled and before.digest and self.source.stat(path) == before.stat
        )

    def _index_batch(
        self, known: _Known, results: list[ReadResult], now: datetime, result: IndexResult
    ) -> None:
        result.racy.update(read.stat.path for read in results if not read.settled)
        if not results:
            return
        same_bytes = [
            known[read.stat.path]._replace(stat=read.stat, settled=read.settled)
            for read in results
            if read.same
        ]
        touched = [row for row in same_bytes if row != known[row.stat.path]]
        documents = [
            _ReadDocument(read, known.get(read.stat.path), read.head, read.problems)
            for read in results
            if not read.same
        ]
        if not touched and not documents:
            return
        with self.database.begin(durable=False) as connection:
            posts.update_stat(connection, touched)
            self._identify(connection, documents, now)
            changed = [
                (row, document.before)
                for document in documents
                if (row := self._row(document)) != document.before
            ]
            problems.replace(connection, "read", {one.path: one.problems for one in documents})
            problems.replace(connection, "id", {one.path: one.conflict for one in documents})
            new_names, name_problems = self.names.take_new()
            feeds.put(connection, new_names)
            problems.replace(connection, "name", name_problems)
            posts.put(connection, [row for row, _ in changed], [old for _, old in changed if old])
            stale = {name for row, before in changed for name in _stale_feeds(row, before)}
            feeds.mark_stale(connection, stale)
            if changed:
                mark_entries_stale(connection, self.using_posts)
                # Render problems belong to the text as it was.
                fixed = [row.stat.path for row, old in changed if old and _stale_feeds(row, old)]
                problems.remove(connection, "render", fixed)
        for row, before in changed:
            result.count(row, before)

    def _identify(
        self, connection: Connection, documents: list[_ReadDocument], now: datetime
    ) -> None:
        """Give each post its identity, and store it."""
        heads = {document.path: document.head for document in documents if document.head}
        known = identities.get(connection, [document.path for document in documents])
        known |= self._follow_renames(connection, heads, known, now)
        current = {
            path: identity.identify(head, known.get(path), now) for path, head in heads.items()
        }
        hidden = {path: one.id for path, one in known.items() if path not in heads}
        ids = {one.id for one in current.values()} | {head.id for head in heads.values()}
        holders = {
            id: path
            for id, path in posts.paths_by_id(connection, ids | {*hidden.values()}).items()
            if path not in current or current[path].id == id
        }
        # Known posts come first, hidden ones last: a post keeps its id, even while it is hidden.
        for document in sorted(
            documents, key=lambda one: (one.path not in known, one.head is None)
        ):
            if document.head is None:
                id = hidden.get(document.path)
                if id and holders.setdefault(id, document.path) == document.path:
                    document.hidden_id = id
                continue
            one = current[document.path]
            problem = identity.conflict(document.head, one, holders)
            if problem:
                document.conflict = (problem,)
            if holders.get(one.id, one.path) != one.path:
                candidates = identity.suffixed_ids(one)
                taken = posts.paths_by_id(connection, candidates) | holders
                self._suffixed.setdefault(one.path, known.get(one.path))
                free = (id for id in candidates if taken.get(id, one.path) == one.path)
                one = one._replace(id=next(free))
            holders.setdefault(one.id, one.path)
            current[one.path] = one
            document.head = identity.with_identity(document.head, one)
        identities.put(connection, [one for path, one in current.items() if one != known.get(path)])

    def _follow_renames(
        self,
        connection: Connection,
        heads: Mapping[str, PostHead],
        known: Mapping[str, Identity],
        now: datetime,
    ) -> dict[str, Identity]:
        """The identities of renamed posts by their new path. They leave their old paths."""
        candidates = identity.rename_candidates(heads.values(), known)
        previous = [one for head in candidates if (one := known.get(head.path)) and not one.gone]
        if len(previous) < len(candidates):  # some paths are new
            texts = {head.text_digest for head in candidates}
            removed = identities.find_removed(connection, texts, now - RENAMING)
            previous += [one for one in removed if one.path not in heads]
        continued = identity.renamed(candidates, previous)
        moved = {
            old.path: old._replace(path=path, gone=old.gone or now)
            for path, old in continued.items()
        }
        # The displaced post may reappear under another path: park its identity under an
        # impossible one (trailing slash).
        displaced = [
            one._replace(path=f"{path}/")
            for path in continued
            if path not in moved and (one := known.get(path))
        ]
        identities.remove(connection, moved)
        identities.put(connection, displaced)
        return {new.path: new for new in moved.values()}

    def _row(self, document: _ReadDocument) -> PostRow:
        """The row of a document. One that can't be read as a post keeps its last good version."""
        read, head = document.read, document.head
        if read.unreadable and document.before:
            return document.before._replace(
                stat=read.stat, settled=read.settled, digest=read.digest
            )
        return PostRow(
            stat=read.stat,
            settled=read.settled,
            digest=read.digest,
            head=head,
            document_digest=read.digest if head else None,
            feeds=self.names.of_all(head.terms) if head else (),
            hidden_id=document.hidden_id,
        )

    def _remove(self, gone: Collection[str], now: datetime, result: IndexResult) -> None:
        for batch in batches(sorted(gone), self.batch):
            with self.database.begin(durable=False) as connection:
                rows = posts.get(connection, batch).values()
                posts.remove(connection, rows)
                identities.mark_removed(connection, batch, now)
                for stage in ("read", "id", "render"):
                    problems.remove(connection, stage, batch)
                feeds.mark_stale(connection, {name for row in rows for name in row.feeds})
                mark_entries_stale(connection, self.using_posts)
                result.gone += sum(row.head is not None for row in rows)
                result.freed_id |= any(row.id for row in rows)


def mark_entries_stale(connection: Connection, paths: Collection[str]) -> None:
    """Mark the entries of posts as stale, and the feeds that they are in."""
    entries.mark_stale(connection, paths)
    rows = posts.get(connection, paths).values()
    feeds.mark_stale(connection, {name for row in rows for name in row.feeds})


def _stale_feeds(row: PostRow, before: PostRow | None) -> set[str]:
    """The feeds that a changed post is in or was in; none if they show it as before."""
    if before and _shown(before) == _shown(row):
        return set()
    return {*row.feeds, *(before.feeds if before else ())}


def _shown(row: PostRow) -> tuple[PostHead | None, str | None, tuple[str, ...]]:
    """The part of a row that feeds depend on."""
    return row.head, row.document_digest, row.feeds
