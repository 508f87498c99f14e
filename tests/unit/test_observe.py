"""Metrics and the fields of log lines, and the secrets that they never have."""

from datetime import UTC, datetime

from syndicator import observe
from syndicator.model.outbox import JobKind
from syndicator.model.report import Report


def report(**fields: object) -> Report:
    return Report(
        started=datetime(2026, 1, 2, tzinfo=UTC), seconds=0.25, posts=5, feeds=3, **fields
    )


def test_a_run_is_one_line():
    """Its summary for people, and the numbers for programs."""
    line = observe.run_line(report(new=2))
    assert (line["summary"], line["new"]) == ("5 posts (2 new); 0 of 3 feeds changed", 2)


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
