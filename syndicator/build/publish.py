"""Writes the feed files that changed, and queues their pings, deliveries and denials."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches

from sqlalchemy import Connection

from syndicator.errors import OutputError
from syndicator.model.content import FeedFile, Problem
from syndicator.outputs.folder import Disk, OutputFolder
from syndicator.store import deliveries, feeds, outbox
from syndicator.store.feeds import FileRow

#: Files that are compressed at a time.
_COMPRESSED_AT_A_TIME = 2


@dataclass(frozen=True, slots=True)
class PublishResult:
    """The files of one feed after publishing."""

    rows: tuple[FileRow, ...]
    changed: tuple[FileRow, ...]  #: files whose bytes are new
    written: int
    ended: tuple[str, ...]  #: topics that no file has any more


def publish(
    output: OutputFolder,
    files: Sequence[FeedFile],
    known: Mapping[str, FileRow],
    feed: str,
    now: datetime,
) -> PublishResult:
    """Write those of a feed's files that differ from the published ones or from the disk.

    A published file that is not in `files` is removed.
    """
    same = {
        file.path: row
        for file in files
        if (row := known.get(file.path)) and not row.gone and _is_same(row, file)
    }
    intact = {path for path, row in same.items() if output.is_intact(path, row.disk)}
    due = [file for file in files if file.path not in intact]
    dates = [
        same[file.path].updated
        if file.path in same
        else _date_of(output, file, known.get(file.path), now)
        for file in due
    ]
    disks = output.write(list(zip(due, dates, strict=True)))
    written = {
        file.path: _row(file, feed, date, disk)
        for file, date, disk in zip(due, dates, disks, strict=True)
    }
    rows = [written.get(file.path) or same[file.path] for file in files]
    changed = tuple(row for path, row in written.items() if path not in same)
    kept = {row.path for row in rows}
    rows += _remove(
        output, [row for path, row in known.items() if path not in kept and not row.gone]
    )
    live = {row.url for row in rows if not row.gone}
    ended = {row.url for row in known.values() if row.hubs and not row.gone} - live
    return PublishResult(tuple(rows), changed, len(written), tuple(sorted(ended)))


def is_lost(output: OutputFolder, row: FileRow) -> bool:
    """Whether someone else changed or removed a published file."""
    return not row.gone and not output.is_intact(row.path, row.disk)


class Compression:
    """Compresses published files in threads while the next feeds are built and hubs are pinged.

    Compressing releases the interpreter lock. Until its siblings exist, a file is served as it is;
    siblings that a crash prevented are made by the next run.
    """

    def __init__(self, output: OutputFolder) -> None:
        self._output = output
        self._pool = ThreadPoolExecutor(_COMPRESSED_AT_A_TIME, "compress")
        self._begun: dict[str, Future[FileRow | None]] = {}

    def __enter__(self) -> "Compression":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._output.close_replaced()  # also if the run fails

    def begin(self, rows: Iterable[FileRow]) -> None:
        for row in rows:
            needed = not row.gone and self._output.needs_siblings(row.disk)
            if needed and row.path not in self._begun:
                self._begun[row.path] = self._pool.submit(self._compress, row)

    def end(self) -> tuple[list[FileRow], list[OutputError]]:
        """Wait for all. Returns the rows of files that have siblings now, and the errors."""
        rows, failures = [], []
        for future in self._begun.values():
            try:
                if row := future.result():
                    rows.append(row)
            except OutputError as error:
                failures.append(error)
        return rows, failures

    def _compress(self, row: FileRow) -> FileRow | None:
        disk = self._output.write_siblings(row.path, row.disk)
        return replace(row, disk=disk) if disk and disk != row.disk else None


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


def _date_of(
    output: OutputFolder, file: FeedFile, before: FileRow | None, now: datetime
) -> datetime:
    """The date of new bytes, in whole seconds: now, or that of the same bytes already on disk.

    It is always later than the date of the bytes before. Last-Modified has whole seconds, and a
    client with bytes of the same second would get a 304 for newer ones.
    """
    date = output.date_of(file) or now.replace(microsecond=0)
    return max(date, before.updated + timedelta(seconds=1)) if before else date


def _remove(output: OutputFolder, rows: Iterable[FileRow]) -> list[FileRow]:
    """Remove files of feeds and formats that the config no longer has."""
    removed = []
    for row in rows:
        output.remove(row.path)
        removed.append(replace(row, gone=True, disk={}))
    return removed


def commit(
    connection: Connection, published: PublishResult, own_hub: str | None, now: datetime
) -> int:
    """Store the published files and queue their jobs, in the transaction that stores the feed.

    Our own hub isn't pinged; deliveries to its subscribers are queued here. Returns the number of
    queued pings.
    """
    feeds.put_files(connection, published.rows)
    topics = _topics(published.changed)
    deliveries.enqueue_denials(connection, published.ended, now)
    if own_hub:
        deliveries.enqueue_deliveries(
            connection, [row.url for row in topics if own_hub in row.hubs], now
        )
    return enqueue_pings(connection, topics, own_hub, now)


def enqueue_pings(
    connection: Connection, rows: Iterable[FileRow], own_hub: str | None, now: datetime
) -> int:
    """Queue a ping for each topic and each of its hubs but our own. Returns their number."""
    pings = [(row.url, [hub for hub in row.hubs if hub != own_hub]) for row in _topics(rows)]
    return outbox.enqueue_pings(connection, pings, now)


def aliased(files: Sequence[FeedFile], aliases: Mapping[str, str]) -> list[FeedFile]:
    """The files, and copies of them under the paths of aliases that readers already follow.

    An alias has the address of its original as rel=self (RFC 4287 §4.2.7.2), so that readers and
    hubs know one topic. `aliases`: from the path of the alias to that of the file.
    """
    by_path = {file.path: file for file in files}
    copies = [
        replace(by_path[path], path=alias) for alias, path in aliases.items() if path in by_path
    ]
    return [*files, *copies]


def aliases_without_target(
    settings: Mapping[str, Mapping[str, str]], paths: Collection[str]
) -> tuple[Problem, ...]:
    """Aliases and redirects in the config whose feed file doesn't exist, or not yet.

    `settings`: by key, from a path to that of a feed file. `paths`: of the published files.
    """
    known = sorted(path for path in paths if path.endswith((".rss", ".atom", ".json")))
    problems = []
    for key, pairs in settings.items():
        for path, target in pairs.items():
            if target not in paths:
                near = get_close_matches(target, known, n=1, cutoff=0.9)
                hint = "if the name is right, it appears with its first post"
                hint = f"did you mean {near[0]}? {hint}" if near else hint
                message = f'"{path}" leads to "{target}", which is not a feed'
                problems.append(Problem(path=key, message=message, hint=hint))
    return tuple(problems)


def _topics(rows: Iterable[FileRow]) -> list[FileRow]:
    """The files that have hubs, each address once."""
    seen: dict[str, FileRow] = {}
    for row in rows:
        if row.hubs:
            seen.setdefault(row.url, row)
    return list(seen.values())


def _is_same(row: FileRow, file: FeedFile) -> bool:
    return (row.digest, row.url, row.media_type, row.hubs) == (
        file.digest,
        file.url,
        file.media_type,
        file.hubs,
    )
