"""Parses YAML as Jekyll's Psych does, within limits.

PyYAML with libyaml, and these rules of Psych (psych/scalar_scanner.rb): timestamps may have
one-digit parts and zones without a colon; a timestamp without a zone is UTC; a day that doesn't
exist is text; numbers may have commas; unknown tags are ignored; an anchor may be repeated. Unlike
Psych, `12:30` stays text instead of a number to base 60.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import yaml
from yaml.composer import ComposerError

from syndicator.jekyll.repeated_anchors import RepeatedAnchors

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

#: Levels of nested values. libyaml recurses, and a stack overflow ends the process.
MAX_DEPTH = 64
#: Values of one text. The values of an alias count each time it is used.
MAX_VALUES = 100_000
#: Bits of a number in any notation. Python refuses to write more than 4,300 decimal digits.
MAX_BITS = 14_000

#: Duplicate keys reported for one text. Each is its own problem, and authors fix a few at a time.
MAX_DUPLICATES = 20
#: Characters of a key that is a number. Python hashes integers modulo 2^61-1, which has 18 in
#: hexadecimal: larger numbers can be chosen to collide, and then each key is compared with all
#: before it.
MAX_NUMBER_AS_KEY = 17
#: `%TAG` lines. libyaml compares each with all before it. YAML written by hand has none.
MAX_DIRECTIVES = 64

#: `%TAG` after a YAML 1.1 line break (§5.4, https://yaml.org/spec/1.1/) or a byte order mark.
_DIRECTIVE = re.compile(r"(?<![^\n\r\x85\u2028\u2029\ufeff])%TAG")
#: Opening brackets of flow collections, in text or not, and the widest indentation, indicators
#: included. With fewer than 16 of each, nothing is deeper than 62 levels: a bracket opens two at
#: most (`[a: b]`), and so does a column (`a:` with `- ` below it). Ordinary front matter has fewer.
_POSSIBLY_DEEP = MAX_DEPTH // 4
_INDENTED = re.compile(rf"[-?: \t\ufeff]{{{_POSSIBLY_DEEP}}}")
_JSON_MARK = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_DATE = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)", re.ASCII)
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt]|\s+)(\d{1,2}):(\d\d):(\d\d)(?:\.\d*)?"
    r"(?:\s*(Z|([-+])(\d{1,2}):?(\d\d)?))?",
    re.ASCII,
)


class YamlLimitError(ValueError):
    """The text exceeds a limit, such as its depth or number of values."""


class Loader(_SafeLoader):
    """The loader of one text.

    `duplicates` are the keys that are given twice, each with its line, counted from 0.
    """

    def __init__(self, stream: str) -> None:
        check_text(stream)
        super().__init__(stream)
        self._text = stream
        self.duplicates: list[tuple[str, int]] = []

    def get_single_data(self) -> Any:
        """The value of the text. Raises YamlLimitError before building one that is too large."""
        try:
            node = self.get_single_node()
        except ComposerError as error:
            if not str(error.context).startswith("found duplicate anchor"):
                raise
            node = RepeatedAnchors(
                yaml.parse(self._text, Loader=_SafeLoader), self
            ).get_single_node()
        if node is None:
            return None
        check_nodes(node)
        return self.construct_document(node)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen and len(self.duplicates) < MAX_DUPLICATES:
                    self.duplicates.append((key.value, key.start_mark.line))
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def load_yaml(text: str) -> Any:
    """Parse the text. Raises `yaml.YAMLError`, or `YamlLimitError` before or after parsing."""
    value = yaml.load(text, Loader=Loader)  # noqa: S506 -- a SafeLoader
    check_size(value)
    return value


def check_json(text: str) -> None:
    """Raise YamlLimitError for JSON with too many nested brackets outside of strings."""
    depth = 0
    for found in _JSON_MARK.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise YamlLimitError(f"its values are nested more than {MAX_DEPTH} levels deep")
        elif mark in "]}":
            depth -= 1


def check_text(text: str) -> None:
    """Raise YamlLimitError for a text with too much nesting, too many values or `%TAG` lines.

    This runs before the nodes are composed: a node takes some 500 bytes. libyaml emits events one
    by one, without recursion. Its time is quadratic in the depth of flow collections, so the first
    event that is too deep ends it.
    """
    if len(_DIRECTIVE.findall(text)) > MAX_DIRECTIVES:
        raise YamlLimitError(f"it has more than {MAX_DIRECTIVES} %TAG lines")
    # A value, or the key before it, takes a character at least.
    if len(text) <= 2 * MAX_VALUES and not _may_be_deep(text):
        return
    count = depth = 0
    for event in yaml.parse(text, Loader=_SafeLoader):
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.NodeEvent):
            count += 1
            depth += isinstance(event, yaml.CollectionStartEvent)
        if count > 2 * MAX_VALUES:  # each may have a key
            raise YamlLimitError(f"it has more than {MAX_VALUES:,} values")
        if depth > MAX_DEPTH:
            raise YamlLimitError(f"its values are nested more than {MAX_DEPTH} levels deep")


def _may_be_deep(text: str) -> bool:
    """Whether a text might be nested too deeply. Quotes, comments or line breaks can't hide it."""
    return text.count("[") + text.count("{") >= _POSSIBLY_DEEP or _INDENTED.search(text) is not None


