"""The tags of a podcast that feedgen can't write, for RSS.

- Apple's: https://help.apple.com/itc/podcasts_connect/#/itcb54353390. Of `explicit` feedgen 1.0
  knows "yes", "no" and "clean", which are "true" and "false" now; of images only .jpg and .png.
- Podcasting 2.0: https://github.com/Podcastindex-org/podcast-namespace/tree/main/docs/tags
"""

from collections.abc import Iterable

from lxml.etree import QName, SubElement, _Element

from syndicator.formats.field_values import language, uri
from syndicator.model.content import Entry, Feed
from syndicator.model.podcast import Episode, Show

ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST = "https://podcastindex.org/namespace/1.0"

#: Apple has JPEG and PNG only.
_IMAGES = (".jpg", ".jpeg", ".png")


def has_episodes(entries: Iterable[Entry]) -> bool:
    """Whether a feed of these entries is a podcast's."""
    return any(entry.episode for entry in entries)


def author(feed: Feed) -> str:
    """The name of the show's author."""
    names = ", ".join(author.name for author in feed.site.authors)
    return (feed.site.show or Show()).author or names or feed.site.title


def owner_email(feed: Feed) -> str | None:
    """The show's address for directories such as Apple's; None: none is known."""
    addresses = (author.email for author in feed.site.authors if author.email)
    return (feed.site.show or Show()).email or next(addresses, None)


def write_show(channel: _Element, feed: Feed) -> None:
    """Write the image of a show, and whether it is explicit: if one of its episodes is, it is."""
    site = feed.site
    show = site.show or Show()
    images = (image for image in (site.logo, site.icon) if image and is_image(image))
    _write_image(channel, show.image or next(images, None))
    stated = {entry.episode.explicit for entry in feed.entries if entry.episode} - {None}
    of_episodes = True in stated if stated else None
    _write_explicit(channel, of_episodes if show.explicit is None else show.explicit)


def write_episode(item: _Element, episode: Episode) -> None:
    _write_image(item, episode.image)
    _write_explicit(item, episode.explicit)
    for transcript in episode.transcripts:
        attributes = {"url": uri(transcript.url), "type": transcript.type}
        if spoken := language(transcript.language):
            attributes["language"] = spoken
        SubElement(item, QName(PODCAST, "transcript"), attributes)
    if episode.chapters:
        chapters = {"url": uri(episode.chapters), "type": "application/json+chapters"}
        SubElement(item, QName(PODCAST, "chapters"), chapters)


def is_image(address: str) -> bool:
    """Whether Apple has images of this kind, by the suffix."""
    return address.partition("?")[0].lower().endswith(_IMAGES)


def _write_image(parent: _Element, address: str | None) -> None:
    if address:
        SubElement(parent, QName(ITUNES, "image"), href=uri(address))


def _write_explicit(parent: _Element, explicit: bool | None) -> None:
    if explicit is not None:
        SubElement(parent, QName(ITUNES, "explicit")).text = "true" if explicit else "false"
