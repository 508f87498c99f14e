"""The plugins of a site that change its posts, as `_config.yml` sets them up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syndicator.jekyll.as_text import as_text


@dataclass(frozen=True, kw_only=True, slots=True)
class Plugins:
    """What plugins do to the posts of a site. All off is Jekyll alone."""

    #: jekyll-relative-links, with `collections`: links to files lead to their pages.
    relative_links: bool = False
    #: Globs and beginnings of the paths of posts that it leaves as they are.
    relative_links_exclude: tuple[str, ...] = ()
    #: jekyll-titles-from-headings, with `collections`: the first heading is the title.
    titles_from_headings: bool = False
    strip_title: bool = False  #: that heading is left out of the text
    emoji: bool = False  #: jemoji: `:rocket:` is a character


def read_plugins(config: Mapping[str, Any]) -> Plugins:
    """The plugins in a config.

    The first two are on in GitHub Pages without being listed; for posts only with `collections`.
    """
    links, titles = _settings(config, "relative_links"), _settings(config, "titles_from_headings")
    exclude = links.get("exclude")
    return Plugins(
        relative_links=_applies_to_posts(links),
        relative_links_exclude=tuple(map(as_text, exclude)) if isinstance(exclude, list) else (),
        titles_from_headings=_applies_to_posts(titles),
        strip_title=titles.get("strip_title") is True,
        emoji="jemoji" in listed(config),
    )


def listed(config: Mapping[str, Any]) -> set[str]:
    """The names in `plugins`, or `gems` as it once was."""
    names: set[str] = set()
    for key in ("plugins", "gems"):
        value = config.get(key)
        names.update(map(as_text, value) if isinstance(value, list) else ())
    return names


def _settings(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = config.get(key)
    return value if isinstance(value, dict) else {}


def _applies_to_posts(settings: Mapping[str, Any]) -> bool:
    return settings.get("enabled") is not False and settings.get("collections") is True
