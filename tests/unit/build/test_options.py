"""A build's options, completed by the settings of the site."""

from pathlib import Path
from typing import Any

import pytest
from builds import OPTIONS, SITE
from msgspec.structs import replace
from reading import site_of

from syndicator.model.content import Term

TAGS = f"{SITE}feed: {{tags: true}}\n"
RECIPES = f"{SITE}collections: {{recipes: {{output: true}}}}\nfeed: {{collections: [recipes]}}\n"


@pytest.mark.parametrize(
    ("kinds", "site", "expected"),
    [
        (None, SITE, ("category",)),
        (None, TAGS, ("category", "tag")),
        (("author",), TAGS, ("author",)),
        ((), TAGS, ()),
    ],
)
def test_kinds_are_the_sites_unless_they_are_set(
    kinds: tuple[str, ...] | None, site: str, expected: tuple[str, ...]
) -> None:
    """Also if none are set: `feeds.by = []` leaves only the feed of the whole site."""
    assert replace(OPTIONS, kinds=kinds).kinds_of(site_of(site)) == expected


@pytest.mark.parametrize(
    ("kinds", "site", "expected"),
    [
        (None, RECIPES, ("_recipes",)),
        (("collection",), RECIPES, ("_recipes",)),
        (("category",), RECIPES, ()),
    ],
)
def test_collections_are_read_only_if_they_have_feeds(
    kinds: tuple[str, ...] | None, site: str, expected: tuple[str, ...]
) -> None:
    """Their documents are in no other feed."""
    scope = replace(OPTIONS, kinds=kinds).scope_of(site_of(site))
    assert scope.roots == expected
    assert scope.anywhere == {"_posts"}


def test_a_plain_folder_is_read_whatever_has_feeds() -> None:
    """Its root is the source itself, not a collection."""
    plain = site_of(None)
    assert replace(OPTIONS, kinds=()).scope_of(plain).roots == ("",)


@pytest.mark.parametrize(
    ("output", "excluded"),
    [
        ("/site/out/feeds", ["out/feeds/"]),
        ("/site", ["./"]),
        ("/site2/feeds", []),
        ("/feeds", []),
        ("/", []),
    ],
)
def test_our_own_output_is_never_read(output: str, excluded: list[str]) -> None:
    """The site's own excludes stay."""
    site = site_of(SITE)
    scope = replace(OPTIONS, output=Path(output)).scope_of(site)
    assert scope.exclude == (*site.scope.exclude, *excluded)
    assert site.scope.exclude


def test_the_source_has_the_documents_of_the_scope(tmp_path: Path) -> None:
    """Without the pages of the output, and with a progress call each so many files."""
    for path in ("a.md", "out/all.html", "b.md"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("---\n---\n")
    options = replace(OPTIONS, source=tmp_path, output=tmp_path / "out", progress_every=1)
    calls: list[int] = []
    scan = options.source_of(site_of(None)).scan(known=(), progress=calls.append)
    assert list(scan.fresh) == ["a.md", "b.md"]
    assert calls == [1, 2]


@pytest.mark.parametrize(
    ("limit", "site", "expected"),
    [
        (None, SITE, 50),
        (None, f"{SITE}feed: {{posts_limit: 7}}\n", 7),
        (9, f"{SITE}feed: {{posts_limit: 7}}\n", 9),
    ],
)
def test_a_feed_has_as_many_entries_as_configured(
    limit: int | None, site: str, expected: int
) -> None:
    """By our config, else by jekyll-feed's `posts_limit`, else 50."""
    assert replace(OPTIONS, limit=limit).spec_of(site_of(site), "all", None).limit == expected


@pytest.mark.parametrize(
    ("full", "site", "expected"),
    [
        (None, SITE, True),
        (None, f"{SITE}feed: {{excerpt_only: true}}\n", False),
        (False, SITE, False),
        (True, f"{SITE}feed: {{excerpt_only: true}}\n", True),
    ],
)
def test_a_feed_has_texts_or_summaries(full: bool | None, site: str, expected: bool) -> None:
    """By our config, else by jekyll-feed's `excerpt_only`, else whole texts."""
    assert replace(OPTIONS, full=full).spec_of(site_of(site), "all", None).full is expected


@pytest.mark.parametrize(
    ("term", "title"),
    [(None, "The Daily"), (Term(kind="category", label="News"), "The Daily: News")],
)
def test_a_feeds_settings(term: Term | None, title: str) -> None:
    """Name and term are the feed's own; the others are those of every feed."""
    spec = OPTIONS.spec_of(site_of(f"{SITE}title: The Daily\n"), "category/news", term)
    expected: dict[str, Any] = {
        "name": "category/news",
        "term": term,
        "title": title,
        "formats": OPTIONS.formats,
        "base": OPTIONS.base,
        "hubs": OPTIONS.hubs,
        "max_bytes": OPTIONS.max_bytes,
    }
    assert {key: getattr(spec, key) for key in expected} == expected
