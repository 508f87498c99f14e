"""Parses the plain YAML heads that most posts have, at a small part of the cost.

A plain head consists of lines `key: word`, `key: "text"`, `key: 2026-01-31` or `key: [a, b]`, which
mean the same to every YAML parser. All others are left to `safe_yaml`. A test checks that both give
the same result.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from syndicator.jekyll.safe_yaml import read_timestamp

# Characters that YAML forbids or reads as the end of a line; and tabs, whose meaning depends on the
# place.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_ITEM = r"""[A-Za-z][^][{},:#"'?&*!|>%@`\n]*+|"[^"\\\n]*"|'[^'\n]*'"""
_KEY = re.compile("([A-Za-z_][A-Za-z0-9_-]{0,60}):(?: +|$)")
_NUMBER = re.compile(
    r"""(?P<stamp>[0-9]{4}(?:-[0-9]{1,2}){2}
        (?:[T ][0-9]{1,2}(?::[0-9]{2}){1,2}(?:\ ?[+-][0-9]{4}|Z)?)?)
      | 0 | [1-9][0-9]{0,14}""",
    re.VERBOSE,
)
_LIST = re.compile(rf"\[ *((?:(?:{_ITEM})(?:, *(?:{_ITEM}))*)?) *\]")
_ITEMS = re.compile(rf"({_ITEM})(?:,[ ]*|$)")
_SPACED_COLON = re.compile(r":(?:\s|$)")
_UNCLEAR = object()
_CONSTANTS: dict[str, bool | None] = {
    word: constant
    for constant, words in {True: "yes true on", False: "no false off", None: "null"}.items()
    for small in words.split()
    for word in (small, small.capitalize(), small.upper())
}


def read_plain_head(head: str) -> dict[str, Any] | None:
    """The values of the head; None if it needs the YAML parser."""
    if "\r" in head:
        head = head.replace("\r\n", "\n")
    if head.startswith("\n") or not head.endswith("\n"):
        return None if head else {}
    values: dict[str, Any] = {}
    for line in head.split("\n"):
        if line:
            pair = read_line(line)
            if pair is None or pair[0] in values:
                return None
            key, value = pair
            values[key] = value.copy() if type(value) is list else value
    return values


@lru_cache(maxsize=1024)  # most lines of a head are the same in a thousand posts
def read_line(line: str) -> tuple[str, Any] | None:
    """A line's key and value; None if the line is not plain. Don't change a list in the result."""
    opening = _KEY.match(line)
    if (
        opening is None
        or opening[1] in _CONSTANTS
        or (not line.isprintable() and _UNSAFE.search(line))
    ):
        return None
    text = line[opening.end() :].rstrip(" ")
    value = _value(text) if text else None
    return None if value is _UNCLEAR else (opening[1], value)


def _value(text: str) -> Any:
    first = text[0]
    if first.isalpha():
        if "#" in text or (":" in text and _SPACED_COLON.search(text)):
            return _UNCLEAR
        return _CONSTANTS.get(text, text)
    if first == '"':
        return text[1:-1] if text.find('"', 1) == len(text) - 1 and "\\" not in text else _UNCLEAR
    if first == "'":
        return text[1:-1] if text.find("'", 1) == len(text) - 1 else _UNCLEAR
    if first == "[":
        items = _LIST.fullmatch(text)
        return [_item(item) for item in _ITEMS.findall(items[1])] if items else _UNCLEAR
    number = _NUMBER.fullmatch(text)
    if number is None:
        return _UNCLEAR
    return _date_or_time(text) if number["stamp"] else int(text)


def _item(text: str) -> str | bool | None:
    if text[0] in "\"'":
        return text[1:-1]
    text = text.rstrip(" ")
    return _CONSTANTS.get(text, text)


def _date_or_time(text: str) -> Any:
    try:
        if len(text) == 19:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        pass
    return read_timestamp(text)
