"""Decides what `preview` says of a post: where its id comes from, and why a feed lacks it.

The build decides what is in a feed. Nothing here does: it says which of its rules applied.
"""

from collections.abc import Container, Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from syndicator.build.feed_names import is_in_main_feed, is_translation
from syndicator.jekyll.site import Collection
from syndicator.model.content import PostHead, Scope, Term
from syndicator.sources.document_rules import DocumentRules


class IdSource(StrEnum):
    """Where the id of a post comes from."""

    FRONT_MATTER = "front matter"
    JEKYLL_FEED = "jekyll-feed"
    SUFFIX = "suffix"
    STATE = "state"
    FEED_FILES = "feed files"


def id_source(id: str, own: PostHead | None, known_ids: Container[str]) -> IdSource:
    """Where a post's id comes from.

    `own`: the post as its file alone describes it; None: its file can't be read now. `known_ids`:
    those of the state, before this post was read again.
    """
    if own and id == own.id:
        return IdSource.FRONT_MATTER if own.own_id else IdSource.JEKYLL_FEED
    if own and id.startswith(f"{own.id}#"):
        return IdSource.SUFFIX
    return IdSource.STATE if id in known_ids else IdSource.FEED_FILES


def not_a_document(path: str, scope: Scope, collections: Mapping[str, Collection]) -> str:
    """Why a file of the site is not read.

    `scope`: the documents that a build reads. `collections`: of the site, by label.
    """
    *folders, name = path.split("/")
    rules = DocumentRules(scope)
    above = ["/".join(folders[: at + 1]) for at in range(len(folders))]
    of_file = [one for one in collections.values() if path.startswith(f"{one.folder}/")]
    if not rules.is_named(name):
        return "its name has no suffix of Markdown or HTML"
    if any(map(rules.is_excluded, (path, *above))):
        return "it is excluded: by exclude in _config.yml, or as a file of the output folder"
    if "_drafts" in folders:
        return "it is a draft: move it to _posts, under a name with a date, to publish it"
    if of_file and of_file[0].folder not in scope.roots:
        label = of_file[0].label
        return f'its collection "{label}" has no feeds: see feeds.by, and feed in _config.yml'
    return "it is in no folder that holds posts, such as _posts"


def withheld(
    head: PostHead | None, until: datetime, *, unpublished: bool, reported: bool
) -> str | None:
    """Why no feed has a document that was read; None: feeds may have it.

    `head`: of its last version that could be read as a post; None: none could. `until`: the latest
    date of posts that are shown. Of its present version: whether it is `unpublished` by its front
    matter, and whether a problem or note was `reported`.
    """
    if head is None and unpublished:
        return "it is not published: its front matter has published: false or draft: true"
    if head is None and reported:
        return "it can't be read as a post: see its problems and notes"
    if head is None:
        return "it is not a post: because of its name, or since it has no front matter"
    if not head.listed:
        return "its front matter keeps it out of feeds: hidden, feed or exclude_from_feed"
    if head.published > until:
        return f"its date is ahead: it appears at {head.published:%Y-%m-%d %H:%M:%S} UTC"
    return None


def beside_main_feed(terms: Iterable[Term], default_language: str | None) -> str | None:
    """Why the feed of the whole site lacks a post that others may have; None: it doesn't."""
    terms = list(terms)
    if is_in_main_feed(terms, default_language):
        return None
    if is_translation(terms, default_language):
        return "its language is not the site's: only the feed of its language has it"
    return "it is a document of a collection, not a post"


def left_out(*, selected: bool, rendered: bool, written: bool, limit: int, max_bytes: int) -> str:
    """Why a feed that may have a post lacks it.

    `selected`: whether it is among the newest posts. `rendered`: whether it has an entry.
    `written`: whether each format can hold the entry.
    """
    if not selected:
        return f"it is not among the newest {limit:,}: see feeds.limit"
    if not rendered:
        return "it can't be rendered: see its problems"
    if not written:
        return "a format can't hold it: see its problems"
    return f"newer entries fill the feed's {max_bytes:,} bytes: see feeds.max_bytes"
