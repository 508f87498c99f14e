"""The languages of a site with jekyll-polyglot, which makes a site for each of them.

The default language is at the site's address, each other one in a folder of its name
(polyglot/patches/jekyll/site.rb `process_active_language`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syndicator.jekyll.as_text import as_text, is_empty

#: site.rb `derive_lang_from_path`
_FOLDER = re.compile(r"[a-z]{2,3}(?::?[_-](?::?[A-Za-z]{2}){1,2}){0,2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Languages:
    """Which language a document has."""

    default: str
    others: Sequence[str]
    from_path: bool  #: whether a folder may name it, if the front matter does not

    def other_language(self, front: Mapping[str, Any], path: str) -> str | None:
        """The language of a document if its page is in the folder of one. None: it is not.

        `path`: of the document, relative to `collections_dir`.
        """
        language = as_text(front.get("lang") or self._of_path(path) or self.default)
        exclusive = front.get("lang-exclusive")
        names = list(map(as_text, exclusive)) if isinstance(exclusive, list) else []
        if names and language not in names:
            language = names[0]
        return language if language in self.others else None

    def _of_path(self, path: str) -> str | None:
        folders = path.split("/")[:-1] if self.from_path else []
        if path.startswith("_"):
            folders = folders[1:]
        return folders[0] if folders and _FOLDER.fullmatch(folders[0]) else None


def read_languages(config: Mapping[str, Any], plugins: Sequence[str]) -> Languages | None:
    """None: the site has one language. `plugins`: of the config, which need not name them all.

    Other plugins have `languages` too, but no `default_lang`.
    """
    names = config.get("languages")
    is_polyglot = "jekyll-polyglot" in plugins or not is_empty(config.get("default_lang"))
    if not isinstance(names, list) or not is_polyglot:
        return None
    default = as_text(config.get("default_lang") or "en")
    others = tuple(dict.fromkeys(name for name in map(as_text, names) if name != default and name))
    from_path = config.get("lang_from_path") is True
    return Languages(default=default, others=others, from_path=from_path) if others else None


def in_folder(address: str, language: str | None) -> str:
    """The path of a page in its language's folder, unless its permalink begins with that."""
    if language is None or address.startswith(f"/{language}/"):
        return address
    return f"/{language}{address}"
