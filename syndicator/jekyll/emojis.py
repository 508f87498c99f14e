"""`:rocket:` as the character, as jemoji shows it (html-pipeline's EmojiFilter).

jemoji shows pictures of GitHub's; every reader has the characters. The names of GitHub's own
pictures, such as `:octocat:`, stay.
"""

import re
from functools import lru_cache

_NAME = r":(?:[+-]1|100|1234|(?=\w*[a-z])[\w-]{1,80}):"
_NAME_IN_TEXT = re.compile(_NAME, re.ASCII)
_NAME_OR_TAG = re.compile(rf"{_NAME}|<(/?)([a-z][a-z0-9]*+)?+[^<>]*>", re.ASCII | re.IGNORECASE)
_CODE = frozenset({"pre", "code", "tt", "script", "style"})


def with_emoji(text: str) -> str:
    """A plain text with the characters for the names in it."""
    return _NAME_IN_TEXT.sub(lambda name: _character(name[0]), text) if ":" in text else text


def html_with_emoji(html: str) -> str:
    """HTML with the characters for the names in its text, outside of code and tags."""
    depth = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal depth
        if match[0][0] == ":":
            return match[0] if depth else _character(match[0])
        if match[2] and match[2].lower() in _CODE:
            depth = max(0, depth - 1) if match[1] else depth + 1
        return match[0]

    return _NAME_OR_TAG.sub(replaced, html) if ":" in html else html


@lru_cache(maxsize=1024)
def _character(name: str) -> str:
    # Its tables take a tenth of a second to load, and few sites need them.
    import emoji

    return emoji.emojize(name, language="alias")
