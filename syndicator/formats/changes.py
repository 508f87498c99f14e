"""Which entries a published feed has, and the same feed without some of them.

A hub may leave out of a feed what a subscriber was sent before (W3C WebSub §7).
"""

import json
from collections.abc import Collection, Mapping

from lxml import etree
from msgspec.structs import replace

from syndicator.formats.history import ATOM
from syndicator.model.content import FeedFile, digest_of

_ENTRIES = {"application/rss+xml": "channel/item", "application/atom+xml": f"{{{ATOM}}}entry"}
_JSON = "application/feed+json"
_XML = "http://www.w3.org/XML/1998/namespace"


#: Elements and members of a feed that apply to its entries without their own: RFC 4287 §4.2.1 and
#: §4.2.10, https://www.jsonfeed.org/version/1.1/#top-level. In RSS the channel has a language.
_INHERITED = {
    "application/rss+xml": ("channel/language",),
    "application/atom+xml": (f"{{{ATOM}}}author", f"{{{ATOM}}}rights"),
    _JSON: ("author", "authors", "language"),
}


def entry_digests(file: FeedFile) -> tuple[str, ...]:
    """A digest of each entry of a feed, with what it inherits from the feed.

    Empty: the file is not a feed.
    """
    media_type = _media_type(file)
    if media_type == _JSON:
        feed = json.loads(file.data)
        return tuple(_json_digest(feed, item) for item in feed["items"])
    if media_type in _ENTRIES:
        root = _parse(file.data)
        inherited = _inherited(root, media_type)
        entries = root.iterfind(_ENTRIES[media_type])
        return tuple(_xml_digest(inherited, entry) for entry in entries)
    return ()


def without(file: FeedFile, known: Collection[str]) -> FeedFile:
    """The feed without the entries of these digests. Its digest stays: it is that of the topic.

    If no entry is left, the file itself: then an entry was removed, or the feed's title changed,
    and only all of it says so.
    """
    data = _without(_media_type(file), file.data, known)
    return file if data is None else replace(file, data=data)


def _without(media_type: str, data: bytes, known: Collection[str]) -> bytes | None:
    if media_type == _JSON:
        feed = json.loads(data)
        items = [item for item in feed["items"] if _json_digest(feed, item) not in known]
        changed = json.dumps(feed | {"items": items}, ensure_ascii=False, separators=(",", ":"))
        return changed.encode() if items else None
    if media_type not in _ENTRIES:
        return None
    root = _parse(data)
    inherited = _inherited(root, media_type)
    left = 0
    for entry in root.findall(_ENTRIES[media_type]):
        parent = entry.getparent()
        if parent is not None and _xml_digest(inherited, entry) in known:
            parent.remove(entry)
        else:
            left += 1
    tree = root.getroottree()
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8") if left else None


def _media_type(file: FeedFile) -> str:
    return file.media_type.partition(";")[0]


def _parse(data: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, strip_cdata=False
    )
    return etree.fromstring(data, parser)


def _inherited(root: etree._Element, media_type: str) -> bytes:
    attributes = [root.get(f"{{{_XML}}}{name}", "") for name in ("lang", "base")]
    elements = [each for path in _INHERITED[media_type] for each in root.iterfind(path)]
    return b"\n".join([*map(str.encode, attributes), *map(_canonical, elements)])


def _xml_digest(inherited: bytes, entry: etree._Element) -> str:
    return digest_of(inherited + _canonical(entry))


def _canonical(element: etree._Element) -> bytes:
    # Exclusive: namespaces that the feed declares and it does not use are not part of it.
    data: bytes = etree.tostring(element, method="c14n", exclusive=True, with_tail=False)
    return data


def _json_digest(feed: Mapping[str, object], item: object) -> str:
    inherited = [feed.get(name) for name in _INHERITED[_JSON]]
    return digest_of(json.dumps([inherited, item], ensure_ascii=False, sort_keys=True).encode())
