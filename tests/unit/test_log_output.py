"""Log lines are written by a thread; a file that takes none holds nobody up."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import PATIENCE, until

from syndicator.log_output import MAX_WAITING, LogOutput


class Log:
    """An output on a descriptor, and what it told."""

    def __init__(self, descriptor: int) -> None:
        self.recovered: list[int] = []
        self.output = LogOutput(descriptor, on_recovery=self.recovered.append)

    @property
    def lost(self) -> int:
        return self.output.lost


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def test_lines_are_written_in_their_order(pipe: tuple[int, int]) -> None:
    """All that was written is there once the output is closed.

    What UTF-8 has no bytes for is escaped.
    """
    log = Log(pipe[1])
    for number in range(100):
        log.output.write(f"line {number} é \ud800\n")
    log.output.close()
    lines = os.read(pipe[0], 65536).decode().splitlines()
    assert lines == [f"line {number} é \\ud800" for number in range(100)]
    assert (log.lost, log.recovered) == (0, [])


def test_what_comes_after_the_end_is_dropped(pipe: tuple[int, int]) -> None:
    """A thread that is left behind may still log: nothing waits and nothing fails."""
    log = Log(pipe[1])
    log.output.close()
    log.output.write("late\n")
    log.output.close(seconds=0.01)


def test_each_line_that_is_not_taken_is_counted() -> None:
    """Nobody has the other end of the pipe."""
    ours, theirs = os.pipe()
    os.close(ours)
    log = Log(theirs)
    for _ in range(10):
        log.output.write("line\n")
    log.output.close()
    assert (log.lost, log.recovered) == (10, [])
    os.close(theirs)


def test_a_reader_that_pauses_holds_nobody_up(pipe: tuple[int, int]) -> None:
    """As many lines wait as may; the others are lost. When it reads on, it is told how many."""
    log = Log(pipe[1])
    line = "x" * 4095 + "\n"
    fits = 65536 // 4096 + 1  # in the pipe, and in the thread's hands
    for _ in range(MAX_WAITING + fits + 50):
        log.output.write(line)
    assert log.lost >= 50
    read = threading.Thread(target=_read_all, args=[pipe[0]], daemon=True)
    read.start()
    until(lambda: log.recovered)
    assert sum(log.recovered) == log.lost
    log.output.close()
    os.close(pipe[1])
    read.join(5)


def _read_all(descriptor: int) -> None:
    while os.read(descriptor, 65536):
        continue


def test_a_line_after_a_part_of_one_begins_anew(tmp_path: Path) -> None:
    """A disk may take half a line: what comes later stays readable by programs."""
    import resource

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
    log.output.close()
    assert file.read_text() == "whole\nto\nafter\n"
    assert log.recovered == [1]
    os.close(descriptor)


def test_a_descriptor_that_does_not_block_is_waited_for(pipe: tuple[int, int]) -> None:
    """Whoever shares the terminal may have made it so: no line is lost by that."""
    os.set_blocking(pipe[1], False)
    log = Log(pipe[1])
    for _ in range(100):
        log.output.write("x" * 4095 + "\n")
    taken = 0
    while taken < 100 * 4096:
        taken += len(os.read(pipe[0], 65536))
    log.output.close()
    assert log.lost == 0


class Cycle:
    """An object that only the garbage collector frees, and that logs then."""

    def __init__(self, log: Log) -> None:
        self.log, self.itself = log, self

    def __del__(self) -> None:
        self.log.output.write("freed\n")


def test_what_the_garbage_collector_logs_blocks_nobody(pipe: tuple[int, int]) -> None:
    """The collector may run while a line is dropped: the same thread then writes another line."""
    log = Log(pipe[1])

    def write() -> None:
        for _ in range(100_000):
            Cycle(log)
            assert [[] for _ in range(3)]  # the collector counts what is made
            log.output.write("line\n")

    writing = [threading.Thread(target=write, daemon=True) for _ in range(2)]
    for thread in writing:
        thread.start()
    for thread in writing:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in writing)
    assert log.lost > 0
