"""Updates the index of posts from documents, and marks the feeds they are or were in as stale."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta

from msgspec import Struct, field
from sqlalchemy import Connection

from syndicator.build import identity, index_plan
from syndicator.build.feed_names import FeedNames
from syndicator.build.identity import Assignment, Claims
from syndicator.build.index_plan import Counts, IndexPlan
from syndicator.build.post_tools import PostTools
from syndicator.build.post_workers import PostWorkers
from syndicator.build.read import ReadRequest, ReadResult, read_all
from syndicator.build.shown import ShownEntries
from syndicator.model.content import Identity, PostHead
from syndicator.model.progress import Phase, Progress
from syndicator.store import archives, awaited_pages, entries, feeds, identities, posts, problems
from syndicator.store.database import Database
from syndicator.store.post_rows import PostRow
from syndicator.store.sql import batches

#: How long after its file was removed a post may be continued under another path. A crash, a reload
#: or a slow copy may separate the two halves of a rename.
RENAMING = timedelta(hours=1)

_Known = Mapping[str, PostRow]


class IndexResult(Struct):
    """What indexing changed, and what it left to the next scan."""

    counts: Counts = field(default_factory=Counts)
    #: Paths to scan again: of files that changed within the clock's resolution, could not be read,
    #: or vanished before they were read.
    scan_again: set[str] = field(default_factory=set)
    #: Posts that got a suffixed id, with their identities before; None: they are new.
    suffixed: dict[str, Identity | None] = field(default_factory=dict)
    holds: bool = False  #: whether new posts were held


class Indexer:
    """Reads documents, gives them identities, and marks the feeds they are or were in as stale.

    Index writes are not fsynced. After a power cut they are redone; nothing is announced before a
    later durable commit.

    `showing`: gives the posts whose entries may be others since these posts changed.
    `batch`: documents in one transaction.
    """

    def __init__(
        self,
        database: Database,
        tools: PostTools,
        workers: PostWorkers,
        names: FeedNames,
        showing: Callable[[Collection[str]], Collection[str]],
        batch: int,
    ) -> None:
        self._database = database
        self._tools = tools
        self._workers = workers
        self._source = tools.source
        self._names = names
        self._showing = showing
        self._batch = batch

    def index(
        self,
        fresh: Collection[str],
        gone: Collection[str],
        now: datetime,
        progress: Progress,
        shown: ShownEntries | None = None,
        *,
        holds: bool = False,
    ) -> IndexResult:
        """Remove the gone paths and read the fresh ones, in batches of one transaction each.

        `shown`: entries of feed files that the state doesn't know; None: it knows all files.
        `holds`: whether new posts are held until their page is live.
        """
        result = IndexResult(holds=holds)
        for batch in batches(sorted(gone), self._batch):
            self._remove(batch, now, result)
        self._read(fresh, now, result, progress, shown)
        if result.counts.freed_id:
            counts = result.counts
            self._read(self._give_up_suffixed(result), now, result, progress, shown)
            result.counts = counts  # the same posts once more
        return result

    def _remove(self, paths: Collection[str], now: datetime, result: IndexResult) -> None:
        with self._database.begin(durable=False) as connection:
            plan = index_plan.remove(tuple(posts.get(connection, paths).values()))
            identities.mark_removed(connection, paths, now)
            self._apply(connection, plan)
        result.counts += plan.counts

    def _read(
        self,
        fresh: Collection[str],
        now: datetime,
        result: IndexResult,
        progress: Progress,
        shown: ShownEntries | None,
    ) -> None:
        if not fresh:
            return
        done = 0
        with closing(
            read_all(self._requests(fresh), len(fresh), self._tools, self._workers)
        ) as batched:
            for (known, requests), results in batched:
                # A file that vanished between scan and read may return: scan it again.
                result.scan_again.update(
                    path for (path, _), read in zip(requests, results, strict=True) if read is None
                )
                self._index(known, [read for read in results if read], now, result, shown)
                done += self._batch
                progress(min(done, len(fresh)), len(fresh), Phase.READING)

    def _requests(
        self, fresh: Collection[str]
    ) -> Iterator[tuple[tuple[_Known, list[ReadRequest]], list[ReadRequest]]]:
        """What to read, in batches with the known rows. Unchanged files are left out."""
        for batch in batches(fresh, self._batch):
            with self._database.read() as connection:
                known = posts.get(connection, batch)
            requests = [
                (path, known[path].digest if path in known else "")
                for path in batch
                if self._differs(path, known.get(path))
            ]
            yield (known, requests), requests

    def _differs(self, path: str, before: PostRow | None) -> bool:
        return not (
            before and before.settled and before.digest and self._source.stat(path) == before.stat
        )

    def _index(
        self,
        known: _Known,
        results: list[ReadResult],
        now: datetime,
        result: IndexResult,
        shown: ShownEntries | None,
    ) -> None:
        """Index documents that were read, in one transaction."""
        result.scan_again.update(read.stat.path for read in results if not read.settled)
        touched = index_plan.touch((read for read in results if read.same), known)
        documents = {read.stat.path: read for read in results if not read.same}
        if not touched and not documents:
            return
        with self._database.begin(durable=False) as connection:
            posts.update_stat(connection, touched)
            claims, assigned = self._identify(connection, documents, now, shown, holds=result.holds)
            plan = index_plan.update(documents, known, claims, assigned, self._names)
            self._apply(connection, plan)
            awaited_pages.put(connection, self._awaited(plan, now))
        result.counts += plan.counts
        for path, before in plan.suffixed.items():
            result.suffixed.setdefault(path, before)

    def _identify(
        self,
        connection: Connection,
        documents: Mapping[str, ReadResult],
        now: datetime,
        shown: ShownEntries | None,
        *,
        holds: bool,
    ) -> tuple[Claims, Assignment]:
        """Decide the ids of posts by what the state knows of them. Renamed ones keep theirs.

        So do those that the state doesn't know, and readers do.
        """
        heads = {path: read.head for path, read in documents.items() if read.head}
        stored = identities.get(connection, documents)
        removed = self._removed(connection, heads, stored, now)
        renames = identity.follow_renames(heads, stored, removed, now)
        identities.remove(connection, renames.left)
        identities.put(connection, renames.displaced)
        continued = {**renames.continued}
        if shown:
            new = identity.rename_candidates(heads.values(), {**stored, **continued})
            seen = {head.path: entry for head in new if (entry := shown.at(head.url))}
            continued |= identity.recall(heads, stored, seen, now)
        claims = identity.claim(heads, stored, continued, now, holds=holds)
        holders = posts.paths_by_id(connection, claims.ids)
        holders |= posts.paths_by_id(connection, identity.suffixed_candidates(claims, holders))
        return claims, identity.assign(claims, holders)

    def _removed(
        self,
        connection: Connection,
        heads: Mapping[str, PostHead],
        stored: Mapping[str, Identity],
        now: datetime,
    ) -> list[Identity]:
        """The identities of posts that were removed lately, and that new paths may continue."""
        candidates = identity.rename_candidates(heads.values(), stored)
        if all(head.path in stored and not stored[head.path].gone for head in candidates):
            return []
        texts = {head.text_digest for head in candidates}
        return identities.find_removed(connection, texts, now - RENAMING)

    def _awaited(self, plan: IndexPlan, now: datetime) -> list[tuple[str, str, datetime]]:
        """The pages that are awaited from now on: those of future posts from their date."""
        until = self._tools.site.until(now)
        return [
            (head.path, head.url, now if head.published <= until else head.published)
            for head in plan.awaited
        ]

    def _apply(self, connection: Connection, plan: IndexPlan) -> None:
        posts.remove(connection, plan.removed)
        identities.put(connection, plan.identities)
        for stage, by_path in plan.problems.items():
            problems.replace(connection, stage, by_path)
        feeds.put(connection, plan.new_feeds)
        rows = [row for row, _ in plan.changed]
        posts.put(connection, rows, [before for _, before in plan.changed if before])
        feeds.mark_stale(connection, plan.stale_feeds)
        if plan.changed or plan.removed:
            archives.mark_posts(connection, index_plan.shown_rows(plan))
            entries.remove(connection, index_plan.without_feed(plan))
            entries.mark_stale(connection, self._showing(index_plan.paths(plan)))

    def _give_up_suffixed(self, result: IndexResult) -> list[str]:
        """Have posts with a suffixed id read again, since an id became free. Returns their paths.

        Suffixed ids that were given in this run are not published yet, and are dropped.
        """
        with self._database.begin(durable=False) as connection:
            paths = sorted(problems.subjects(connection, "id") | result.suffixed.keys())
            posts.mark_unread(connection, paths)
            identities.remove(connection, result.suffixed)
            identities.put(connection, [before for before in result.suffixed.values() if before])
        return paths
