"""A shorter way to read the heads that most posts have.

A head made only of lines `key: word`, `key: "text"`, `key: 2026-01-31` or `key: [a, b]` says the same to every
YAML reader, and is read here at a small part of the cost. Whatever is not plainly of this kind is left to the
YAML reader. A test holds both to the same answer.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from syndicator.jekyll.safe_yaml import read_timestamp

# What YAML refuses or takes for the end of a line; and tabs, which mean one thing here and another there.
_ODD = re.compile("[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_ITEM = r"""[A-Za-z][^][{},:#"'?&*!|>%@`\n]*|"[^"\\\n]*"|'[^'\n]*'"""
_LINE = re.compile(
    rf"""([A-Za-z_][A-Za-z0-9_-]{{0,60}}):
    (?:[ ]+
      (?: "(?P<double>[^"\\\n]*)"
        | '(?P<single>[^'\n]*)'
        | (?P<stamp>[0-9]{{4}}(?:-[0-9]{{1,2}}){{2}}(?:[T ][0-9]{{1,2}}(?::[0-9]{{2}}){{1,2}}(?:\ ?[+-][0-9]{{4}}|Z)?)?)
        | (?P<number>0|[1-9][0-9]{{0,14}})
        | \[[ ]*(?P<list>(?:(?:{_ITEM})(?:,[ ]*(?:{_ITEM}))*)?)[ ]*\]
        | (?P<plain>[^\W\d_](?:[^:#\n]|:(?=[^\s]))*)
      )
    )?[ ]*""",
    re.VERBOSE,
)
_ITEMS = re.compile(rf"({_ITEM})(?:,[ ]*|$)")
_MEANT: dict[str, bool | None] = {
    word: meant
    for meant, words in {True: "yes true on", False: "no false off", None: "null"}.items()
    for small in words.split()
    for word in (small, small.capitalize(), small.upper())
}


def read_plain_head(head: str) -> dict[str, Any] | None:
    """What the head says; None when that is for the YAML reader to find out."""
    if "\r" in head:
        head = head.replace("\r\n", "\n")
    if head.startswith("\n") or not head.endswith("\n"):
        return None if head else {}
    values: dict[str, Any] = {}
    for line in head.split("\n"):
        if line:
            said = read_line(line)
            if said is None or said[0] in values:
                return None
            key, value = said
            values[key] = value.copy() if type(value) is list else value
    return values


@lru_cache(maxsize=1024)  # most lines of a head are the same in a thousand posts
def read_line(line: str) -> tuple[str, Any] | None:
    """A line's key and value, a list not to be changed; None when it is not plainly one."""
    said = _LINE.fullmatch(line)
    if said is None or said[1] in _MEANT or _ODD.search(line):
        return None
    kind = said.lastgroup
    return said[1], _value(kind, said[kind]) if kind else None


def _value(kind: str, text: str) -> Any:
    if kind == "plain":
        return _word(text)
    if kind == "stamp":
        return _moment(text)
    if kind == "number":
        return int(text)
    if kind == "list":
        return [_word(item) if item[0] not in "\"'" else item[1:-1] for item in _ITEMS.findall(text)]
    return text


def _moment(text: str) -> Any:
    try:
        if len(text) == 19:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        pass
    return read_timestamp(text)


def _word(text: str) -> str | bool | None:
    text = text.rstrip(" ")
    return _MEANT.get(text, text)
