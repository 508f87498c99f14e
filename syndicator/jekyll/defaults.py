"""Front matter defaults: what `_config.yml` says for whole folders (jekyll/lib/jekyll/frontmatter_defaults.rb)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TYPES = {"post": "posts", "page": "pages", "draft": "drafts"}  # names that Jekyll once used
_STARS = re.compile(r"\*\*/|\*|\?|\[[^\]]*\]|\{[^{}]*\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class DefaultSet:
    """One entry of `defaults`."""

    path: str  #: a folder, a file or the beginning of its path; "" is everything
    glob: re.Pattern[str] | None  #: of the path, when it has a star
    type: str | None  #: a collection's name; None: every one
    values: Mapping[str, Any]

    def applies(self, path: str, collection: str) -> bool:
        if self.type is not None and self.type != collection:
            return False
        return (
            path.startswith(self.path) if self.glob is None else self.glob.match(path) is not None
        )

    def parts(self, folder: str) -> bool:
        """Whether it may apply to one file of a folder and not to another. `folder` ends in "/", or is empty."""
        return self.glob is not None or (
            len(self.path) > len(folder) and self.path.startswith(folder)
        )

    def outranks(self, other: "DefaultSet | None") -> bool:
        """Whether its values win over another's: a longer path, then a type, then who comes later."""
        if other is None:
            return True
        mine, theirs = self.path.removeprefix("/"), other.path.removeprefix("/")
        if len(mine) != len(theirs):
            return len(mine) > len(theirs)
        return self.type is not None or other.type is None


class Defaults:
    """The sets of one site. What applies to a file is merged once for all files it is the same for."""

    def __init__(self, sets: tuple[DefaultSet, ...] = ()) -> None:
        self._sets = sets
        self._merged: dict[tuple[int, ...], Mapping[str, Any]] = {(): {}}
        self._of_folder: dict[tuple[str, str], Mapping[str, Any]] = {}

    def of(self, path: str, collection: str) -> Mapping[str, Any]:
        """All default values of a file, not to be changed. `path` starts at the folder of collections."""
        folder = path[: path.rfind("/") + 1]
        values = self._of_folder.get((folder, collection))
        if values is None:
            values = self._of_file(path, collection)
            if not any(one.parts(folder) for one in self._sets):
                self._of_folder[folder, collection] = values
        return values

    def _of_file(self, path: str, collection: str) -> Mapping[str, Any]:
        applying = tuple(
            number for number, one in enumerate(self._sets) if one.applies(path, collection)
        )
        values = self._merged.get(applying)
        if values is None:
            values = self._merged[applying] = self._merge(applying)
        return values

    def _merge(self, applying: tuple[int, ...]) -> Mapping[str, Any]:
        values: dict[str, Any] = {}
        winner: DefaultSet | None = None
        for one in (self._sets[number] for number in applying):
            if one.outranks(winner):
                values, winner = merge(values, one.values), one
            else:
                values = merge(one.values, values)
        return values


def read_defaults(said: Any, collections_dir: str) -> tuple[Defaults, tuple[str, ...]]:
    """What a config's `defaults` says, and in words what of it says nothing."""
    if not isinstance(said, list):
        return Defaults(), () if said is None else ("defaults is not a list",)
    sets: list[DefaultSet] = []
    wrong: list[str] = []
    for number, entry in enumerate(said, 1):
        scope = (entry.get("scope") or {}) if isinstance(entry, dict) else None
        if not isinstance(scope, dict) or not isinstance(entry.get("values"), dict):
            wrong.append(f"entry {number} of defaults has no scope or no values")
        else:
            sets.append(_read_set(scope, entry["values"], collections_dir))
    return Defaults(tuple(sets)), tuple(wrong)


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both, deeply; `over` wins, but not where it is empty (jekyll/lib/jekyll/utils.rb deep_merge_hashes)."""
    merged = dict(under)
    for key, value in over.items():
        old = merged.get(key)
        if value is None and key in merged:
            continue
        merged[key] = (
            merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
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
    """Ruby's `Dir.glob` as a pattern of the folders and files it would find, each standing for all below it."""
    parts: list[str] = []
    end = 0
    for star in _STARS.finditer(pattern):
        parts += re.escape(pattern[end : star.start()]), _starred(star[0])
        end = star.end()
    return re.compile(
        f"{''.join(parts)}{re.escape(pattern[end:])}(?:/|$)".replace("//", "/"), re.DOTALL
    )


def _starred(star: str) -> str:
    if star == "**/":
        return r"(?:[^/.][^/]*/)*"
    if star == "*":
        return "[^/]*"
    if star == "?":
        return "[^/]"
    if star[0] == "[":
        return f"[{'^' if star[1:2] in '^!' else ''}{re.escape(star[1:-1].lstrip('^!')).replace(chr(92) + '-', '-')}]"
    return f"(?:{'|'.join(re.escape(choice) for choice in star[1:-1].split(','))})"
