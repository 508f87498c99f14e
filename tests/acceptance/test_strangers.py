"""Attacks by clients, subscribers, hubs, authors and neighbours on the host.

Each is bounded in count, time and memory.

Every test here starts the real command on loopback, attacks it, and states what the attack may cost.
"""

from pathlib import Path

import pytest
from command import Command

#: The memory that a daemon may gain under an attack, in MiB.
MOST_GAINED = 120


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def memory(pid: int, field: str = "VmRSS") -> float:
    """The resident memory of a process in MiB: now, or its peak (`VmHWM`)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


# ---------------------------------------------------------------------------- clients of the web server


# ---------------------------------------------------------------------------- subscribers


# ---------------------------------------------------------------------------- hubs and callbacks that answer


# ---------------------------------------------------------------------------- authors


# ---------------------------------------------------------------------------- neighbours on the host


# ---------------------------------------------------------------------------- logs that can't be written
