"""Shows a wrong value in an error as it is written in TOML."""

import json
import re

#: Characters of a wrong value that an error repeats.
_MAX_SHOWN = 80

#: Bits of a whole number that an error repeats. str() refuses more than some thousand digits.
_MAX_BITS = 256

#: What a URL has in front of its host: a user name, and often a password.
_USER = re.compile(r"(?<=//)[^/\s]*@")


def quote(value: object) -> str:
    """A value as written in TOML; a list or table only by its kind.

    Long text is cut, and control characters are escaped: the error goes to a terminal, and perhaps
    to a log, so that it doesn't have the user name and password of a URL either.
    """
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return "a huge number"
    if not isinstance(value, str):
        return json.dumps(value, default=str)
    text = _USER.sub("…@", value)
    text = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
    return json.dumps(text, ensure_ascii=not text.isprintable())
