"""The authors of a post, read as jekyll-feed does (jekyll-feed/lib/jekyll-feed/feed.xml).

jekyll-feed writes one author; all of them are read here.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from syndicator.jekyll.addresses import absolute
from syndicator.jekyll.as_text import as_text, is_empty, label
from syndicator.jekyll.policy import WEB
from syndicator.jekyll.titles import plain_label
from syndicator.model.content import Author
from syndicator.ruby.uris import is_absolute, join_address

#: Schemes of an author's address.
_SCHEMES = WEB | {"acct", "gemini", "mailto", "xmpp"}


def post_authors(
    front: Mapping[str, Any], site_author: Any, known: Mapping[str, Any], url: str, baseurl: str
) -> tuple[Author, ...]:
    """`author`, else `authors`, else the site's. Names are looked up in `known` (`_data/authors`).

    Each of them may be a name, keys and values (`name`, `email`, `uri`), or a list of these.
    """
    candidates = (front.get("author"), front.get("authors"), site_author)
    value = next((value for value in candidates if not is_empty(value)), None)
    return read_authors(value, known, url, baseurl)


def read_authors(
    value: Any, known: Mapping[str, Any], url: str, baseurl: str
) -> tuple[Author, ...]:
    """Authors in the given order, each name once. An author without a name is left out."""
    if isinstance(value, str):  # the usual case, kept fast for 100,000 posts
        author = _read_author(value, known, url, baseurl)
        return (author,) if author else ()
    unique: dict[str, Author] = {}
    for each in _flat(value):
        if author := _read_author(each, known, url, baseurl):
            unique.setdefault(author.name, author)
    return tuple(unique.values())


def _read_author(value: Any, known: Mapping[str, Any], url: str, baseurl: str) -> Author | None:
    key = label(value) if not isinstance(value, dict) else None
    if key is not None and key not in known:
        return _author_by_name(plain_label(key))
    fields = known.get(key) if key is not None else value
    if isinstance(fields, str):
        fields = {"name": fields}
    if not isinstance(fields, dict):
        fields = {}
    name = plain_label(as_text(_scalar(fields.get("name"))) or key or "")
    if not name:
        return None
    email, uri = label(_scalar(fields.get("email"))), label(_scalar(fields.get("uri")))
    return Author(
        name=name,
        email=email if "@" in email and " " not in email else None,
        uri=_address(uri, url, baseurl),
    )


@lru_cache(maxsize=1024)
def _author_by_name(name: str) -> Author | None:
    return Author(name=name) if name else None


def _address(uri: str, url: str, baseurl: str) -> str | None:
    """The absolute address; None for a bare domain, other text, or a scheme such as javascript."""
    if is_absolute(uri):
        return absolute(uri, url, schemes=_SCHEMES)
    if uri.startswith("/") and not uri.startswith("//"):
        return join_address(url, baseurl, uri)
    return None


def _scalar(value: Any) -> Any:
    return None if isinstance(value, dict | list | bool) else value


def _flat(value: Any) -> Iterable[Any]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _flat(each)
    elif not is_empty(value) and not isinstance(value, bool):
        yield value
