"""The values that flow, from a file on disk to a feed's files.

Frozen, keyword-only, tuples, aware UTC datetimes. What None means stands beside each field. What there is one of for
each post is a NamedTuple: it is made, compared and handed to another process in a fifth of the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b, sha1
from typing import Any, NamedTuple
from urllib.parse import quote


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something one person can mend. The run goes on without the thing it names."""

    path: str  #: relative to the source, `/` between parts; or a config key, a feed's name, a hub's URL
    line: int | None = None  #: counted from 1; None: the thing as a whole
    message: str
    hint: str | None = None  #: what to do about it; None: the message says it
    fatal: bool = False  #: True: the post it names is left out (or its last good entry stays)

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.message}"


# ---------------------------------------------------------------------------- what the author wrote


class Stat(NamedTuple):
    """What a look at a file shows without opening it."""

    path: str  #: relative to the source, `/` between parts
    size: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Which files of a source are documents. Decided by the site's rules, applied while looking."""

    anywhere: frozenset[str] = frozenset(
        {"_posts"}
    )  #: folder names that hold documents at any depth
    roots: tuple[
        str, ...
    ] = ()  #: folders whose whole content is documents; "" is the source itself
    exclude: tuple[
        str, ...
    ] = ()  #: globs on paths (Jekyll's `exclude`); a folder's name takes all below it
    suffixes: tuple[str, ...] = (".md", ".markdown", ".html")


class Document(NamedTuple):
    """A file that was read whole."""

    stat: Stat
    data: bytes
    digest: str  #: of the data, hexadecimal

    @property
    def path(self) -> str:
        return self.stat.path


@dataclass(frozen=True, kw_only=True, slots=True)
class Author:
    name: str
    email: str | None = None
    uri: str | None = None  #: absolute


class Term(NamedTuple):
    """A word that posts are grouped by, and a feed made for."""

    kind: str  #: "category", "tag", "author" or "collection"
    label: str  #: as the author wrote it


class PostHead(NamedTuple):
    """What selecting, linking and remembering a post need: all of it but the text."""

    path: str  #: of the source file
    id: str  #: what front matter says, else what jekyll-feed would have said; the ledger may know better
    own_id: bool  #: True: the id is the front matter's own word, and wins over the ledger
    url: str  #: the page's absolute address
    title: str
    published: datetime
    updated: datetime | None  #: None: front matter doesn't say
    terms: tuple[Term, ...]  #: every kind, in the author's order, without repetition
    text_digest: str  #: of the title and the text: what makes an entry new to read


class Identity(NamedTuple):
    """What the ledger keeps of a post, whatever becomes of its file."""

    path: str
    id: str
    text_digest: str
    updated: datetime | None  #: when its text was first seen changed; None: never
    gone: datetime | None = None  #: when its file was seen to be gone; None: it is there


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """What the author wrote, located in its site, not yet rendered."""

    head: PostHead
    authors: tuple[Author, ...]
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    language: str | None  #: None: the site's
    front: Mapping[str, Any]  #: front matter with the site's defaults under it
    body: str
    body_line: int  #: the line of the file that the body starts on, counted from 1
    document_digest: str  #: of the file's bytes


# ------------------------------------------------------------------------------ what a reader receives


