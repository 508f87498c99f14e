"""What the log says of troubles: each cause once, however many meet it and however often."""

import pytest
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
    assert said(log) == [("build failed", "full"), ("build failed", "gone"), ("build works again", None)]


def test_a_cause_that_two_meet_is_told_by_the_first() -> None:
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        for subject in ("build", "push", "build", "push"):
            faults.tell(subject, StateError("full"))
    assert said(log) == [("build failed", "full")]


@pytest.mark.parametrize("first", ["build", "push"])
def test_it_is_over_for_each_that_met_it(first: str) -> None:
    second = "push" if first == "build" else "build"
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        for subject in ("build", "push"):
            faults.tell(subject, StateError("full"))
        for subject in (first, second):
            faults.tell(subject, None)
        faults.tell(first, StateError("full"))
    assert said(log)[1:] == [
        (f"{first} works again", None),
        (f"{second} works again", None),
        (f"{first} failed", "full"),
    ]


def test_a_fault_of_ours_is_told_with_its_trace() -> None:
    with structlog.testing.capture_logs() as log:
        Faults().tell("build", error := ValueError("ours"))
    assert [line["exc_info"] for line in log] == [error]
