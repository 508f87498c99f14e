"""Attribute lists: `{: #id .class key="value" reference}`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_REFERENCES = 50  #: of lists by lists, each once
_ITEM = re.compile(
    r"""(?:\A|\s)(?:
        (?P<key>\w[\w\-]*)=(?P<quote>["'])(?P<value>(?:\\.|[^}\\])*?)(?P=quote)
        | (?P<ref>\w[\w\-]*)
        | (?P<short>(?:\#[A-Za-z][\w:\-]*|\.[^ \t-\r.\#]+)+)
    )(?=[ \t-\r]|\Z)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_SHORT = re.compile(r"#(?P<id>[A-Za-z][\w:\-]*)|\.(?P<cls>[^ \t-\r.#]+)", re.ASCII)


@dataclass(slots=True)
class Attributes:
    """What one or more lists said. References are looked up when the whole text is read."""

    values: dict[str, str] = field(default_factory=dict)
    refs: list[str] = field(default_factory=list)

    def read(self, text: str) -> None:
        """Adds what a list says: classes gather, for the others the last word counts."""
        for item in _ITEM.finditer(text):
            if item["ref"]:
                self.refs.append(item["ref"])
            elif item["short"]:
                for part in _SHORT.finditer(item["short"]):
                    _put(self.values, "class" if part["cls"] else "id", part["cls"] or part["id"])
            else:
                quote = item["quote"]
                value = item["value"].replace("\\}", "}").replace("\\" + quote, quote)
                self.values[item["key"]] = value

    def apply(self, attrs: dict[str, str | int | float], named: Mapping[str, "Attributes"]) -> None:
        """Puts them on an element, the referenced lists first."""
        self._apply(attrs, named, set())

    def _apply(self, attrs: dict[str, str | int | float], named: Mapping[str, "Attributes"], seen: set[str]) -> None:
        for ref in self.refs:
            if ref in named and ref not in seen and len(seen) < MAX_REFERENCES:
                seen.add(ref)
                named[ref]._apply(attrs, named, seen)
        for key, value in self.values.items():
            _put(attrs, key, value)


def _put(attrs: dict[str, str] | dict[str, str | int | float], key: str, value: str) -> None:
    if key == "class" and attrs.get(key):
        value = f"{attrs[key]} {value}"
    attrs[key] = value
