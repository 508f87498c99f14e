"""`site.data`: the files of `_data/`, each below its folder and name (jekyll/lib/jekyll/readers/data_reader.rb)."""

import csv
import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from syndicator.jekyll.asking import SiteFiles
from syndicator.jekyll.characters import whole
from syndicator.jekyll.safe_yaml import TooMuchError, check_json, load_yaml
from syndicator.model import Problem

#: Cells of a table, the empty ones counted that short rows are filled up with: as many as 1 MiB of text can hold.
MAX_CELLS = 1024 * 1024

_SUFFIXES = (".yaml", ".yml", ".json", ".csv", ".tsv")
_UNKEYED = re.compile(r"[^\w\s-]+")


def read_data(folder: str, files: SiteFiles) -> tuple[Mapping[str, Any], Mapping[str, str], tuple[Problem, ...]]:
    """What the folder says, the texts it was read from, and what of it can't be read."""
    data: dict[str, Any] = {}
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for path in files.names(folder):
        *folders, name = path.removeprefix(f"{folder}/").split("/")
        stem, dot, suffix = name.rpartition(".")
        if f".{suffix.lower()}" not in _SUFFIXES or not stem:
            continue
        text = files.text(path)
        if text is None:
            problems.append(
                Problem(path=path, message="the data can't be read", hint="it must be UTF-8 and at most 1 MiB")
            )
            continue
        texts[path] = text
        try:
            value = _parse(text, f"{dot}{suffix.lower()}")
        except (yaml.YAMLError, TooMuchError, ValueError, TypeError, RecursionError, csv.Error) as error:
            problems.append(_problem(path, error))
            continue
        _place(data, [_key(part) for part in (*folders, stem)], value)
    return data, texts, tuple(problems)


def _parse(text: str, suffix: str) -> Any:
    if suffix in (".csv", ".tsv"):
        return _table(text, "," if suffix == ".csv" else "\t")
    if suffix == ".json":
        check_json(text)
        return whole(json.loads(text))
    return load_yaml(text)


def _table(text: str, delimiter: str) -> list[dict[str, Any]]:
    lines = text.splitlines()
    rows = csv.DictReader(lines, delimiter=delimiter)
    if len(rows.fieldnames or ()) * len(lines) > MAX_CELLS:
        raise TooMuchError("its first row has too many columns for so many rows")
    return [{key: value for key, value in row.items() if key is not None} for row in rows]


def _place(data: dict[str, Any], keys: list[str], value: Any) -> None:
    *folders, name = keys
    for folder in folders:
        below = data.setdefault(folder, {})
        if not isinstance(below, dict):  # a file and a folder of one name: the folder wins, as in Jekyll
            below = data[folder] = {}
        data = below
    data[name] = value


def _key(name: str) -> str:
    return re.sub(r"\s+", "_", _UNKEYED.sub("", name).strip())


def _problem(path: str, error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else getattr(error, "lineno", None)
    return Problem(path=path, line=line, message=f"the data can't be read: {getattr(error, 'problem', None) or error}")
