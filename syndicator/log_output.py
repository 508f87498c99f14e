"""Writes log lines from a thread of its own, so that a log that can't be written delays nothing."""

import fcntl
import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

#: Lines that may wait to be written. A build logs 20 problems and a push about 100 failures at
#: most, so a reader may pause during several of them before lines are lost.
MAX_WAITING = 2000


class LogOutput:
    """A stream of log lines, as `logging` and structlog take one.

    A file is written at its end, wherever that is: a program that rotates logs may truncate it
    (copytruncate, logrotate(8)).

    `write` never blocks and never raises. A line is dropped if it can't be written, or if
    `MAX_WAITING` lines wait before it. Once lines can be written again, the writing thread calls
    `on_recovery` with the number of lost lines.

    The garbage collector may run at any point here, and finalizers may log: the queue and the lock
    are reentrant.
    """

    def __init__(self, descriptor: int, *, on_recovery: Callable[[int], None]) -> None:
        self._descriptor = descriptor
        _append(descriptor)
        self._on_recovery = on_recovery
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._lock = threading.RLock()
        self._lost = 0
        self._reported = 0
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """The number of lines dropped so far."""
        return self._lost

    def write(self, text: str) -> None:
        if self._lines.qsize() < MAX_WAITING:
            self._lines.put(text.encode("utf-8", "backslashreplace"))
        else:
            self._lose()

    def flush(self) -> None:
        """Nothing is buffered: the thread writes each line at once."""

    def close(self, seconds: float = 0.5) -> None:
        """Write the lines that wait, for at most so many seconds. Later lines are dropped."""
        self._lines.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        broken = False  # whether the previous line was written in part
        while (line := self._lines.get()) is not None:
            whole = b"\n" + line if broken else line
            written = self._write(whole)
            if written == len(whole):
                broken = False
                self._report()
            else:
                broken = broken or written > 0
                self._lose()

    def _write(self, data: bytes) -> int:
        """Write to the descriptor, unbuffered: a stream would keep what failed.

        Returns the number of bytes.
        """
        written = 0
        with suppress(OSError):
            while written < len(data):
                try:
                    written += os.write(self._descriptor, data[written:])
                except BlockingIOError:  # set non-blocking by a process that shares it
                    select.select([], [self._descriptor], [])
        return written

    def _lose(self) -> None:
        with self._lock:
            self._lost += 1

    def _report(self) -> None:
        number = self._lost - self._reported
        if number:
            self._reported += number
            self._on_recovery(number)


def _append(descriptor: int) -> None:
    """Write at the end of a file, also if it was opened without O_APPEND, as `2> log` does.

    Otherwise the lines after a truncation would follow a hole as long as the file was before.
    """
    with suppress(OSError):  # the descriptor is closed
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_APPEND)


class LineLogger:
    """The logger that structlog calls for each line. Unlike structlog's own it takes no lock."""

    def __init__(self, output: LogOutput) -> None:
        self._output = output

    def msg(self, line: str) -> None:
        self._output.write(f"{line}\n")

    log = debug = info = warning = error = critical = msg
