"""Decides what is stale because the site or the options differ from those of the last run."""

from enum import Enum

from msgspec import Struct
from sqlalchemy import Connection

from syndicator.build import feed_names
from syndicator.build.options import BuildOptions
from syndicator.jekyll.site import Site
from syndicator.model.content import fingerprint
from syndicator.store import feeds, kv, posts


class Settings(Struct, frozen=True):
    """Digests of the settings, to compare them with those of the last run."""

    read_with: str  #: what reading a post depends on
    made_with: str  #: this, and what making a feed of its posts depends on


class SettingsChange(Enum):
    """What other settings make stale."""

    NOTHING = 0
    FEEDS = 1
    POSTS_AND_FEEDS = 2


def settings_of(options: BuildOptions, site: Site) -> Settings:
    dated = ["dated"] if options.updated_by_mtime else []
    read_with = fingerprint(options.version, site.digest, sorted(options.kinds_of(site)), *dated)
    made_with = fingerprint(
        read_with,
        options.spec_of(site, feed_names.ALL, None),
        site.info,
        options.policy.key,
        str(options.theme or ""),
        sorted(options.aliases.items()),
    )
    return Settings(read_with, made_with)


def change_of(before: Settings | None, now: Settings) -> SettingsChange:
    """`before`: the settings of the last run; None: there was none."""
    if before is None or before.read_with != now.read_with:
        return SettingsChange.POSTS_AND_FEEDS
    return SettingsChange.NOTHING if before == now else SettingsChange.FEEDS


def stored(connection: Connection) -> Settings | None:
    """The settings of the last run; None: there was none."""
    read_with, made_with = kv.get(connection, "read with"), kv.get(connection, "made with")
    return Settings(read_with, made_with) if read_with and made_with else None


def apply(connection: Connection, now: Settings, change: SettingsChange) -> None:
    """Mark what other settings make stale, and store the settings."""
    if change is SettingsChange.NOTHING:
        return
    if change is SettingsChange.POSTS_AND_FEEDS:
        posts.mark_unread(connection)
    feeds.mark_all_stale(connection)
    kv.put(connection, "read with", now.read_with)
    kv.put(connection, "made with", now.made_with)
