"""Front matter defaults of `_config.yml` (jekyll/lib/jekyll/frontmatter_defaults.rb)."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

_TYPES = {"post": "posts", "page": "pages", "draft": "drafts"}  # Jekyll's former names
_WILDCARDS = re.compile(r"\*\*/|\*|\?|\[[^\]]*\]|\{[^{}]*\}")


class DefaultSet(Struct, frozen=True, kw_only=True):
    """One entry of `defaults`."""

    path: str  #: a folder, a file or the beginning of its path; "" matches every file
    glob: re.Pattern[str] | None  #: the path as a pattern; None: the path has no wildcard
    type: str | None  #: a collection's name; None: every collection
    values: Mapping[str, Any]

    def applies(self, path: str, collection: str) -> bool:
        if self.type is not None and self.type != collection:
            return False
        return (
            path.startswith(self.path) if self.glob is None else self.glob.match(path) is not None
        )

    def splits(self, folder: str) -> bool:
        """Whether it may apply to one file of a folder and not to another.

        `folder` ends in "/", or is empty.
        """
        return self.glob is not None or (
            len(self.path) > len(folder) and self.path.startswith(folder)
        )

    def outranks(self, other: "DefaultSet | None") -> bool:
        """Whether its values win over another's: a longer path, then a type, then the later set."""
        if other is None:
            return True
        mine, theirs = self.path.removeprefix("/"), other.path.removeprefix("/")
        if len(mine) != len(theirs):
            return len(mine) > len(theirs)
        return self.type is not None or other.type is None


class Defaults:
    """The sets of one site. Each combination of sets is merged once, for all of its files."""

    def __init__(self, sets: tuple[DefaultSet, ...] = ()) -> None:
        self._sets = sets
        self._merged: dict[tuple[int, ...], Mapping[str, Any]] = {(): {}}
        self._of_folder: dict[tuple[str, str], Mapping[str, Any]] = {}

    def values_of(self, path: str, collection: str) -> Mapping[str, Any]:
        """All default values of a file. Don't change the result.

        `path` is relative to `collections_dir`.
        """
        folder = path[: path.rfind("/") + 1]
        values = self._of_folder.get((folder, collection))
        if values is None:
            values = self._of_file(path, collection)
            if not any(each.splits(folder) for each in self._sets):
                self._of_folder[folder, collection] = values
        return values

    def _of_file(self, path: str, collection: str) -> Mapping[str, Any]:
        applying = tuple(
            number for number, each in enumerate(self._sets) if each.applies(path, collection)
        )
        values = self._merged.get(applying)
        if values is None:
            values = self._merged[applying] = self._merge(applying)
        return values

    def _merge(self, applying: tuple[int, ...]) -> Mapping[str, Any]:
        values: dict[str, Any] = {}
        winner: DefaultSet | None = None
        for each in (self._sets[number] for number in applying):
            if each.outranks(winner):
                values, winner = merge(values, each.values), each
            else:
                values = merge(each.values, values)
        return values


def read_defaults(setting: Any, collections_dir: str) -> tuple[Defaults, tuple[str, ...]]:
    """The `defaults` of a config, and a message for each entry that can't be used."""
    if not isinstance(setting, list):
        return Defaults(), () if setting is None else ("defaults is not a list",)
    sets: list[DefaultSet] = []
    errors: list[str] = []
    for number, entry in enumerate(setting, 1):
        scope = (entry.get("scope") or {}) if isinstance(entry, dict) else None
        if not isinstance(scope, dict) or not isinstance(entry.get("values"), dict):
            errors.append(f"entry {number} of defaults has no scope or no values")
        else:
            sets.append(_read_set(scope, entry["values"], collections_dir))
    return Defaults(tuple(sets)), tuple(errors)


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge deeply. `over` wins, except where it is None (utils.rb deep_merge_hashes)."""
    merged = dict(under)
    for key, value in over.items():
        old = merged.get(key)
        if value is None and key in merged:
            continue
        if isinstance(old, dict) and isinstance(value, dict):
            value = merge(old, value)
        merged[key] = value
    return merged


def _read_set(
    scope: Mapping[str, Any], values: Mapping[str, Any], collections_dir: str
) -> DefaultSet:
    path, type_ = scope.get("path"), scope.get("type")
    path = path if isinstance(path, str) else ""
    if collections_dir:
        path = path.removeprefix(f"{collections_dir}/")
    return DefaultSet(
        path=path,
        glob=_glob(path) if "*" in path else None,
        type=None if "type" not in scope else _TYPES.get(str(type_), str(type_)),
        values={str(key): value for key, value in values.items()},
    )


def _glob(pattern: str) -> re.Pattern[str]:
    """Ruby's `Dir.glob` as a pattern of the paths it would find and of all paths below them."""
    splits: list[str] = []
    end = 0
    for wildcard in _WILDCARDS.finditer(pattern):
        splits += re.escape(pattern[end : wildcard.start()]), _glob_part(wildcard[0])
        end = wildcard.end()
    return re.compile(
        f"{''.join(splits)}{re.escape(pattern[end:])}(?:/|$)".replace("//", "/"), re.DOTALL
    )


def _glob_part(wildcard: str) -> str:
    if wildcard == "**/":
        return r"(?:[^/.][^/]*/)*"
    if wildcard == "*":
        return "[^/]*"
    if wildcard == "?":
        return "[^/]"
    if wildcard[0] == "[":
        negated = "^" if wildcard[1:2] in "^!" else ""
        characters = re.escape(wildcard[1:-1].lstrip("^!")).replace(r"\-", "-")
        return f"[{negated}{characters}]"
    return f"(?:{'|'.join(re.escape(choice) for choice in wildcard[1:-1].split(','))})"
