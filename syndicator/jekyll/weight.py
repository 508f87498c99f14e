"""Which posts may take long to render, as far as their text alone shows it."""

import re

#: Characters of a text that take some tenths of a second at most.
LIGHT = 64 * 1024

_REPEATS = re.compile(r"{%-?\s*(?:for|tablerow|include\w*|capture)\b")


def is_heavy(body: str) -> bool:
    """Whether a post is long, or has Liquid that repeats text. Most of these are light: they are rendered later."""
    return len(body) > LIGHT or bool(_REPEATS.search(body))
