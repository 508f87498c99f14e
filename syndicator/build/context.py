"""What one run works with, and what it comes to."""

from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter

from sqlalchemy import Connection

from syndicator.build.entries import EntryLoader
from syndicator.build.index import IndexResult
from syndicator.build.publish import Compression, PublishResult
from syndicator.errors import OutputError
from syndicator.jekyll.site import Site
from syndicator.model.content import Report
from syndicator.sources.folder import SourceFolder
from syndicator.store import posts, problems
from syndicator.store.feeds import FileRow


@dataclass
class BuildContext:
    """The values that its steps share; they add to what it comes to."""

    site: Site
    source: SourceFolder
    now: datetime
    begun: float  #: by `perf_counter`
    gatherer: EntryLoader
    packing: Compression
    rows: list[FileRow] = field(
        default_factory=list
    )  #: files that went out or went; the last of a path counts
    feeds: int = 0
    changed: int = 0
    written: int = 0
    mended: int = 0
    owed: int = 0
    missed: set[str] = field(
        default_factory=set
    )  #: posts whose file wasn't, when rendered, the one that was read
    put_off: tuple[str, ...] = ()  #: posts that may take long, and wait for the next run
    failure: OutputError | None = None  #: the first of them

    def count(self, published: PublishResult) -> None:
        self.rows += published.rows
        self.written += published.written
        self.mended += published.written - len(published.changed)

    @property
    def until(self) -> datetime:
        return self.site.until(self.now)

    def report(self, connection: Connection, counted: IndexResult) -> Report:
        """What it came to, with what the store holds now."""
        return Report(
            started=self.now,
            seconds=perf_counter() - self.begun,
            posts=posts.count(connection),
            new=counted.new,
            changed=counted.changed,
            gone=counted.gone,
            feeds=self.feeds,
            feeds_changed=self.changed,
            files_written=self.written,
            mended=self.mended,
            owed=self.owed,
            next_due=posts.next_due(connection, self.now),
            problems=problems.all_problems(connection),
            put_off=self.put_off,
        )
