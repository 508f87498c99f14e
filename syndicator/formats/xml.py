"""RSS 2.0 and Atom 1.0, written by feedgen, with what feedgen 1.0 gets wrong put right by extensions of it."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

import feedgen.entry
import feedgen.feed
from feedgen.entry import FeedEntry
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml.etree import QName, SubElement, _Element

from syndicator.formats.common import GENERATOR, apart, entry_id, language, moment, uri, words
from syndicator.formats.size_limit import Rendered, items
from syndicator.model.content import Author, Entry, Feed, Media

ATOM = "http://www.w3.org/2005/Atom"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"
XML = "http://www.w3.org/XML/1998/namespace"

#: Atom demands a date of a feed that never had an entry (RFC 4287 §4.1.1), and the clock's would change each time.
#: The month of that RFC: no Atom is older, and validators doubt anything before 1990.
NEVER = datetime(2005, 12, 1, tzinfo=UTC)


def _rfc822(when: datetime) -> str:
    return format_datetime(when, usegmt=True)


# feedgen changes the locale of the whole process for every date it writes, and back; another thread would notice.
feedgen.feed.formatRFC2822 = feedgen.entry.formatRFC2822 = _rfc822


def rss(feed: Feed) -> Rendered:
    """RSS 2.0. Raises ValueError when a text holds what XML forbids."""
    return _rendered(feed, "rss", [moment(entry.updated) for entry in feed.entries])


def atom(feed: Feed) -> Rendered:
    """Atom 1.0. Raises ValueError when a text holds what XML forbids."""
    return _rendered(feed, "atom", apart(feed.entries))


def _rendered(feed: Feed, suffix: str, moments: Sequence[datetime]) -> Rendered:
    """What doesn't stand in an item is made each time, and with it the items that are not remembered."""
    entries = list(zip(feed.entries, moments, strict=True))
    made: list[Rendered] = []

    def write(missing: list[int]) -> tuple[bytes, ...]:
        document = _generator(feed, suffix, [entries[at] for at in missing])
        if suffix == "rss":
            made.append(_split(_profiled(document.rss_str()), b"<item>", b"</channel>"))
        else:
            made.append(_split(document.atom_str(), b"<entry", b"</feed>"))
        return made[0].items

    written = items(suffix, entries, write)
    return made[0]._replace(items=written)


def _generator(feed: Feed, suffix: str, entries: Iterable[tuple[Entry, datetime]]) -> FeedGenerator:
    spec, site = feed.spec, feed.site
    made = FeedGenerator()
    made.register_extension("mended", _FeedMended, _EntryMended)
    made.mended.feed = feed
    made.id(spec.url("atom"))
    made.title(spec.title or site.title or spec.name)
    made.description(site.description or spec.title or site.title or spec.name)
    made.updated(moment(feed.updated or NEVER))
    made.generator(GENERATOR)
    made.author(
        [_author(author) for author in site.authors or (Author(name=site.title or spec.title),)]
    )
    for hub in spec.hubs:
        made.link(href=hub, rel="hub")
    made.link(href=spec.url(suffix), rel="self", type=f"application/{suffix}+xml")
    made.link(
        href=uri(site.url), rel="alternate", type="text/html"
    )  # last: feedgen makes the last the channel's
    made.language(language(site.language))
    if site.icon:
        made.icon(uri(site.icon))
    if site.logo or site.icon:
        made.logo(uri(site.logo or site.icon or ""))
    for entry, updated in entries:
        made.add_entry(_entry(entry, updated, suffix), order="append").mended.entry = entry
    return made


def _entry(entry: Entry, updated: datetime, suffix: str) -> FeedEntry:
    made = FeedEntry()
    identity, url = entry_id(entry.id), uri(entry.url)
    made.guid(identity, permalink=identity == url)
    made.title(entry.title or url)
    made.link(href=url)
    made.published(moment(entry.published))
    made.updated(updated)
    # RSS readers take a description for HTML, whatever it is; Atom says that this one is text.
    summary = escape(entry.summary, quote=False) if suffix == "rss" else entry.summary
    if entry.content:
        made.content(entry.content, type="html")
    elif suffix == "atom" and not summary:
        summary = (
            entry.title or url
        )  # Atom wants text of an entry, and readers show this one's as empty otherwise
    if summary:
        made.summary(summary)
    made.category([{"term": word} for word in words(entry)])
    if suffix == "atom":
        made.author([_author(author) for author in entry.authors])
    return made


