"""The values of a build: Document, Post, Entry, Feed, FeedFile.

They are frozen and keyword-only, with tuples and aware UTC datetimes. A comment beside each
field defines what None means. Values made once per post are NamedTuples, which rows become and
are made of. All others are Structs: Python makes such a class in a fortieth of the time that a
dataclass takes, of which a command has some hundred.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b, sha1
from typing import Any, NamedTuple
from urllib.parse import quote

from msgspec import Struct

from syndicator.model.archive import History
from syndicator.model.front_lines import FrontLines
from syndicator.model.podcast import Episode, Show


class Problem(Struct, frozen=True, kw_only=True):
    """Something a person can fix. The run goes on without the post, feed or setting it names."""

    #: Relative to the source, `/` between parts; or a config key, a feed's name, a hub's URL.
    path: str
    line: int | None = None  #: counted from 1; None: the whole file
    message: str
    hint: str | None = None  #: how to fix it; None: the message says it
    fatal: bool = False  #: True: the post is left out (or its last good entry stays)
    #: True: possibly intended, such as a part of a post that no feed can show. It is listed after
    #: the problems, and changes no exit code.
    note: bool = False

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.message}"


# --------------------------------------------------------------------------------------- the source


class Stat(NamedTuple):
    """What shows that a file may have changed, read without opening it.

    Nobody can set a ctime, so it shows an edit whose mtime was set back. All are 0 for a name that
    this process can't decode.
    """

    path: str  #: relative to the source, `/` between parts
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int  #: 0 where the file system has no lasting numbers, see `sources.inode_numbers`


#: Of what has none, but for its path.
NO_STAT = Stat(path="", size=0, mtime_ns=0, ctime_ns=0, inode=0)


#: The state of a file that a post uses: its size, and a digest of its text; 0 if only its size was
#: used. Of a folder's listing: 0 and a digest. None: there was no such file.
FileState = tuple[int, int] | None


class Scope(Struct, frozen=True, kw_only=True):
    """Which files of a source are documents: the site's rules, applied by a scan."""

    #: Names of folders that hold documents, at any depth.
    anywhere: frozenset[str] = frozenset({"_posts"})
    #: Folders in which every file is a document; "" is the source itself.
    roots: tuple[str, ...] = ()
    #: Globs on paths (Jekyll's `exclude`); the name of a folder excludes everything below it.
    exclude: tuple[str, ...] = ()
    #: Of posts, in lower case. A file with a dated name and another suffix is a document too: it
    #: is not a post, but may be one to Jekyll.
    suffixes: tuple[str, ...] = (".md", ".markdown", ".html")
    #: Whether a file's mtime says when a post was updated: it is that of the file's last commit.
    dated: bool = False


class Document(NamedTuple):
    """A file and all of its bytes."""

    stat: Stat
    data: bytes
    digest: str  #: of the data, hexadecimal

    @property
    def path(self) -> str:
        return self.stat.path


class Author(Struct, frozen=True, kw_only=True):
    name: str
    email: str | None = None
    uri: str | None = None  #: absolute


class Term(NamedTuple):
    """A category, tag, author or collection that has a feed of its posts."""

    kind: str  #: "category", "tag", "author", "collection" or "language"
    label: str  #: as the author wrote it


class PostHead(NamedTuple):
    """A post without its text: what selecting, linking and indexing need."""

    path: str  #: of the source file
    #: The front matter's id, else the one jekyll-feed would make. A stored identity replaces it.
    id: str
    own_id: bool  #: True: the id is from the front matter, and replaces a stored one
    url: str  #: the page's absolute address
    title: str
    published: datetime
    updated: datetime | None  #: None: not in the front matter
    terms: tuple[Term, ...]  #: of every kind, in the author's order, each once
    text_digest: str  #: of the title and the text; another digest is an updated entry
    listed: bool = True  #: False: it has a page, but its front matter keeps it out of feeds


class Identity(NamedTuple):
    """The lasting id of a post, stored even after its file was removed."""

    path: str
    id: str
    text_digest: str
    updated: datetime | None  #: when its changed text was first seen; None: it never changed
    gone: datetime | None = None  #: when a scan first missed its file; None: the file exists
    shown: bool = True  #: False: no feed was to show it so far, since its page is awaited


