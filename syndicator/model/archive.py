"""The archive of a feed: pages of its older entries (RFC 5005 §4), each in every format."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from syndicator.model.places import Interval, Place


class ArchivedFile(NamedTuple):
    """A page in one format, as it was written."""

    digest: str  #: `content.digest_of` its bytes
    #: When these bytes were first published, in whole seconds: its Last-Modified.
    updated: datetime
    #: Size and mtime_ns as written, by suffix; "" is the file itself.
    disk: Mapping[str, tuple[int, int]]


class History(NamedTuple):
    """Where a document stands in the history of its feed. Names are paths without the suffix.

    A feed's own document has its newest entries, and pages of its archive have the older ones.
    """

    current: str  #: the name of the feed
    is_page: bool = False  #: False: it is the feed's own document
    #: The name of the page before this one, or of the newest page, which may have some of the same
    #: entries. None: these are the oldest, or the pages are not there yet.
    older: str | None = None
    newer: str | None = None  #: the name of the page after this one; None: it is the newest page
    is_complete: bool = False  #: the document has every entry of the feed
    #: The name of the page for people who have read all of these entries; None: as `older`.
    continued: str | None = None


class ArchivePage(Struct, frozen=True, kw_only=True):
    """One page of a feed's archive, as it was last written.

    A page that ended has no entries of its own any more. Its files stay for some time, for readers
    that are on their way through the history.
    """

    name: str  #: the path of its files without the suffix: "all/20260102-030405-42"
    feed: str  #: the name of its feed: "all", "category/news"
    block: Interval  #: what it is a part of, see `build.page_borders`
    oldest: Place  #: of the posts in its interval
    newest: Place
    posts: tuple[str, ...]  #: paths of the posts of its entries, newest first
    key: str  #: digest of everything that its files are made of
    older: str | None  #: the name of the page before it in time; None: it has the oldest entries
    newer: (
        str | None
    )  #: the name of the page after it in time; None: it has the newest of all pages
    files: Mapping[str, ArchivedFile]  #: by format: "rss", "atom", "json", "html"
    is_open: bool = False  #: new posts may still be added to it
    ended: datetime | None = None  #: when other pages took its entries; None: it is in use
    #: Of an ended page: the name of the page that has its newest entries now, or of its feed.
    moved_to: str | None = None
