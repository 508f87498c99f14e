"""Escapes, joins and normalises URIs as Jekyll and Ruby's Addressable do.

Escaping follows Jekyll's `URL.escape_path`, normalising follows its `absolute_url` filter, which
uses Addressable (jekyll/lib/jekyll/url.rb, filters/url_filters.rb; addressable/uri.rb).
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
    """Escape a permalink placeholder's value."""
    if _PLAIN.fullmatch(path):
        return path
    return quote(path, safe=f"{_SEGMENT}/?", errors="surrogateescape")


def join_address(url: str, baseurl: str, path: str) -> str:
    """Jekyll's `absolute_url`: the path below the site's address, normalised.

    An absolute `path` is returned as it is. Without a `url` the result is the path alone, as in
    Jekyll.
    """
    if not path.startswith("/"):
        if is_absolute(path):
            return path
        path = f"/{path}" if path else path
    base = baseurl.removesuffix("/")
    base = f"/{base}" if base and not base.startswith("/") else base
    if path and _PLAIN.fullmatch(path) and "/." not in path and not base:
        is_origin = url and "/" not in url.partition("://")[2]
        return f"{_origin(url)}{path}" if is_origin else normalize(url + path)
    return normalize(url + normalize(base + path))


def path_below(address: str, root: str) -> str:
    """The path of an address without the root's, as Jekyll passes it to `relative_url`."""
    path, base = urlsplit(address).path, urlsplit(root).path.removesuffix("/")
    return path.removeprefix(base) if path.startswith(f"{base}/") else path


def page_file(address: str) -> str:
    """The address of the file that a page is written to (jekyll/document.rb `destination`).

    `/a` and `/a.html` are one file, as are `/a/` and `/a/index.html`. Escapes are decoded.
    """
    plain = unquote(address, errors="surrogateescape") if "%" in address else address
    if plain.endswith("/"):
        return f"{plain}index.html"
    return plain if plain.endswith((".html", ".htm")) else f"{plain}.html"


def is_absolute(address: str) -> bool:
    """Whether the address has a scheme."""
    parts = _PARTS.match(address)
    return parts is not None and parts[1] is not None


def normalize(address: str) -> str:
    """Decode, compose (NFKC) and encode each part. Remove dot segments and default ports."""
    parts = _PARTS.match(address)
    assert parts is not None  # the pattern matches any text
    scheme, authority, path, query, fragment = parts.groups()
    scheme = scheme.strip().lower() if scheme is not None else None
    path = _without_dots(
        "/".join(_reencoded(segment, _SEGMENT) for segment in path.strip().split("/"))
    )
    if not path and scheme in _PORTS:
        path = "/"
    return "".join(
        (
            "" if scheme is None else f"{scheme}:",
            "" if authority is None else f"//{_authority(authority, scheme)}",
            path,
            "" if not query else f"?{_query(query)}",
            "" if not fragment else f"#{_reencoded(fragment, _SEGMENT + '/?')}",
        )
    )


@lru_cache(maxsize=16)
def _origin(url: str) -> str:
    return normalize(url).removesuffix("/")


def _reencoded(text: str, safe: str) -> str:
    if text.isascii() and _PLAIN.fullmatch(text):
        return text
    plain = unquote(text, errors="surrogateescape")
    try:
        plain.encode()
    except UnicodeEncodeError:  # bytes that are not UTF-8 are kept as they are
        return quote(plain, safe=safe, errors="surrogateescape")
    return quote(unicodedata.normalize("NFKC", plain), safe=safe)


def _query(query: str) -> str:
    """Encode pair by pair. An encoded plus stays encoded, since a bare one means a space."""
    safe = f"{_SEGMENT}/?".replace("&", "").replace(";", "")
    pairs = (
        "%2B".join(_reencoded(part, safe) for part in re.split("%2[Bb]", pair))
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
    """Remove dot segments (RFC 3986 §5.2.4), and `..` at the root."""
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
