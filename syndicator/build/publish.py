"""From feeds to files that are out, and to what is owed because of them."""

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
_TOGETHER = 2


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What publishing one feed came to: rows for the store, and the topics that changed."""

    rows: tuple[FileRow, ...]
    changed: tuple[FileRow, ...]  #: files whose bytes are new
    written: int
    ended: tuple[str, ...]  #: topics that are no more


def publish(
    output: OutputFolder,
    files: Sequence[FeedFile],
    known: Mapping[str, FileRow],
    feed: str,
    now: datetime,
) -> PublishResult:
    """Put a feed's files in place: those that differ from what was published, or from what is on disk.

    A file that was published and isn't made any more is taken away.
    """
    same = {
        file.path: row
        for file in files
        if (row := known.get(file.path)) and not row.gone and _is(row, file)
    }
    stand = {path for path, row in same.items() if output.stands(path, row.disk)}
    due = [file for file in files if file.path not in stand]
    moments = [
        same[file.path].updated
        if file.path in same
        else _since(output, file, known.get(file.path), now)
        for file in due
    ]
    disks = output.write(list(zip(due, moments, strict=True)))
    written = {
        file.path: _row(file, feed, moment, disk)
        for file, moment, disk in zip(due, moments, disks, strict=True)
    }
    rows = [written.get(file.path) or same[file.path] for file in files]
    changed = tuple(row for path, row in written.items() if path not in same)
    made = {row.path for row in rows}
    rows += _withdraw(
        output, [row for path, row in known.items() if path not in made and not row.gone]
    )
    live = {row.url for row in rows if not row.gone}
    ended = {row.url for row in known.values() if row.hubs and not row.gone} - live
    return PublishResult(tuple(rows), changed, len(written), tuple(sorted(ended)))


class Compression:
    """Compresses files that are out, while the next feeds are made and hubs are told: it leaves Python alone.

    Until then a file goes out as it is. What a crash comes between is packed by the next run.
    """

    def __init__(self, output: OutputFolder) -> None:
        self._output = output
        self._pool = ThreadPoolExecutor(_TOGETHER, "pack")
        self._begun: dict[str, Future[FileRow | None]] = {}

    def __enter__(self) -> "Compression":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._output.release()  # also when a run is broken off

    def begin(self, rows: Iterable[FileRow]) -> None:
        for row in rows:
            if row.path not in self._begun and not row.gone and self._output.unpacked(row.disk):
                self._begun[row.path] = self._pool.submit(self._packed, row)

    def end(self) -> tuple[list[FileRow], list[OutputError]]:
        """Files that have siblings now, and what kept others from having them."""
        rows, failures = [], []
        for future in self._begun.values():
            try:
                if row := future.result():
                    rows.append(row)
            except OutputError as error:
                failures.append(error)
        return rows, failures

    def _packed(self, row: FileRow) -> FileRow | None:
        disk = self._output.pack(row.path, row.disk)
        return replace(row, disk=disk) if disk and disk != row.disk else None


def _row(file: FeedFile, feed: str, moment: datetime, disk: Disk) -> FileRow:
    return FileRow(
        path=file.path,
        feed=feed,
        url=file.url,
        media_type=file.media_type,
        digest=file.digest,
        hubs=file.hubs,
        updated=moment,
        disk=disk,
    )


def _since(output: OutputFolder, file: FeedFile, before: FileRow | None, now: datetime) -> datetime:
    """The second from which new bytes are out: now, or as the file says that stands there already.

    Always later than that of the bytes before: Last-Modified knows whole seconds, and whoever has what was out
    earlier in this one would be told that nothing changed.
    """
    moment = output.dated(file) or now.replace(microsecond=0)
    return max(moment, before.updated + timedelta(seconds=1)) if before else moment


def _withdraw(output: OutputFolder, rows: Iterable[FileRow]) -> list[FileRow]:
    """Take files away whose feed, or format, the config no longer makes."""
    gone = []
    for row in rows:
        output.remove(row.path)
        gone.append(replace(row, gone=True, disk={}))
    return gone


def commit(
    connection: Connection, published: PublishResult, own_hub: str | None, now: datetime
) -> int:
    """Remember, in one transaction with the feed itself, what is out and what is owed for it.

    Our own hub isn't pinged: what its subscribers are owed is noted here. Returns how many pings this came to.
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
    """Owe a ping to every hub of these files but our own, for each topic once; how many."""
    pings = [(row.url, [hub for hub in row.hubs if hub != own_hub]) for row in _topics(rows)]
    return outbox.enqueue_pings(connection, pings, now)


def aliased(files: Sequence[FeedFile], aliases: Mapping[str, str]) -> list[FeedFile]:
    """The files, and the same bytes again under the addresses that readers already follow.

    An alias keeps the canonical address as its own (RFC 4287 §4.2.7.2 rel=self), so that readers and hubs know
    one topic. `aliases`: from the path of the alias to that of the file.
    """
    by_path = {file.path: file for file in files}
    copies = [
        replace(by_path[path], path=alias) for alias, path in aliases.items() if path in by_path
    ]
    return [*files, *copies]


def aliases_without_target(
    settings: Mapping[str, Mapping[str, str]], paths: Collection[str]
) -> tuple[Problem, ...]:
    """What the config has stand for, or lead to, feed files that aren't out. They may come, with a first post.

    `settings`: by key, from a path to that of a feed file. `paths`: of the files that are out.
    """
    known = sorted(path for path in paths if path.endswith((".rss", ".atom", ".json")))
    found = []
    for key, pairs in settings.items():
        for path, target in pairs.items():
            if target not in paths:
                near = get_close_matches(target, known, n=1, cutoff=0.9)
                hint = "it comes with its first post, if that is its name"
                hint = f"did you mean {near[0]}? Else {hint}" if near else hint
                found.append(
                    Problem(
                        path=key,
                        message=f'"{path}" leads to "{target}", which is no feed',
                        hint=hint,
                    )
                )
    return tuple(found)


def _topics(rows: Iterable[FileRow]) -> list[FileRow]:
    seen: dict[str, FileRow] = {}
    for row in rows:
        if row.hubs:
            seen.setdefault(row.url, row)
    return list(seen.values())


def _is(row: FileRow, file: FeedFile) -> bool:
    return (row.digest, row.url, row.media_type, row.hubs) == (
        file.digest,
        file.url,
        file.media_type,
        file.hubs,
    )
