"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""

import json
from collections.abc import Mapping
from typing import Any

from syndicator.formats.field_values import entry_id, labels, language, uri, utc_seconds
from syndicator.formats.size_limit import Rendered, items
from syndicator.model.content import Author, Entry, Feed, Media
from syndicator.model.podcast import Episode


def render(feed: Feed) -> Rendered:
    """The feed as JSON Feed 1.1 in UTF-8, compact. Raises ValueError for a lone surrogate."""
    spec, site = feed.spec, feed.site
    head = _non_empty(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": spec.title,
            "home_page_url": uri(site.url),
            "feed_url": spec.url("json"),
            "next_url": _next_url(feed),
            "description": site.description,
            "icon": site.icon and uri(site.icon),
            "authors": [_author(author) for author in site.authors],
            "language": language(site.language),
            "hubs": [{"type": "WebSub", "url": hub} for hub in spec.hubs],
        }
    )
    written = items(
        "json",
        [(entry,) for entry in feed.entries],
        lambda missing: (_bytes(_item(feed.entries[at])) for at in missing),
    )
    return Rendered(_bytes(head)[:-1] + b',"items":[\n', written, b"\n]}", b",\n")


def _next_url(feed: Feed) -> str | None:
    """The address of the older items."""
    older = feed.history and feed.history.older
    return feed.spec.url("json", older) if older else None


def _item(entry: Entry) -> Mapping[str, Any]:
    # every item requires content_text or content_html
    content = {"content_html": entry.content} if entry.content else {"content_text": entry.summary}
    return {
        "id": entry_id(entry.id),
        **_non_empty(
            {
                "url": uri(entry.url),
                "external_url": entry.external_url and uri(entry.external_url),
                "title": entry.title,
            }
        ),
        **content,
        **_non_empty(
            {
                "summary": entry.summary,
                "image": entry.image and uri(entry.image.url),
                "date_published": utc_seconds(entry.published).isoformat(),
                "date_modified": utc_seconds(entry.updated).isoformat(),
                "authors": [_author(author) for author in entry.authors],
                "tags": list(labels(entry)),
                "language": language(entry.language),
                # an attachment requires a type
                "attachments": [
                    _attachment(media, entry.episode) for media in entry.enclosures if media.type
                ],
            }
        ),
    }


def _author(author: Author) -> Mapping[str, Any]:
    return _non_empty({"name": author.name, "url": author.uri and uri(author.uri)})


def _attachment(media: Media, episode: Episode | None) -> Mapping[str, Any]:
    return _non_empty(
        {
            "url": uri(media.url),
            "mime_type": media.type,
            "size_in_bytes": media.length,
            "duration_in_seconds": episode and episode.seconds,
        }
    )


def _non_empty(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that have a value. A length of 0 is a value."""
    return {name: value for name, value in members.items() if value not in (None, "", [])}


def _bytes(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
