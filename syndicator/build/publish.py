"""Writes the feed files that changed, and queues their pings, deliveries and denials."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from syndicator.build.assemble import FUTURE_TOLERANCE
from syndicator.build.entries import LoadedEntries
from syndicator.model.content import FeedFile
from syndicator.outputs.output import Disk, OnDisk, Output
from syndicator.store import feeds
from syndicator.store.feeds import FeedRow, FileRow


class PublishPlan(Struct, frozen=True):
    """What publishing the files of one feed has to do."""

    write: tuple[tuple[FeedFile, datetime], ...]  #: each with its date
    remove: tuple[FileRow, ...]
    changed: frozenset[str]  #: paths of files that are not published like this
    ended: tuple[str, ...]  #: topics that no file has any more


class PublishResult(Struct, frozen=True):
    """The files of one feed after publishing."""

    rows: tuple[FileRow, ...]
    changed: tuple[FileRow, ...]  #: files whose bytes are new
    written: int
    ended: tuple[str, ...]  #: topics that no file has any more


def is_needed(
    row: FeedRow, content_key: str, loaded: LoadedEntries, history: str, *, lost: bool
) -> bool:
    """Whether a feed has to be published. `row`: as it was last written.

    A feed that has only future posts isn't published: its name would reveal them. One that waits
    for a heavy post, and is as before otherwise, is published once, when it is complete.
    `history`: its place in its history, as the state has it, if the content is the same. `lost`:
    whether someone else changed or removed one of its files.
    """
    only_future = not loaded.entries and row.content_key is None and row.kind is not None
    waits = loaded.incomplete and not loaded.rendered
    differs = (content_key, history) != (row.content_key, row.history)
    return not (only_future or waits) and (differs or lost)


def decide(
    files: Sequence[FeedFile],
    known: Mapping[str, FileRow],
    intact: Collection[str],
    on_disk: Mapping[str, OnDisk],
    now: datetime,
) -> PublishPlan:
    """Which files to write and to remove: those that differ from the published ones or the disk.

    `files` are the feed's, `known` the published ones, `intact` the paths of published files that
    are to stay as they are, `on_disk` what is at paths where the state doesn't know it.
    """
    same = _same(files, known)
    write = tuple(
        (file, _date(known.get(file.path), on_disk.get(file.path), now, same=file.path in same))
        for file in files
        if file.path not in same or file.path not in intact
    )
    paths = {file.path for file in files}
    urls = {file.url for file in files}
    published = [row for row in known.values() if not row.gone]
    return PublishPlan(
        write=write,
        remove=tuple(row for row in published if row.path not in paths),
        changed=frozenset(paths - same),
        ended=tuple(sorted({row.url for row in published if row.hubs} - urls)),
    )


def _same(files: Iterable[FeedFile], known: Mapping[str, FileRow]) -> set[str]:
    """The paths of the files that are published with the same bytes, address, type and hubs."""
    return {
        file.path
        for file in files
        if (row := known.get(file.path))
        and not row.gone
        and (row.digest, row.url, row.media_type, row.hubs)
        == (file.digest, file.url, file.media_type, file.hubs)
    }


def _date(before: FileRow | None, on_disk: OnDisk | None, now: datetime, *, same: bool) -> datetime:
    """The date of a file's bytes, in whole seconds: when they were first published.

    `same`: they are published already. They are not in the row `before`, but `on_disk`, if a crash
    prevented the commit, or if the state is an older backup.

    It is always later than the date of other bytes, by the row or on disk. Last-Modified has whole
    seconds, and a client with bytes of the same second, or a later one, would get a 304 for these.
    """
    if on_disk and on_disk.date >= now + FUTURE_TOLERANCE:
        on_disk = None  # another program's mistake
    second = timedelta(seconds=1)
    date = now.replace(microsecond=0)
    if same and before:
        date = before.updated
    elif on_disk and on_disk.same:
        date = on_disk.date
    if before and not same:
        date = max(date, before.updated + second)
    if on_disk:
        date = max(date, on_disk.date if on_disk.same else on_disk.date + second)
    return date


def publish(
    output: Output,
    files: Sequence[FeedFile],
    known: Mapping[str, FileRow],
    feed: str,
    now: datetime,
) -> PublishResult:
    """Carry out `decide` for the files of a feed. Raises OutputError."""
    same = _same(files, known)
    as_known = {
        file.path
        for file in files
        if (row := known.get(file.path)) and not row.gone and not is_lost(output, row)
    }
    others = [file for file in files if file.path not in as_known]
    on_disk = {file.path: seen for file in others if (seen := output.on_disk(file))}
    plan = decide(files, known, same & as_known, on_disk, now)
    disks = output.write(plan.write)
    rows = {
        file.path: _row(file, feed, date, disk)
        for (file, date), disk in zip(plan.write, disks, strict=True)
    }
    for row in plan.remove:
        output.remove(row.path)
    removed = (replace(row, gone=True, disk={}) for row in plan.remove)
    return PublishResult(
        rows=(*(rows.get(file.path) or known[file.path] for file in files), *removed),
        changed=tuple(row for path, row in rows.items() if path in plan.changed),
        written=len(rows),
        ended=plan.ended,
    )


def is_lost(output: Output, row: FileRow) -> bool:
    """Whether someone else changed or removed a published file."""
    return not row.gone and not output.is_intact(row.path, row.disk)


def _row(file: FeedFile, feed: str, date: datetime, disk: Disk) -> FileRow:
    return FileRow(
        path=file.path,
        feed=feed,
        url=file.url,
        media_type=file.media_type,
        digest=file.digest,
        hubs=file.hubs,
        updated=date,
        disk=disk,
    )


def import_queues() -> None:
    """Import what queues jobs, which most runs don't do."""
    from syndicator.store import deliveries, outbox, waves

    assert deliveries and outbox and waves  # noqa: PT018


def commit(
    connection: Connection, published: PublishResult, own_hub: str | None, now: datetime
) -> int:
    """Store the published files and queue their jobs, in the transaction that stores the feed.

    Our own hub isn't pinged; deliveries to its subscribers are queued here. Returns the number of
    queued pings.
    """
    feeds.put_files(connection, published.rows)
    topics = _topics(published.changed)
    if not topics and not published.ended:
        return 0
    from syndicator.store import deliveries, waves

    deliveries.enqueue_denials(connection, published.ended, now)
    if own_hub:
        waves.raise_waves(connection, [row.url for row in topics if own_hub in row.hubs], now)
    return enqueue_pings(connection, topics, own_hub, now)


def enqueue_pings(
    connection: Connection, rows: Iterable[FileRow], own_hub: str | None, now: datetime
) -> int:
    """Queue a ping for each topic and each of its hubs but our own. Returns their number."""
    from syndicator.store import outbox

    pings = [(row.url, [hub for hub in row.hubs if hub != own_hub]) for row in _topics(rows)]
    return outbox.enqueue_pings(connection, pings, now)


def _topics(rows: Iterable[FileRow]) -> list[FileRow]:
    """The files that have hubs, each address once."""
    seen: dict[str, FileRow] = {}
    for row in rows:
        if row.hubs:
            seen.setdefault(row.url, row)
    return list(seen.values())
