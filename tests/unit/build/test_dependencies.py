"""Which posts used which files, and which of their entries are outdated."""

from collections.abc import Mapping

import pytest

from syndicator.build.dependencies import Dependencies, post_named
from syndicator.model.content import FileState

OLD, NEW = (1, 10), (2, 20)

#: Two posts used the image, one of them before it changed; one looked for a missing file.
NEEDS: Mapping[str, Mapping[str, FileState]] = {
    "one.md": {"a.png": OLD, "assets/": (0, 7)},
    "two.md": {"a.png": NEW, "missing.png": None},
    "three.md": {},
    "four.md": {"b.mp3": (9, 0)},
    "five.md": {"b.mp3": (9, 40)},
}


@pytest.mark.parametrize(
    ("changed_paths", "expected"),
    [
        (None, {"a.png", "missing.png", "assets/", "b.mp3"}),
        ((), {"assets/"}),
        (("a.png",), {"a.png", "assets/"}),
        (("missing.png", "other.png"), {"missing.png", "assets/"}),
        (("assets",), {"assets/"}),
    ],
)
def test_files_to_look_at(changed_paths: tuple[str, ...] | None, expected: set[str]) -> None:
    """Those that may have changed, and every listing: any new file changes one."""
    assert set(Dependencies(NEEDS).files(changed_paths)) == expected


@pytest.mark.parametrize(
    ("states", "outdated"),
    [
        ({}, set()),
        ({"a.png": OLD}, {"two.md"}),
        ({"a.png": NEW}, {"one.md"}),
        ({"a.png": (3, 30)}, {"one.md", "two.md"}),
        ({"a.png": None}, {"one.md", "two.md"}),
        ({"missing.png": None}, set()),
        ({"missing.png": NEW}, {"two.md"}),
        ({"assets/": (0, 7), "a.png": NEW}, {"one.md"}),
        ({"b.mp3": (9, 50)}, {"five.md"}),  # one post used its size, another its text
        ({"b.mp3": (9, 40)}, set()),
        ({"b.mp3": (8, 40)}, {"four.md", "five.md"}),
        ({"assets/": (0, 8), "missing.png": NEW}, {"one.md", "two.md"}),
    ],
)
def test_entries_that_used_another_version_are_outdated(
    states: Mapping[str, FileState], outdated: set[str]
) -> None:
    """Each entry is compared with the version that it used; None: there was no such file."""
    assert Dependencies(NEEDS).outdated(states) == outdated


def test_a_text_is_read_if_any_post_used_it() -> None:
    files = Dependencies({"a.md": {"a": (9, 0), "b": (9, 0), "c": None}, "b.md": {"b": (9, 40)}})
    assert files.files(None) == {"a": False, "b": True, "c": False}


def test_an_update_is_as_a_new_look() -> None:
    """Entries that were rendered again or removed depend on what they used last."""
    before = {"a.md": {"a": (9, 0), "both": (1, 1)}, "b.md": {"both": (1, 1)}, "c.md": {"c": None}}
    after = {"a.md": {"d": (3, 0)}, "b.md": {"both": (1, 1)}, "new.md": {"both": (2, 2)}}
    updated = Dependencies(before)
    updated.update(["a.md", "c.md", "new.md"], {path: after[path] for path in ("a.md", "new.md")})
    fresh = Dependencies(after)
    assert updated.files(None) == fresh.files(None) == {"both": True, "d": False}
    for state in ((1, 1), (2, 2), (3, 3), None):
        states = {"both": state, "d": None}
        assert updated.outdated(states) == fresh.outdated(states)


def test_nothing_is_used() -> None:
    """A site whose posts use no files has nothing to look at."""
    assert Dependencies({}).files(None) == Dependencies({"a.md": {}}).files(None) == {}


@pytest.mark.parametrize(
    ("name", "path", "links"),
    [
        ("2026-01-02-x", "_posts/2026-01-02-x.md", True),
        ("2026-01-02-x", "_posts/2026-01-02-x.html", True),
        ("2026-01-02-x", "news/_posts/2026-01-02-x.md", True),
        ("news/2026-01-02-x", "news/_posts/2026-01-02-x.md", True),
        ("news/2026-01-02-x", "_posts/2026-01-02-x.md", False),
        ("_posts/2026-01-02-x.md", "_posts/2026-01-02-x.md", True),
        ("2026-01-02-x", "_posts/2026-01-02-x-y.md", False),
        ("2026-01-02-x", "_posts/12026-01-02-x.md", False),
    ],
)
def test_entries_that_link_to_a_post_by_its_name(name: str, path: str, links: bool) -> None:
    """Whether it was there or not. A file of the site is not looked for."""
    other = {post_named("other"): (1, 0)}
    linking = Dependencies({"a.md": {post_named(name): None}, "b.md": other})
    assert linking.linking_to(["z.md", path]) == ({"a.md"} if links else set())
    assert linking.files(None) == {}
    linking.update(["a.md"], {})
    assert linking.linking_to([path]) == set()
