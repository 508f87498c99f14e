"""Attacks by clients, subscribers, hubs, authors and neighbours on the host.

Each is bounded in count, time and memory.

Every test here starts the real command on loopback, attacks it, and states what the attack may cost.
"""

import json
import os
import signal
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from answering import BLOCKED, ENDLESS, HEAD, OK, pouring, serving
from command import Command, Daemon, until
from disks import disks
from hubsite import Subscriber

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

#: Settings under which loopback may subscribe, and waits are short.
CALLBACKS = """
[hub]
allow_private = ["127.0.0.0/8"]
timeout = "3s"
retry = ["300ms", "300ms"]
"""


def subscribe(command: Command, callback: str) -> requests.Response:
    form = {"hub.mode": "subscribe", "hub.topic": f"{command.url}all.rss", "hub.callback": callback}
    return requests.post(f"{command.url}hub", data=form, timeout=5)


def facts(command: Command) -> dict[str, Any]:
    """What `status` says now."""
    found: dict[str, Any] = json.loads(command("status", "--json").stdout)
    return found


def processor_time(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_heads_without_end_cost_no_memory(command: Command) -> None:
    """Forty callbacks that answer with 99 header lines of 65 kB are each asked once, and read no further."""
    command.configure(CALLBACKS)
    command.post("2026-01-02-one")
    with serving(HEAD + (b"X: " + b"y" * 65_000 + b"\r\n") * 99 + b"\r\n") as hostile, command.running() as daemon:
        before = memory(daemon.process.pid)
        for number in range(40):
            assert subscribe(command, f"{hostile.url}/{number}").status_code == 202
        until(lambda: len(hostile.requests) >= 40)
        until(lambda: not facts(command)["owed"].get("verify"))
        assert memory(daemon.process.pid, "VmHWM") - before < MOST_GAINED
        assert len(hostile.requests) == 40


def test_answers_without_end_cost_no_time(command: Command) -> None:
    """Interim responses, header lines, chunks and trailers without end: an answer, and not asked for again.

    Others are served meanwhile.
    """
    command.configure(CALLBACKS)
    command.post("2026-01-02-one")
    with ExitStack() as stack:
        hostile = [stack.enter_context(serving(pouring(*endless))) for endless in ENDLESS.values()]
        honest = Subscriber()
        stack.callback(honest.close)
        daemon = stack.enter_context(command.running())
        used = processor_time(daemon.process.pid)
        for number in range(4):
            for server in hostile:
                assert subscribe(command, f"{server.url}/{number}").status_code == 202
        assert subscribe(command, f"{honest.url}/cb").status_code == 202
        until(lambda: all(len(server.requests) >= 4 for server in hostile))
        until(lambda: not facts(command)["owed"].get("verify"))
        assert processor_time(daemon.process.pid) - used < 3
        assert [len(server.requests) for server in hostile] == [4] * len(hostile)
        assert facts(command)["subscribers"] == 1


def test_a_hub_cannot_send_a_ping_into_our_network(command: Command) -> None:
    """Its own address keeps the operator's trust; another port of the same name is a stranger's word."""
    with serving(OK) as inside, serving(OK) as hub:
        away = f"http://127.0.0.1:{inside.port}/admin/delete?all=1"
        redirect = b"HTTP/1.1 307 There\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n"

        def answer(connection: socket.socket) -> None:
            path = hub.requests[-1].split(b" ", 2)[1]
            there = {b"/away": redirect % away.encode(), b"/old": redirect % b"/new"}
            connection.sendall(there.get(path, OK))

        hub.answer = answer
        command.configure(f'[push]\nhubs = ["{hub.url}/away", "{hub.url}/old"]\nretry = []\n')
        command.post("2026-01-02-one")
        assert command("build").returncode == 0
        command("push")
        state = {one["url"]: one for one in facts(command)["hubs"]}
    assert (inside.connections, inside.requests) == (0, [])
    assert "refused" in state[f"{hub.url}/away"]["error"]
    assert state[f"{hub.url}/old"]["last_success"]


def test_callbacks_that_no_subscriber_has_are_refused(command: Command) -> None:
    """At ports of other protocols, at special addresses and outside 2000::/3: 400, in words, and no connection."""
    command.configure(CALLBACKS)
    command.post("2026-01-02-one")
    with serving(OK, ports=BLOCKED) as blocked, command.running():
        said = {
            callback: subscribe(command, callback)
            for callback in (
                *[f"{blocked.url}/cb", "https://reader.example:25/cb", "http://[2606:2800:21f::1]:10080/cb"],
                *["http://192.0.0.9/cb", "http://[2001:1::1]/cb", "http://[64:ff9b::7f00:1]/cb"],
                *["http://[4000::1]/cb", "http://[2002:5db8:d70e::1]/cb", "http://[::ffff:808:808]/cb"],
            )
        }
        assert {response.status_code for response in said.values()} == {400}
        texts = [response.text.strip() for response in said.values()]
        assert all(", which browsers refuse" in text for text in texts[:3])
        assert set(texts[3:]) == {"hub.callback is not at a public address."}
        assert blocked.connections == 0


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