class Post(Struct, frozen=True, kw_only=True):
    """A parsed post with its place in the site, not yet rendered."""

    head: PostHead
    authors: tuple[Author, ...]
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    language: str | None  #: None: the site's
    front: Mapping[str, Any]  #: front matter over the site's defaults
    body: str
    body_line: int  #: the first line of the body in the file, counted from 1
    document_digest: str  #: of the file's bytes
    front_lines: FrontLines  #: of its own front matter, without the defaults


# ---------------------------------------------------------------------------------------- the feeds


class Media(Struct, frozen=True, kw_only=True):
    """An image, audio or video file of an entry."""

    url: str  #: absolute
    type: str | None = None  #: media type; None: unknown
    length: int | None = None  #: bytes; None: the file is not in the site
    alt: str | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """A rendered post, the same in every format. Sanitised, with absolute addresses only."""

    id: str
    url: str
    title: str  #: plain text
    published: datetime
    updated: datetime
    content: str  #: sanitised HTML; empty when the feed has excerpts only
    summary: str  #: plain text
    authors: tuple[Author, ...]
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    image: Media | None = None
    enclosures: tuple[Media, ...] = ()  #: audio and video from the front matter
    language: str | None = None  #: None: the feed's
    external_url: str | None = None  #: of the page elsewhere that it is about; None: there is none
    episode: Episode | None = None  #: None: it is not an episode of a podcast
    # Earlier versions stored no place.
    path: str = ""  #: of its post's file; "": unknown
    line: int | None = None  #: of its first embedded picture, else of its text; None: unknown


class SiteInfo(Struct, frozen=True, kw_only=True):
    """The site's title, address and authors, as every feed has them."""

    title: str
    url: str  #: the home page's absolute address
    description: str = ""
    language: str | None = None
    authors: tuple[Author, ...] = ()
    logo: str | None = None  #: absolute address of a wide image
    icon: str | None = None  #: absolute address of a square image
    show: Show | None = None  #: None: the config says nothing of a podcast


class FeedSpec(Struct, frozen=True, kw_only=True):
    """The settings of one feed. The same entries under equal specs make the same feed."""

    name: str  #: the path of its files without the suffix: "all", "category/news"
    title: str
    term: Term | None  #: None: every post
    formats: tuple[str, ...]  #: of "rss", "atom", "json"; every feed also has an HTML page
    base: str  #: public address of the output folder, ending in "/"
    hubs: tuple[str, ...]  #: our own first
    limit: int  #: entries
    max_bytes: int  #: of one feed file
    full: bool  #: False: summaries only
    lead_image: bool = False  #: True: an entry's image is also at the top of its content
    archive: bool = False  #: True: the entries that its file has no room for stand in an archive

    def path(self, suffix: str) -> str:
        """The path of a format's file below the output folder."""
        return f"{self.name}.{suffix}"

    def url(self, suffix: str, name: str | None = None) -> str:
        """The address of a format's file, percent-encoded: its rel=self and its topic.

        `name`: of another page of its archive; None: its own.
        """
        return self.base + quote(f"{name or self.name}.{suffix}")


class Feed(Struct, frozen=True, kw_only=True):
    """One feed before any format."""

    spec: FeedSpec
    site: SiteInfo
    updated: datetime | None  #: never earlier than before; None: it never had an entry
    entries: tuple[Entry, ...]  #: newest first
    history: History | None = None  #: None: the feed has no archive

    @property
    def own_name(self) -> str:
        """The name of the feed itself, also if this is a page of its archive."""
        return self.history.current if self.history else self.spec.name


def fingerprint(*parts: object) -> str:
    """A digest of values by their repr; equal values have equal fingerprints in every process."""
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def digest_of(data: bytes) -> str:
    """Identify a version of a published file: 128 bits of SHA-1, hexadecimal.

    It is not used for security. Without instructions for it, SHA-256 takes a processor three times
    as long, for each file of each change.
    """
    return sha1(data, usedforsecurity=False).hexdigest()[:32]


class FeedFile(Struct, frozen=True, kw_only=True):
    """The path and bytes of one feed in one format, or of a page for people."""

    path: str  #: below the output folder
    url: str
    data: bytes
    media_type: str  #: with its charset
    digest: str  #: `digest_of` the data
    #: Pinged when it changes, and named in its Link header; empty for pages and OPML.
    hubs: tuple[str, ...]
