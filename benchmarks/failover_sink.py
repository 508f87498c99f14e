"""The subscribers of a failover benchmark: a process that counts what each of them is sent."""

import asyncio
import multiprocessing
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import uvloop

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_VERSION = re.compile(rb"Version (\d+)")


@dataclass(frozen=True, slots=True)
class Older:
    """A delivery of an older version after a newer one."""

    at: float  #: by the monotonic clock
    sender: str  #: its address
    version: int
    newest: int  #: that the subscriber had before


@dataclass(slots=True)
class Tally:
    """What subscribers were sent, in the order of arrival. A version is a number from 1."""

    deliveries: int = 0
    repeats: int = 0  #: deliveries of the version that the subscriber got last
    older: list[Older] = field(default_factory=list)
    #: By version: the subscribers that got it last.
    last: Counter[int] = field(default_factory=Counter)
    #: By version: when it last arrived somewhere, by the monotonic clock.
    arrived: dict[int, float] = field(default_factory=dict)
    _got: dict[str, tuple[int, int]] = field(default_factory=dict)  # the last and the newest

    def add(self, subscriber: str, version: int, sender: str, at: float) -> None:
        last, newest = self._got.get(subscriber, (0, 0))
        self.deliveries += 1
        self.repeats += version == last
        if version < newest:
            self.older.append(Older(at, sender, version, newest))
        self.last[last] -= 1
        self.last[version] += 1
        self.arrived[version] = at
        self._got[subscriber] = version, max(version, newest)

    def summary(self) -> "Tally":
        """All but what each subscriber got."""
        return Tally(self.deliveries, self.repeats, self.older, self.last, self.arrived)


class Sink:
    """The process, as the benchmark sees it."""

    def __init__(self, pipe: "Connection[None, Tally]", port: int) -> None:
        self._pipe = pipe
        self.port = port

    def tally(self) -> Tally:
        self._pipe.send(None)
        return self._pipe.recv()


@contextmanager
def sinking() -> Iterator[Sink]:
    """A process that listens on all addresses, until the end of the block."""
    spawn = multiprocessing.get_context("spawn")  # this process has threads
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_run, args=(theirs,), daemon=True)
    process.start()
    assert ours.poll(60), "the sink did not start"
    yield Sink(ours, ours.recv())
    process.terminate()
    process.join()


def _run(pipe: Connection) -> None:
    uvloop.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    tally = Tally()

    def answer() -> None:
        pipe.recv()
        pipe.send(tally.summary())

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = writer.get_extra_info("peername")[0]
        # A request that ends early does not count: its sender was killed or cut off.
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                version = _VERSION.search(body)
                path = head.split(b" ", 2)[1].decode()
                tally.add(path, int(version[1]) if version else 0, sender, time.monotonic())
                writer.write(_ANSWER)
        writer.close()

    server = await asyncio.start_server(accept, "0.0.0.0", 0, backlog=4096)
    asyncio.get_running_loop().add_reader(pipe.fileno(), answer)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
