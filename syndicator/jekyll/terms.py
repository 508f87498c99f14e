"""A post's categories, tags and other terms (document.rb populate_categories, populate_tags)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from syndicator.jekyll.as_text import label
from syndicator.model.content import Term

#: Characters of a label with a feed of its own. Names are shorter, and PostgreSQL can't index some
#: thousands.
MAX_LABEL = 300


def categories(
    folders: Sequence[str], defaults: Mapping[str, Any], own_values: Mapping[str, Any]
) -> tuple[str, ...]:
    """Folders first, then `categories` of the defaults and of the head, then `category`; each once.

    A text of several words is several categories in `categories`, and one in `category`.
    """
    own = own_values.get("category")
    singular = defaults.get("category") if own is None else own
    default, plural = defaults.get("categories"), own_values.get("categories")
    return _unique((folders, _words(default), _words(plural), singular))


def tags(front: Mapping[str, Any]) -> tuple[str, ...]:
    """`tag`, or else `tags`; each once."""
    singular = front.get("tag")
    has_singular = singular is not None and singular is not False
    return _unique((singular if has_singular else _words(front.get("tags")),))


@lru_cache(maxsize=4096)  # a site's posts share few combinations
def terms(
    categories_: tuple[str, ...],
    tags_: tuple[str, ...],
    authors: tuple[str, ...],
    collection: str,
    language: str | None = None,
) -> tuple[Term, ...]:
    """The terms of a post, each of which may have a feed. `authors` are names, each once.

    `language`: of a site that is built in several; None: another site.
    """
    labels = {"category": categories_, "tag": tags_, "author": authors}
    terms_ = [
        Term(kind=kind, label=name)
        for kind, names in labels.items()
        for name in names
        if len(name) <= MAX_LABEL
    ]
    if collection != "posts":
        terms_.append(Term(kind="collection", label=collection))
    elif language is not None:
        terms_.append(Term(kind="language", label=language))
    return tuple(terms_)


def has_non_text(value: Any) -> bool:
    """Whether a value contains true, false (YAML's yes, no, on, off), or keys and values."""
    return isinstance(value, bool | dict) or (
        isinstance(value, list) and any(map(has_non_text, value))
    )


def _words(value: Any) -> Any:
    return value.split() if isinstance(value, str) else value


def _unique(values: Iterable[Any]) -> tuple[str, ...]:
    labels: dict[str, None] = {}
    for value in values:
        _add_labels(value, labels)
    return tuple(labels)


def _add_labels(value: Any, labels: dict[str, None]) -> None:
    if isinstance(value, list | tuple):
        for each in value:
            _add_labels(each, labels)
    elif value is not None and not isinstance(value, dict) and (name := label(value)).strip():
        labels[name] = None
