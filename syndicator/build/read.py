"""Documents read, each by itself: what a file is now, and the post it says it is.

Some thousand of them are read by processes of their own too, so that no processor is idle.
What they find is handed over in the order that was asked for, so it is the same as if it were read here.
"""

import gc
import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from syndicator.jekyll.fast_heads import HeadReader
from syndicator.jekyll.site import Site
from syndicator.model.content import PostHead, Problem, Stat
from syndicator.sources.folder import SourceFolder, is_settled

T = TypeVar("T")

#: A document to be read: its path, and the digest that is known of it ("" when none is).
Wanted = tuple[str, str]

#: A process takes a quarter of a second to start. With fewer documents than this it costs more than it gains.
_MANY = 3000

#: Processes that read, with us, who write down what was read: more of them would outrun us.
_MOST = 4


class ReadResult(NamedTuple):
    """What reading a document showed."""

    stat: Stat
    settled: (
        bool  #: False: it is to be looked at again, changed within the clock's grain, or unreadable
    )
    digest: str  #: "" when it can't be read
    same: bool  #: its bytes are those that were known: nothing more was read
    head: (
        PostHead | None
    )  #: None: it is no post, or none that can be read, and then a Problem is fatal
    problems: tuple[Problem, ...]

    @property
    def unreadable(self) -> bool:
        """Whether its last good version stays."""
        return any(problem.fatal for problem in self.problems) and self.head is None


def read_document(source: SourceFolder, heads: HeadReader, wanted: Wanted) -> ReadResult | None:
    """A document as it is now; None when it is gone."""
    path, known = wanted
    document = source.read(path)
    if document is None:
        return None
    if isinstance(document, Problem):
        # Permissions and links change without the file's mtime: such a file is looked at again each time.
        at = source.stat(path) or Stat(path=path, size=0, mtime_ns=0)
        return ReadResult(at, False, "", False, None, (document,))
    settled = is_settled(document)
    if document.digest == known:
        return ReadResult(document.stat, settled, known, True, None, ())
    return ReadResult(document.stat, settled, document.digest, False, *heads.read(document))


def read_all(
    source: SourceFolder, site: Site, batches: Iterable[tuple[T, Sequence[Wanted]]], total: int
) -> Generator[tuple[T, list[ReadResult | None]]]:
    """Each batch with what was read of it, in their order. `total`: about how many documents there are.

    As long as the next one isn't there, we read too.
    """
    others = min(os.cpu_count() or 1, _MOST) - 1
    heads = HeadReader(site)
    left = iter(batches)
    taken: deque[tuple[T, Future[list[ReadResult | None]]]] = deque()
    with _WorkerProcesses(
        source, heads, _started(source, site, others) if total >= _MANY else []
    ) as helpers:
        while True:
            under_way = sum(not future.done() for _, future in taken)
            for label, batch in islice(left, max(0, helpers.number * 2 - under_way)):
                taken.append((label, helpers.submit(batch)))
            there = bool(taken) and (taken[0][1].done() or len(taken) > helpers.number * 4)
            if not there and (following := next(left, None)):
                label, batch = following
                taken.append((label, Future()))
                taken[-1][1].set_result([read_document(source, heads, wanted) for wanted in batch])
            elif taken:
                label, future = taken.popleft()
                yield label, future.result()
            else:
                return


def _started(source: SourceFolder, site: Site, number: int) -> "list[_WorkerProcess]":
    """As many processes as could be started."""
    task = pickle.dumps((source.root, source.scope, site))
    started: list[_WorkerProcess] = []
    with suppress(OSError):  # no memory for another, or no more are allowed: fewer will do, or none
        for _ in range(number):
            started.append(_WorkerProcess(task))
    return started


class _WorkerProcesses:
    """Processes that read documents. What one of them dies over is read here."""

    def __init__(
        self, source: SourceFolder, heads: HeadReader, every: "list[_WorkerProcess]"
    ) -> None:
        self._source, self._heads, self._every = source, heads, every
        self._over = False
        self._idle: SimpleQueue[_WorkerProcess] = SimpleQueue()
        for helper in every:
            self._idle.put(helper)
        self._threads = ThreadPoolExecutor(max(1, len(every)), "read")

    def __enter__(self) -> "_WorkerProcesses":
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        for helper in self._every:
            helper.process.kill()
        self._threads.shutdown(cancel_futures=True)
        for helper in self._every:
            helper.close()

    @property
    def number(self) -> int:
        return len(self._every)

    def submit(self, batch: Sequence[Wanted]) -> "Future[list[ReadResult | None]]":
        return self._threads.submit(self._read, batch)

    def _read(self, batch: Sequence[Wanted]) -> list[ReadResult | None]:
        helper = self._idle.get()
        try:
            return helper.ask(batch)
        except (
            OSError,
            EOFError,
            pickle.UnpicklingError,
        ):  # it was killed, for want of memory perhaps
            return (
                []
                if self._over
                else [read_document(self._source, self._heads, wanted) for wanted in batch]
            )
        finally:
            self._idle.put(helper)


class _WorkerProcess:
    """One process, and the pipes to it. It ends when they are closed, whatever becomes of us."""

    def __init__(self, task: bytes) -> None:
        self._task = task  #: goes ahead of the first batch
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

    def ask(self, batch: Sequence[Wanted]) -> list[ReadResult | None]:
        """Have a batch read. Raises OSError, EOFError or UnpicklingError when the process is dead."""
        asked, answers = self.process.stdin, self.process.stdout
        assert asked and answers  # noqa: PT018
        asked.write(self._task + pickle.dumps(batch))
        asked.flush()
        self._task = b""
        return [_unpacked(found) for found in pickle.load(answers)]  # noqa: S301 -- from ourselves

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # what it was not told is not needed any more
                pipe.close()  # type: ignore[union-attr]
        self.process.wait()


def main() -> None:
    """Read what is asked for on stdin, until it ends."""
    gc.freeze()  # what was imported stays
    gc.enable()
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is told to all; whoever started us decides
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    root, scope, site = pickle.load(asked)  # noqa: S301 -- from ourselves
    source, heads = SourceFolder(root, scope), HeadReader(site)
    with suppress(EOFError, BrokenPipeError):
        while True:
            batch: Sequence[Wanted] = pickle.load(asked)  # noqa: S301 -- from ourselves
            answers.write(
                pickle.dumps([_packed(read_document(source, heads, wanted)) for wanted in batch])
            )
            answers.flush()


def _packed(found: ReadResult | None) -> Any:
    # A tuple with a name takes twice as long to be pickled as one without.
    if found is None:
        return None
    stat, settled, digest, same, head, problems = found
    return tuple(stat), settled, digest, same, head and tuple(head), problems


def _unpacked(found: Any) -> ReadResult | None:
    if found is None:
        return None
    stat, settled, digest, same, head, problems = found
    return ReadResult(Stat(*stat), settled, digest, same, head and PostHead(*head), problems)
