"""Attribute lists: `{: #id .class key="value" reference}`."""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct, field

MAX_REFERENCES = 50  #: lists that one list may refer to, directly and through others
_REFERENCES_PER_STEP = 16  #: references that are looked up for one step of work
#: Characters of a value for one step of work: the HTML of each element repeats the value.
_COPIED_PER_STEP = 128

Attrs = dict[str, str | int | float]

_ITEM = re.compile(
    r"""(?:\A|\s)(?:
        (?P<key>\w[\w\-]*)=(?P<quote>["'])(?P<value>(?:\\.|[^}\\])*?)(?P=quote)
        | (?P<ref>\w[\w\-]*)
        | (?P<short>(?:\#[A-Za-z][\w:\-]*|\.[^ \t-\r.\#]+)+)
    )(?=[ \t-\r]|\Z)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_SHORT = re.compile(r"#(?P<id>[A-Za-z][\w:\-]*)|\.(?P<cls>[^ \t-\r.#]+)", re.ASCII)


class Attributes(Struct):
    """The attributes of one or more lists. `apply` looks up the references."""

    values: dict[str, str] = field(default_factory=dict)
    refs: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)  #: of values["class"], which `apply` joins

    def read(self, text: str) -> None:
        """Add the attributes of a list. Classes accumulate; for other keys the last value wins."""
        for item in _ITEM.finditer(text):
            if item["ref"]:
                self.refs.append(item["ref"])
            elif item["short"]:
                for part in _SHORT.finditer(item["short"]):
                    if part["cls"]:
                        self.values.setdefault("class", "")
                        self.classes.append(part["cls"])
                    else:
                        self.values["id"] = part["id"]
            else:
                quote = item["quote"]
                value = item["value"].replace("\\}", "}").replace("\\" + quote, quote)
                self.values[item["key"]] = value
                if item["key"] == "class":
                    self.classes = [value] if value else []

    def apply(
        self, attrs: Attrs, named: Mapping[str, "Attributes"], spend: Callable[[int], None]
    ) -> None:
        """Add the attributes to those of an element, the referenced lists first."""
        self._apply(attrs, named, set(), spend)

    def _apply(
        self,
        attrs: Attrs,
        named: Mapping[str, "Attributes"],
        seen: set[str],
        spend: Callable[[int], None],
    ) -> None:
        spend(1 + len(self.refs) // _REFERENCES_PER_STEP)
        for ref in self.refs:
            if ref in named and ref not in seen and len(seen) < MAX_REFERENCES:
                seen.add(ref)
                named[ref]._apply(attrs, named, seen, spend)
        self._join()
        for key, value in self.values.items():
            if key == "class" and attrs.get(key):
                value = f"{attrs[key]} {value}"
            if len(value) >= _COPIED_PER_STEP:
                spend(len(value) // _COPIED_PER_STEP)
            attrs[key] = value

    def _join(self) -> None:
        if len(self.classes) > 1:
            self.classes = [" ".join(self.classes)]
        if self.classes:
            self.values["class"] = self.classes[0]
