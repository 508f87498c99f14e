"""What every format says in the same words: addresses, ids, dates, languages, terms."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import MAXYEAR, UTC, datetime, timedelta
from hashlib import blake2b
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from syndicator.model.content import Entry

GENERATOR = "syndicator"

#: What feeds of each kind of term stand under.
HEADINGS = {
    "category": "Categories",
    "tag": "Tags",
    "author": "Authors",
    "collection": "Collections",
}

_DONE = re.compile(r"[\w/:=&?~+!$,;'@()*#.-]*", re.ASCII)
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WEB = re.compile(r"https?://[^\s/?#]\S*", re.IGNORECASE)
_OTHER_SCHEME = re.compile(
    r"(?!https?:)[a-z][a-z0-9+.-]*:[\w;/?:@&=+$.!~*'(),%#-]+", re.ASCII | re.IGNORECASE
)
_SCHEMES = {
    "tag": re.compile(
        r"tag:([a-z0-9._-]+@)?[a-z0-9.-]+,\d{4}(-\d\d){0,2}:[\w;/?:@&=+$.!~*'(),%-]*", re.ASCII
    ),
    "urn": re.compile(
        r"urn:(uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?!uuid:)[a-z0-9][a-z0-9-]{1,31}:[\w()+,.:=@;$!*'%-]+)",
        re.ASCII | re.IGNORECASE,
    ),
}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


def uri(address: str) -> str:
    """An address with nothing in it that RFC 3986 doesn't know: many readers know nothing else."""
    if _DONE.fullmatch(address):
        return address
    return quote(_LONE_PERCENT.sub("%25", address), safe="%/:=&?~+!$,;'@()*#[]")


def entry_id(text: str) -> str:
    """An entry's id as a URI, which Atom demands (RFC 4287 §4.2.6) and every format repeats.

    An id that is one stays as it is, character by character, for that is how readers compare; one that is not (a
    number, a name, a path) becomes the same `urn:uuid:` every time, wherever the site moves.
    """
    if _WEB.fullmatch(text):
        return uri(text).replace("[", "%5B").replace("]", "%5D")
    scheme = text.partition(":")[0].lower()
    return text if _SCHEMES.get(scheme, _OTHER_SCHEME).fullmatch(text) else _named(text)


def _named(text: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, text)}"


def language(tag: str | None) -> str | None:
    """A language tag as BCP 47 writes it; None when the text is none."""
    tag = (tag or "").replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else None


def moment(when: datetime) -> datetime:
    """In UTC and whole seconds: RFC 822 has no finer, and readers compare what formats say."""
    return when.astimezone(UTC).replace(microsecond=0)


def apart(entries: Sequence[Entry]) -> list[datetime]:
    """When each was updated, as Atom says it: posts of one day without a time are set seconds apart.

    Validators warn of entries that were updated at one moment, and some readers tell entries by it. The seconds come
    from their ids, so that another such post that comes or goes leaves them where they are. A moment that was said to
    the minute is kept, whoever shares it: a zone's midnight is a whole quarter of an hour.
    """
    moments = [moment(entry.updated) for entry in entries]
    shared = Counter(moments)
    taken = set(moments)
    found = []
    for entry, when in zip(entries, moments, strict=True):
        if shared[when] > 1 and when.minute % 15 == when.second == 0 and when.year < MAXYEAR:
            spread = max(59, 4 * shared[when])
            digest = blake2b(entry.id.encode(errors="replace"), digest_size=4).digest()
            apart_by = 1 + int.from_bytes(digest) % spread
            while (moved := when + timedelta(seconds=apart_by)) in taken:
                apart_by += 1
            when = moved
            taken.add(when)
        found.append(when)
    return found


def words(entry: Entry) -> tuple[str, ...]:
    """Categories, then tags, none twice."""
    return tuple(dict.fromkeys(word for word in (*entry.categories, *entry.tags) if word.strip()))
