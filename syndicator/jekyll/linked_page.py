"""The page elsewhere that a post is about: of a link post, or of one that redirects."""

import re
from collections.abc import Mapping
from typing import Any

from syndicator.jekyll.addresses import absolute
from syndicator.jekyll.site import Site

#: Of link posts in themes, and of jekyll-redirect-from (lib/jekyll-redirect-from/redirectable.rb).
KEYS = ("external-url", "external_url", "link", "redirect_to")
_WEB = re.compile(r"\s*https?://\S+\s*", re.IGNORECASE)


def external_url(front: Mapping[str, Any], site: Site) -> str | None:
    """The page's absolute address; None: there is none, or it is one of the site's own."""
    root = f"{site.url}{site.baseurl}/"
    for key in KEYS:
        value = front.get(key)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str) and _WEB.fullmatch(value):
            address = absolute(value, root)
            if address and not f"{address}/".startswith(root):
                return address
    return None
