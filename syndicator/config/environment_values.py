"""Parses a value from the environment: JSON, or for a list also words separated by commas."""

import json
from contextlib import suppress


class FromEnvironment(str):
    """The text of an environment variable. Settings that are not text parse it."""


def parse_json(value: object) -> object:
    """Parse a value from the environment as JSON. Other values, and invalid JSON, stay as is."""
    if isinstance(value, FromEnvironment):
        with suppress(ValueError, RecursionError):
            parsed = json.loads(value)
            # JSON can name half a surrogate pair, which can't be encoded: a ValueError.
            json.dumps(parsed, ensure_ascii=False).encode()
            return parsed
    return value


def parse_list(value: object) -> object:
    """Parse a value from the environment as a JSON list, else as words separated by commas."""
    value = parse_json(value)
    if not isinstance(value, FromEnvironment):
        return value
    return [word.strip() for word in value.split(",") if word.strip()]
