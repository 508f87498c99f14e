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
    logs = observe.Logs(observe.LogOptions(), terminal=False)
    structlog.get_logger().info("run", **observe.run_line(report(new=2)))
    logs.output.close()
    line = json.loads(capfd.readouterr().err)
    assert (line["event"], line["level"], line["new"]) == ("run", "info", 2)
    assert line["summary"] == "5 posts (2 new); 0 of 3 feeds changed"


def test_warnings_of_libraries_are_logged_in_the_same_form(capfd):
    """Anything below a warning is left out."""
    logs = observe.Logs(observe.LogOptions(), terminal=False)
    logging.getLogger("library").info("detail")
    logging.getLogger("library").warning("careful: %s", "postgresql://me:pw@db/x")
    logs.output.close()
    assert [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()] == [
        "careful: postgresql://me:***@db/x"
    ]


def test_on_a_terminal_a_line_is_for_people(capfd):
    """It is plain text, not JSON."""
    logs = observe.Logs(observe.LogOptions(), terminal=True)
    structlog.get_logger().warning("slow", seconds=3)
    logs.output.close()
    error = capfd.readouterr().err
    assert "slow" in error
    assert "{" not in error


@pytest.mark.parametrize(
    ("level", "own", "libraries"),
    [
        ("debug", ["debug", "info", "warning", "error"], ["info", "warning", "error"]),
        ("info", ["info", "warning", "error"], ["warning", "error"]),
        ("warning", ["warning", "error"], ["warning", "error"]),
        ("error", ["error"], ["error"]),
    ],
)
def test_a_level_and_those_above_are_logged(capfd, level, own, libraries):
    """Of libraries warnings and above, with `debug` also info."""
    logs = observe.Logs(observe.LogOptions(level=level), terminal=False)
    for name in ("debug", "info", "warning", "error"):
        getattr(structlog.get_logger(), name)("own")
        getattr(logging.getLogger("library"), name)("library")
    logs.output.close()
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["level"] for line in lines if line["event"] == "own"] == own
    assert [line["level"] for line in lines if line["event"] == "library"] == libraries


@pytest.mark.parametrize(
    ("format", "terminal", "json_lines", "colors"),
    [
        ("auto", True, False, True),
        ("auto", False, True, False),
        ("console", True, False, True),
        ("console", False, False, False),
        ("json", True, True, False),
        ("json", False, True, False),
    ],
)
def test_the_format_of_lines(capfd, format, terminal, json_lines, colors):
    """Without a setting the terminal decides. Colours are for terminals."""
    logs = observe.Logs(observe.LogOptions(format=format), terminal=terminal)
    structlog.get_logger().info("run")
    logging.getLogger("library").error("failed")
    logs.output.close()
    error = capfd.readouterr().err
    assert [line.startswith("{") for line in error.splitlines()] == [json_lines, json_lines]
    assert ("\x1b" in error) is colors


def test_new_options_hold_at_once(capfd):
    """Loggers that exist already take them, those of libraries too."""
    logs = observe.Logs(observe.LogOptions(level="error", format="json"), terminal=False)
    own, library = structlog.get_logger(), logging.getLogger("library")
    own.info("one")
    logs.configure(observe.LogOptions(level="info", format="console"))
    own.info("two")
    library.warning("three")
    logs.output.close()
    lines = capfd.readouterr().err.splitlines()
    assert ["two" in lines[0], "three" in lines[1], len(lines)] == [True, True, 2]
    assert not any(line.startswith("{") for line in lines)


@pytest.mark.parametrize("format", ["console", "json"])
def test_a_value_can_not_begin_a_line(capfd, format):
    """Nor send commands to a terminal. A hub, a post or a client may have chosen it."""
    logs = observe.Logs(observe.LogOptions(format=format), terminal=True)
    evil = "a\n12:00:00 [error] fake\r\x1b]0;title\x07\x9b2J\u2028b\ufeff"
    structlog.get_logger().warning("problem", where=evil, hint=None)
    logging.getLogger("library").warning("strange: %s", evil)
    logs.output.close()
    error = capfd.readouterr().err
    assert error.count("\n") == 2
    assert not {"\r", "\x07"} & set(error)
    assert "\x1b]" not in error


def test_no_line_holds_a_secret(capfd):
    """A password in a URL and a secret are masked, also where a traceback repeats them."""
    logs = observe.Logs(observe.LogOptions(), terminal=False)
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
    logs.output.close()
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
        'syndicator_runs_total{result="changed"} 1.0',
        'syndicator_runs_total{result="unchanged"} 1.0',
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
