"""Paths and addresses as Jekyll writes them.

Escaping is Jekyll's `URL.escape_path`, normalising what its `absolute_url` filter does through Addressable
(jekyll/lib/jekyll/url.rb, filters/url_filters.rb; addressable/uri.rb).
"""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

_PLAIN = re.compile(r"[A-Za-z0-9./_~-]*")
_SUB_DELIMS = "!$&'()*+,;="
_SEGMENT = f"{_SUB_DELIMS}:@"
_PARTS = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_PORTS = {"http": "80", "https": "443"}


def escape_path(path: str) -> str:
    """What a placeholder's value becomes in an address."""
    return (
        path
        if _PLAIN.fullmatch(path)
        else quote(path, safe=f"{_SEGMENT}/?", errors="surrogateescape")
    )


def join_address(url: str, baseurl: str, path: str) -> str:
    """Jekyll's `absolute_url`: the path below the site's address, normalised; an address stays as it is.

    Without a `url` it is the path alone, as in Jekyll.
    """
    if not path.startswith("/"):
        if is_absolute(path):
            return path
        path = f"/{path}" if path else path
    base = baseurl.removesuffix("/")
    base = f"/{base}" if base and not base.startswith("/") else base
    if path and _PLAIN.fullmatch(path) and "/." not in path and not base:
        return (
            f"{_origin(url)}{path}"
            if url and "/" not in url.partition("://")[2]
            else normalize(url + path)
        )
    return normalize(url + normalize(base + path))


def path_below(address: str, root: str) -> str:
    """The path of an address, without that of the root: as Jekyll has it before `relative_url` and `absolute_url`."""
    path, base = urlsplit(address).path, urlsplit(root).path.removesuffix("/")
    return path.removeprefix(base) if path.startswith(f"{base}/") else path


def is_absolute(address: str) -> bool:
    """Whether it names a scheme."""
    parts = _PARTS.match(address)
    return parts is not None and parts[1] is not None


def normalize(address: str) -> str:
    """Each part decoded, composed (NFKC) and encoded again; dot segments and default ports gone."""
    parts = _PARTS.match(address)
    assert parts is not None  # the pattern matches every text
    scheme, authority, path, query, fragment = parts.groups()
    scheme = scheme.strip().lower() if scheme is not None else None
    path = _without_dots(
        "/".join(_recoded(segment, _SEGMENT) for segment in path.strip().split("/"))
    )
    if not path and scheme in _PORTS:
        path = "/"
    return "".join(
        (
            "" if scheme is None else f"{scheme}:",
            "" if authority is None else f"//{_authority(authority, scheme)}",
            path,
            "" if not query else f"?{_query(query)}",
            "" if not fragment else f"#{_recoded(fragment, _SEGMENT + '/?')}",
        )
    )


@lru_cache(maxsize=16)
def _origin(url: str) -> str:
    return normalize(url).removesuffix("/")


def _recoded(text: str, safe: str) -> str:
    if text.isascii() and _PLAIN.fullmatch(text):
        return text
    plain = unquote(text, errors="surrogateescape")
    try:
        plain.encode()
    except UnicodeEncodeError:  # octets that are not UTF-8 are kept as they are
        return quote(plain, safe=safe, errors="surrogateescape")
    return quote(unicodedata.normalize("NFKC", plain), safe=safe)


def _query(query: str) -> str:
    """Pairs apart, and an encoded plus kept encoded, since a bare one means a space."""
    safe = f"{_SEGMENT}/?".replace("&", "").replace(";", "")
    pairs = (
        "%2B".join(_recoded(part, safe) for part in re.split("%2[Bb]", pair))
        for pair in query.split("&")
    )
    return "&".join(pairs)


def _authority(authority: str, scheme: str | None) -> str:
    user, at, host = authority.rpartition("@")
    host, colon, port = host.partition(":") if not host.startswith("[") else (host, "", "")
    host = unquote(host.strip()).lower()
    if not host.isascii():
        host = ".".join(_to_ascii(name) for name in host.split("."))
    host = host.removesuffix(".") if not host.endswith("..") else host
    shown = f"{colon}{port}" if port and port != _PORTS.get(scheme or "") else ""
    return f"{user}{at}{quote(host, safe=_SUB_DELIMS + '[:]')}{shown}"


def _to_ascii(name: str) -> str:
    composed = unicodedata.normalize("NFKC", name)
    return composed if composed.isascii() else f"xn--{composed.encode('punycode').decode('ascii')}"


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4, and no `..` at the root either."""
    if "/." not in path and not path.startswith("."):
        return path
    kept: list[str] = []
    segments = path.split("/")
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
            continue
        if last:
            kept.append("")
    return "/".join(kept)
