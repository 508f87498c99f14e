"""Escapes text, attributes and characters for HTML as kramdown writes them."""

import re
from typing import Any

from syndicator.kramdown.grammar import ENTITIES

_BARE_AMPERSAND = re.compile(r"&(?!(?:[\w:][\w.:\-]*|#\d+|#x[0-9a-fA-F]+);)", re.ASCII)
_NAMES = {point: name for name, point in reversed(ENTITIES.items())}


def escape(value: str) -> str:
    """Escape a text, except for its character references."""
    if "&" in value:
        value = _BARE_AMPERSAND.sub("&amp;", value)
    return value.replace("<", "&lt;").replace(">", "&gt;")


def escape_text(text: str) -> str:
    """Escape a text, including its character references."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def attributes(attrs: dict[str, Any]) -> str:
    """The attributes of a start tag, each after a space. A blank id is left out."""
    if not attrs:
        return ""
    return "".join(
        f' {key}="{escape(str(value)).replace(chr(34), "&quot;")}"'
        for key, value in attrs.items()
        if key != "id" or str(value).strip()
    )


def reference(char: str, entity_output: str) -> str:
    """A character in the form that the option `entity_output` asks for."""
    if entity_output not in ("symbolic", "numeric") and char not in "<>&":
        return char
    name = _NAMES.get(ord(char))
    symbolic = name and (entity_output == "symbolic" or char in '<>&"')
    return f"&{name};" if symbolic else f"&#{ord(char)};"
