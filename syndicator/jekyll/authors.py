"""Who wrote a post, as jekyll-feed's template asks (jekyll-feed/lib/jekyll-feed/feed.xml), but all of them."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from syndicator.jekyll.addresses import WEB, absolute
from syndicator.jekyll.as_text import is_empty, label
from syndicator.model.content import Author
from syndicator.ruby.uris import is_absolute, join_address

#: Of an address at which a person is found.
_SCHEMES = WEB | {"acct", "gemini", "mailto", "xmpp"}


def post_authors(
    front: Mapping[str, Any], site_author: Any, known: Mapping[str, Any], url: str, baseurl: str
) -> tuple[Author, ...]:
    """`author`, else `authors`, else the site's; each may be a key into `_data/authors`.

    Each of them may be a name, keys and values (`name`, `email`, `uri`), or a list of these.
    """
    said = next(
        (
            value
            for value in (front.get("author"), front.get("authors"), site_author)
            if not is_empty(value)
        ),
        None,
    )
    return read_authors(said, known, url, baseurl)


def read_authors(said: Any, known: Mapping[str, Any], url: str, baseurl: str) -> tuple[Author, ...]:
    """Authors in their order, each name once; who has no name is left out."""
    if isinstance(said, str):  # the usual case, at a hundred thousand posts
        author = _read_author(said, known, url, baseurl)
        return (author,) if author else ()
    unique: dict[str, Author] = {}
    for one in _flat(said):
        if author := _read_author(one, known, url, baseurl):
            unique.setdefault(author.name, author)
    return tuple(unique.values())


def _read_author(said: Any, known: Mapping[str, Any], url: str, baseurl: str) -> Author | None:
    key = label(said) if not isinstance(said, dict) else None
    if key is not None and key not in known:
        return _by_name(key)
    facts = known.get(key) if key is not None else said
    if isinstance(facts, str):
        facts = {"name": facts}
    if not isinstance(facts, dict):
        facts = {}
    name = label(_scalar(facts.get("name"))) or key
    if not name:
        return None
    email, uri = label(_scalar(facts.get("email"))), label(_scalar(facts.get("uri")))
    return Author(
        name=name,
        email=email if "@" in email and " " not in email else None,
        uri=_address(uri, url, baseurl),
    )


@lru_cache(maxsize=1024)
def _by_name(name: str) -> Author | None:
    return Author(name=name) if name else None


def _address(uri: str, url: str, baseurl: str) -> str | None:
    """Absolute, or None for a text that names no address, like a domain alone, or one that readers would run."""
    if is_absolute(uri):
        return absolute(uri, url, schemes=_SCHEMES)
    return (
        join_address(url, baseurl, uri)
        if uri.startswith("/") and not uri.startswith("//")
        else None
    )


def _scalar(value: Any) -> Any:
    return None if isinstance(value, dict | list | bool) else value


def _flat(value: Any) -> Iterable[Any]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _flat(one)
    elif not is_empty(value) and not isinstance(value, bool):
        yield value
