"""Log lines and metrics, and the secrets that they never have."""

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
def restored_logging():
    """Reset what `observe.logs` configures for the process."""
    yield
    structlog.reset_defaults()
    logging.basicConfig(handlers=[], force=True)


def test_without_a_terminal_a_line_is_one_json_object(capfd):
    """It has the event, the level and the fields."""
    output = observe.logs(terminal=False, verbose=False)
    structlog.get_logger().info("run", **observe.run_line(report(new=2)))
    output.close()
    line = json.loads(capfd.readouterr().err)
    assert (line["event"], line["level"], line["new"]) == ("run", "info", 2)
    assert line["summary"] == "5 posts (2 new); 0 of 3 feeds changed"


def test_warnings_of_libraries_are_logged_in_the_same_form(capfd):
    """Anything below a warning is left out."""
    output = observe.logs(terminal=False, verbose=False)
    logging.getLogger("library").info("detail")
    logging.getLogger("library").warning("careful: %s", "postgresql://me:pw@db/x")
    output.close()
    assert [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()] == [
        "careful: postgresql://me:***@db/x"
    ]


def test_on_a_terminal_a_line_is_for_people(capfd):
    """It is plain text, not JSON."""
    output = observe.logs(terminal=True, verbose=False)
    structlog.get_logger().warning("slow", seconds=3)
    output.close()
    error = capfd.readouterr().err
    assert "slow" in error
    assert "{" not in error


@pytest.mark.parametrize(("verbose", "lines"), [(False, 0), (True, 1)])
def test_verbose_shows_debug_lines(capfd, verbose, lines):
    """The project's own debug lines are logged only with `-v`."""
    output = observe.logs(terminal=False, verbose=verbose)
    structlog.get_logger().debug("poll")
    output.close()
    assert lines == len(capfd.readouterr().err.splitlines())


def test_no_line_holds_a_secret(capfd):
    """A password in a URL and a secret are masked, also where a traceback repeats them."""
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


def test_only_the_host_of_a_callback_is_logged():
    """A callback's path and query are its owner's capability. A hub is the operator's setting."""
    callback = observe.attempt_line(
        JobKind.DELIVER, "https://u:p@reader.example:8443/cb?token=x", "t", "done"
    )
    hub = observe.attempt_line(JobKind.PING, "https://hub.example/push", "t", "done")
    assert (callback["to"], hub["to"]) == ("reader.example:8443", "https://hub.example/push")


def test_runs_and_attempts_are_counted():
    """Attempts are counted by hub. Those at callbacks are counted without the callback's URL."""
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
        'syndicator_queued_jobs{kind="ping"} 3.0',
        'syndicator_queued_jobs{kind="deny"} 0.0',
        "syndicator_oldest_job_timestamp_seconds 1.767312e+09",
        "syndicator_build_seconds_count 2.0",
    ):
        assert line in text
    assert "reader.example" not in text


def test_every_metric_has_a_help_text():
    """The help text of each of the project's metrics is a sentence."""
    for family in observe.Metrics().registry.collect():
        if family.name.startswith("syndicator_"):
            assert family.documentation.endswith("."), family.name
