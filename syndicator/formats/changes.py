"""Which entries a published feed has, and the same feed without some of them.

A hub may leave out of a feed what a subscriber was sent before (W3C WebSub §7).
"""

import json
from collections.abc import Collection

from lxml import etree
from msgspec.structs import replace

from syndicator.formats.history import ATOM
from syndicator.model.content import FeedFile, digest_of

_ENTRIES = {"application/rss+xml": "channel/item", "application/atom+xml": f"{{{ATOM}}}entry"}
_JSON = "application/feed+json"


def entry_digests(file: FeedFile) -> tuple[str, ...]:
    """A digest of each entry of a feed, as it stands there. Empty: the file is not a feed."""
    media_type = _media_type(file)
    if media_type == _JSON:
        return tuple(_json_digest(item) for item in json.loads(file.data)["items"])
    if media_type in _ENTRIES:
        return tuple(map(_xml_digest, _parse(file.data).iterfind(_ENTRIES[media_type])))
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
        items = [item for item in feed["items"] if _json_digest(item) not in known]
        changed = json.dumps(feed | {"items": items}, ensure_ascii=False, separators=(",", ":"))
        return changed.encode() if items else None
    if media_type not in _ENTRIES:
        return None
    root = _parse(data)
    left = 0
    for entry in root.findall(_ENTRIES[media_type]):
        parent = entry.getparent()
        if parent is not None and _xml_digest(entry) in known:
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


def _xml_digest(entry: etree._Element) -> str:
    # Exclusive: namespaces that the feed declares and the entry does not use are not part of it.
    return digest_of(etree.tostring(entry, method="c14n", exclusive=True, with_tail=False))


def _json_digest(item: object) -> str:
    return digest_of(json.dumps(item, ensure_ascii=False, sort_keys=True).encode())
