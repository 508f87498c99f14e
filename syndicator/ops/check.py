"""`syndicator check`: lists the problems of a build. Writes nothing."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from syndicator.build.options import BuildOptions
from syndicator.build.pipeline import Builder
from syndicator.model.progress import Progress
from syndicator.model.report import Report
from syndicator.outputs.discarded import DiscardedOutput
from syndicator.store.database import Database


def check(options: BuildOptions, now: datetime, progress: Progress) -> Report:
    """The problems and notes of a first build, and the number of posts.

    It is such a build without pages, whose state and files are discarded. So it finds what a build
    finds, in the posts that stand in feeds, and nothing that depends on earlier builds. Raises
    SourceError when the site can't be read.
    """
    with _discarded_state() as url, closing(Database(url, lasting=False)) as database:
        builder = Builder(
            replace(options, pages=False),
            database,
            DiscardedOutput(),
            on_published=lambda rows: None,
            on_queued=lambda: None,
            on_archived=lambda pages: None,
        )
        report = builder.run(now, progress=progress)
    return Report(
        started=now,
        seconds=report.seconds,
        posts=report.posts,
        problems=report.problems,
        notes=report.notes,
    )


@contextmanager
def _discarded_state() -> Iterator[str]:
    """The URL of a new state in a file, which worker processes can read; else in memory."""
    try:
        folder = TemporaryDirectory(prefix="syndicator-")
    except OSError:  # no folder for temporary files can be written to
        yield "sqlite://"
        return
    with folder as path:
        yield f"sqlite:///{path}/state.db"
