"""RSS 2.0 and Atom 1.0, written by feedgen. Extensions fix what feedgen 1.0 gets wrong."""

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

from syndicator.formats import history, podcast
from syndicator.formats.field_values import (
    GENERATOR,
    distinct_updates,
    entry_id,
    labels,
    language,
    uri,
    utc_seconds,
)
from syndicator.formats.history import ATOM
from syndicator.formats.size_limit import Rendered, items
from syndicator.model.content import Author, Entry, Feed, Media
from syndicator.model.podcast import Episode, Show

DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"
XML = "http://www.w3.org/XML/1998/namespace"

#: Atom requires a date also of a feed without entries (RFC 4287 §4.1.1). The current time would
#: change at each run. This is the month of that RFC: no Atom feed is older, and validators warn of
#: dates before 1990.
EMPTY_FEED_DATE = datetime(2005, 12, 1, tzinfo=UTC)


def _rfc822(when: datetime) -> str:
    return format_datetime(when, usegmt=True)


# feedgen changes the process's locale for each date that it writes, which affects other threads.
feedgen.feed.formatRFC2822 = feedgen.entry.formatRFC2822 = _rfc822


def rss(feed: Feed) -> Rendered:
    """RSS 2.0. Raises ValueError when a text has a character that XML forbids."""
    return _rendered(feed, "rss", [utc_seconds(entry.updated) for entry in feed.entries])


def atom(feed: Feed) -> Rendered:
    """Atom 1.0. Raises ValueError when a text has a character that XML forbids."""
    return _rendered(feed, "atom", distinct_updates(feed.entries))


def _rendered(feed: Feed, suffix: str, updated_times: Sequence[datetime]) -> Rendered:
    """The document. Head and tail are written each time, items only if they are not cached."""
    entries = list(zip(feed.entries, updated_times, strict=True))
    documents: list[Rendered] = []

    def write(missing: list[int]) -> tuple[bytes, ...]:
        document = _generator(feed, suffix, [entries[at] for at in missing])
        if suffix == "rss":
            data = _escaped_titles(document.rss_str())
            documents.append(_split(data, b"<item>", b"</channel>"))
        else:
            documents.append(_split(document.atom_str(), b"<entry", b"</feed>"))
        return documents[0].items

    written = items(suffix, entries, write)
    return documents[0]._replace(items=written)


def _generator(feed: Feed, suffix: str, entries: Iterable[tuple[Entry, datetime]]) -> FeedGenerator:
    spec, site = feed.spec, feed.site
    generator = FeedGenerator()
    generator.register_extension("fixes", _FeedFixes, _EntryFixes)
    generator.fixes.feed = feed
    generator.id(spec.url("atom", feed.own_name))
    generator.title(spec.title or site.title or spec.name)
    generator.description(site.description or spec.title or site.title or spec.name)
    generator.updated(utc_seconds(feed.updated or EMPTY_FEED_DATE))
    generator.generator(GENERATOR)
    authors = site.authors or (Author(name=site.title or spec.title),)
    generator.author([_author(author) for author in authors])
    for hub in spec.hubs:
        generator.link(href=hub, rel="hub")
    generator.link(href=spec.url(suffix), rel="self", type=f"application/{suffix}+xml")
    # Last: feedgen writes the last link as the channel's.
    generator.link(href=uri(site.url), rel="alternate", type="text/html")
    generator.language(language(site.language))
    if site.icon:
        generator.icon(uri(site.icon))
    if site.logo or site.icon:
        generator.logo(uri(site.logo or site.icon or ""))
    if suffix == "rss" and podcast.has_episodes(feed.entries):
        _add_show(generator, feed)
    for entry, updated in entries:
        item = generator.add_entry(_entry(entry, updated, suffix), order="append")
        item.fixes.entry = entry
        if suffix == "rss" and entry.episode:
            _add_episode(item, entry, entry.episode)
    return generator


def _add_show(generator: FeedGenerator, feed: Feed) -> None:
    """Make the feed a podcast's. Its items may have the tags of episodes from then on."""
    generator.fixes.is_podcast = True
    generator.load_extension("podcast", atom=False)
    show = feed.site.show or Show()
    author, email = podcast.author(feed), podcast.owner_email(feed)
    generator.podcast.itunes_author(author)
    if email:
        generator.podcast.itunes_owner(name=author, email=email)
    for category, below in show.categories:
        generator.podcast.itunes_category(cat=category, sub=below)
    generator.podcast.itunes_type(show.kind)


def _add_episode(item: FeedEntry, entry: Entry, episode: Episode) -> None:
    item.podcast.itunes_author(", ".join(author.name for author in entry.authors))
    item.podcast.itunes_duration(episode.seconds)
    item.podcast.itunes_season(episode.season)
    item.podcast.itunes_episode(episode.number)
    item.podcast.itunes_episode_type(episode.kind)


def _entry(entry: Entry, updated: datetime, suffix: str) -> FeedEntry:
    item = FeedEntry()
    identity, url = entry_id(entry.id), uri(entry.url)
    item.guid(identity, permalink=identity == url)
    item.title(entry.title or url)
    item.link(href=url)
    item.published(utc_seconds(entry.published))
    item.updated(updated)
    # RSS readers parse every description as HTML. In Atom this one is marked as text.
    summary = escape(entry.summary, quote=False) if suffix == "rss" else entry.summary
    if entry.content:
        item.content(entry.content, type="html")
    elif suffix == "atom" and not summary:
        # Atom requires text in an entry, and readers show an entry without text as empty.
        summary = entry.title or url
    if summary:
        item.summary(summary)
    item.category([{"term": name} for name in labels(entry)])
    if suffix == "atom":
        item.author([_author(author) for author in entry.authors])
    return item


