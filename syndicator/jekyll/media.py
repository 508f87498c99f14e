"""The image and the enclosures (audio, video) that a post's front matter names."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import unquote, urlsplit

from syndicator.jekyll.addresses import absolute
from syndicator.jekyll.as_text import is_empty
from syndicator.jekyll.characters import printable
from syndicator.jekyll.site import Site
from syndicator.model.content import Media
from syndicator.model.lookups import SiteFiles

# The standard library's table depends on the machine's /etc/mime.types.
_TYPES = {
    "apng": "image/apng",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "ico": "image/x-icon",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "webp": "image/webp",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "ogv": "video/ogg",
    "webm": "video/webm",
}
_WORD = r"[\w!#$&.+^-]+"
_MEDIA_TYPE = re.compile(rf'{_WORD}/{_WORD}(?:\s*;\s*{_WORD}=(?:{_WORD}|"[^"\\]*"))*', re.ASCII)
_ADDRESS_KEYS = ("url", "path", "file", "src")
#: The keys of an image's address, as in jekyll-seo-tag; the first that is present is used.
_IMAGE_KEYS = ("path", "url", "src", "facebook", "twitter")
#: Addresses that hold their own content, run it, or are known to one browser only.
_NO_FILES = ("data:", "blob:", "javascript:")
_SUFFIX = re.compile(r"/[^/]*\.([a-z]\w{1,4})\Z", re.IGNORECASE)
_PAGES = frozenset({"html", "htm", "php", "asp", "aspx", "xml"})
#: Keys that name files and nothing else.
_ONLY_FILES = ("enclosure", "enclosures")
ENCLOSURE_KEYS = ("enclosure", "enclosures", "audio", "video", "podcast")


def image(front: Mapping[str, Any], site: Site, files: SiteFiles) -> Media | None:
    """The post's image: `image` is an address, or a mapping with one. None: no usable image."""
    address = image_address(front)
    return None if address is None else _media(address, _first_image(front), site, files)


def image_address(front: Mapping[str, Any]) -> str | None:
    """The address of the post's image as written. None: it names no image."""
    return _first(_first_image(front), _IMAGE_KEYS)


def _first_image(front: Mapping[str, Any]) -> Any:
    value = front.get("image")
    return value[0] if isinstance(value, list) and value else value


def enclosures(front: Mapping[str, Any], site: Site, files: SiteFiles) -> tuple[Media, ...]:
    """The audio and video of the post, each once.

    Only addresses that are audio or video by their suffix or their `type` are used: themes also
    keep a player's id in `video`.
    """
    by_url: dict[str, Media] = {}
    for key in ENCLOSURE_KEYS:
        for each in _values(front, key):
            if media := _enclosure(each, site, files):
                by_url.setdefault(media.url, media)
    return tuple(by_url.values())


def _values(front: Mapping[str, Any], key: str) -> list[Any]:
    value = front.get(key)
    return value if isinstance(value, list) else [value]


def _enclosure(value: Any, site: Site, files: SiteFiles) -> Media | None:
    address = address_of(value)
    media = None if address is None else _media(address, value, site, files)
    is_usable = media and media.type and media.type.startswith(("audio/", "video/"))
    return media if is_usable else None


def _is_of_file(address: str, site: Site) -> bool:
    """Whether an address is meant for a file that is not a page: by its suffix, or its scheme."""
    url = absolute_on(site, address)
    suffix = None if url is None else _SUFFIX.search(urlsplit(url).path)
    return url is None or (suffix is not None and suffix[1].lower() not in _PAGES)


def without_enclosure(
    front: Mapping[str, Any], site: Site, files: SiteFiles
) -> dict[str, list[Any]]:
    """The values that should be audio or video and are not, by key.

    `enclosure` has no other use. Of the other keys, which themes also use for a player's id or
    page, an address is meant for a file if it has a file's suffix.
    """
    unusable: dict[str, list[Any]] = {}
    for key in ENCLOSURE_KEYS:
        for each in _values(front, key):
            address = address_of(each)
            is_meant = key in _ONLY_FILES or (address and _is_of_file(address, site))
            if is_meant and not is_empty(each) and _enclosure(each, site, files) is None:
                unusable.setdefault(key, []).append(each)
    return unusable


def unusable_lengths(front: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The first length of each key that is given and is not a number of bytes."""
    for key in ENCLOSURE_KEYS:
        mappings = (each for each in _values(front, key) if isinstance(each, Mapping))
        lengths = (each.get("length", each.get("size")) for each in mappings)
        unusable = (one for one in lengths if not is_empty(one) and _byte_count(one) is None)
        for length in islice(unusable, 1):
            yield key, length


def enclosure_mappings(front: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The values of the enclosures' keys that are mappings, which may say more of them."""
    flat = (each for key in ENCLOSURE_KEYS for each in _values(front, key))
    return tuple(each for each in flat if isinstance(each, Mapping))


def address_of(value: object) -> str | None:
    """The address of a file as written: the value, or that of `url`, `path`, `file` or `src`."""
    return _first(value, _ADDRESS_KEYS)


def _first(value: object, keys: tuple[str, ...]) -> str | None:
    if isinstance(value, Mapping):
        value = next((value[key] for key in keys if isinstance(value.get(key), str)), None)
    return value.strip() if isinstance(value, str) and value.strip() else None


def _media(address: str, value: object, site: Site, files: SiteFiles) -> Media | None:
    fields = value if isinstance(value, Mapping) else {}
    url = absolute_on(site, address)
    if url is None:
        return None
    local = _local_path(url, site)
    length = files.size(local) if local else None
    if length is None:
        length = _byte_count(fields.get("length", fields.get("size")))
    return Media(
        url=url,
        type=media_type(fields.get("type"))
        or _TYPES.get(urlsplit(url).path.rpartition(".")[2].lower()),
        length=length,
        alt=_text(fields.get("alt")),
    )


def absolute_on(site: Site, address: str) -> str | None:
    """Like jekyll-feed: without a scheme the address is relative to the site's root.

    None: no file can be there, or not for readers.
    """
    if address.lower().startswith(_NO_FILES):
        return None
    root = f"{site.url}{site.baseurl}/"
    if "://" not in address and not address.startswith("//"):
        address = root + address.removeprefix("./").lstrip("/")
    return absolute(address, root)


def _local_path(url: str, site: Site) -> str | None:
    root = f"{site.url}{site.baseurl}/"
    return unquote(urlsplit(url).path[len(urlsplit(root).path) :]) if url.startswith(root) else None


def _byte_count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:18])
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def media_type(value: object) -> str | None:
    """A media type (RFC 9110 §8.3.1); None when the value is not one."""
    text = _text(value)
    return text if text and _MEDIA_TYPE.fullmatch(text) else None


def _text(value: object) -> str | None:
    return printable(value).strip() or None if isinstance(value, str) else None
