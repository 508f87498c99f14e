"""Reads documents: the bytes of a file, and the post its front matter describes.

Thousands of documents are read by worker processes too, to use every processor. The results come in
the order of the requests, so they are the same as from one process.
"""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from syndicator import garbage
from syndicator.jekyll.site import Site
from syndicator.model.content import NO_STAT, PostHead, Problem, Stat
from syndicator.sources.file_stats import is_settled
from syndicator.sources.folder import SourceFolder

if TYPE_CHECKING:
    from syndicator.jekyll.fast_heads import HeadReader

T = TypeVar("T")

#: A document to read: its path, and the digest of its known bytes ("" if there are none).
ReadRequest = tuple[str, str]

#: Documents from which worker processes pay off: one takes a quarter of a second to start.
PARALLEL_FROM = 3000

#: Reading processes, with this one. It also writes the index, and can't keep up with more.
_MAX_PROCESSES = 4


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


def read_all(
    source: SourceFolder,
    site: Site,
    batches: Iterable[tuple[T, Sequence[ReadRequest]]],
    total: int,
    *,
    parallel_from: int = PARALLEL_FROM,
) -> Generator[tuple[T, list[ReadResult | None]]]:
    """Read batches in their order. `total`: the approximate number of documents.

    While the next batch is not ready, this process reads one too.
    """
    from syndicator.jekyll.fast_heads import HeadReader

    number = min(os.cpu_count() or 1, _MAX_PROCESSES) - 1
    heads = HeadReader(site)
    unread = iter(batches)
    begun: deque[tuple[T, Future[list[ReadResult | None]]]] = deque()
    processes = _started(source, site, number) if total >= parallel_from else []
    with _WorkerProcesses(source, heads, processes) as workers:
        while True:
            under_way = sum(not future.done() for _, future in begun)
            for label, batch in islice(unread, max(0, workers.number * 2 - under_way)):
                begun.append((label, workers.submit(batch)))
            ready = bool(begun) and (begun[0][1].done() or len(begun) > workers.number * 4)
            if not ready and (following := next(unread, None)):
                label, batch = following
                future: Future[list[ReadResult | None]] = Future()
                future.set_result([read_document(source, heads, request) for request in batch])
                begun.append((label, future))
            elif begun:
                label, future = begun.popleft()
                yield label, future.result()
            else:
                return


def _started(source: SourceFolder, site: Site, number: int) -> "list[_WorkerProcess]":
    """As many worker processes as can be started."""
    task = pickle.dumps((Path(source.real), source.scope, site))
    started: list[_WorkerProcess] = []
    with suppress(OSError):  # out of memory or over a process limit: fewer are enough
        for _ in range(number):
            started.append(_WorkerProcess(task))
    return started


class _WorkerProcesses:
    """A pool of worker processes. A batch whose worker dies is read in this process."""

    def __init__(
        self, source: SourceFolder, heads: "HeadReader", workers: "list[_WorkerProcess]"
    ) -> None:
        self._source = source
        self._heads = heads
        self._workers = workers
        self._closed = False
        self._idle: SimpleQueue[_WorkerProcess] = SimpleQueue()
        for worker in workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(max(1, len(workers)), "read")

    def __enter__(self) -> "_WorkerProcesses":
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        for worker in self._workers:
            worker.process.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.close()

    @property
    def number(self) -> int:
        return len(self._workers)

    def submit(self, batch: Sequence[ReadRequest]) -> "Future[list[ReadResult | None]]":
        return self._threads.submit(self._read, batch)

    def _read(self, batch: Sequence[ReadRequest]) -> list[ReadResult | None]:
        worker = self._idle.get()
        try:
            return worker.read(batch)
        except (OSError, EOFError, pickle.UnpicklingError):  # killed, perhaps for lack of memory
            if self._closed:
                return []
            return [read_document(self._source, self._heads, request) for request in batch]
        finally:
            self._idle.put(worker)


class _WorkerProcess:
    """A worker process and the pipes to it. It ends when they close, so also if we are killed."""

    def __init__(self, task: bytes) -> None:
        self._task = task  #: sent before the first batch
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-c",
                "import gc; gc.disable(); from syndicator.build.read import main; main()",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def read(self, batch: Sequence[ReadRequest]) -> list[ReadResult | None]:
        """Have a batch read. Raises OSError, EOFError or UnpicklingError if the process died."""
        requests, results = self.process.stdin, self.process.stdout
        assert requests and results  # noqa: PT018
        requests.write(self._task + pickle.dumps(batch))
        requests.flush()
        self._task = b""
        values = pickle.load(results)  # noqa: S301 -- from our own process
        return [_from_tuple(value) for value in values]

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # closing flushes; unsent requests are no longer needed
                pipe.close()  # type: ignore[union-attr]
        self.process.wait()


def main() -> None:
    """Run a worker process: read the batches requested on stdin, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; our parent decides
    requests, results = sys.stdin.buffer, sys.stdout.buffer
    root, scope, site = pickle.load(requests)  # noqa: S301 -- from our own process
    from syndicator.jekyll.fast_heads import HeadReader

    garbage.collect_from_now()
    source, heads = SourceFolder(root, scope), HeadReader(site)
    with suppress(EOFError, BrokenPipeError):
        while True:
            batch: Sequence[ReadRequest] = pickle.load(requests)  # noqa: S301 -- from our own process
            read = [read_document(source, heads, request) for request in batch]
            results.write(pickle.dumps([_as_tuple(one) for one in read]))
            results.flush()


def _as_tuple(result: ReadResult | None) -> Any:
    # A named tuple takes twice as long to pickle as a plain one.
    if result is None:
        return None
    head = result.head and tuple(result.head)
    return tuple(result.stat), result.settled, result.digest, result.same, head, result.problems


def _from_tuple(value: Any) -> ReadResult | None:
    if value is None:
        return None
    result = ReadResult(*value)
    head = result.head and PostHead(*result.head)
    return result._replace(stat=Stat(*result.stat), head=head)
