"""What other settings than those of the last run make stale."""

from pathlib import Path
from typing import Any

import pytest
from builds import OPTIONS, SITE, a_state, post_row, store
from msgspec.structs import replace
from reading import site_of

from syndicator.build import settings
from syndicator.build.settings import Settings, SettingsChange, change_of, settings_of
from syndicator.jekyll.sanitize import Policy
from syndicator.store import feeds, posts
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow

NOTHING, FEEDS, POSTS_AND_FEEDS = SettingsChange


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (Settings("a", "b"), Settings("a", "b"), NOTHING),
        (Settings("a", "b"), Settings("a", "c"), FEEDS),
        (Settings("a", "b"), Settings("c", "d"), POSTS_AND_FEEDS),
        (Settings("a", "b"), Settings("c", "b"), POSTS_AND_FEEDS),
        (None, Settings("a", "b"), POSTS_AND_FEEDS),
    ],
)
def test_what_a_change_makes_stale(
    before: Settings | None, now: Settings, expected: object
) -> None:
    """Posts if they may be read differently, and then every feed; else only the feeds."""
    assert change_of(before, now) is expected


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({"version": "2"}, POSTS_AND_FEEDS),
        ({"kinds": ("category", "tag")}, POSTS_AND_FEEDS),
        ({"kinds": ("category",)}, NOTHING),  # as the site's config says
        ({"base": "https://feeds.example/new/"}, FEEDS),
        ({"formats": ("rss",)}, FEEDS),
        ({"limit": 9}, FEEDS),
        ({"limit": 50}, NOTHING),
        ({"max_bytes": 9}, FEEDS),
        ({"full": False}, FEEDS),
        ({"hubs": ()}, FEEDS),
        ({"policy": Policy(frame_hosts=frozenset())}, FEEDS),
        ({"policy": Policy(link_schemes=frozenset())}, FEEDS),
        ({"aliases": {"feed.xml": "all.atom"}}, FEEDS),
        ({"batch": 1}, NOTHING),
        ({"progress_every": 1}, NOTHING),
        ({"source": Path("/elsewhere")}, NOTHING),
        ({"output": Path("/elsewhere")}, NOTHING),
    ],
)
def test_another_option(option: dict[str, Any], expected: object) -> None:
    """The source and the output have states of their own: moving one makes nothing stale."""
    site = site_of(SITE)
    before = settings_of(OPTIONS, site)
    assert change_of(before, settings_of(replace(OPTIONS, **option), site)) is expected


@pytest.mark.parametrize(
    ("config", "overrides", "expected"),
    [
        (SITE, {}, NOTHING),
        (f"{SITE}# A comment\n", {}, NOTHING),
        (f"{SITE}permalink: pretty\n", {}, POSTS_AND_FEEDS),
        (SITE, {"title": "Another"}, POSTS_AND_FEEDS),
    ],
)
def test_another_site_config(config: str, overrides: dict[str, str], expected: object) -> None:
    """Any of its values may change how a post is read."""
    before = settings_of(OPTIONS, site_of(SITE))
    assert change_of(before, settings_of(OPTIONS, site_of(config, **overrides))) is expected


def test_a_site_that_a_new_version_shows_differently() -> None:
    """The same digest with another title or logo: every feed shows it."""
    site = site_of(SITE)
    other = replace(site, info=replace(site.info, logo="https://news.example.com/logo.png"))
    assert change_of(settings_of(OPTIONS, site), settings_of(OPTIONS, other)) is FEEDS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"kinds": ("tag", "author")}, {"kinds": ("author", "tag")}),
        (
            {"aliases": {"a.xml": "all.rss", "b.xml": "all.rss"}},
            {"aliases": {"b.xml": "all.rss", "a.xml": "all.rss"}},
        ),
    ],
)
def test_the_order_of_settings_is_no_change(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Kinds and aliases may be listed in any order."""
    site = site_of(SITE)
    before = settings_of(replace(OPTIONS, **one), site)
    assert before == settings_of(replace(OPTIONS, **other), site)


@pytest.mark.parametrize(
    ("change", "stored", "unread", "stale"),
    [
        (NOTHING, None, False, []),
        (FEEDS, Settings("a", "b"), False, ["all"]),
        (POSTS_AND_FEEDS, Settings("a", "b"), True, ["all"]),
    ],
)
def test_stale_parts_are_marked_and_the_settings_stored(
    tmp_path: Path, change: SettingsChange, stored: Settings | None, unread: bool, stale: list[str]
) -> None:
    """A post that is marked is read again by the next scan."""
    with a_state(tmp_path) as database:
        store(database, post_row("one.md"))
        with database.begin() as connection:
            main = FeedRow(name="all", kind=None, label=None, folded="", stale=False)
            feeds.put(connection, [main])
        assert _stored(database) is None
        with database.begin() as connection:
            settings.apply(connection, Settings("a", "b"), change)
        assert _stored(database) == stored
        with database.read() as connection:
            (row,) = posts.get(connection, ["one.md"]).values()
            assert [row.name for row in feeds.stale(connection)] == stale
        assert (not row.settled, row.digest == "") == (unread, unread)


def _stored(database: Database) -> Settings | None:
    with database.read() as connection:
        return settings.stored(connection)
