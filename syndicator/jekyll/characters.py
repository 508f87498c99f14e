"""Which characters may stand in a feed."""

import re

# XML 1.0 §2.2 Char: everything else makes the whole document unreadable, even when it is written as a reference.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """The text without the characters that XML 1.0 can't hold: controls, lone surrogates, U+FFFE and U+FFFF."""
    return _ILLEGAL.sub("", text)
