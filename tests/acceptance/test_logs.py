"""What the real daemon logs: each event once, by its settings."""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from command import Command, Hub, until


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub


@pytest.fixture
def command(tmp_path: Path) -> Command:
    command = Command(tmp_path)
    command.post("2026-01-02-one", "First news")
    return command


def runs(command: Command) -> list[str]:
    """The numbers of runs. New parts of the daemon would begin with one."""
    lines = requests.get(f"{command.admin}metrics", timeout=5).text.splitlines()
    return [line for line in lines if line.startswith("syndicator_runs_total")]


def test_a_failing_hub_and_each_run_are_one_line(command: Command, hub: Hub) -> None:
    """However many pings fail, are retried and are sent."""
    failed = list[str]()

    def fail(topic: str) -> int:
        failed.append(topic)
        return 500

    hub.answer = fail
    command.configure(f'[push]\nhubs = ["{hub.url}"]\nretry = ["100ms", "100ms", "1s", "1m"]\n')
    with command.running() as daemon:
        daemon.line(lambda line: "pings fail" in line)
        until(lambda: len(failed) >= 3 * len({*failed}))
        hub.answer = lambda topic: 204
        command.post("2026-01-02-one", "Changed")
        daemon.line(lambda line: "pings work again" in line)
        until(lambda: sum('"event": "run"' in line for line in daemon.err) == 2)
        assert daemon.end()[0] == 0
    events = Counter(json.loads(line)["event"] for line in daemon.err)
    assert events.pop("push") >= 2
    assert events == {"run": 2, "pings fail": 1, "pings work again": 1, "stopped": 1}


def test_the_environment_sets_the_level(command: Command) -> None:
    """A problem is a warning; the run that finds it is not logged."""
    command.post("2026-01-03-bad", head='date: "tomorow"\n')
    with command.running(environ={"SYNDICATOR_LOG__LEVEL": "WARNING"}) as daemon:
        daemon.line(lambda line: "tomorow" in line)
        assert daemon.end()[0] == 0
    assert [json.loads(line)["event"] for line in daemon.err] == ["problem"]


def test_a_reload_takes_the_level_and_the_format(command: Command) -> None:
    """And restarts nothing else. An invalid one is reported, and the old ones stay."""
    command.configure('[log]\nlevel = "error"\n', poll="10m")
    with command.running() as daemon:
        before = runs(command)
        command.configure('[log]\nlevel = "info"\nformat = "console"\n', poll="10m")
        daemon.send(signal.SIGHUP)
        line = daemon.line(lambda line: "the config was read again" in line)
        assert (line.startswith("{"), "\x1b" in line) == (False, False)
        command.configure('[log]\nlevel = "loud"\n', poll="10m")
        daemon.send(signal.SIGHUP)
        assert not daemon.line(lambda line: "log.level" in line).startswith("{")
        command.configure('[log]\nformat = "json"\n', poll="10m")
        daemon.send(signal.SIGHUP)
        daemon.line(lambda line: '"event": "the config was read again"' in line)
        assert runs(command) == before
        command.post("2026-01-03-two", "Second news")
        daemon.line(lambda line: '"event": "run"' in line)
