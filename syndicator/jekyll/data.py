"""Reads `site.data` from the files of `_data/` (jekyll/lib/jekyll/readers/data_reader.rb)."""

import csv
import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from syndicator.jekyll.characters import without_lone_surrogates
from syndicator.jekyll.safe_yaml import (
    MAX_VALUES,
    YamlLimitError,
    check_json,
    count_values,
    load_yaml,
)
from syndicator.model.content import Problem
from syndicator.model.lookups import SiteFiles

#: Characters of all files together, and bytes of one. Sites with tens of thousands of records have
#: some MB.
MAX_TEXT = 16 * 1024 * 1024
#: Cells of a CSV table, including the empty ones that fill up short rows, or values of a JSON file:
#: as many as MAX_TEXT has at 16 characters each. A value takes some 100 bytes of memory.
MAX_CELLS = 1024 * 1024
#: Values of all YAML files together. Each takes 7 to 37 µs; 6 MB of lines of 25 characters have as
#: many. JSON and CSV take a tenth of the time.
MAX_YAML_VALUES = 250_000
#: Values of all JSON and CSV files together: some hundred MB of memory.
MAX_OTHER_VALUES = 4 * MAX_CELLS
#: Characters of unreadable YAML that count as one value: it was parsed up to the error.
_UNREADABLE = 2

_YAML = (".yaml", ".yml")
_SUFFIXES = (*_YAML, ".json", ".csv", ".tsv")
_UNKEYED = re.compile(r"[^\w\s-]+")


def read_data(
    folder: str, files: SiteFiles
) -> tuple[Mapping[str, Any], Mapping[str, str], tuple[Problem, ...]]:
    """The folder's data, the text of each file read, and a Problem for each unreadable file."""
    data: dict[str, Any] = {}
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    paths = [path for path in files.names(folder) if _suffix(path)]
    characters = values = other_values = 0
    for number, path in enumerate(paths):
        text = files.text(path, MAX_TEXT)
        if text is None:
            problems.append(
                Problem(
                    path=path,
                    message="the data can't be read",
                    hint=f"it must be UTF-8 and at most {MAX_TEXT // 1024**2} MiB",
                )
            )
            continue
        characters += len(text)
        suffix = _suffix(path)
        other_values += 0 if suffix in _YAML else _marks(text, suffix)
        if characters > MAX_TEXT or values >= MAX_YAML_VALUES or other_values > MAX_OTHER_VALUES:
            problems.append(_left_out(path, len(paths) - number - 1))
            break
        texts[path] = text
        try:
            value = _parse(text, suffix)
        except (
            yaml.YAMLError,
            YamlLimitError,
            ValueError,
            TypeError,
            RecursionError,
            csv.Error,
        ) as error:
            values += min(len(text) // _UNREADABLE, MAX_VALUES) if suffix in _YAML else 0
            problems.append(_problem(path, error))
            continue
        values += count_values(value) if suffix in _YAML else 0
        *folders, name = path.removeprefix(f"{folder}/").split("/")
        _insert(data, [_key(part) for part in (*folders, name.rpartition(".")[0])], value)
    return data, texts, tuple(problems)


def _suffix(path: str) -> str:
    """The suffix of a data file, in lower case; empty for any other file."""
    stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
    suffix = f"{dot}{suffix.lower()}"
    return suffix if stem and suffix in _SUFFIXES else ""


def _parse(text: str, suffix: str) -> Any:
    if suffix in (".csv", ".tsv"):
        return _table(text, "," if suffix == ".csv" else "\t")
    if suffix == ".json":
        check_json(text)
        if _marks(text, suffix) > MAX_CELLS:
            raise YamlLimitError(f"it has more than {MAX_CELLS:,} values")
        return without_lone_surrogates(json.loads(text))
    return load_yaml(text)


def _marks(text: str, suffix: str) -> int:
    """The number of characters that begin or end a value: at least the number of values."""
    return sum(map(text.count, {".json": ",[{", ".csv": ",\n", ".tsv": "\t\n"}[suffix]))


def _table(text: str, delimiter: str) -> list[dict[str, Any]]:
    lines = text.splitlines()
    rows = csv.DictReader(lines, delimiter=delimiter)
    if len(rows.fieldnames or ()) * len(lines) > MAX_CELLS:
        raise YamlLimitError("its first row has too many columns for so many rows")
    return [{key: value for key, value in row.items() if key is not None} for row in rows]


def _insert(data: dict[str, Any], keys: list[str], value: Any) -> None:
    *folders, name = keys
    for folder in folders:
        below = data.setdefault(folder, {})
        # With a file and a folder of one name the folder wins, as in Jekyll.
        if not isinstance(below, dict):
            below = data[folder] = {}
        data = below
    data[name] = value


def _key(name: str) -> str:
    return re.sub(r"\s+", "_", _UNKEYED.sub("", name).strip())


def _problem(path: str, error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else getattr(error, "lineno", None)
    return Problem(
        path=path,
        line=line,
        message=f"the data can't be read: {getattr(error, 'problem', None) or error}",
        hint="correct it there: until then site.data lacks this file",
    )


def _left_out(path: str, others: int) -> Problem:
    files = f"this file and the {others:,} after it are" if others else "this file is"
    return Problem(
        path=path,
        message=f"{files} left out: together, all data files have more than"
        f" {MAX_TEXT // 1024**2} MiB of text, {MAX_YAML_VALUES:,} values of YAML,"
        f" or {MAX_OTHER_VALUES:,} of JSON and CSV",
        hint="remove data that no post needs",
    )
