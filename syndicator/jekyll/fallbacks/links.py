"""Finds links whose address a feed can't have, because of its scheme."""

import re
from html import unescape

from syndicator.jekyll.addresses import scheme_of
from syndicator.jekyll.as_text import quoted
from syndicator.jekyll.fallbacks.losses import LossKind
from syndicator.jekyll.fallbacks.output import Open, Output, as_it_is
from syndicator.jekyll.fallbacks.regular_html import Token
from syndicator.jekyll.policy import REFUSED

#: Finds a link with another scheme than those of most links, in HTML of any form. References such
#: as `&colon;` may be part of a scheme.
MAY_HAVE_SCHEME = r"\shref\s*+=\s*+[\"']?\s*+(?!(?:https?|mailto|tel):)(?:[a-z][a-z0-9+.-]*+)?[:&]"

#: Schemes that are looked for in one page. Links with further ones lose their address unnoticed.
MAX_SCHEMES = 100

_START = re.compile(
    r"\shref\s*+=\s*+(?:\"([^\"]{1,200})|'([^']{1,200})|([^\s>\"']{1,200}))", re.IGNORECASE
)
_HREF = re.compile(r' href="([^"]*)"')
#: A link that a script is bound to, and that has no other meaning.
_NOTHING = re.compile(r"\s*javascript:\s*+(?:void\s*+\(?\s*+[01]?\s*+\)?)?[\s;]*+", re.IGNORECASE)


def schemes_in(html: str) -> frozenset[str]:
    """The schemes of a page's links, at most MAX_SCHEMES. The HTML may have any form."""
    schemes: set[str] = set()
    for start in _START.finditer(html):
        if scheme := scheme_of(unescape(start[1] or start[2] or start[3])):
            schemes.add(scheme)
        if len(schemes) >= MAX_SCHEMES:
            break
    return frozenset(schemes)


def link(out: Output, token: Token, name: str) -> Open:
    """A link as it is. The sanitiser removes an address that is not allowed, but not its text."""
    href = _HREF.search(token.attributes)
    address = unescape(href[1]) if href else ""
    scheme = scheme_of(address)
    if scheme and scheme not in out.link_schemes and not _NOTHING.fullmatch(address):
        kind = LossKind.CODE_LINK if scheme in REFUSED else LossKind.LINK
        out.lose(kind, address[:100], quoted(address))
    return as_it_is(out, token, name)
