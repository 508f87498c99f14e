"""Log lines are written by a thread. A file that can't be written delays nothing."""

import gc
import os
import resource
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command import PATIENCE, until

from syndicator.log_output import MAX_WAITING, LogOutput


class Log:
    """An output on a descriptor, and the numbers of lost lines that it reported."""

    def __init__(self, descriptor: int) -> None:
        self.recovered: list[int] = []
        self.output = LogOutput(descriptor, on_recovery=self.recovered.append)

    @property
    def lost(self) -> int:
        return self.output.lost

    def close(self) -> None:
        """Close the output once it has written all lines, also on a busy machine."""
        self.output.close(PATIENCE)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The read end and the write end. A test closes its output before they are closed.

    A thread that logs later would write to the next file or socket that gets the same number.
    """
    reader, writer = os.pipe()
    yield reader, writer
    os.close(writer)
    os.close(reader)


def read(descriptor: int, size: int) -> bytes:
    """Read so many bytes."""
    data = b""
    deadline = time.monotonic() + PATIENCE
    while len(data) < size:
        ready, _, _ = select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"{len(data)} of {size} bytes within {PATIENCE} s"
        part = os.read(descriptor, size - len(data))
        assert part, f"{len(data)} of {size} bytes, then the end"
        data += part
    return data


@contextmanager
def reading(descriptor: int) -> Iterator[None]:
    """Read all that comes while the block runs."""
    over = threading.Event()

    def read_on() -> None:
        while not over.is_set():
            if select.select([descriptor], [], [], 0.02)[0]:
                os.read(descriptor, 65536)

    thread = threading.Thread(target=read_on, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_lines_are_written_in_order(pipe: tuple[int, int]) -> None:
    """All lines are written once the output is closed.

    Characters that UTF-8 can't encode are escaped.
    """
    log = Log(pipe[1])
    for number in range(100):
        log.output.write(f"line {number} é \ud800\n")
    log.close()
    expected = "".join(f"line {number} é \\ud800\n" for number in range(100)).encode()
    assert read(pipe[0], len(expected)) == expected
    assert (log.lost, log.recovered) == (0, [])


def test_lines_after_the_end_are_dropped(pipe: tuple[int, int]) -> None:
    """A thread that was left running may still log: nothing waits and nothing fails."""
    log = Log(pipe[1])
    log.close()
    log.output.write("late\n")
    log.output.close(seconds=0.01)


def test_each_line_that_is_not_written_is_counted() -> None:
    """The other end of the pipe is closed."""
    reader, writer = os.pipe()
    os.close(reader)
    log = Log(writer)
    for _ in range(10):
        log.output.write("line\n")
    log.close()
    assert (log.lost, log.recovered) == (10, [])
    os.close(writer)


def test_a_reader_that_pauses_delays_nothing(pipe: tuple[int, int]) -> None:
    """`MAX_WAITING` lines wait, the others are lost. Their number is reported once it reads on."""
    log = Log(pipe[1])
    line = "x" * 4095 + "\n"
    fits = 65536 // 4096 + 1  # lines in the pipe, and the one that the thread is writing
    for _ in range(MAX_WAITING + fits + 50):
        log.output.write(line)
    assert log.lost >= 50
    with reading(pipe[0]):
        until(lambda: log.recovered)
        assert sum(log.recovered) == log.lost
        log.close()


def test_a_line_after_half_a_line_has_a_line_of_its_own(tmp_path: Path) -> None:
    """A full disk may accept half a line. Programs can still parse the later ones."""
    file = tmp_path / "log"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        log = Log(descriptor)
        log.output.write("whole\n")
        log.output.write("too long\n")
        until(lambda: log.lost == 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.output.write("after\n")
    log.close()
    assert file.read_text() == "whole\nto\nafter\n"
    assert log.recovered == [1]
    os.close(descriptor)


@pytest.mark.parametrize("flags", [0, os.O_APPEND])
def test_a_file_that_was_truncated_begins_anew(tmp_path: Path, flags: int) -> None:
    """As logrotate's copytruncate does it, also where `2> log` opened the file."""
    file = tmp_path / "log"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | flags)
    log = Log(descriptor)
    log.output.write("before\n")
    until(lambda: file.read_text() == "before\n")
    os.truncate(file, 0)
    log.output.write("after\n")
    log.close()
    assert file.read_bytes() == b"after\n"
    os.close(descriptor)


def test_no_line_is_lost_on_a_non_blocking_descriptor(pipe: tuple[int, int]) -> None:
    """Another process that shares the terminal may have made it non-blocking."""
    os.set_blocking(pipe[1], False)
    log = Log(pipe[1])
    for _ in range(100):
        log.output.write("x" * 4095 + "\n")
    read(pipe[0], 100 * 4096)
    log.close()
    assert log.lost == 0


class Cycle:
    """An object that only the garbage collector frees. It logs when it is freed."""

    def __init__(self, log: Log) -> None:
        self.log, self.itself = log, self

    def __del__(self) -> None:
        self.log.output.write("freed\n")


def test_a_line_logged_by_the_garbage_collector_blocks_nothing(pipe: tuple[int, int]) -> None:
    """The collector may run while a line is dropped. The same thread then writes another line."""
    log = Log(pipe[1])

    def write() -> None:
        for _ in range(100_000):
            Cycle(log)
            assert [[] for _ in range(3)]  # the collector runs after so many new objects
            log.output.write("line\n")

    threads = [threading.Thread(target=write, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    with reading(pipe[0]):
        gc.collect()  # the cycles that are left log now, not into a later test
        log.close()
    assert log.lost > 0
