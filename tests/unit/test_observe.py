"""What is logged and counted, and what never is."""

import json
import logging
import sys
from datetime import UTC, datetime

import pytest
import structlog

from syndicator import observe
from syndicator.model.content import Report
from syndicator.model.outbox import JobKind


def report(**fields: object) -> Report:
    return Report(
        started=datetime(2026, 1, 2, tzinfo=UTC), seconds=0.25, posts=5, feeds=3, **fields
    )


@pytest.fixture(autouse=True)
def restored():
    """Leave logging as it was."""
    yield
    structlog.reset_defaults()
    logging.basicConfig(handlers=[], force=True)


def test_a_line_is_one_json_object_when_nobody_looks(capfd):
    """Without a terminal each line is one JSON object with level and time."""
    output = observe.logs(terminal=False, verbose=False)
    structlog.get_logger().info("run", **observe.run_line(report(new=2)))
    output.close()
    line = json.loads(capfd.readouterr().err)
    assert (
        line["event"],
        line["level"],
        line["new"],
        line["summary"],
    ) == ("run", "info", 2, "5 posts (2 new); 0 of 3 feeds changed")


def test_a_library_is_heard_in_the_same_form(capfd):
    """A library's warning is a line like ours; what it says below a warning is not heard."""
    output = observe.logs(terminal=False, verbose=False)
    logging.getLogger("library").info("chatter")
    logging.getLogger("library").warning("careful: %s", "postgresql://me:pw@db/x")
    output.close()
    assert [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()] == [
        "careful: postgresql://me:***@db/x"
    ]


def test_a_terminal_gets_words(capfd):
    """On a terminal a line is for people."""
    output = observe.logs(terminal=True, verbose=False)
    structlog.get_logger().warning("slow", seconds=3)
    output.close()
    error = capfd.readouterr().err
    assert "slow" in error
    assert "{" not in error


@pytest.mark.parametrize(("verbose", "lines"), [(False, 0), (True, 1)])
def test_verbose_shows_debug_lines(capfd, verbose, lines):
    """Our debug lines are shown with -v alone."""
    output = observe.logs(terminal=False, verbose=verbose)
    structlog.get_logger().debug("poll")
    output.close()
    assert lines == len(capfd.readouterr().err.splitlines())


def test_no_line_holds_a_secret(capfd):
    """A password in an address, a secret and what a traceback repeats of them are masked."""
    output = observe.logs(terminal=False, verbose=False)
    log = structlog.get_logger()
    try:
        raise ValueError("can't reach postgresql://me:hunter2@db/x")
    except ValueError:
        log.exception(
            "state",
            secret="hunter2",
            url="https://me:hunter2@hub.example/",
            exc_info=sys.exc_info(),
        )
    output.close()
    error = capfd.readouterr().err
    assert "hunter2" not in error
    assert "https://me:***@hub.example/" in error


def test_of_a_callback_only_its_host_is_told():
    """A callback's path and query are its owner's capability; a hub is the operator's own word."""
    callback = observe.attempt_line(
        JobKind.DELIVER, "https://u:p@reader.example:8443/cb?token=x", "t", "done"
    )
    hub = observe.attempt_line(JobKind.PING, "https://hub.example/push", "t", "done")
    assert (callback["to"], hub["to"]) == ("reader.example:8443", "https://hub.example/push")


def test_runs_and_attempts_are_counted():
    """Attempts are counted by hub. Those at callbacks are counted without the callback."""
    metrics = observe.Metrics()
    metrics.count_run(report(new=1))
    metrics.count_run(report())
    metrics.count_attempt(JobKind.PING, "https://hub.example/", "done")
    metrics.count_attempt(JobKind.DELIVER, "https://reader.example/secret", "retry")
    metrics.set_queue({JobKind.PING: 3}, datetime(2026, 1, 2, tzinfo=UTC))
    text = metrics.text().decode()
    for line in (
        "syndicator_posts 5.0",
        'syndicator_polls_total{result="changed"} 1.0',
        'syndicator_polls_total{result="unchanged"} 1.0',
        'syndicator_pings_total{hub="https://hub.example/",outcome="done"} 1.0',
        'syndicator_deliveries_total{kind="deliver",outcome="retry"} 1.0',
        'syndicator_owed{kind="ping"} 3.0',
        'syndicator_owed{kind="deny"} 0.0',
        "syndicator_owed_oldest_timestamp_seconds 1.767312e+09",
        "syndicator_build_seconds_count 2.0",
    ):
        assert line in text
    assert "reader.example" not in text


def test_every_number_says_what_it_is():
    """Each metric of ours has a help text that is a sentence."""
    for family in observe.Metrics().registry.collect():
        if family.name.startswith("syndicator_"):
            assert family.documentation.endswith("."), family.name
