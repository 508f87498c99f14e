"""Cost of a command: seconds, processor seconds, and memory of all its processes together."""

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    wall: float  # seconds, from the start of the process to its end
    cpu: float  # seconds, user and system, children too
    peak: int  # bytes: the most that the process and its children held together


def run(command: Sequence[str], cwd: Path | None = None) -> Cost:
    """Run a command to its end. Raises CalledProcessError with its output when it fails."""
    begun = time.perf_counter()
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        peak = Peak(process.pid)
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    return Cost(wall, usage.ru_utime + usage.ru_stime, max(peak.stop(), usage.ru_maxrss * 1024))


class Peak:
    """Peak memory of a process and its children together, sampled each 30 ms until `stop`."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most = pid, 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._end.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while not self._end.wait(0.03):
            self._most = max(self._most, sum(map(_memory, family(self._pid))))


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    members = []
    waiting = [pid]
    while waiting:
        members.append(waiting.pop())
        with suppress(OSError):  # it ended
            for task in os.listdir(f"/proc/{members[-1]}/task"):
                children = Path(f"/proc/{members[-1]}/task/{task}/children").read_text()
                waiting += map(int, children.split())
    return members


def _memory(pid: int) -> int:
    """Bytes; shared memory is divided among the processes that share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
