"""The plugins of a site that change its posts, as `_config.yml` sets them up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from syndicator.jekyll.as_text import as_text

#: A name that is a folder of the site.
_LANGUAGE = re.compile(r"[\w-]{1,35}", re.ASCII)

#: Each link is compared with every one. Further ones are ignored: no site has as many.
MAX_LANGUAGES = 100
MAX_PATHS = 1_000


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
    #: jekyll-polyglot: the languages that the site is built in, the default one first; empty: off.
    languages: tuple[str, ...] = ()
    #: Beginnings of the paths that every language shares.
    not_localized: tuple[str, ...] = ()
    language_from_path: bool = False  #: a post without `lang` has the language that its path names

    @property
    def default_language(self) -> str | None:
        """The language whose pages have no folder; None: the site has no languages."""
        return self.languages[0] if self.languages else None

    def language_of(self, lang: object, path: str) -> str | None:
        """The language of a post, from its `lang` or its path. None: the site has no languages.

        A post in a language that the site is not built in appears among the default one's.
        """
        parts = re.split("[./]", path) if self.language_from_path else []
        names = [as_text(lang)] if isinstance(lang, str) and lang else parts
        by_name = {language.lower(): language for language in self.languages}
        found = (by_name[name.lower()] for name in names if name.lower() in by_name)
        return next(found, self.default_language)

    def folder_of(self, language: str | None) -> str:
        """The folder of a language's pages, with a leading slash; "" for the default one."""
        return "" if language in (None, self.default_language) else f"/{language}"


def read_plugins(config: Mapping[str, Any]) -> Plugins:
    """The plugins in a config.

    The first two are on in GitHub Pages without being listed; for posts only with `collections`.
    """
    links, titles = _settings(config, "relative_links"), _settings(config, "titles_from_headings")
    return Plugins(
        relative_links=_applies_to_posts(links),
        relative_links_exclude=_paths(links.get("exclude")),
        titles_from_headings=_applies_to_posts(titles),
        strip_title=titles.get("strip_title") is True,
        emoji="jemoji" in listed(config),
        languages=_languages(config),
        not_localized=_paths(config.get("exclude_from_localization")),
        language_from_path=config.get("lang_from_path") is True,
    )


def _languages(config: Mapping[str, Any]) -> tuple[str, ...]:
    """`default_lang` and `languages` (jekyll-polyglot, patches/jekyll/site.rb).

    Other plugins have `languages` too, but no `default_lang`.
    """
    languages, default = config.get("languages"), config.get("default_lang")
    if not isinstance(languages, list) or not (default or "jekyll-polyglot" in listed(config)):
        return ()
    names = (as_text(default or "en"), *map(as_text, languages))
    valid = dict.fromkeys(name for name in names if _LANGUAGE.fullmatch(name))
    return tuple(islice(valid, MAX_LANGUAGES))


def _paths(value: Any) -> tuple[str, ...]:
    return tuple(map(as_text, value[:MAX_PATHS])) if isinstance(value, list) else ()


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
