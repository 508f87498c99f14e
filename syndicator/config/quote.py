"""Shows a wrong value in an error as it is written in TOML."""

import json

#: Characters of a wrong value that an error repeats.
_MAX_SHOWN = 80


def quote(value: object) -> str:
    """A value as written in TOML; a list or table only by its kind.

    Long text is cut, and control characters are escaped: the error goes to a terminal.
    """
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    if not isinstance(value, str):
        return json.dumps(value, default=str)
    text = value if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]}…"
    return json.dumps(text, ensure_ascii=not text.isprintable())
