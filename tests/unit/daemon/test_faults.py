"""What the log says of troubles: each cause once, however many meet it and however often."""

import structlog

from syndicator.daemon.faults import Faults
from syndicator.errors import StateError


def said(log: list[structlog.typing.EventDict]) -> list[tuple[str, str | None]]:
    return [(line["event"], line.get("error")) for line in log]


def test_a_cause_is_told_when_it_comes_when_it_changes_and_when_it_is_over() -> None:
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        for error in (None, StateError("full"), StateError("full"), StateError("gone"), None, None):
            faults.tell("build", error)
    assert said(log) == [
        ("build failed", "full"),
        ("build failed", "gone"),
        ("build works again", None),
    ]


def test_a_cause_that_two_meet_is_told_by_the_first() -> None:
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        for subject in ("build", "push", "build", "push"):
            faults.tell(subject, StateError("full"))
    assert said(log) == [("build failed", "full")]


def test_it_is_over_for_who_told_of_it() -> None:
    """What is still so then is told of by who meets it next."""
    full = StateError("full")
    tries = [
        ("build", full),
        ("push", full),
        ("build", None),
        ("push", full),
        ("build", full),
        ("push", None),
    ]
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        for subject, error in [*tries, ("build", full), ("push", None), ("build", None)]:
            faults.tell(subject, error)
    assert said(log) == [
        ("build failed", "full"),
        ("build works again", None),
        ("push failed", "full"),
        ("push works again", None),
        ("build failed", "full"),
        ("build works again", None),
    ]


def test_a_fault_of_ours_is_told_with_its_trace() -> None:
    """By each that meets it: two of the same words may have two places."""
    errors = [ValueError("ours"), ValueError("ours")]
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        for subject, error in zip(("build", "push"), errors, strict=True):
            faults.tell(subject, error)
    assert [line["exc_info"] for line in log] == errors
