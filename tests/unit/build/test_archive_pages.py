"""Pages of an archive: which entries stand on which page, and the links between them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from values import SITE, archive_page, entry, spec

from syndicator.build import archive_pages
from syndicator.build.archive_pages import MadePage, PageRequest, make_again, make_pages
from syndicator.build.page_borders import Block, blocks
from syndicator.model.content import Entry
from syndicator.model.places import Place

FEED = "category/köln news"
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
LINKS = (f"{FEED}/before", f"{FEED}/after")


def request(sizes: list[int], max_bytes: int = 99_999, **fields: object) -> PageRequest:
    """A block of posts with texts of so many bytes, oldest first; of size 0: without an entry."""
    places = tuple(
        Place(BEGIN + timedelta(days=day), f"_posts/{day:03}.md") for day in range(len(sizes))
    )
    (block,) = blocks(places, len(places))
    values: dict[str, object] = {
        "block": block,
        "entries": {
            place.path: post(place, size) for place, size in zip(places, sizes, strict=True) if size
        },
        "links": LINKS,
        "is_open": False,
        "spec": spec(
            FEED,
            formats=("rss", "atom", "json"),
            max_bytes=max_bytes,
            hubs=("https://hub/",),
            archive=True,
        ),
        "site": SITE,
        "version": "1",
        "keys": {},
    }
    return PageRequest(**(values | fields))


def post(place: Place, size: int) -> Entry:
    return entry(
        place.path,
        path=place.path,
        published=place.published,
        updated=place.published,
        content="x" * size,
        summary="short",
    )


def paths(made: list[MadePage]) -> list[str]:
    """The posts of pages, oldest first."""
    return [path for one in made for path in reversed(one.page.posts)]


def links(made: MadePage, suffix: str) -> dict[str, str]:
    file = next(file for file in made.files or () if file.path.endswith(suffix))
    found = re.findall(r"<(?:atom:)?link ([^>]*)/>", file.data.decode())
    attributes = [dict(re.findall(r'(\w+)="([^"]*)"', text)) for text in found]
    return {one["rel"]: one["href"] for one in attributes if "archive" in one.get("rel", "")}


@settings(max_examples=25)
@given(st.lists(st.sampled_from([0, 10, 900, 3000, 20_000]), min_size=1, max_size=12))
def test_pages_are_divided_by_bytes(sizes: list[int]) -> None:
    """No entry is missing, no file is larger than allowed with its links, and names are unique.

    An entry that is too large alone is its summary.
    """
    made = make_pages(None, asked := request(sizes, max_bytes=9000))
    assert paths(made) == [
        place.path for place in asked.block.places if place.path in asked.entries
    ]
    for one in made:
        files = {file.path: file for file in one.files or ()}
        assert set(files) == {f"{one.page.name}.{each}" for each in ("rss", "atom", "json", "html")}
        assert all(len(file.data) <= 9000 or path.endswith("html") for path, file in files.items())
        assert all(file.hubs == () for file in files.values())
        large = b"x" * 20_000
        assert not any(large in file.data for file in files.values())
    assert len({one.page.name for one in made}) == len(made)
    names = [LINKS[0], *(one.page.name for one in made), LINKS[1]]
    for at, one in enumerate(made):
        assert (one.page.older, one.page.newer) == (names[at], names[at + 2])
        assert {one.page.block} == {asked.block.interval}
        assert one.page.oldest <= one.page.newest


@pytest.mark.parametrize("suffix", [".rss", ".atom"])
def test_links_lead_to_the_files_of_the_same_format(suffix: str) -> None:
    (made,) = make_pages(None, request([10, 10]))
    base = "https://feeds.example/category/k%C3%B6ln%20news/"
    assert links(made, suffix) == {
        "prev-archive": f"{base}before{suffix}",
        "next-archive": f"{base}after{suffix}",
    }
    (made,) = make_pages(None, request([10, 10], links=(None, None)))
    assert links(made, suffix) == {}


def test_a_block_without_entries_has_a_page_with_links() -> None:
    """They lead readers past it."""
    (made,) = make_pages(None, request([0, 0]))
    assert made.page.posts == ()
    assert made.files
    assert (made.page.older, made.page.newer) == request([0, 0]).links


def test_files_are_made_only_if_their_page_has_another_key() -> None:
    """Its key covers entries, links, settings and the version, but not whether it is open."""
    (made,) = make_pages(None, request([10, 10]))
    known = {made.page.name: made.page.key}
    (same,) = make_pages(None, request([10, 10], keys=known, is_open=True))
    assert same.files is None
    for other in (
        request([10, 11], keys=known),
        request([10, 10], keys=known, links=(None, LINKS[1])),
        request([10, 10], keys=known, version="2"),
        request([10, 10], max_bytes=88_888, keys=known),
    ):
        (changed,) = make_pages(None, other)
        assert changed.files is not None


@pytest.mark.parametrize("size", [10, 3000])
def test_a_page_that_is_made_again_has_the_same_bytes(size: int) -> None:
    """Also one of several of a block, and other links are all that differs."""
    asked = request([size] * 6, max_bytes=9000)
    for one in make_pages(None, asked):
        again = make_again(one.page, asked._replace(links=(one.page.older, one.page.newer)))
        assert again == one
        linked = make_again(one.page, asked._replace(links=(None, None)))
        assert (linked.page.posts, linked.page.older) == (one.page.posts, None)


def test_the_links_of_a_chain() -> None:
    """From oldest to newest, whatever their order was."""
    at = [Place(BEGIN + timedelta(days=day), "a.md") for day in range(3)]
    assert archive_pages.chain([]) == {}
    assert archive_pages.chain([(at[2], "c"), (at[0], "a"), (at[1], "b")]) == {
        "a": (None, "b"),
        "b": ("a", "c"),
        "c": ("b", None),
    }


@pytest.mark.parametrize(
    ("older", "newer", "expected"),
    [
        ({}, {}, ("a", "c")),
        ({"a": "a"}, {"c": "c"}, ("a", "c")),
        ({"a": "a2"}, {"c": "c1"}, ("a2", "c1")),
        ({"a": None}, {}, (None, "c")),  # no post of the oldest block has an entry
    ],
)
def test_links_to_blocks_that_were_divided(
    older: dict[str, str | None], newer: dict[str, str], expected: tuple[str | None, str]
) -> None:
    """They lead to the nearest of the pages of each."""
    linked = archive_page("b", {}, older="a", newer="c")
    assert archive_pages.mended(linked, older, newer) == expected
    assert archive_pages.mended(archive_page("b", {}), older, newer) == (None, None)


def test_names_are_those_of_intervals() -> None:
    block = Block(request([1]).block.interval, ())
    assert archive_pages.name_of("all", block) == f"all/{block.interval.name}"
