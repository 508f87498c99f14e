"""Estimates the disk space that archives will take: a part of `syndicator doctor`.

Nothing is written. Each result is a Problem, see `doctor`.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from syndicator.errors import StateError
from syndicator.model.content import Problem
from syndicator.ops import disk
from syndicator.store import archives, feeds, post_queries
from syndicator.store.database import Database


class FeedSize(NamedTuple):
    """A feed as it is now."""

    posts: int  #: in the feed, also those that its files have no room for
    shown: int  #: the newest of them, which its files have; 0: unknown
    bytes: int  #: of its files: all formats, its page, and their compressed siblings


class Estimate(NamedTuple):
    """What all archives will take."""

    entries: int  #: a post that is in three feeds counts three times
    bytes: int


def estimate(sizes: Iterable[FeedSize]) -> Estimate:
    """From the bytes of an entry in a feed's files, and the number of its posts.

    Older posts may be shorter or longer than the newest. Half of those that a feed's files show are
    on pages, too, see `build.archive_plan`. A feed whose files show all its posts needs no pages.
    """
    entries, total = 0, 0.0
    for size in sizes:
        if 0 < size.shown < size.posts:
            archived = size.posts - size.shown // 2
            entries += archived
            total += size.bytes / size.shown * archived
    return Estimate(entries, round(total))


def check_archives(state: str, output: Path, now: datetime) -> Iterator[Problem]:
    """Whether archives that are not made yet fit on the disk. `state`: its URL.

    Before their first page, a note says how much they take. Nothing is known before the first run.
    """
    try:
        with closing(Database(state, read_only=True)) as database, database.read() as connection:
            made = archives.summary(connection)
            expected = estimate(_feed_sizes(connection, now))
    except StateError:  # `check_state` reports it, except for one that is missing or older
        return
    if not expected.entries or (made.pages and not made.waiting):
        return
    more, free = max(expected.bytes - made.bytes, 0), disk.free_bytes(output)
    message = (
        f"archives of {expected.entries:,} entries take about {_mib(more)} more;"
        f" {_mib(free)} are free at {output}"
    )
    hint = (
        "estimated from the size of the newest entries; fewer feeds.formats or feeds.by take less"
    )
    if more > free - disk.LOW:
        hint = f"free some disk space, or set feeds.archive = false; {hint}"
        yield Problem(path="feeds.archive", message=message, hint=hint)
    elif not made.pages:
        yield Problem(path="feeds.archive", message=message, hint=hint, note=True)


def _feed_sizes(connection: Connection, now: datetime) -> Iterator[FeedSize]:
    counts = post_queries.counts(connection, now)
    sizes: dict[str, int] = {}
    for file in feeds.all_files(connection):
        if not file.gone and file.path.rpartition(".")[0] == file.feed:  # else it is an alias
            size = sum(size for size, _ in file.disk.values())
            sizes[file.feed] = sizes.get(file.feed, 0) + size
    for row in feeds.all_feeds(connection):
        if row.name in sizes:
            yield FeedSize(counts.get(row.name, 0), row.shown, sizes[row.name])


def _mib(number: int) -> str:
    return f"{number / 2**20:,.1f} MiB"
