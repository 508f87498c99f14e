"""A document in the index, as the table `posts` has it."""

import json
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Row

from syndicator.model.content import PostHead, Stat, Term
from syndicator.model.places import Place
from syndicator.ruby.uris import page_file
from syndicator.store.sql import to_json
from syndicator.store.times import from_us, to_us


class PostRow(NamedTuple):
    """A document that was read, and the post in it."""

    stat: Stat
    settled: bool  #: False: too recent for its times to show a later change; scanned again
    digest: str  #: of the file as last read
    #: Of the last version that could be read as a post; None: no version could.
    head: PostHead | None
    document_digest: str | None = None  #: of the version that `head` describes
    feeds: tuple[str, ...] = ()  #: the feeds it is in, or will be in once it is due
    #: The id of a withdrawn post, reserved while its file exists; None: not withdrawn.
    hidden_id: str | None = None
    maybe_copy: bool = False  #: its name is one that programs give to copies of files
    held: bool = False  #: it is in none of `feeds` yet, since its page is awaited

    @property
    def id(self) -> str | None:
        """The id that it holds; None: none."""
        return self.head.id if self.head else self.hidden_id


_64_BITS = (1 << 64) - 1


@lru_cache(maxsize=4096)  # a site's posts share few combinations
def terms_json(terms: tuple[Term, ...]) -> str:
    """The terms as the table has them: `[["tag", "a"], …]`, without spaces."""
    return to_json([[term.kind, term.label] for term in terms])


@lru_cache(maxsize=4096)
def _terms(text: str) -> tuple[Term, ...]:
    return tuple(Term(kind=kind, label=label) for kind, label in json.loads(text))


@lru_cache(maxsize=4096)
def _feeds(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


_feeds_json = lru_cache(maxsize=4096)(to_json)


def _url_hash(url: str) -> int:
    """A hash of the page's file, which several addresses may name."""
    digest = blake2b(page_file(url).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def signed(inode: int) -> int:
    """A number of 64 bits without a sign as the databases store it."""
    return inode - (1 << 64) if inode >> 63 else inode


def unsigned(stored: int) -> int:
    """The number that `signed` was given."""
    return stored & _64_BITS


def columns(row: PostRow) -> dict[str, Any]:
    head = row.head
    return {
        "path": row.stat.path,
        "size": row.stat.size,
        "mtime_ns": row.stat.mtime_ns,
        "ctime_ns": row.stat.ctime_ns,
        "inode": signed(row.stat.inode),
        "settled": row.settled,
        "digest": row.digest,
        "out": head is not None,
        "document_digest": row.document_digest,
        "id": row.id,
        "own_id": head and head.own_id,
        "url": head and head.url,
        "title": head and head.title,
        "published": head and to_us(head.published),
        "updated": to_us(head.updated) if head and head.updated else None,
        "text_digest": head and head.text_digest,
        "terms": terms_json(head.terms) if head else None,
        "feeds": _feeds_json(row.feeds),
        "maybe_copy": row.maybe_copy,
        "listed": head is None or head.listed,
        "url_hash": head and _url_hash(head.url),
        "held": row.held,
    }


def post_row(row: Row[Any]) -> PostRow:
    return PostRow(
        stat=Stat(row.path, row.size, row.mtime_ns, row.ctime_ns, unsigned(row.inode)),
        settled=row.settled,
        digest=row.digest,
        head=_head(row) if row.out else None,
        document_digest=row.document_digest,
        feeds=_feeds(row.feeds),
        hidden_id=None if row.out else row.id,
        maybe_copy=row.maybe_copy,
        held=row.held,
    )


def _head(row: Row[Any]) -> PostHead:
    return PostHead(
        path=row.path,
        id=row.id,
        own_id=row.own_id,
        url=row.url,
        title=row.title,
        published=from_us(row.published),
        updated=from_us(row.updated),
        terms=_terms(row.terms),
        text_digest=row.text_digest,
        listed=row.listed,
    )


def place_of(row: PostRow) -> Place:
    """The place in feeds of a post, which has a head."""
    if row.head is None:
        raise ValueError(f"{row.stat.path} is not a post")
    return Place(row.head.published, row.stat.path)
