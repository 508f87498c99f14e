"""Metrics in one registry, and what a run and a request are in a log line.

No label holds a secret: of a callback only the host is logged.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from syndicator.model.activity import Activity
from syndicator.model.client_keys import host_and_port
from syndicator.model.outbox import JobKind
from syndicator.model.report import Report

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
LOST_LINES = "syndicator_log_lines_lost"


#: Of an attempt at a job.
_OUTCOMES = ("done", "retry", "given_up")


class _LostLines(Collector):
    """Reads the number from the log's output, which may not count in the registry itself."""

    def __init__(self, lost: Callable[[], int]) -> None:
        self._lost = lost

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(
            LOST_LINES, "Log lines that could not be written.", value=self._lost()
        )


class Metrics:
    """All metrics, in one registry. Labels have few values, either the operator's own or fixed."""

    def __init__(self) -> None:
        # No second series for each counter with the time of its creation.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        gauge = self._gauge
        counter = self._counter
        self.posts = gauge("posts", "Posts in the index.")
        self.problems = gauge("problems", "Problems that the last run found.")
        self.feeds = gauge("feeds", "Feeds that exist; each is several files.")
        self.held = gauge("held_posts", "New posts that wait until their page is live.")
        self.last_run = gauge("last_run_timestamp_seconds", "Start of the last run that succeeded.")
        self.queued = gauge("queued_jobs", "Jobs in the outbox, by kind.", "kind")
        self.oldest = gauge(
            "oldest_job_timestamp_seconds",
            "When the oldest job was queued; 0: the outbox is empty.",
        )
        self.subscribers = gauge(
            "subscribers", "Subscriptions that our hub serves, by topic.", "topic"
        )
        self._topics = frozenset[str]()
        self.runs = counter("runs", "Runs, by result: changed, unchanged, failed.", "result")
        self.missed = counter("polls_missed", "Polls that found changes which the watcher missed.")
        self.pings = counter(
            "pings", "Pings, by hub and outcome: done, retry, given_up.", "hub", "outcome"
        )
        self.fetches = counter(
            "hub_fetches", "Fetches of feeds by hubs that were pinged, by hub.", "hub"
        )
        self.deliveries = counter(
            "deliveries",
            "Requests of our hub to callbacks, by kind and outcome.",
            "kind",
            "outcome",
        )
        self.requests = counter(
            "requests", "Requests answered, by status and format.", "status", "format"
        )
        self.build_seconds = Histogram(
            "syndicator_build_seconds",
            "Duration of runs.",
            buckets=_SECONDS,
            registry=self.registry,
        )

    def count_lost_lines(self, lost: Callable[[], int]) -> None:
        """Report the number of lost log lines that `lost` returns."""
        self.registry.register(_LostLines(lost))

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"syndicator_{name}", text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"syndicator_{name}", text, labels, registry=self.registry)

    def count_run(self, report: Report) -> None:
        """Count a run that succeeded."""
        self.posts.set(report.posts)
        self.problems.set(len(report.problems))
        self.feeds.set(report.feeds)
        self.held.set(report.held)
        self.last_run.set(report.started.timestamp())
        self.build_seconds.observe(report.seconds)
        self.runs.labels("changed" if report.has_changes else "unchanged").inc()

    def count_attempt(self, kind: JobKind, target: str, outcome: str) -> None:
        """Count one attempt at a job. `outcome`: done, retry or given_up."""
        if kind is JobKind.PING:
            self.pings.labels(target, outcome).inc()
        else:
            self.deliveries.labels(kind.value, outcome).inc()

    def set_queue(self, counts: Mapping[JobKind, int], oldest: datetime | None) -> None:
        """Set the present number of jobs by kind, and when the oldest was queued."""
        for kind in JobKind:
            self.queued.labels(kind.value).set(counts.get(kind, 0))
        self.oldest.set(oldest.timestamp() if oldest else 0)

    def set_subscribers(self, subscribers: Mapping[str, int]) -> None:
        """Set the present number of subscriptions by topic."""
        for topic in self._topics - subscribers.keys():
            self.subscribers.remove(topic)
        for topic, number in subscribers.items():
            self.subscribers.labels(topic).set(number)
        self._topics = frozenset(subscribers)

    def activity(self) -> Activity:
        """What was done since the process began, and the present levels."""
        outcomes = {each: _sum(self.deliveries, kind="deliver", outcome=each) for each in _OUTCOMES}
        pings = {each: _sum(self.pings, outcome=each) for each in _OUTCOMES}
        return Activity(
            requests=_sum(self.requests),
            deliveries=outcomes["done"],
            failed_deliveries=outcomes["retry"] + outcomes["given_up"],
            pings=pings["done"],
            failed_pings=pings["retry"] + pings["given_up"],
            runs=_sum(self.runs, result="changed"),
            failed_runs=_sum(self.runs, result="failed"),
            queued=_sum(self.queued),
            subscribers=_sum(self.subscribers),
        )

    def text(self) -> bytes:
        """All metrics in Prometheus's text format 0.0.4."""
        return generate_latest(self.registry)


def _sum(metric: Counter | Gauge, **labels: str) -> int:
    """The sum of all values with these labels."""
    return sum(
        int(sample.value)
        for family in metric.collect()
        for sample in family.samples
        if labels.items() <= sample.labels.items()
    )


def run_line(report: Report) -> dict[str, Any]:
    """A run as the fields of one log line."""
    return {
        "summary": report.summary(),
        "seconds": round(report.seconds, 3),
        "posts": report.posts,
        "new": report.new,
        "changed": report.changed,
        "gone": report.gone,
        "problems": len(report.problems),
        "feeds": report.feeds,
        "feeds_changed": report.feeds_changed,
        "files_written": report.files_written,
        "repaired": report.repaired,
        "pings": report.pings,
        "held": report.held,
    }


def attempt_line(kind: JobKind, target: str, topic: str, outcome: str) -> dict[str, Any]:
    """One attempt at a job as the fields of one log line.

    Of a callback only host and port: the rest of its URL is as secret as a password.
    """
    return {
        "kind": kind.value,
        "to": target if kind is JobKind.PING else host_and_port(target),
        "topic": topic,
        "outcome": outcome,
    }
