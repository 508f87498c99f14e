"""Logs and metrics: one structured line for each run, pass and delivery; one registry of metrics.

No line and no label holds a secret: passwords in URLs are masked, and of a callback only the host
is logged.
"""

import atexit
import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import structlog
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

from syndicator.log_output import LineLogger, LogOutput
from syndicator.model.content import Report
from syndicator.model.outbox import JobKind

_SECRET_KEYS = frozenset({"secret", "password", "token", "authorization", "cookie"})
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
LOST_LINES = "syndicator_log_lines_lost"
_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]*@")


def logs(*, terminal: bool, verbose: bool) -> LogOutput:
    """Send all log lines to stderr: readable on a terminal, else one JSON object a line.

    From our own code it logs info and above, from libraries warnings and above; with `verbose` one
    level more of each. A thread writes the lines: close the returned output before `os._exit`.
    """
    output = LogOutput(sys.stderr.fileno(), on_recovery=_report_lost)
    atexit.register(output.close)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal),
    ]
    end: list[Any] = (
        [mask, structlog.dev.ConsoleRenderer(colors=True, sort_keys=False)]
        if terminal
        else [
            structlog.processors.format_exc_info,
            mask,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )
    structlog.configure(
        processors=[*shared, *end],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.DEBUG if verbose else logging.INFO
        ),
        logger_factory=lambda *_: LineLogger(output),
        cache_logger_on_first_use=False,  # the daemon's logs may be set up again, in tests
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *end],
        )
    )
    logging.basicConfig(
        handlers=[handler], level=logging.INFO if verbose else logging.WARNING, force=True
    )
    # It warns of a skipped request, which is harmless: the worker already has one.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    return output


def _report_lost(number: int) -> None:
    hint = "stderr could not be written: check its disk and its reader"
    structlog.get_logger().warning("log lines were lost", number=number, hint=hint)


def mask(_logger: object, _method: str, line: Any) -> Mapping[str, Any]:
    """A structlog processor: masks secrets, and puts time, level and event first."""
    ordered = {key: line[key] for key in ("timestamp", "level", "event") if key in line} | line
    return {key: "***" if key in _SECRET_KEYS else _masked(value) for key, value in ordered.items()}


def _masked(value: Any) -> Any:
    return _PASSWORD.sub(r"\1:***@", value) if isinstance(value, str) else value


def host(url: str) -> str:
    """Host and port of a callback. The rest of its URL is as secret as a password."""
    return urlsplit(url).netloc.rpartition("@")[2]


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
        self.polls = counter(
            "polls", "Polls of the source, by result: changed, unchanged, failed.", "result"
        )
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
        self.last_run.set(report.started.timestamp())
        self.build_seconds.observe(report.seconds)
        self.polls.labels("changed" if report.has_changes else "unchanged").inc()

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

    def text(self) -> bytes:
        """All metrics in Prometheus's text format 0.0.4."""
        return generate_latest(self.registry)


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
    }


def attempt_line(kind: JobKind, target: str, topic: str, outcome: str) -> dict[str, Any]:
    """One attempt at a job as the fields of one log line."""
    return {
        "kind": kind.value,
        "to": target if kind is JobKind.PING else host(target),
        "topic": topic,
        "outcome": outcome,
    }
