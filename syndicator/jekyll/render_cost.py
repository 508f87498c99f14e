"""Which posts may take long to render, as far as their text alone shows it."""

import re

#: Characters of a text that take some tenths of a second at most.
LIGHT = 64 * 1024

#: Liquid that writes no more than a line, or only the text that stands in it.
_LIGHT_LIQUID = re.compile(
    r"{%-?\s*(?:(?:end)?(?:highlight|raw|comment)|link|post_url)\b[^%{}]*%}"
    r"|{{-?\s*(?:site\.(?:url|baseurl|title)|page\.url)\s*(?:\|\s*(?:relative_url|absolute_url)\s*)?-?}}"
)


def is_heavy(body: str) -> bool:
    """Whether a post is long, or has Liquid that may write any amount of text.

    Most of these are light all the same: they are rendered later, and together.
    """
    if len(body) > LIGHT:
        return True
    rest = _LIGHT_LIQUID.sub("", body) if "{" in body else ""
    return "{{" in rest or "{%" in rest
