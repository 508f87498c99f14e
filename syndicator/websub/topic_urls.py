"""The URLs of topics, as they are compared (W3C WebSub §5.1.1)."""

import re

_UNRESERVED = re.compile(r"%(2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])")
_ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")


def normalized(url: str) -> str:
    """A URL for comparing: `%7E` becomes `~` (§5.1.1), hexadecimal digits become upper case.

    Scheme and host become lower case.
    """
    decoded = _UNRESERVED.sub(lambda match: chr(int(match[1], 16)), url)
    escaped = _ESCAPE.sub(lambda match: match[0].upper(), decoded)
    scheme, separator, rest = escaped.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    return f"{scheme.lower()}{separator}{rest[:end].lower()}{rest[end:]}" if separator else escaped
