"""What an address in a post means to someone who reads it elsewhere.

Read as browsers read it (white space, backslashes and stray characters mended, WHATWG URL §4.4), written as
RFC 3986 allows, so that no validator and no reader has to guess.
"""

import re
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

WEB = frozenset({"http", "https"})

_DONE = re.compile(
    r"https?://[a-z0-9.-]+(?::\d{1,4})?(?:[/?#](?:[\w.~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?",
    re.ASCII,
)
_ROOTED = re.compile(
    r"/(?!/)(?:[\w~!$&'()*+,;=:@/?-]|(?<!/)\.|%[0-9A-Fa-f]{2})*(?:#[\w:-]*)?", re.ASCII
)
#: A name or a path below the page's folder, without what joining would change: dots, empty names, a scheme.
_BELOW = re.compile(
    r"[\w~!$&'()*+,=@-](?:[\w~!$&'()*+,=@-]|/(?!/)|(?<!/)\.)*(?:#[\w:-]+)?", re.ASCII
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+", re.IGNORECASE)
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ALLOWED = "%/:=&?~+!$,;'@()*"  # RFC 3986 §3.3 to §3.5, and escapes that are there already
_ENDS = "".join(map(chr, range(0x21)))  # C0 controls and space
_BREAKS = str.maketrans("", "", "\t\n\r")


def absolute(address: str, base: str, *, schemes: frozenset[str] = WEB) -> str | None:
    """The address as a URI, seen from `base`; None when it is broken or its scheme is not among `schemes`.

    `base` is an absolute http or https address. An empty address is the base itself, a fragment a place in it.
    """
    if _ROOTED.fullmatch(address):  # the most of them, by a tenth of the work
        return _origin(base) + address
    if _BELOW.fullmatch(address) and (folder := _folder(base)):
        return folder + address
    address = address.strip(_ENDS).translate(_BREAKS)
    named = _SCHEME.match(address)
    if named and named[1].lower() not in schemes:
        return None
    try:
        if named and named[1].lower() not in WEB:
            return _escaped(address, also="#")
        return _web(address if named else urljoin(base, _slashes(address)))
    except ValueError:  # urllib's word for a bad host, a bad port, half a character
        return None


def absolute_set(candidates: str, base: str) -> str | None:
    """A `srcset` with each address absolute; None when nothing of it is left (HTML §4.8.4.2.1)."""
    kept = []
    for address, descriptor in _candidates(candidates):
        found = absolute(address, base)
        if found:
            kept.append(f"{found} {descriptor}".rstrip())
    return ", ".join(kept) or None


def _candidates(text: str) -> list[tuple[str, str]]:
    """Addresses with their descriptors. An address ends at white space, and may hold commas but not end in one."""
    found: list[tuple[str, str]] = []
    address, descriptors = "", list[str]()
    for word in text.split():
        rest = word
        if address:
            descriptor, comma, rest = word.partition(",")
            descriptors.append(descriptor)
            if comma:
                found.append((address, " ".join(descriptors)))
                address, descriptors = "", []
        rest = rest.lstrip(",")
        if rest and not address:
            address = rest.rstrip(",")
            if address != rest:
                found.append((address, ""))
                address = ""
    if address:
        found.append((address, " ".join(descriptors)))
    return found


@lru_cache(maxsize=64)
def _origin(base: str) -> str:
    return urljoin(base, "/")[:-1]


@lru_cache(maxsize=64)
def _folder(base: str) -> str | None:
    """The address of the folder that a page is in, as joining it with a name would write it."""
    try:
        found = _web(urljoin(base, "x"))
    except ValueError:
        return None
    return found[:-1] if found else None


def _web(address: str) -> str | None:
    if _DONE.fullmatch(address):
        return address
    scheme, netloc, path, query, fragment = urlsplit(_slashes(address))
    user, at, place = netloc.rpartition("@")
    host, port = (parts := urlsplit(f"//{place}")).hostname, parts.port
    if not host:
        return None
    if not host.isascii():
        host = host.encode("idna").decode()
    if not _HOST.fullmatch(host):
        return None
    bracketed = f"[{host}]" if ":" in host else host
    place = bracketed if port is None else f"{bracketed}:{port}"
    return urlunsplit(
        (scheme, _escaped(user) + at + place, _escaped(path), _escaped(query), _escaped(fragment))
    )


def _slashes(address: str) -> str:
    """Backslashes before the query are slashes to a browser, and so to the author who tried them in one."""
    if "\\" not in address:
        return address
    end = min((at for at in map(address.find, "?#") if at >= 0), default=len(address))
    return address[:end].replace("\\", "/") + address[end:]


def _escaped(text: str, *, also: str = "") -> str:
    return quote(_LONE_PERCENT.sub("%25", text), safe=_ALLOWED + also)