@dataclass(frozen=True, kw_only=True, slots=True)
class Media:
    """A picture, a sound or a film that goes with an entry."""

    url: str  #: absolute
    type: str | None = None  #: media type; None: can't be told
    length: int | None = None  #: octets; None: the file is not here
    alt: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What a reader receives, the same in every format. Safe to send as it is: clean and absolute."""

    id: str
    url: str
    title: str  #: plain text
    published: datetime
    updated: datetime
    content: str  #: sanitised HTML with absolute addresses; empty when the feed gives excerpts only
    summary: str  #: plain text
    authors: tuple[Author, ...]
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    image: Media | None = None
    enclosures: tuple[Media, ...] = ()  #: sound and film the front matter names
    language: str | None = None  #: None: the feed's


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteInfo:
    """What every feed says of the site it belongs to."""

    title: str
    url: str  #: the home page's absolute address
    description: str = ""
    language: str | None = None
    authors: tuple[Author, ...] = ()
    logo: str | None = None  #: absolute address of a wide picture
    icon: str | None = None  #: absolute address of a square picture


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedSpec:
    """What the operator asked for. Two specs that are equal make the same feed of the same entries."""

    name: str  #: the path of its files without the suffix: "all", "category/news"
    title: str
    term: Term | None  #: None: every post
    formats: tuple[str, ...]  #: of "rss", "atom", "json"; every feed has its HTML page beside them
    base: str  #: public address of the output folder, ending in "/"
    hubs: tuple[str, ...]  #: our own first
    limit: int  #: entries
    max_bytes: int  #: of one feed file
    full: bool  #: False: summaries only

    def path(self, suffix: str) -> str:
        """Where the file of a format stands below the output folder."""
        return f"{self.name}.{suffix}"

    def url(self, suffix: str) -> str:
        """The address of a format's file: its rel=self, its topic, percent-encoded."""
        return self.base + quote(self.path(suffix))


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """One feed before any format."""

    spec: FeedSpec
    site: SiteInfo
    updated: datetime | None  #: never goes backwards; None: it never had an entry
    entries: tuple[Entry, ...]  #: newest first


def fingerprint(*parts: object) -> str:
    """What tells things that feeds are made of from others: the same for as long as they say the same."""
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def digest_of(data: bytes) -> str:
    """What tells one version of a published file from another: 128 bits of SHA-1, hexadecimal.

    Nothing is proven by it. A processor without instructions for SHA-256 takes three times as long for that, at each
    file of each change.
    """
    return sha1(data, usedforsecurity=False).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedFile:
    """Bytes with a place: one feed in one format, or a page for people."""

    path: str  #: below the output folder
    url: str
    data: bytes
    media_type: str  #: with its charset
    digest: str  #: `digest_of` the data
    hubs: tuple[
        str, ...
    ]  #: told when it changes, and named in its Link header; empty for pages and OPML


# ---------------------------------------------------------------------------------------- what a run did


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a run did: printed, logged, counted, stored."""

    started: datetime
    seconds: float
    posts: int  #: that stand in the index
    new: int = 0
    changed: int = 0
    gone: int = 0
    feeds: int = 0  #: feeds that exist; each is several files; 0 also when nothing was built
    feeds_changed: int = 0
    files_written: int = 0
    mended: int = 0  #: of these, files that had been changed or taken away since we wrote them
    owed: int = 0  #: pings that this run came to owe
    next_due: datetime | None = None  #: when the next future post appears; None: none waits
    problems: tuple[Problem, ...] = ()
    put_off: tuple[
        str, ...
    ] = ()  #: posts that are left to the next run, since something else was urgent
    notes: tuple[Problem, ...] = ()  #: what may be as it is meant: said, and no problem

    @property
    def moved(self) -> bool:
        """Whether anything was found new, or done."""
        return bool(self.new or self.changed or self.gone or self.files_written or self.owed)

    def summary(self) -> str:
        """The run in words: `20,000 posts (3 new, 1 changed), 2 problems; 4 of 14 feeds changed; 8 pings owed`."""
        moved = ", ".join(
            f"{number:,} {word}"
            for number, word in ((self.new, "new"), (self.changed, "changed"), (self.gone, "gone"))
            if number
        )
        posts = f"{count(self.posts, 'post')}{f' ({moved})' if moved else ''}"
        problems = f", {count(len(self.problems), 'problem')}" if self.problems else ""
        pings = f"; {count(self.owed, 'ping')} owed" if self.owed else ""
        feeds = (
            f"; {self.feeds_changed:,} of {count(self.feeds, 'feed')} changed" if self.feeds else ""
        )
        mended = f"; {count(self.mended, 'file')} put right" if self.mended else ""
        return f"{posts}{problems}{feeds}{mended}{pings}"


def count(number: int, noun: str) -> str:
    """`1 post`, `2,000 posts`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