def check_nodes(root: yaml.Node) -> None:
    """Raise YamlLimitError for nodes with too many values once aliases and merge keys are expanded.

    Each node is counted once, so the time is linear in the text. A merge key (`<<`) counts like any
    other, since the merged values are copied.
    """
    sizes: dict[int, int] = {}
    started: set[int] = set()
    pending = [root]
    while pending:
        node = pending[-1]
        if id(node) in sizes:
            pending.pop()
            continue
        children = _counted_children(node)
        uncounted = [child for child in children if id(child) not in sizes]
        if not uncounted:
            size = sizes[id(node)] = 1 + sum(sizes[id(child)] for child in children)
            if size > MAX_VALUES:
                raise YamlLimitError(f"it has more than {MAX_VALUES:,} values")
            continue
        started.add(id(node))
        if not started.isdisjoint(map(id, uncounted)):
            raise YamlLimitError(f"its values are nested more than {MAX_DEPTH} levels deep")
        pending += uncounted


def _counted_children(node: yaml.Node) -> list[yaml.Node]:
    """The children of a node that are counted: values, and keys that are not scalars."""
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if not isinstance(node, yaml.MappingNode):
        return []
    for key, _ in node.value:
        if key.tag == "tag:yaml.org,2002:int" and len(key.value) > MAX_NUMBER_AS_KEY:
            raise YamlLimitError(f"a key in it is a number of more than {MAX_NUMBER_AS_KEY} digits")
    keys = [key for key, _ in node.value if not isinstance(key, yaml.ScalarNode)]
    return keys + [value for _, value in node.value]


def check_size(value: Any) -> None:
    """Raise YamlLimitError for too many values or too much nesting, with aliases expanded."""
    count_values(value)


def count_values(value: Any) -> int:
    """The number of values, with aliases expanded. Raises YamlLimitError as `check_size` does."""
    count = 0
    pending = [(value, 0)]
    while pending:
        one, depth = pending.pop()
        count += 1
        if count > MAX_VALUES:
            raise YamlLimitError(f"it has more than {MAX_VALUES:,} values")
        if depth > MAX_DEPTH:
            raise YamlLimitError(f"its values are nested more than {MAX_DEPTH} levels deep")
        if isinstance(one, int) and one.bit_length() > MAX_BITS:
            raise YamlLimitError("it has a number with thousands of digits")
        if isinstance(one, dict):
            pending += ((key, depth + 1) for key in one if isinstance(key, int))
            pending += ((child, depth + 1) for child in one.values())
        elif isinstance(one, list):
            pending += ((child, depth + 1) for child in one)
    return count


def read_timestamp(text: str) -> datetime | date | str:
    """The date or time of a text like `2026-01-31 18:00:00 +0100`; other text is unchanged."""
    try:
        if day := _DATE.fullmatch(text):
            return date(int(day[1]), int(day[2]), int(day[3]))
        stamp = _TIMESTAMP.fullmatch(text)
        if stamp is None:
            return text
        hour, minute, second = (int(number) for number in stamp.groups()[3:6])
        if hour > 24 or minute > 59 or second > 60:
            return text
        offset = timedelta(hours=int(stamp[9] or 0), minutes=int(stamp[10] or 0))
        zone = timezone(-offset if stamp[8] == "-" else offset) if offset else UTC
        midnight = datetime(int(stamp[1]), int(stamp[2]), int(stamp[3]), tzinfo=zone)
        return midnight + timedelta(hours=hour, minutes=minute, seconds=second)
    except (ValueError, OverflowError):
        return text


def _construct_int(loader: Any, node: yaml.ScalarNode) -> int | str:
    digits = loader.construct_scalar(node).replace(",", "").replace("_", "").lower()
    body = digits.lstrip("+-")
    base = {"0b": 2, "0x": 16}.get(body[:2], 8 if body.startswith("0") else 10)
    try:
        return int(digits, base)
    except ValueError:  # Python reads at most 4,300 digits
        return str(node.value)


def _construct_bool(loader: Any, node: yaml.ScalarNode) -> bool | str:
    text = str(loader.construct_scalar(node))
    return _SafeLoader.bool_values.get(text.lower(), text)  # `!!bool maybe`


def _construct_float(loader: Any, node: yaml.ScalarNode) -> float | str:
    try:
        return float(loader.construct_yaml_float(node))
    except (ValueError, IndexError):  # `!!float abc`, `!!float ""`
        return str(node.value)


def _construct_unknown(loader: Any, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


def _resolvers() -> dict[str | None, list[tuple[str, re.Pattern[str]]]]:
    """PyYAML's resolvers, without those that differ in Psych."""
    different = {
        "tag:yaml.org,2002:int",
        "tag:yaml.org,2002:float",
        "tag:yaml.org,2002:timestamp",
        "tag:yaml.org,2002:value",
    }
    return {
        first: [(tag, pattern) for tag, pattern in known if tag not in different]
        for first, known in _SafeLoader.yaml_implicit_resolvers.items()
    }


Loader.yaml_implicit_resolvers = _resolvers()
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:timestamp",
    re.compile(rf"(?:{_DATE.pattern}|{_TIMESTAMP.pattern})$", re.A),
    list("0123456789"),
)
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(
        r"[-+]?(?:0b[01_,]+|0[0-7_,]+|0x[0-9a-fA-F_,]+|0|[1-9](?:[0-9]|,[0-9]|_[0-9])*)$", re.ASCII
    ),
    list("-+0123456789"),
)
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?(?:[0-9][0-9_]*\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"
        r"|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$",
        re.A,
    ),
    list("-+.0123456789"),
)
Loader.add_constructor(
    "tag:yaml.org,2002:timestamp", lambda loader, node: read_timestamp(str(node.value))
)
Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
Loader.add_constructor("tag:yaml.org,2002:bool", _construct_bool)
Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)
# A set is a mapping to null, as for Psych. A Python set would have another order in each process.
Loader.add_constructor(
    "tag:yaml.org,2002:set", lambda loader, node: _construct_unknown(loader, "", node)
)
Loader.add_multi_constructor("!", _construct_unknown)
