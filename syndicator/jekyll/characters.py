"""The characters that a feed may contain."""

import json
import re
from typing import Any

# Characters outside of XML 1.0 §2.2 Char make the whole document unreadable, even as a reference.
# Controls and noncharacters are discouraged there (§2.2, note) and forbidden in HTML, and show
# nothing.
_NONCHARACTERS = "".join(
    chr(plane + 0xFFFE) + chr(plane + 0xFFFF) for plane in range(0, 0x110000, 0x10000)
)
_ILLEGAL = re.compile(
    f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_NONCHARACTERS}]"
)


def printable(text: str) -> str:
    """The text without the characters that XML 1.0 forbids or discourages.

    These are controls, lone surrogates and noncharacters.
    """
    if text.replace("\n", "").isprintable():  # none of the removed characters is printable
        return text
    return _ILLEGAL.sub("", text)


def without_lone_surrogates(value: Any) -> Any:
    """A value read from JSON, without lone surrogates.

    `"\\ud800"` is valid JSON and can't be encoded as UTF-8.
    """
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "ignore"))
