"""Problems of several posts, and of time."""

from datetime import timedelta

import pytest
from builds import NOW

from syndicator.build.found_problems import copies, future_updates, shared_addresses
from syndicator.model.content import PostHead


def test_shared_addresses() -> None:
    """All but the first post of an address; not those whose ids are reported already."""
    posts = [("/a", "1.md"), ("/a", "2.md"), ("/a", "3.md"), ("/b", "4.md"), ("/b", "5.md")]
    found = shared_addresses(posts, {"1.md", "5.md"})
    assert [str(problem) for problem in found] == ["3.md: has the same address as 2.md: /a"]


@pytest.mark.parametrize(
    ("named_as_copies", "alike", "reported", "expected"),
    [
        ({"x (1).md"}, {"x.md", "x (1).md"}, (), {"x (1).md": "x.md"}),
        ({"a (1).md"}, {"a (1).md", "moved.md"}, (), {"a (1).md": "moved.md"}),
        ({"x (1).md", "x 2.md"}, {"x (1).md", "x 2.md"}, (), {"x 2.md": "x (1).md"}),
        ({"x (1).md"}, {"x.md", "x (1).md", "other.md"}, (), {"x (1).md": "other.md"}),
        ({"x (1).md"}, {"x.md", "x (1).md"}, {"x (1).md"}, {}),
        ((), {"x.md", "y.md"}, (), {}),
    ],
)
def test_copies(
    named_as_copies: set[str], alike: set[str], reported: set[str], expected: dict[str, str]
) -> None:
    """Each post named as a copy, beside the first that is not, or else the first."""
    found = copies([(named_as_copies, alike)], reported)
    assert {problem.path: problem.message.split(": ")[0] for problem in found} == {
        path: f"looks like a copy of {original}" for path, original in expected.items()
    }
    assert not any(problem.fatal or problem.note for problem in found)


@pytest.mark.parametrize(
    ("one", "other"),
    [("/same", "/same.html"), ("/q/", "/q/index.html"), ("/q/", "/q/index"), ("/%C3%A4", "/ä")],
)
def test_two_addresses_of_one_page(one: str, other: str) -> None:
    """Jekyll writes both to one file."""
    (problem,) = shared_addresses(sorted([(one, "1.md"), (other, "2.md")]), ())
    assert one in problem.message
    assert other in problem.message
    assert shared_addresses([(one, "1.md"), ("/q", "3.md")], ()) == []


def test_future_updates() -> None:
    """A post whose change is dated with it, or that has none, is as it should be."""

    def head(path: str, published: int, updated: int | None) -> PostHead:
        dates = [None if days is None else NOW + timedelta(days=days) for days in (updated,)]
        return PostHead(
            path=path,
            id=path,
            own_id=False,
            url=path,
            title=path,
            published=NOW + timedelta(days=published),
            updated=dates[0],
            terms=(),
            text_digest="",
        )

    found = future_updates([head("a.md", 0, 9), head("b.md", 9, 9), head("c.md", 0, None)])
    assert [problem.path for problem in found] == ["a.md"]
