"""Reads documents: the bytes of a file, and the post its front matter describes.

Thousands of documents are read by worker processes too. The results come in the order of the
requests, so they are the same as from one process.
"""

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from syndicator.build.post_tools import PostTools
from syndicator.build.post_workers import PostWorkers
from syndicator.build.processes import Pending
from syndicator.model.content import NO_STAT, PostHead, Problem, Stat
from syndicator.sources.file_stats import is_settled
from syndicator.sources.folder import SourceFolder

if TYPE_CHECKING:
    from syndicator.jekyll.fast_heads import HeadReader

T = TypeVar("T")

#: A document to read: its path, and the digest of its known bytes ("" if there are none).
ReadRequest = tuple[str, str]


class ReadResult(NamedTuple):
    """A document as it was read."""

    stat: Stat
    #: False: scan it again; it changed within the clock's resolution, or can't be read.
    settled: bool
    digest: str  #: "" if it can't be read
    same: bool  #: its bytes are the known ones, so it was not parsed
    #: None: it is not a post, or it can't be read as one; then one of the problems is fatal.
    head: PostHead | None
    problems: tuple[Problem, ...]

    @property
    def unreadable(self) -> bool:
        """Whether it is a post with a fatal problem: the last good version stays."""
        return any(problem.fatal for problem in self.problems)


def read_document(
    source: SourceFolder, heads: "HeadReader", request: ReadRequest
) -> ReadResult | None:
    """Read a document; None if it is gone."""
    path, known = request
    now_ns = time.time_ns()
    document = source.read(path)
    if document is None:
        return None
    if isinstance(document, Problem):
        # Permissions of folders and targets of links change without the file: read it at each scan.
        stat = source.stat(path) or NO_STAT._replace(path=path)
        return ReadResult(stat, False, "", False, None, (document,))
    settled = is_settled(document.stat, now_ns)
    if document.digest == known:
        return ReadResult(document.stat, settled, known, True, None, ())
    return ReadResult(document.stat, settled, document.digest, False, *heads.read(document))


class ReadResults(list[ReadResult | None]):
    """The results of a batch. A named tuple takes twice as long to pickle as a plain one."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_tuples, ([_as_tuple(result) for result in self],)


def read_batch(tools: PostTools, batch: Sequence[ReadRequest]) -> ReadResults:
    return ReadResults(read_document(tools.source, tools.heads, request) for request in batch)


def read_all(
    batches: Iterable[tuple[T, Sequence[ReadRequest]]],
    total: int,
    tools: PostTools,
    workers: PostWorkers,
) -> Generator[tuple[T, ReadResults]]:
    """Read batches in their order. `total`: the most documents that they may have.

    While a worker reads the next batch, this process reads another.
    """
    unread = _announced(batches, total, workers)
    begun: deque[tuple[T, Pending[ReadResults]]] = deque()
    while True:
        number = workers.number_reading
        under_way = sum(not pending.done() for _, pending in begun)
        for label, batch in islice(unread, max(0, number * 2 - under_way)):
            begun.append((label, workers.submit(read_batch, batch)))
        ready = bool(begun) and (begun[0][1].done() or len(begun) > number * 4)
        if not ready and (following := next(unread, None)):
            label, batch = following
            begun.append((label, Pending.of(read_batch(tools, batch))))
        elif begun:
            label, pending = begun.popleft()
            yield label, pending.result()
        else:
            return


def _announced(
    batches: Iterable[tuple[T, Sequence[ReadRequest]]], total: int, workers: PostWorkers
) -> Iterator[tuple[T, Sequence[ReadRequest]]]:
    """Start workers once there is a document to read: of unchanged ones, batches have none.

    The posts of new documents have to be rendered. A worker that reads is prepared for that at the
    end, and any other at once.
    """
    documents = 0
    for label, batch in batches:
        documents += len(batch)
        if not (documents and workers.start_to_read(total)):
            workers.start_to_render(documents)
        yield label, batch
    workers.start_to_render(documents)


def _as_tuple(result: ReadResult | None) -> Any:
    if result is None:
        return None
    head = result.head and tuple(result.head)
    return tuple(result.stat), result.settled, result.digest, result.same, head, result.problems


def _from_tuples(values: Iterable[Any]) -> ReadResults:
    return ReadResults(_from_tuple(value) for value in values)


def _from_tuple(value: Any) -> ReadResult | None:
    if value is None:
        return None
    result = ReadResult(*value)
    head = result.head and PostHead(*result.head)
    return result._replace(stat=Stat(*result.stat), head=head)
