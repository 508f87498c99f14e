"""Words an error of the TOML parser: the line, the key, what is wrong and how to fix it."""

import re
from pathlib import Path

from syndicator.errors import ConfigError

_QUOTES = "end text with the quote that it starts with, on the same line"

#: How tomllib's message starts, our message, and the hint.
_MESSAGES = (
    ("Invalid value", "invalid value", 'write text in "quotes" and lists in [brackets]'),
    ("Cannot declare", "the table appears twice", "merge the two tables"),
    ("Cannot overwrite", "the key is set twice", "remove one of the two"),
    ("Illegal character '\\n'", "a quote is not closed", _QUOTES),
    ("Unterminated string", "a quote is not closed", _QUOTES),
    ('Expected "\'"', "a quote is not closed", _QUOTES),
    (
        "Unescaped",
        "a backslash in double quotes",
        "put text with a backslash in 'single quotes'",
    ),
    ("Expected '=' after", 'no "=" after the key', "write key = value, or [name] for a table"),
    (
        "Expected newline",
        "unexpected text after the value",
        'write one setting a line, and text such as "30s" in quotes',
    ),
    ("Expected ']'", "the table's name is not closed", "write it like [source]"),
    ("Unclosed array", "the list is not closed", 'write it like ["rss", "atom"]'),
    (
        "Unclosed inline table",
        "the table in braces is not closed",
        "write it on one line, like { key = value, key = value }",
    ),
)


def toml_error(file: Path, text: str, message: str) -> ConfigError:
    """`message` of tomllib as a ConfigError. It never repeats a value, which may be a password."""
    cause, _, place = message.rpartition(" (at ")
    position = re.fullmatch(r"line (\d+), column (\d+)\)", place)
    lines = text.rstrip().split("\n")
    number = int(position[1]) if position else len(lines)
    column = f" (column {position[2]})" if position else " (end of the file)"
    key = re.match(r"\s*([\w.-]+)\s*=", lines[number - 1] if number <= len(lines) else "")
    subject = f"{key[1]}: " if key else ""
    _, problem, hint = next(
        (each for each in _MESSAGES if cause.startswith(each[0])),
        (
            "",
            f"{cause[:1].lower()}{cause[1:]}",
            "see https://toml.io for what a config may contain",
        ),
    )
    return ConfigError(f"{file}:{number}: {subject}not valid TOML: {problem}{column}", hint=hint)
