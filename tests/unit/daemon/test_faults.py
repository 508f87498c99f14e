"""Each fault is logged once, however many parts meet it and however often."""

import structlog

from syndicator.daemon.faults import Faults
from syndicator.errors import StateError


def events(log: list[structlog.typing.EventDict]) -> list[tuple[str, str | None]]:
    return [(line["event"], line.get("error")) for line in log]


def test_a_fault_is_logged_when_it_begins_when_it_changes_and_when_it_is_over() -> None:
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        for error in (None, StateError("full"), StateError("full"), StateError("gone"), None, None):
            faults.report("build", error)
    assert events(log) == [
        ("build failed", "full"),
        ("build failed", "gone"),
        ("build works again", None),
    ]


def test_a_cause_that_two_parts_meet_is_logged_by_the_first() -> None:
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        for part in ("build", "push", "build", "push"):
            faults.report(part, StateError("full"))
    assert events(log) == [("build failed", "full")]


def test_it_is_over_for_the_part_that_logged_it() -> None:
    """If it persists, the next part that meets it logs it."""
    full = StateError("full")
    attempts = [
        ("build", full),
        ("push", full),
        ("build", None),
        ("push", full),
        ("build", full),
        ("push", None),
    ]
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        for part, error in [*attempts, ("build", full), ("push", None), ("build", None)]:
            faults.report(part, error)
    assert events(log) == [
        ("build failed", "full"),
        ("build works again", None),
        ("push failed", "full"),
        ("push works again", None),
        ("build failed", "full"),
        ("build works again", None),
    ]


def test_a_bug_is_logged_with_its_traceback() -> None:
    """By each part that meets it: two with the same message may have two causes."""
    errors = [ValueError("bug"), ValueError("bug")]
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        for part, error in zip(("build", "push"), errors, strict=True):
            faults.report(part, error)
    assert [line["exc_info"] for line in log] == errors
