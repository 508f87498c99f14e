"""The values that the steps of one run share, and the Report they add up to."""

from datetime import datetime
from time import perf_counter

from msgspec import Struct, field
from sqlalchemy import Connection

from syndicator.build.compression import Compression
from syndicator.build.entries import EntryLoader
from syndicator.build.found_problems import found_problems
from syndicator.build.index_plan import Counts
from syndicator.build.options import BuildOptions
from syndicator.build.post_workers import PostWorkers
from syndicator.build.publish import PublishResult
from syndicator.build.snapshot import Snapshot
from syndicator.errors import OutputError
from syndicator.jekyll.site import Site
from syndicator.model.progress import Cancel, Progress
from syndicator.model.report import Report
from syndicator.sources.folder import SourceFolder
from syndicator.store import awaited_pages, post_queries, posts
from syndicator.store.feeds import FileRow


class BuildContext(Struct):
    """The inputs of a run, its tools, and its results so far."""

    snapshot: Snapshot
    source: SourceFolder
    now: datetime
    begun: float  #: by `perf_counter`
    progress: Progress
    cancel: Cancel
    loader: EntryLoader
    compression: Compression
    #: Files that were published or removed; of a path, the last row counts.
    rows: list[FileRow] = field(default_factory=list)
    feeds: int = 0
    changed: int = 0
    written: int = 0
    repaired: int = 0
    pings: int = 0
    #: Paths that the next scan must return: mismatched posts, and those put off.
    scan_again: set[str] = field(default_factory=set)
    #: Posts whose entry may have been removed. The loader has those whose entry was rendered.
    removed: set[str] = field(default_factory=set)
    put_off: tuple[str, ...] = ()  #: heavy posts left to the next run
    failure: OutputError | None = None  #: the first one
    workers: PostWorkers | None = None  #: processes for work on many posts

    def count(self, published: PublishResult) -> None:
        self.rows += published.rows
        self.written += published.written
        self.repaired += published.written - len(published.changed)

    @property
    def site(self) -> Site:
        return self.snapshot.site

    @property
    def until(self) -> datetime:
        """The date of the newest posts that the feeds may have."""
        return self.site.until(self.now)

    def report(self, connection: Connection, indexed: Counts, options: BuildOptions) -> Report:
        """The report of the run, with the numbers and problems in the store."""
        files = self.snapshot.files | {row.path: row for row in self.rows}
        published = {path for path, row in files.items() if not row.gone}
        awaited = awaited_pages.all_pages(connection) if options.live.wanted else ()
        found = found_problems(connection, options.source, options.links, published, self.now)
        return Report(
            started=self.now,
            seconds=perf_counter() - self.begun,
            posts=posts.count(connection),
            new=indexed.new,
            changed=indexed.changed,
            gone=indexed.gone,
            feeds=self.feeds,
            feeds_changed=self.changed,
            files_written=self.written,
            repaired=self.repaired,
            pings=self.pings,
            held=sum(page.held and page.is_due(self.now) for page in awaited),
            next_due=post_queries.next_due(connection, self.now),
            problems=tuple(problem for problem in found if not problem.note),
            notes=tuple(problem for problem in found if problem.note),
            put_off=self.put_off,
        )
