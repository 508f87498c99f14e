"""Each fault is logged once, however many parts meet it and however often."""

import pytest
import structlog
from msgspec.structs import replace

from syndicator.daemon.faults import Faults
from syndicator.errors import StateError
from syndicator.model.content import Problem


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


A = Problem(path="_posts/a.md", line=3, message="date is not a date", hint="write a date")
B = Problem(path="_posts/b.md", message="has no title")
NEW_A = ("warning", "problem", str(A))
SOLVED_A = ("info", "solved", str(A))
NOTE = Problem(path="_posts/c.md", message="a form was left out", note=True)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([[], []], []),
        ([[A], [A], [A]], [("warning", "problem", str(A))]),
        ([[A], [replace(A, line=9)]], [("warning", "problem", str(A))]),  # its post was edited
        ([[A], [B]], [("warning", "problem", str(A)), ("warning", "problem", str(B)), SOLVED_A]),
        (
            [[A, B], [B], []],
            [NEW_A, ("warning", "problem", str(B)), SOLVED_A, ("info", "solved", str(B))],
        ),
        (
            [[A], [], [A]],
            [("warning", "problem", str(A)), SOLVED_A, ("warning", "problem", str(A))],
        ),
        ([[NOTE]], [("info", "note", str(NOTE))]),
    ],
)
def test_a_problem_is_logged_when_it_is_new_and_when_it_is_solved(
    runs: list[list[Problem]], expected: list[tuple[str, str, str]]
) -> None:
    """Not by each run that finds it."""
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        for problems in runs:
            faults.report_problems(problems)
    assert [(line["log_level"], line["event"], line["where"]) for line in log] == expected


def test_many_problems_are_counted() -> None:
    """Twenty are logged one by one."""
    problems = [replace(A, path=f"_posts/{number}.md") for number in range(30)]
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        faults.report_problems(problems)
        faults.report_problems([])
    assert [
        len([line for line in log if line["event"] == event]) for event in ("problem", "solved")
    ] == [20, 20]
    assert [line["number"] for line in log if "number" in line] == [10, 10]


H, J = "https://h.example/", "https://j.example/"


@pytest.mark.parametrize(
    ("passes", "expected"),
    [
        ([{(H, "t"): None}, {}], []),
        ([{(H, "t"): "500"}, {(H, "t"): "500"}, {}, {(H, "t"): "404"}], [("pings fail", H)]),
        ([{(H, "t"): "500", (H, "u"): None}, {(H, "t"): "500"}], [("pings fail", H)]),
        (
            [{(H, "t"): "500"}, {(J, "t"): None}, {(H, "t"): None}, {(H, "t"): None}],
            [("pings fail", H), ("pings work again", H)],
        ),
        (
            [{(H, "t"): "500"}, {(J, "t"): "500", (H, "t"): None}],
            [("pings fail", H), ("pings fail", J), ("pings work again", H)],
        ),
    ],
)
def test_a_hub_is_logged_when_it_begins_to_fail_and_when_it_works_again(
    passes: list[dict[tuple[str, str], str | None]], expected: list[tuple[str, str]]
) -> None:
    """Not by each ping, retry and pass. It fails while the pings about one topic do."""
    with structlog.testing.capture_logs() as log:
        faults = Faults()
        for errors in passes:
            faults.report_pings(errors)
    assert [(line["event"], line["hub"]) for line in log] == expected
