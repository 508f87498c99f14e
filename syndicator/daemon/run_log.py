"""Logs how a run ended."""

from contextlib import suppress
from typing import Any

import structlog

from syndicator.daemon.build_requests import FollowUp
from syndicator.daemon.faults import Faults
from syndicator.errors import LostLeaseError, StateError
from syndicator.model.report import Report
from syndicator.observe import Metrics, run_line
from syndicator.service import Service


def log_run(metrics: Metrics, faults: Faults, report: Report, then: FollowUp) -> None:
    """Log and count a run that succeeded."""
    log: Any = structlog.get_logger()
    metrics.count_run(report)
    faults.report_problems((*report.problems, *report.notes))
    if then.missed:
        metrics.missed.inc()
    if then.repaired:
        hint = (
            "does another program write to output.path, "
            "or another syndicator with a state of its own?"
        )
        log.warning("repaired files that another program changed", files=report.repaired, hint=hint)
    (log.info if report.has_changes else log.debug)("run", **run_line(report))


def hand_over(service: Service, error: LostLeaseError) -> None:
    """Log that a run was ended, and have the builder look at everything.

    A file of this run may have replaced a newer one.
    """
    log: Any = structlog.get_logger()
    log.warning("a run was ended", error=str(error), hint=error.hint)
    with suppress(StateError):
        service.member.request_run()
