"""The show of a podcast, from `podcast` in `_config.yml`. Jekyll and jekyll-feed know none."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from syndicator.jekyll.as_text import is_empty, label, quoted
from syndicator.model.podcast import Show

#: The keys of `podcast` in the config.
KEYS = ("author", "email", "image", "explicit", "category", "type")

_YES, _NO = frozenset({"true", "yes", "explicit"}), frozenset({"false", "no", "clean"})
#: feedgen looks for a category by an XPath that has its name in double quotes.
_CATEGORY = re.compile(r"[^\"<>]{1,100}")
_MAX_CATEGORIES = 20


def read_explicit(value: Any) -> bool | None:
    """True or false, also as Apple wrote it before: yes, no, clean. None: not said, or unknown."""
    word = label(value).lower()
    return True if word in _YES else False if word in _NO else None


def read_show(
    config: Any, picture: Callable[[Any], str | None]
) -> tuple[Show | None, tuple[str, ...]]:
    """The show, and a message for each value that can't be used.

    `config`: the value of `podcast`. None: it says nothing of a show. `picture`: makes an address
    absolute.
    """
    given = config if isinstance(config, Mapping) else {}
    values = {key: given.get(key) for key in KEYS}
    categories = tuple(islice(_categories(values["category"]), _MAX_CATEGORIES + 1))
    too_many = len(categories) > _MAX_CATEGORIES
    email, kind = _text(values["email"]), _text(values["type"]).lower()
    show = Show(
        author=_text(values["author"]) or None,
        email=email if "@" in email and " " not in email else None,
        image=picture(values["image"]),
        explicit=read_explicit(values["explicit"]),
        categories=tuple(each for each in categories[:_MAX_CATEGORIES] if each),
        kind=kind if kind in ("episodic", "serial") else None,
    )
    read = {
        "author": show.author,
        "email": show.email,
        "image": show.image,
        "explicit": show.explicit,
        "category": None if too_many or None in categories else categories,
        "type": show.kind,
    }
    unusable = (key for key, value in read.items() if value is None and _given(values[key]))
    messages = tuple(f"podcast.{key} can't be used: {quoted(values[key])}" for key in unusable)
    return (None if show == Show() else show), messages


def _text(value: Any) -> str:
    return "" if isinstance(value, dict | list | bool) else label(value)


def _given(value: Any) -> bool:
    return value is False or not is_empty(value)


def _categories(value: Any) -> Iterator[tuple[str, str | None] | None]:
    """Categories, each with one below it or None; None for one that is not a name.

    A category is a text, or a mapping to the name or the names below it: `Arts: [Books, Food]`.
    """
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, Mapping):
            for name, below in each.items():
                for sub in below if isinstance(below, list) else [below]:
                    yield _category(name, sub)
        elif _given(each):
            yield _category(each, None)


def _category(name: Any, below: Any) -> tuple[str, str | None] | None:
    names = [_text(name), *([] if is_empty(below) else [_text(below)])]
    if not all(map(_CATEGORY.fullmatch, names)):
        return None
    return names[0], names[1] if len(names) > 1 else None
