"""Values of front matter as text."""

import json
import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from syndicator.jekyll.characters import printable

_BLANKS = re.compile(r"[ \t\r\n\f\v]+")  # no-break spaces are kept, as jekyll-feed keeps them
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")


def as_text(value: Any) -> str:
    """A value as Ruby's `to_s` writes it and Jekyll prints it; None is the empty string."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime(f"%Y-%m-%d %H:%M:%S {'UTC' if value.tzinfo in (None, UTC) else '%z'}")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def label(value: Any) -> str:
    """A value as a name on one line: ASCII white space folded, invalid characters removed."""
    return "" if value is None else _in_one_line(as_text(value))


@lru_cache(maxsize=4096)  # authors and categories recur in every post
def _in_one_line(text: str) -> str:
    text = printable(text)
    return " ".join(text.split() if text.isascii() else filter(None, _BLANKS.split(text)))


def language_tag(value: Any) -> str | None:
    """A language tag as feeds write it (RFC 5646: `en`, `en-GB`); None if the value is not one."""
    tag = label(value).replace("_", "-").partition(".")[0]
    return tag if _LANGUAGE.fullmatch(tag) else None


def is_empty(value: Any) -> bool:
    """Whether Liquid's `default` filter would replace the value: None, False, or empty."""
    return value is None or value is False or value in ("", [], {})


def quoted(value: Any) -> str:
    """A value as a Problem quotes it: on one line, text in double quotes, at most 60 characters."""
    is_json = isinstance(value, str | list | dict)
    text = (
        json.dumps(_with_text_keys(value), ensure_ascii=False, default=as_text)
        if is_json
        else as_text(value)
    )
    text = printable(text)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _with_text_keys(value: Any) -> Any:
    """The value with the keys of its mappings as text: YAML's may also be dates or null."""
    if isinstance(value, dict):
        return {as_text(key): _with_text_keys(item) for key, item in value.items()}
    return [_with_text_keys(item) for item in value] if isinstance(value, list) else value
