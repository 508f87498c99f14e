"""A site's settings, as reading and rendering its posts need them."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from msgspec import Struct

from syndicator.jekyll.defaults import Defaults
from syndicator.jekyll.plugins import Plugins
from syndicator.jekyll.tag_feeds import TagFeeds
from syndicator.kramdown.options import KramdownOptions
from syndicator.model.content import Scope, SiteInfo


class Collection(Struct, frozen=True, kw_only=True):
    """A folder of documents beside `_posts`."""

    label: str
    folder: str  #: relative to the source
    template: str  #: of its documents' permalinks
    #: Whether jekyll-feed makes a feed of it; if so, a document without a date is a Problem.
    has_feed: bool


#: Later than any post: a site that shows future posts selects by this time.
ALWAYS = datetime.max.replace(tzinfo=UTC)


class Site(Struct, frozen=True, kw_only=True):
    """The settings that reading and rendering its posts need."""

    info: SiteInfo
    url: str  #: scheme and host, as in the config; "" if it is not set
    baseurl: str  #: "" or a path with a leading slash
    language: str | None  #: None: not set, or not a language tag
    timezone: tzinfo
    future: bool  #: whether posts appear before their date
    scope: Scope
    config: Mapping[str, Any]  #: the whole config, for Liquid's `site`
    data: Mapping[str, Any]  #: Liquid's `site.data`
    by: tuple[str, ...]  #: kinds of terms that jekyll-feed makes feeds of
    tag_feeds: TagFeeds
    excerpt_only: bool
    posts_limit: int | None  #: entries in a feed; None: not set
    excerpt_separator: str  #: "" for no excerpts
    suffixes: tuple[str, ...]  #: of Markdown files, as in the config
    kramdown: KramdownOptions
    highlighter: str | None  #: "rouge" by default, or the config's, like "none"; None: it is empty
    permalink: str  #: the template of posts
    collections: Mapping[str, Collection]  #: with `output`, by label; without posts
    collections_dir: str  #: the folder above `_posts` and the collections; "" is the source
    author: Any  #: as in the config
    plugins: Plugins
    defaults: Defaults
    digest: str  #: of everything that can change how a post is read or rendered

    def until(self, now: datetime) -> datetime:
        """The latest date of posts that are shown."""
        return ALWAYS if self.future else now
