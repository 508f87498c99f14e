"""`syndicator check`: lists the problems of a build. Writes nothing."""

from contextlib import closing
from dataclasses import replace
from datetime import datetime

from syndicator.build.options import BuildOptions
from syndicator.build.pipeline import Builder
from syndicator.model.progress import Progress
from syndicator.model.report import Report
from syndicator.outputs.discarded import DiscardedOutput
from syndicator.store.database import Database


def check(options: BuildOptions, now: datetime, progress: Progress) -> Report:
    """The problems and notes of a first build, and the number of posts.

    It is such a build without pages, whose state is in memory and whose files are discarded. So it
    finds what a build finds, in the posts that stand in feeds, and nothing that depends on earlier
    builds. Raises SourceError when the site can't be read.
    """
    with closing(Database("sqlite://")) as database:
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
