"""The episode of a podcast, from a post's front matter. Jekyll and jekyll-feed know none.

The keys are named as Apple's tags are, without their prefix, and as those of Podcasting 2.0:
https://help.apple.com/itc/podcasts_connect/#/itcb54353390,
https://github.com/Podcastindex-org/podcast-namespace/tree/main/docs/tags
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from syndicator.jekyll import media
from syndicator.jekyll.as_text import is_empty, label, language_tag, quoted
from syndicator.jekyll.front_notes import front_note
from syndicator.jekyll.shows import read_explicit
from syndicator.jekyll.site import Site
from syndicator.model.content import Entry, Post, Problem
from syndicator.model.lookups import SiteFiles
from syndicator.model.podcast import Episode, Transcript

#: The keys, and what each accepts, for the note about a value that can't be used.
ACCEPTED = {
    "duration": 'write seconds, or "1:02:03"',
    "explicit": "write true or false",
    "episode": "write a whole number from 1",
    "season": "write a whole number from 1",
    "episode_type": "write full, trailer or bonus",
    "transcript": "give the address of a .vtt, .srt, .json, .html or .txt file",
    "chapters": "give the address of a JSON file with the chapters",
    "image": "give the episode a JPEG or PNG: podcast apps show no other picture",
}
_OTHER_NAMES = {"transcript": ("transcripts",)}
#: Those that make a post an episode.
_KEYS = tuple(key for key in ACCEPTED if key != "image")
_TRANSCRIPT_TYPES = {
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "json": "application/json",
    "html": "text/html",
    "txt": "text/plain",
}
_IMAGE_TYPES = frozenset({"image/jpeg", "image/png"})
#: `1:02:03`, `62:03` or `3723`. YAML makes seconds of most of them, but not of `01:02:03`.
_CLOCK = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,7})(?:\.\d{1,9})?", re.ASCII)
_SUFFIX = re.compile(r"(\.[a-z]\w{1,9})\Z")
_MAX_SECONDS = 10_000_000
_MAX_NUMBER = 1_000_000
_MAX_TRANSCRIPTS = 20


def read_episode(
    post: Post, site: Site, files: SiteFiles, entry: Entry
) -> tuple[Episode | None, tuple[Problem, ...]]:
    """The episode of a post, and a note for each value that can't be used.

    `entry`: the post's, with its image and enclosures. None: the post has no audio or video, or
    neither it nor the site's config says anything of a podcast. Each key is read from the mapping
    of the enclosure (`podcast`, `enclosure`, …), else from the front matter itself.
    """
    if not entry.enclosures:
        return None, ()
    values = _values(post.front)
    if not values and site.info.show is None:
        return None, ()
    transcripts = _transcripts(values.get("transcript"), site)
    episode = Episode(
        seconds=_seconds(values.get("duration")),
        explicit=read_explicit(values.get("explicit")),
        number=_number(values.get("episode")),
        season=_number(values.get("season")),
        kind=_kind(values.get("episode_type")),
        image=_image(post.front, entry, site, files),
        transcripts=tuple(each for each in transcripts if each),
        chapters=_chapters(values.get("chapters"), site),
    )
    read = {
        "duration": episode.seconds,
        "explicit": episode.explicit,
        "episode": episode.number,
        "season": episode.season,
        "episode_type": episode.kind,
        "transcript": None if None in transcripts else transcripts,
        "chapters": episode.chapters,
        "image": episode.image,
    }
    fronts = (*media.enclosure_mappings(post.front), *([post.front] if entry.image else []))
    if picture := next(filter(None, map(media.image_address, fronts)), None):
        values["image"] = picture
    return episode, tuple(_note(post, key, values[key]) for key in values if read[key] is None)


def _values(front: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the keys that are given, the enclosure's own before the post's."""
    mappings = [*media.enclosure_mappings(front), front]
    values = {}
    for key in _KEYS:
        names = (key, *_OTHER_NAMES.get(key, ()))
        given = (each.get(name) for each in mappings for name in names)
        value = next((value for value in given if value is False or not is_empty(value)), None)
        if value is not None:
            values[key] = value
    return values


def _note(post: Post, key: str, value: Any) -> Problem:
    message = f"{key} of the episode can't be used: {quoted(value)}"
    names = (key, *_OTHER_NAMES.get(key, ()))
    if any(name in mapping for mapping in media.enclosure_mappings(post.front) for name in names):
        names += media.ENCLOSURE_KEYS
    return front_note(post, names, message, ACCEPTED[key])


def _seconds(value: Any) -> int | None:
    if isinstance(value, float) and 0 < value < _MAX_SECONDS:
        value = int(value)
    if isinstance(value, str) and (clock := _CLOCK.fullmatch(value.strip())):
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        value = hours * 3600 + minutes * 60 + seconds
    return _whole(value, _MAX_SECONDS)


def _number(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value.strip(), re.ASCII):
        value = int(value)
    return _whole(value, _MAX_NUMBER)


def _whole(value: Any, most: int) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value <= most else None


def _kind(value: Any) -> str | None:
    kind = label(value).lower()
    return kind if kind in ("full", "trailer", "bonus") else None


def _image(front: Mapping[str, Any], entry: Entry, site: Site, files: SiteFiles) -> str | None:
    """The enclosure's own image, else the post's; Apple has JPEG and PNG only."""
    own = (media.image(mapping, site, files) for mapping in media.enclosure_mappings(front))
    images = (*own, entry.image)
    return next((each.url for each in images if each and each.type in _IMAGE_TYPES), None)


def _chapters(value: Any, site: Site) -> str | None:
    """The address of chapters, unless its suffix or its type is that of another file."""
    address = _address(value, site)
    fields = value if isinstance(value, Mapping) else {}
    media_type = media.media_type(fields.get("type"))
    suffix = _SUFFIX.search(urlsplit(address or "").path)
    is_json = "json" in media_type if media_type else suffix is None or suffix[1] == ".json"
    return address if is_json else None


def _transcripts(value: Any, site: Site) -> tuple[Transcript | None, ...]:
    """The transcripts; None for one without a type or an address, and for those over a limit."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    read = tuple(_transcript(each, site) for each in values[:_MAX_TRANSCRIPTS])
    return read if len(values) <= _MAX_TRANSCRIPTS else (*read, None)


def _transcript(value: Any, site: Site) -> Transcript | None:
    address = _address(value, site)
    fields = value if isinstance(value, Mapping) else {}
    if address is None:
        return None
    suffix = urlsplit(address).path.rpartition(".")[2].lower()
    media_type = media.media_type(fields.get("type")) or _TRANSCRIPT_TYPES.get(suffix)
    language = language_tag(fields.get("language"))
    return Transcript(address, media_type, language) if media_type else None


def _address(value: Any, site: Site) -> str | None:
    """The absolute address of a file; None if the value is not an address, such as a text."""
    address = media.address_of(value)
    return media.absolute_on(site, address) if address and not re.search(r"\s", address) else None