def _author(author: Author) -> dict[str, str]:
    details = {"email": author.email, "uri": author.uri and uri(author.uri)}
    return {"name": author.name, **{key: value for key, value in details.items() if value}}


#: RSS 2.0 has GIF, JPEG and PNG for a channel's image (https://www.rssboard.org/rss-specification); no name, no doubt.
_NO_RSS_IMAGE = re.compile(r"\.(?!(?:gif|jpe?g|png)\Z)\w+\Z", re.IGNORECASE)

_LIKE_MARKUP = re.compile(r"<[/a-zA-Z]|&#?\w+;")


class _FeedMended(BaseExtension):  # type: ignore[misc]
    """What feedgen leaves out of a feed."""

    feed: Feed

    def extend_ns(self) -> dict[str, str]:
        return {"media": MEDIA, "dc": DC}

    def extend_rss(self, root: _Element) -> None:
        channel = root[0]
        for hub in self.feed.spec.hubs:
            SubElement(channel, QName(ATOM, "link"), href=hub, rel="hub")
        built = channel.find("lastBuildDate")
        if self.feed.updated is None and built is not None:
            channel.remove(built)
        logo = channel.find("image")
        if logo is not None and _NO_RSS_IMAGE.search(logo.findtext("url", "")):
            channel.remove(logo)


class _EntryMended(BaseEntryExtension):  # type: ignore[misc]
    """What feedgen leaves out of an entry, or writes without its attributes."""

    entry: Entry

    def extend_rss(self, item: _Element) -> None:
        for author in self.entry.authors:
            SubElement(item, QName(DC, "creator")).text = author.name
        if spoken := language(self.entry.language):
            SubElement(item, QName(DC, "language")).text = spoken
        complete = [
            media for media in self.entry.enclosures if media.type and media.length is not None
        ]
        for media in complete[:1]:  # RSS 2.0 knows one, and only with its length and type
            SubElement(
                item,
                "enclosure",
                url=uri(media.url),
                length=str(media.length),
                type=media.type or "",
            )
        _media(
            item,
            self.entry.image,
            (media for media in self.entry.enclosures if media not in complete[:1]),
        )

    def extend_atom(self, entry: _Element) -> None:
        # The entry's only one so far, of which feedgen kept no more than the address.
        for link in entry.findall("link"):
            link.attrib.update({"rel": "alternate", "type": "text/html"})
        for text in (entry.find("title"), entry.find("summary")):
            if text is not None and text.text and _LIKE_MARKUP.search(text.text):
                text.set(
                    "type", "html"
                )  # readers guess, whatever Atom says of text; this leaves no doubt
                text.text = escape(text.text, quote=False)
        if spoken := language(self.entry.language):
            entry.set(QName(XML, "lang"), spoken)
        for media in self.entry.enclosures:
            length = None if media.length is None else str(media.length)
            details = {"type": media.type, "length": length}
            SubElement(entry, "link", _said(details), rel="enclosure", href=uri(media.url))
        _media(entry, self.entry.image, ())


def _media(parent: _Element, image: Media | None, others: Iterable[Media]) -> None:
    """Media RSS without its group, which readers of pictures overlook."""
    for media in ([image] if image else []) + list(others):
        medium = (media.type or "").partition("/")[0]
        details = {
            "url": uri(media.url),
            "type": media.type,
            "medium": "image"
            if media is image
            else medium
            if medium in {"audio", "video"}
            else None,
            "fileSize": None if media.length is None else str(media.length),
        }
        SubElement(parent, QName(MEDIA, "content"), _said(details))
    if image:
        SubElement(parent, QName(MEDIA, "thumbnail"), url=uri(image.url))


def _said(attributes: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if value is not None}


def _split(data: bytes, opening: bytes, closing: bytes) -> Rendered:
    """Cut a document before each item. Text can't be taken for one: in text, `<` is always written `&lt;`."""
    body, end, tail = data.rpartition(closing)
    head, *items = body.split(opening)
    return Rendered(head, tuple(opening + item for item in items), end + tail, b"\n")


_TITLE = re.compile(rb"<title>[^<]*[&][^<]*</title>")


def _profiled(data: bytes) -> bytes:
    """Plain text in titles by the RSS Profile's rule, which no reader takes for markup.

    https://www.rssboard.org/rss-profile#data-types-characterdata
    """
    return _TITLE.sub(
        lambda title: title[0].replace(b"&lt;", b"&#x3C;").replace(b"&amp;", b"&#x26;"), data
    )
