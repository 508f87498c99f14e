"""The plugins of a site that change its posts, as `_config.yml` sets them up."""

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from msgspec import Struct

from syndicator.jekyll.as_text import as_text, quoted
from syndicator.jekyll.unusable import Unusable

#: A name that is a folder of the site.
_LANGUAGE = re.compile(r"[\w-]{1,35}", re.ASCII)

#: Each link is compared with every one. Further ones are ignored: no site has as many.
MAX_LANGUAGES = 100
MAX_PATHS = 1_000


class Plugins(Struct, frozen=True, kw_only=True):
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


def read_plugins(config: Mapping[str, Any]) -> tuple[Plugins, tuple[Unusable, ...]]:
    """The plugins in a config, and what of it can't be used.

    The first two are on in GitHub Pages without being listed; for posts only with `collections`.
    """
    links, titles = _settings(config, "relative_links"), _settings(config, "titles_from_headings")
    languages, unusable = _languages(config)
    shared = "exclude_from_localization"
    not_localized = config.get(shared) if languages else None
    if _applies_to_posts(links):
        unusable += _unusable_paths(
            "relative_links", "relative_links.exclude", links.get("exclude")
        )
    unusable += _unusable_paths(shared, shared, not_localized)
    plugins = Plugins(
        relative_links=_applies_to_posts(links),
        relative_links_exclude=_paths(links.get("exclude")),
        titles_from_headings=_applies_to_posts(titles),
        strip_title=titles.get("strip_title") is True,
        emoji="jemoji" in listed(config),
        languages=languages,
        not_localized=_paths(not_localized),
        language_from_path=config.get("lang_from_path") is True,
    )
    return plugins, tuple(unusable)


def _languages(config: Mapping[str, Any]) -> tuple[tuple[str, ...], list[Unusable]]:
    """`default_lang` and `languages` (jekyll-polyglot, patches/jekyll/site.rb).

    Other plugins have `languages` too, but no `default_lang`.
    """
    languages, default = config.get("languages"), config.get("default_lang")
    if not isinstance(languages, list) or not (default or "jekyll-polyglot" in listed(config)):
        return (), []
    names = (as_text(default or "en"), *map(as_text, languages))
    valid = dict.fromkeys(name for name in names if _LANGUAGE.fullmatch(name))
    unusable = []
    invalid = [name for name in names if not _LANGUAGE.fullmatch(name)]
    if invalid:
        key = "languages" if _LANGUAGE.fullmatch(names[0]) else "default_lang"
        message = f"a language can't be the name of a folder: {quoted(invalid[0])}"
        unusable.append(Unusable(key, message, "write it like en or pt-BR; it is left out"))
    if len(valid) > MAX_LANGUAGES:
        message = f"the site has {len(valid):,} languages; only the first {MAX_LANGUAGES} are used"
        unusable.append(Unusable("languages", message, "remove languages that no post has"))
    return tuple(islice(valid, MAX_LANGUAGES)), unusable


def _unusable_paths(key: str, name: str, value: Any) -> list[Unusable]:
    """What `_paths` ignores. `name`: of the setting, below the config's key."""
    if value is not None and not isinstance(value, list):
        return [Unusable(key, f"{name} is not a list", "write it as in [assets, images]")]
    if value and len(value) > MAX_PATHS:
        message = f"{name} has {len(value):,} paths; only the first {MAX_PATHS:,} are used"
        return [Unusable(key, message, "name folders instead of their files")]
    return []


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