def _author(author: Author) -> dict[str, str]:
    details = {"email": author.email, "uri": author.uri and uri(author.uri)}
    return {"name": author.name, **{key: value for key, value in details.items() if value}}


#: A channel's image that RSS 2.0 doesn't allow: other than GIF, JPEG or PNG. A URL without an
#: extension is allowed.
#: https://www.rssboard.org/rss-specification
_NO_RSS_IMAGE = re.compile(r"\.(?!(?:gif|jpe?g|png)\Z)\w+\Z", re.IGNORECASE)

_LIKE_MARKUP = re.compile(r"<[/a-zA-Z]|&#?\w+;")


class _FeedFixes(BaseExtension):  # type: ignore[misc]
    """Adds what feedgen leaves out of a feed."""

    feed: Feed
    is_podcast = False

    def extend_ns(self) -> dict[str, str]:
        namespaces = {"media": MEDIA, "dc": DC}
        if self.is_podcast:
            namespaces["podcast"] = podcast.PODCAST
        if self.feed.history:
            namespaces["fh"] = history.HISTORY
        return namespaces

    def extend_atom(self, root: _Element) -> None:
        history.write(root, self.feed, "atom")

    def extend_rss(self, root: _Element) -> None:
        channel = root[0]
        for hub in self.feed.spec.hubs:
            SubElement(channel, QName(ATOM, "link"), href=hub, rel="hub")
        history.write(channel, self.feed, "rss")
        built = channel.find("lastBuildDate")
        if self.feed.updated is None and built is not None:
            channel.remove(built)
        logo = channel.find("image")
        if logo is not None and _NO_RSS_IMAGE.search(logo.findtext("url", "")):
            channel.remove(logo)
        if self.is_podcast:
            podcast.write_show(channel, self.feed)


class _EntryFixes(BaseEntryExtension):  # type: ignore[misc]
    """Adds what feedgen leaves out of an entry, or writes without its attributes."""

    entry: Entry

    def extend_rss(self, item: _Element) -> None:
        SubElement(item, QName(ATOM, "updated")).text = utc_seconds(self.entry.updated).isoformat()
        for author in self.entry.authors:
            SubElement(item, QName(DC, "creator")).text = author.name
        if entry_language := language(self.entry.language):
            SubElement(item, QName(DC, "language")).text = entry_language
        enclosure = _rss_enclosure(self.entry)
        if enclosure:
            SubElement(
                item,
                "enclosure",
                url=uri(enclosure.url),
                length=str(enclosure.length or 0),
                type=enclosure.type or "",
            )
        others = (media for media in self.entry.enclosures if media is not enclosure)
        _media(item, self.entry.image, others)
        if self.entry.episode:
            podcast.write_episode(item, self.entry.episode)

    def extend_atom(self, entry: _Element) -> None:
        # The entry's only link so far, of which feedgen kept only the address.
        for link in entry.findall("link"):
            link.attrib.update({"rel": "alternate", "type": "text/html"})
        for text in (entry.find("title"), entry.find("summary")):
            if text is not None and text.text and _LIKE_MARKUP.search(text.text):
                # Readers guess the type of a text that looks like markup, so it is written as HTML.
                text.set("type", "html")
                text.text = escape(text.text, quote=False)
        if entry_language := language(self.entry.language):
            entry.set(QName(XML, "lang"), entry_language)
        for media in self.entry.enclosures:
            length = None if media.length is None else str(media.length)
            details = {"type": media.type, "length": length}
            SubElement(entry, "link", _non_empty(details), rel="enclosure", href=uri(media.url))
        _media(entry, self.entry.image, ())


def _rss_enclosure(entry: Entry) -> Media | None:
    """The one enclosure that RSS 2.0 allows an item; None: none has the required type and length.

    Podcast apps see nothing else, so that an episode's length may be 0, which means unknown
    (https://www.rssboard.org/rss-profile#element-channel-item-enclosure).
    """
    typed = [media for media in entry.enclosures if media.type]
    complete = [media for media in typed if media.length is not None]
    return next(iter(complete or (typed if entry.episode else ())), None)


def _media(parent: _Element, image: Media | None, others: Iterable[Media]) -> None:
    """Write Media RSS. No media:group: readers ignore the images in it."""
    for media in ([image] if image else []) + list(others):
        kind = (media.type or "").partition("/")[0]
        medium = kind if kind in {"audio", "video"} else None
        details = {
            "url": uri(media.url),
            "type": media.type,
            "medium": "image" if media is image else medium,
            "fileSize": None if media.length is None else str(media.length),
        }
        SubElement(parent, QName(MEDIA, "content"), _non_empty(details))
    if image:
        SubElement(parent, QName(MEDIA, "thumbnail"), url=uri(image.url))


def _non_empty(attributes: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if value is not None}


def _split(data: bytes, opening: bytes, closing: bytes) -> Rendered:
    """Cut a document before each item. Text can't match: in text, `<` is always written `&lt;`."""
    body, end, tail = data.rpartition(closing)
    head, *rest = body.split(opening)
    return Rendered(head, tuple(opening + item for item in rest), end + tail, b"\n")


_TITLE = re.compile(rb"<title>[^<]*[&][^<]*</title>")


def _escaped_titles(data: bytes) -> bytes:
    """Escape plain text in titles by the RSS Profile's rule, so that no reader parses it as markup.

    https://www.rssboard.org/rss-profile#data-types-characterdata
    """

    def escaped(title: re.Match[bytes]) -> bytes:
        return title[0].replace(b"&lt;", b"&#x3C;").replace(b"&amp;", b"&#x26;")

    return _TITLE.sub(escaped, data)
