"""What happens to a process, to PostgreSQL or to the bucket in a round of a failover benchmark."""

import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks.failover_world import World


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault."""

    name: str
    #: Begins it, and ends it after the block. Takes the name of the process that it happens to.
    act: Callable[[World, str], AbstractContextManager[None]]
    builder: bool | None  #: whether it happens to the builder; None: to no process
    least: float  #: seconds that it lasts
    most: float


@contextmanager
def _killed(world: World, name: str) -> Iterator[None]:
    world.processes.kill(name)
    yield
    world.start(name)


@contextmanager
def _suspended(world: World, name: str) -> Iterator[None]:
    daemon = world.processes.running[name]
    daemon.send(signal.SIGSTOP)
    yield
    daemon.send(signal.SIGCONT)


@contextmanager
def _cut_off(world: World, name: str) -> Iterator[None]:
    link = world.network.links[name]
    link.cut()
    yield
    link.mend()


@contextmanager
def _database_down(mode: str, world: World, _name: str) -> Iterator[None]:
    world.state.stop(mode)
    yield
    world.state.start()


@contextmanager
def _bucket_fails(world: World, _name: str) -> Iterator[None]:
    assert world.bucket
    world.bucket.storage.fault = lambda environ: (500, "InternalError")
    yield
    world.bucket.storage.fault = lambda environ: None


@contextmanager
def _bucket_hangs(world: World, _name: str) -> Iterator[None]:
    """Requests wait for the end of the fault, and are carried out then."""
    assert world.bucket
    over = threading.Event()

    def wait(_environ: object) -> None:
        over.wait()

    world.bucket.storage.fault = wait
    yield
    world.bucket.storage.fault = lambda environ: None
    over.set()


def _kinds(world: World) -> Iterator[Kind]:
    for builder, whom in ((True, "builder"), (False, "other")):
        yield Kind(f"kill -9 {whom}", _killed, builder, 0, 12)
        yield Kind(f"stop {whom}", _suspended, builder, 10, 16)
        if world.network.links:
            yield Kind(f"cut {whom}", _cut_off, builder, 15, 15)
    for mode in ("fast", "immediate"):
        yield Kind(f"database, {mode}", partial(_database_down, mode), None, 0, 4)
    if world.bucket:
        yield Kind("bucket fails", _bucket_fails, None, 2, 8)
        yield Kind("bucket hangs", _bucket_hangs, None, 2, 8)


def schedule(world: World, word: str, rounds: int, rng: random.Random) -> list[Kind]:
    """The faults of all rounds, whose names have a word. Each kind once before one comes again."""
    kinds, chosen = [kind for kind in _kinds(world) if word in kind.name], list[Kind]()
    while len(chosen) < rounds:
        chosen += rng.sample(kinds, len(kinds))
    return chosen[:rounds]
