"""The words a post is filed under, as Jekyll reads them (document.rb populate_categories, populate_tags)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from syndicator.jekyll.as_text import label
from syndicator.model.content import Term

#: Characters of a word that feeds are made by. A name is shorter, and PostgreSQL indexes no text of some thousands.
LONGEST = 300


def categories(
    folders: Sequence[str], defaults: Mapping[str, Any], said: Mapping[str, Any]
) -> tuple[str, ...]:
    """Folders first, then `categories` of the defaults and of the head, then `category`; each once.

    A text of several words is several categories in `categories`, and one in `category`.
    """
    one = said.get("category")
    singular = defaults.get("category") if one is None else one
    return _unique(
        (folders, _plural(defaults.get("categories")), _plural(said.get("categories")), singular)
    )


def tags(front: Mapping[str, Any]) -> tuple[str, ...]:
    """`tag`, and only without it `tags`; each once."""
    singular = front.get("tag")
    return _unique(
        (_plural(front.get("tags")) if singular is None or singular is False else singular,)
    )


@lru_cache(maxsize=4096)  # a site's posts share few combinations
def terms(
    in_categories: tuple[str, ...],
    with_tags: tuple[str, ...],
    authors: tuple[str, ...],
    collection: str,
) -> tuple[Term, ...]:
    """Everything feeds can be made by. `authors` are names, each once."""
    said = {"category": in_categories, "tag": with_tags, "author": authors}
    found = [
        Term(kind=kind, label=name)
        for kind, names in said.items()
        for name in names
        if len(name) <= LONGEST
    ]
    if collection != "posts":
        found.append(Term(kind="collection", label=collection))
    return tuple(found)


def is_odd(value: Any) -> bool:
    """Whether a list of words holds what is no word: true and false (YAML's yes, no, on, off), or keys and values."""
    return isinstance(value, bool | dict) or (isinstance(value, list) and any(map(is_odd, value)))


def _plural(value: Any) -> Any:
    return value.split() if isinstance(value, str) else value


def _unique(values: Iterable[Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for value in values:
        _find_labels(value, found)
    return tuple(found)


def _find_labels(value: Any, found: dict[str, None]) -> None:
    if isinstance(value, list | tuple):
        for one in value:
            _find_labels(one, found)
    elif value is not None and not isinstance(value, dict) and (name := label(value)).strip():
        found[name] = None
