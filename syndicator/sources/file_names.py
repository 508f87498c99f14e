"""File names as text, also those that are not UTF-8."""

import os
import re

#: A byte as `printable` escapes it.
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


def printable(name: str) -> str:
    """A file name as text: bytes that aren't UTF-8 (surrogates in Python) appear as `\\xff`."""
    return _encoded(name).decode("utf-8", "backslashreplace")


def is_misnamed(top: str, path: str) -> bool:
    """Whether a path is the printable form of a file name that this process can't decode.

    `top`: the folder that the path starts in, with a slash at its end.
    """
    folder, slash, name = path.rpartition("/")
    data = _ESCAPED.sub(lambda escaped: bytes.fromhex(escaped[1].decode()), _encoded(name))
    on_disk = os.fsdecode(data)
    above = os.fsencode(top) + _encoded(folder + slash)
    return printable(on_disk) == name != on_disk and os.path.lexists(above + data)


def is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
