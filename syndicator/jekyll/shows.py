"""The show of a podcast, from `podcast` in `_config.yml`. Jekyll and jekyll-feed know none."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from syndicator.jekyll.apple_categories import is_known
from syndicator.jekyll.as_text import is_empty, label, quoted
from syndicator.jekyll.unusable import Unusable
from syndicator.model.podcast import Show

_MAX_CATEGORIES = 20
_LIST = "https://podcasters.apple.com/support/1691-apple-podcasts-categories"

#: The keys of `podcast` in the config, and what each accepts.
ACCEPTED = {
    "author": "write a name",
    "email": "write an address, as in ann@example.org",
    "image": "write the address of a JPEG or PNG of the site",
    "explicit": "write true or false",
    "category": "write names of Apple's list, as in Technology or {Arts: Books},"
    f" at most {_MAX_CATEGORIES}: {_LIST}",
    "type": "write episodic or serial",
}

_YES, _NO = frozenset({"true", "yes", "explicit"}), frozenset({"false", "no", "clean"})
#: The suffix of a picture that Apple does not have. A name without a suffix may be one it has.
_OTHER_PICTURE = re.compile(
    r"[^/:]/[^/?#]*\.(?!(?:jpe?g|png)(?:[?#]|\Z))[a-z]\w{1,4}(?:[?#]|\Z)", re.IGNORECASE
)
#: feedgen looks for a category by an XPath that has its name in double quotes.
_CATEGORY = re.compile(r"[^\"<>]{1,100}")


def read_explicit(value: Any) -> bool | None:
    """True or false, also as Apple wrote it before: yes, no, clean. None: not said, or unknown."""
    word = label(value).lower()
    return True if word in _YES else False if word in _NO else None


def read_show(
    config: Any, picture: Callable[[Any], str | None]
) -> tuple[Show | None, tuple[Unusable, ...]]:
    """The show, and each value that can't be used, or that directories don't know.

    `config`: the value of `podcast`. None: it says nothing of a show. `picture`: makes an address
    absolute.
    """
    given = config if isinstance(config, Mapping) else {}
    values = {key: given.get(key) for key in ACCEPTED}
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
    unusable = [
        Unusable("podcast", f"podcast.{key} can't be used: {quoted(values[key])}", ACCEPTED[key])
        for key, value in read.items()
        if value is None and _given(values[key])
    ]
    return (None if show == Show() else show), (*unusable, *_unknown(show))


def _unknown(show: Show) -> Iterator[Unusable]:
    """What the feed has, and directories such as Apple's ignore or refuse."""
    if show.image and _OTHER_PICTURE.search(show.image):
        message = f"podcast.image is not a JPEG or PNG: {quoted(show.image)}"
        yield Unusable("podcast", message, ACCEPTED["image"], note=True)
    unknown = [": ".join(filter(None, each)) for each in show.categories if not is_known(*each)]
    if unknown:
        others = f", nor are {len(unknown) - 1} more" if len(unknown) > 1 else ""
        message = f"podcast.category is not one of Apple's: {quoted(unknown[0])}{others}"
        yield Unusable("podcast", message, ACCEPTED["category"], note=True)


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
