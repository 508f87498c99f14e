"""Attacks by clients, subscribers, hubs, authors and neighbours on the host.

Each is bounded in count, time and memory.

Every test here starts the real command on loopback, attacks it, and states what the attack may cost.
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
import requests
from command import Command, Daemon, until
from disks import disks

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


class Logged:
    """A daemon whose log leads somewhere, and what must work whatever becomes of that log."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.saved = 0

    def publishes(self) -> None:
        """A post that is saved now is out, by the watch and not by a later poll."""
        self.saved += 1
        self.command.post(f"2026-01-{self.saved:02}-post", f"Title {self.saved}", head="image: no\n")
        until(lambda: f"Title {self.saved}" in self.command.feed("all.rss"), seconds=10)

    def works(self, daemon: Daemon) -> None:
        """Posts go out, the process says that it lives, a reload is heeded, and a stop is exit code 0."""
        for _ in range(3):
            self.publishes()
        assert requests.get(f"{self.command.url}livez", timeout=5).status_code == 200
        assert self.command("status", "--check").stdout == "All is well.\n"
        daemon.send(signal.SIGHUP)
        self.publishes()
        assert daemon.end()[0] == 0

    def lost(self) -> float:
        """How many lines the daemon says were lost."""
        lines = requests.get(f"{self.command.admin}metrics", timeout=5).text.splitlines()
        name = "syndicator_log_lines_lost_total "
        return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))


@pytest.fixture
def logged(command: Command) -> Logged:
    return Logged(command)


def test_a_log_on_a_full_disk_stops_nothing(logged: Logged) -> None:
    """Every write to the log fails: that is counted, and all else goes on."""
    with open("/dev/full", "wb") as full, logged.command.running(stderr=full.fileno()) as daemon:
        logged.publishes()
        until(lambda: logged.lost() > 0)
        logged.works(daemon)


def test_a_log_without_a_reader_stops_nothing(logged: Logged) -> None:
    """The reader of the pipe, or the terminal, is gone."""
    ours, theirs = os.pipe()
    with logged.command.running(stderr=theirs) as daemon:
        os.close(theirs)
        os.close(ours)
        logged.works(daemon)


def test_a_log_that_nobody_reads_stops_nothing(logged: Logged) -> None:
    """The reader of the pipe is there and reads nothing: a write would wait for ever."""
    ours, theirs = os.pipe()
    try:
        while True:  # until not a byte more fits
            os.set_blocking(theirs, False)
            os.write(theirs, b"x")
    except BlockingIOError:
        os.set_blocking(theirs, True)
    with logged.command.running("-v", stderr=theirs) as daemon:
        os.close(theirs)
        logged.works(daemon)
    os.close(ours)


def test_a_log_goes_on_when_its_disk_has_room_again(logged: Logged, tmp_path: Path) -> None:
    """Then it says how many lines were lost. Each line is whole."""
    with disks(tmp_path / "logs", octets=64 * 1024) as (disk,):
        file = disk.at / "log"
        file.touch()
        disk.fill()
        with open(file, "ab") as log, logged.command.running(stderr=log.fileno()) as daemon:
            logged.publishes()
            until(lambda: logged.lost() > 0)
            disk.free()
            logged.publishes()
            until(lambda: "log lines were lost" in file.read_text())
            logged.works(daemon)
        assert {"level", "event"} <= set.intersection(
            *(set(json.loads(line)) for line in file.read_text().splitlines() if line)
        )


def test_an_address_that_nobody_reads_stops_nothing(command: Command) -> None:
    """The reader of stdout is gone before the address is printed: the daemon serves, and ends with exit code 0."""
    ours, theirs = os.pipe()
    os.close(ours)
    process = subprocess.Popen(
        command.arguments("run"), cwd=command.root, env=command.environ, stdout=theirs, stderr=subprocess.DEVNULL
    )
    os.close(theirs)
    try:
        until(lambda: is_served(f"{command.url}index.html"))
        command.post("2026-01-02-post", "Saved later")
        until(lambda: "Saved later" in command.feed("all.rss"), seconds=10)
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()


def is_served(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False
