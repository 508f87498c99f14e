"""The values that all formats write alike: addresses, ids, dates, languages, labels."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import MAXYEAR, UTC, datetime, timedelta
from hashlib import blake2b
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from syndicator.model.content import Entry

GENERATOR = "syndicator"

#: The heading above the feeds of each kind of term.
HEADINGS = {
    "category": "Categories",
    "tag": "Tags",
    "author": "Authors",
    "collection": "Collections",
    "language": "Languages",
}

_NORMAL = re.compile(r"[\w/:=&?~+!$,;'@()*#.-]*", re.ASCII)
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WEB = re.compile(r"https?://[^\s/?#]\S*", re.IGNORECASE)
# Text, since few ids are other than web addresses: `re` compiles it then.
_OTHER_SCHEME = r"(?ai)(?!https?:)[a-z][a-z0-9+.-]*:[\w;/?:@&=+$.!~*'(),%#-]+"
_SCHEMES = {
    "tag": r"(?a)tag:([a-z0-9._-]+@)?[a-z0-9.-]+,\d{4}(-\d\d){0,2}:[\w;/?:@&=+$.!~*'(),%-]*",
    "urn": (
        r"(?ai)urn:(uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
        r"|(?!uuid:)[a-z0-9][a-z0-9-]{1,31}:[\w()+,.:=@;$!*'%-]+)"
    ),
}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


def uri(address: str) -> str:
    """The address escaped by RFC 3986, which many readers require."""
    if _NORMAL.fullmatch(address):
        return address
    return quote(_LONE_PERCENT.sub("%25", address), safe="%/:=&?~+!$,;'@()*#[]")


def entry_id(text: str) -> str:
    """An entry's id as a URI, which Atom requires (RFC 4287 §4.2.6). All formats use the same id.

    A URI stays as it is, since readers compare character by character. Any other id (a number, a
    name, a path) becomes a `urn:uuid:` that depends on the id alone, wherever the site moves.
    """
    if _WEB.fullmatch(text):
        return uri(text).replace("[", "%5B").replace("]", "%5D")
    scheme = text.partition(":")[0].lower()
    return text if re.fullmatch(_SCHEMES.get(scheme, _OTHER_SCHEME), text) else _urn(text)


def _urn(text: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, text)}"


def language(tag: str | None) -> str | None:
    """A language tag as BCP 47 writes it; None when the text is not one."""
    tag = (tag or "").replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else None


def utc_seconds(when: datetime) -> datetime:
    """The time in UTC and whole seconds: RFC 822 has no fractions, and all formats must agree."""
    return when.astimezone(UTC).replace(microsecond=0)


def distinct_updates(entries: Sequence[Entry]) -> list[datetime]:
    """Each entry's `updated` for Atom: posts of one day without a time are set seconds apart.

    Validators warn of entries with the same `updated`, and some readers identify entries by it. The
    seconds are derived from the id, so that they stay when another such post is added or removed. A
    shared time that is not on a quarter-hour is kept, since its author gave it: midnight is on one
    in every zone.
    """
    updated_times = [utc_seconds(entry.updated) for entry in entries]
    shared = Counter(updated_times)
    used = set(updated_times)
    times = []
    for entry, when in zip(entries, updated_times, strict=True):
        if shared[when] > 1 and when.minute % 15 == when.second == 0 and when.year < MAXYEAR:
            digest = blake2b(entry.id.encode(errors="replace"), digest_size=4).digest()
            seconds = 1 + int.from_bytes(digest) % _spread(shared[when])
            while (moved := when + timedelta(seconds=seconds)) in used:
                seconds += 1
            when = moved
            used.add(when)
        times.append(when)
    return times


def _spread(posts: int) -> int:
    """The seconds over which so many posts are set apart: rarely another number for one more."""
    seconds = 59
    while seconds < 4 * posts:
        seconds *= 16
    return seconds


def labels(entry: Entry) -> tuple[str, ...]:
    """Categories, then tags, each once."""
    names = (*entry.categories, *entry.tags)
    return tuple(dict.fromkeys(name for name in names if name.strip()))
