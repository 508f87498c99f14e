"""Which tags have a feed of their own (jekyll-feed, generator.rb `generate_feed_by_tag`)."""

from typing import Any

from msgspec import Struct

from syndicator.jekyll.as_text import as_text
from syndicator.model.content import Term


class TagFeeds(Struct, frozen=True, kw_only=True):
    """The tags of `feed.tags`, compared as they are written."""

    only: frozenset[str] | None = None  #: None: all tags
    excluded: frozenset[str] = frozenset()

    def allow(self, term: Term) -> bool:
        """Whether a term may have a feed; always if it is not a tag."""
        if term.kind != "tag":
            return True
        return term.label not in self.excluded and (self.only is None or term.label in self.only)


def read_tag_feeds(setting: Any) -> TagFeeds:
    """`setting`: of `feed.tags`, which may also be true."""
    if not isinstance(setting, dict):
        return TagFeeds()
    only, excluded = setting.get("only"), setting.get("except")
    return TagFeeds(
        only=_labels(only) if isinstance(only, list) else None, excluded=_labels(excluded)
    )


def _labels(names: Any) -> frozenset[str]:
    return frozenset(map(as_text, names)) if isinstance(names, list) else frozenset()
