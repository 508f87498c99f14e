"""Which characters may stand in a feed."""

import json
import re
from typing import Any

# XML 1.0 §2.2 Char: everything else makes the whole document unreadable, even when it is written as a reference.
# Of these it discourages some, which show nothing and which HTML forbids: controls and noncharacters (§2.2, note).
_NONCHARACTERS = "".join(
    chr(plane + 0xFFFE) + chr(plane + 0xFFFF) for plane in range(0, 0x110000, 0x10000)
)
_ILLEGAL = re.compile(
    f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_NONCHARACTERS}]"
)


def printable(text: str) -> str:
    """The text without what XML 1.0 can't hold or what means nothing: controls, lone surrogates, noncharacters."""
    if text.replace(
        "\n", ""
    ).isprintable():  # none of what is taken out is: Unicode has no letters there
        return text
    return _ILLEGAL.sub("", text)


def whole(value: Any) -> Any:
    """A value that JSON spelt, without lone surrogates: `"\\ud800"` is JSON, and no UTF-8 can hold it."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "ignore"))
