"""Finds out quickly that HTML has nothing to replace, as most posts have not.

It searches text in lower case, for what begins with a fixed character where that is possible.
"""

import re

from syndicator.jekyll.fallbacks.links import MAY_HAVE_SCHEME

_ELEMENTS = re.compile(
    r"<(?:(?:iframe|object|applet|embed|svg|math|button|form|fieldset|legend|input|select|textarea"
    r"|output|dialog|canvas|script|no(?:script|embed|frames)|xmp|plaintext|listing|portal|frame)\b"
    # custom elements; pictures without an address
    r"|[a-z][\w.]*+-|img(?![^<>]*\ssrc\s*=\s*[\"']?[^\s\"'<>]))"
)
_ATTRIBUTES = re.compile(
    r"\s(?:data-[\w-]*(?:src|lazy|orig|echo|normal|poster|bg|background)|lazy[\w-]*+\s*="
    # an address of another scheme
    r"|hidden[\s=/>]|(?:src|poster)\s*=[\s\"']*(?!https?:)[a-z][\w+.-]*+:)"
)
_LINKS = re.compile(MAY_HAVE_SCHEME)
_STYLES = re.compile(r"display\s*:\s*none|background(?:-image)?\s*:")
#: Parts of the names of classes.
_CLASSES = ("mermaid", "lineno", "gutter", "katex")


def may_apply(text: str) -> bool:
    """Whether HTML or Markdown may have something to replace. A word in a text only costs time."""
    lower = text.lower()
    return (
        any(name in lower for name in _CLASSES)
        or _ELEMENTS.search(lower) is not None
        or _ATTRIBUTES.search(lower) is not None
        or _LINKS.search(lower) is not None
        or (("display" in lower or "background" in lower) and _STYLES.search(lower) is not None)
    )
