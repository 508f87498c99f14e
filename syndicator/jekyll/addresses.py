"""Makes the addresses in a post absolute, so that they work outside of its page.

They are parsed as browsers parse them (white space, backslashes and stray characters repaired,
WHATWG URL §4.4) and written as RFC 3986 allows, for validators and readers.
"""

import re
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from msgspec import Struct

from syndicator.jekyll.foreign_names import MARK
from syndicator.jekyll.policy import WEB

#: An absolute address that is written as it is.
_NORMAL = re.compile(
    r"https?://[a-z0-9.-]+(?::\d{1,4})?(?:[/?#](?:[\w.~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?",
    re.ASCII,
)
#: A path from the site's root that only needs the origin before it.
_FROM_ROOT = re.compile(
    r"/(?!/)(?:[\w~!$&'()*+,;=:@/?-]|(?<!/)\.|%[0-9A-Fa-f]{2})*(?:#[\w:-]*)?", re.ASCII
)
#: A path below the page's folder without dots, empty names or a scheme, which joining changes.
_FROM_FOLDER = re.compile(
    r"[\w~!$&'()*+,=@-](?:[\w~!$&'()*+,=@-]|/(?!/)|(?<!/)\.)*(?:#[\w:-]+)?", re.ASCII
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+", re.IGNORECASE)
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ALLOWED = "%/:=&?~+!$,;'@()*"  # RFC 3986 §3.3 to §3.5, and existing escapes
_STRIPPED = "".join(map(chr, range(0x21)))  # C0 controls and space
_WITHOUT_BREAKS = str.maketrans("", "", f"\t\n\r{MARK}")


def absolute(address: str, base: str, *, schemes: frozenset[str] = WEB) -> str | None:
    """The address as a URI, relative to `base`; None if it is broken or of another scheme.

    `base` is an absolute http or https address. An empty address is the base, a fragment a part of
    it.
    """
    if _FROM_ROOT.fullmatch(address):  # most addresses, at a tenth of the cost
        return _origin(base) + address
    if _FROM_FOLDER.fullmatch(address) and (folder := _folder(base)):
        return folder + address
    address = address.strip(_STRIPPED).translate(_WITHOUT_BREAKS)
    scheme_match = _SCHEME.match(address)
    if scheme_match and scheme_match[1].lower() not in schemes:
        return None
    try:
        if scheme_match is None:
            return _web_url(urljoin(base, _without_backslashes(address)))
        if scheme_match[1].lower() not in WEB:
            return _escaped(address, also="#")
        return _web_url(_with_two_slashes(address, scheme_match[1].lower(), base))
    except ValueError:  # from urllib: a bad host, a bad port, a lone surrogate
        return None


def scheme_of(address: str) -> str | None:
    """The scheme of an address as `absolute` reads it, in lower case; None: it has none."""
    match = _SCHEME.match(address.strip(_STRIPPED).translate(_WITHOUT_BREAKS))
    return match[1].lower() if match else None


#: Characters of the absolute addresses of one page. An ordinary link has fewer than a hundred. A
#: page whose own address has thousands would repeat it in each link.
MAX_ADDRESSES = 4 * 1024 * 1024


class PageAddresses(Struct):
    """The addresses of one page, limited in all. An address beyond the limit is None."""

    base: str
    characters_left: int = MAX_ADDRESSES  #: for the addresses that follow

    def absolute(self, address: str, *, schemes: frozenset[str] = WEB) -> str | None:
        """`absolute`, relative to the page."""
        if self.characters_left < 0:
            return None
        return self._within_limit(absolute(address, self.base, schemes=schemes))

    def absolute_set(self, candidates: str) -> str | None:
        """`absolute_set`, relative to the page."""
        if self.characters_left < 0:
            return None
        return self._within_limit(absolute_set(candidates, self.base))

    def _within_limit(self, address: str | None) -> str | None:
        if address is None:
            return None
        self.characters_left -= len(address)
        return address if self.characters_left >= 0 else None


def absolute_set(candidates: str, base: str) -> str | None:
    """A `srcset` with each address absolute; None when no address is left (HTML §4.8.4.2.1)."""
    kept = []
    for address, descriptor in candidates_of(candidates):
        absolute_url = absolute(address, base)
        if absolute_url:
            kept.append(f"{absolute_url} {descriptor}".rstrip())
    return ", ".join(kept) or None


def candidates_of(text: str) -> list[tuple[str, str]]:
    """Addresses with their descriptors.

    An address ends at white space. It may contain commas but not end in one.
    """
    candidates: list[tuple[str, str]] = []
    address, descriptors = "", list[str]()
    for word in text.split():
        rest = word
        if address:
            descriptor, comma, rest = word.partition(",")
            descriptors.append(descriptor)
            if comma:
                candidates.append((address, " ".join(descriptors)))
                address, descriptors = "", []
        rest = rest.lstrip(",")
        if rest and not address:
            address = rest.rstrip(",")
            if address != rest:
                candidates.append((address, ""))
                address = ""
    if address:
        candidates.append((address, " ".join(descriptors)))
    return candidates


@lru_cache(maxsize=64)
def _origin(base: str) -> str:
    return urljoin(base, "/")[:-1]


@lru_cache(maxsize=64)
def _folder(base: str) -> str | None:
    """The address of the page's folder, as joining it with a name would write it."""
    try:
        url = _web_url(urljoin(base, "x"))
    except ValueError:
        return None
    return url[:-1] if url else None


def _web_url(address: str) -> str | None:
    if _NORMAL.fullmatch(address):
        return address
    scheme, netloc, path, query, fragment = urlsplit(_without_backslashes(address))
    user, at, host_port = netloc.rpartition("@")
    parts = urlsplit(f"//{host_port}")
    host, port = parts.hostname, parts.port
    if not host:
        return None
    if not host.isascii():
        host = host.encode("idna").decode()
    if not _HOST.fullmatch(host):
        return None
    bracketed = f"[{host}]" if ":" in host else host
    host_port = bracketed if port is None else f"{bracketed}:{port}"
    return urlunsplit(
        (
            scheme,
            _escaped(user) + at + host_port,
            _escaped(path),
            _escaped(query),
            _escaped(fragment),
        )
    )


def _with_two_slashes(address: str, scheme: str, base: str) -> str:
    """An http or https address with a host, as browsers read one with more slashes, or fewer.

    With fewer, and the base's own scheme, it is relative to the base (WHATWG URL §4.4, special
    relative or authority state).
    """
    if _NORMAL.match(address):
        return address
    rest = address[len(scheme) + 1 :]
    place = rest.lstrip("/\\")
    if len(rest) - len(place) < 2 and base.startswith(f"{scheme}:"):
        # "./": what follows is a path, even if it begins like a scheme.
        path = rest if rest.startswith(("/", "\\", "?", "#")) or not rest else f"./{rest}"
        return urljoin(base, _without_backslashes(path))
    return f"{scheme}://{place}"


def _without_backslashes(address: str) -> str:
    """Backslashes before the query as slashes: browsers read them so, and authors test in one."""
    if "\\" not in address:
        return address
    end = min((at for at in map(address.find, "?#") if at >= 0), default=len(address))
    return address[:end].replace("\\", "/") + address[end:]


def _escaped(text: str, *, also: str = "") -> str:
    return quote(_LONE_PERCENT.sub("%25", text), safe=_ALLOWED + also)
