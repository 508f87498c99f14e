"""Estimates from its text whether a post may take long to render."""

import re

#: Characters of a text that renders in a few tenths of a second at most.
MAX_LIGHT = 64 * 1024

#: Liquid whose output is at most a line, or the text inside it.
_LIGHT_LIQUID = re.compile(
    r"{%-?\s*(?:(?:end)?(?:highlight|raw|comment)|link|post_url)\b[^%{}]*%}"
    r"|{{-?\s*(?:site\.(?:url|baseurl|title)|page\.url)\s*(?:\|\s*(?:relative_url|absolute_url)\s*)?-?}}"
)


def is_heavy(body: str) -> bool:
    """Whether a post is long, or has Liquid with unlimited output.

    Such posts are rendered after the others. Most of them turn out to be fast.
    """
    if len(body) > MAX_LIGHT:
        return True
    rest = _LIGHT_LIQUID.sub("", body) if "{" in body else ""
    return "{{" in rest or "{%" in rest
