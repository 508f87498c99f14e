"""Logs and metrics: structured lines, and one registry of metrics.

There is one line for each run with changes, each pass that sent something, and each fault or
problem when it begins and when it is over. The level `debug` adds each poll and each request.

No line and no label holds a secret: passwords in URLs are masked, and of a callback only the host
is logged.
"""

import atexit
import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

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
from syndicator.model.client_keys import host_and_port
from syndicator.model.content import Report
from syndicator.model.outbox import JobKind

LogLevel = Literal["debug", "info", "warning", "error"]

_SECRET_KEYS = frozenset({"secret", "password", "token", "authorization", "cookie"})
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
LOST_LINES = "syndicator_log_lines_lost"
#: Of Unicode's category Cc, and what else ends a line, each with its escape.
_CONTROL_CHARACTERS = {
    number: ascii(chr(number))[1:-1]
    for number in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
}
_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]*@")


@dataclass(frozen=True, kw_only=True, slots=True)
class LogOptions:
    """Which lines are logged, and how they look."""

    level: LogLevel = "info"
    #: `json`: one object a line. `auto`: `console` on a terminal, else `json`.
    format: Literal["auto", "console", "json"] = "auto"


class Logs:
    """All log lines of this process, on stderr. A thread writes them: close it before `os._exit`.

    From our own code it logs the level and above. From libraries it logs warnings and above, with
    the level `debug` also info.
    """

    def __init__(self, options: LogOptions, *, terminal: bool) -> None:
        """`terminal`: whether stderr is one."""
        self.output = LogOutput(sys.stderr.fileno(), on_recovery=_report_lost)
        atexit.register(self.output.close)
        self._terminal = terminal
        self._handler = logging.StreamHandler(self.output)
        logging.basicConfig(handlers=[self._handler], force=True)
        # It warns of a skipped request, which is harmless: the worker already has one.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self.configure(options)

    def configure(self, options: LogOptions) -> None:
        """Log by these options from now on. Other threads may be logging."""
        console = options.format == "console" or (options.format == "auto" and self._terminal)
        shared: list[Any] = [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            _time_stamper(terminal=console and self._terminal),
        ]
        end = _console(colors=self._terminal) if console else _JSON
        level = getattr(logging, options.level.upper())
        structlog.configure(
            processors=[*shared, *end],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=lambda *_: LineLogger(self.output),
            cache_logger_on_first_use=False,  # a reload may change it
        )
        self._handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=shared,
                processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *end],
            )
        )
        libraries = logging.INFO if options.level == "debug" else max(level, logging.WARNING)
        logging.getLogger().setLevel(libraries)


def _time_stamper(*, terminal: bool) -> structlog.processors.TimeStamper:
    """On a terminal the time of day here; else with the date, in UTC."""
    return structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal)


def _console(*, colors: bool) -> list[Any]:
    renderer = structlog.dev.ConsoleRenderer(colors=colors, sort_keys=False)
    return [mask, escape_control_characters, renderer]


def escape_control_characters(_logger: object, _method: str, line: Any) -> Mapping[str, Any]:
    """A structlog processor: no value begins a line of its own or controls a terminal.

    A post, a hub and a client choose parts of what is logged. JSON escapes them by itself.
    """
    return {key: _escaped(value) for key, value in line.items()}


def _escaped(value: Any) -> Any:
    return value.translate(_CONTROL_CHARACTERS) if isinstance(value, str) else value


def _report_lost(number: int) -> None:
    hint = "stderr could not be written: check its disk and its reader"
    structlog.get_logger().warning("log lines were lost", number=number, hint=hint)


def mask(_logger: object, _method: str, line: Any) -> Mapping[str, Any]:
    """A structlog processor: masks secrets, and puts time, level and event first."""
    ordered = {key: line[key] for key in ("timestamp", "level", "event") if key in line} | line
    return {key: "***" if key in _SECRET_KEYS else _masked(value) for key, value in ordered.items()}


def _masked(value: Any) -> Any:
    return _PASSWORD.sub(r"\1:***@", value) if isinstance(value, str) else value


_JSON: list[Any] = [
    structlog.processors.format_exc_info,
    mask,
    structlog.processors.JSONRenderer(ensure_ascii=False),
]


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
    """One attempt at a job as the fields of one log line.

    Of a callback only host and port: the rest of its URL is as secret as a password.
    """
    return {
        "kind": kind.value,
        "to": target if kind is JobKind.PING else host_and_port(target),
        "topic": topic,
        "outcome": outcome,
    }
