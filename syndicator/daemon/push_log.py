"""Decides which push passes are logged together, and logs them."""

import logging
import math
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from syndicator.model.outbox import JobKind
from syndicator.push.record import PushReport

#: Seconds between two lines of passes that went well: a first run of thousands of feeds has
#: hundreds of passes, each of some pings.
LOG_INTERVAL = 10.0


class PassLines(Struct):
    """Decides when passes are logged: at most one line in `LOG_INTERVAL`, without losing a number.

    A pass that follows soon after a line is added to the next line. There are passes every few
    seconds, so that one is due soon. Passes that need an operator are logged at once.
    """

    waiting: PushReport | None = None  #: the passes since the last line that have to be logged
    logged: float = -math.inf  #: when the last line was, by the monotonic clock

    def due(self, report: PushReport, now: float) -> tuple[int, PushReport] | None:
        """The level and the passes of the line after this pass; None: no line yet."""
        level = pass_level(report)
        if level == logging.DEBUG and self.waiting is None:
            return level, report
        if level:
            self.waiting = self.waiting.then(report) if self.waiting else report
        if self.waiting is None:
            return None
        if level != logging.WARNING and now < self.logged + LOG_INTERVAL:
            return None
        self.waiting = replace(self.waiting, queued=report.queued)
        self.logged = now
        return self.rest()

    def rest(self) -> tuple[int, PushReport] | None:
        """The level and the passes of the last line; None: all passes were logged."""
        passes, self.waiting = self.waiting, None
        return (pass_level(passes) or logging.DEBUG, passes) if passes else None


def log_passes(line: tuple[int, PushReport] | None) -> None:
    """Log a line of `PassLines`, if there is one."""
    if line:
        log: Any = structlog.get_logger()
        level, passes = line
        log.log(level, "push", summary=passes.summary(), seconds=round(passes.seconds, 3))


def pass_level(report: PushReport) -> int | None:
    """The level of the line of a pass; None: it sent nothing.

    A ping that was given up needs an operator. Retries at callbacks that fail are details: one that
    nobody repairs is retried for hours.
    """
    if report.given_up.get(JobKind.PING):
        return logging.WARNING
    failed = report.retried.keys() | report.given_up.keys()
    if report.done or report.ended or JobKind.PING in failed:
        return logging.INFO
    return logging.DEBUG if failed else None
