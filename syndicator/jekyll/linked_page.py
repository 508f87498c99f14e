"""The page elsewhere that a post is about: of a link post, or of one that redirects."""

import re
from collections.abc import Mapping
from typing import Any

from syndicator.jekyll.addresses import absolute
from syndicator.jekyll.as_text import is_empty
from syndicator.jekyll.site import Site

#: Of link posts in themes, and of jekyll-redirect-from (lib/jekyll-redirect-from/redirectable.rb).
KEYS = ("external-url", "external_url", "link", "redirect_to")
#: These are for pages elsewhere only. The others may hold a path of the site.
_ELSEWHERE = KEYS[:2]
_WEB = re.compile(r"\s*https?://\S+\s*", re.IGNORECASE)
#: An address with another scheme, or one that lacks it: `//host`, `www.host`, `host.example/page`.
_NOT_OF_THE_SITE = re.compile(
    r"\s*(?:[a-z][a-z0-9+.-]*:\S|//\S|www\.\S|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,24}/)\S*\s*",
    re.IGNORECASE,
)


def external_url(front: Mapping[str, Any], site: Site) -> str | None:
    """The page's absolute address; None: there is none, or it is one of the site's own."""
    root = f"{site.url}{site.baseurl}/"
    for key in KEYS:
        value = _first(front.get(key))
        if isinstance(value, str) and _WEB.fullmatch(value):
            address = absolute(value, root)
            if address and not f"{address}/".startswith(root):
                return address
    return None


def without_page(front: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The keys whose values should be a page elsewhere and are not, with these values.

    Themes keep other things in `link`, such as a mapping.
    """
    values = ((key, _first(front.get(key))) for key in KEYS)
    return [
        (key, value)
        for key, value in values
        if not is_empty(value)
        and not (isinstance(value, str) and _WEB.fullmatch(value) and _has_host(value))
        and (key in _ELSEWHERE or (isinstance(value, str) and _NOT_OF_THE_SITE.fullmatch(value)))
    ]


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _has_host(address: str) -> bool:
    return absolute(address, "https://site.invalid/") is not None
