"""Writes log lines from a thread of its own, so that a log that can't be written holds up nothing."""

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue

#: Lines that may wait to be written. A build names 20 problems and a push some hundred failures at
#: most, so a reader may pause for several of them before lines are lost.
MAX_WAITING = 2000


class LogOutput:
    """A stream of log lines, as `logging` and structlog take one.

    `write` never blocks and never raises. A line that the file does not take, or that finds
    `MAX_WAITING` lines before it, is dropped. `on_loss` is called for each such line. `on_recovery` is
    called by the writing thread with the number of them, once the file takes lines again.
    """

    def __init__(self, descriptor: int, *, on_loss: Callable[[], None], on_recovery: Callable[[int], None]) -> None:
        self._descriptor = descriptor
        self._on_loss, self._on_recovery = on_loss, on_recovery
        self._lines: Queue[bytes | None] = Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._lost = 0  # since the last recovery
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        try:
            self._lines.put_nowait(text.encode("utf-8", "backslashreplace"))
        except Full:
            self._lose()

    def flush(self) -> None:
        """Nothing is buffered: the thread writes each line at once."""

    def close(self, seconds: float = 0.5) -> None:
        """Write what waits, for so many seconds at most. What is written later is dropped."""
        until = time.monotonic() + seconds
        with suppress(Full):
            self._lines.put(None, timeout=seconds)
            self._thread.join(max(until - time.monotonic(), 0))

    def _run(self) -> None:
        broken = False  # whether the line before was written in part
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
        """Write to the descriptor itself: a buffered stream would keep what failed. How much was written."""
        written = 0
        with suppress(OSError):
            while written < len(data):
                try:
                    written += os.write(self._descriptor, data[written:])
                except BlockingIOError:  # another process that shares the descriptor made it so
                    select.select([], [self._descriptor], [])
        return written

    def _lose(self) -> None:
        with self._lock:
            self._lost += 1
        self._on_loss()

    def _report(self) -> None:
        with self._lock:
            lost, self._lost = self._lost, 0
        if lost:
            self._on_recovery(lost)
