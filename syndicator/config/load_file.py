"""Where the config is found, how it is read, and how its mistakes are said."""

import difflib
import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from syndicator import regular_files
from syndicator.config.settings import Config, SettingsTable
from syndicator.config.values import FromEnvironment
from syndicator.errors import ConfigError

SEARCH = ("config/syndicator.toml", "syndicator.toml")
PREFIX = "SYNDICATOR_"

#: Characters of a config file. The one that `init` writes has 3,000; a list of aliases may have some 10,000.
_LARGEST = 1024 * 1024


def find(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The config's file: the one named, else `$SYNDICATOR_CONFIG`, else at a usual place; None: nowhere."""
    if path is not None:
        return path
    if named := environ.get(f"{PREFIX}CONFIG"):
        return Path(named)
    return next((Path(name) for name in SEARCH if os.path.isfile(name)), None)


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The config of a file (`find` says which), with the environment over it.

    Raises ConfigError with every mistake in it.
    """
    file = find(path, environ)
    over = dict(_settings(environ))
    if file is None and not over:
        raise ConfigError(
            f"there is no config: neither {' nor '.join(SEARCH)} is here",
            hint="run `syndicator init` in your site's folder, or name a file with --config",
        )
    values = _read(file) if file else {}
    for keys, text in over.items():
        _put(values, keys, text)
    try:
        base = file.absolute().parent if file else Path.cwd()
    except FileNotFoundError:
        raise ConfigError(
            "the folder that this was called in is gone", hint="cd to one that is there"
        ) from None
    try:
        return Config.model_validate(values, context={"base": base})
    except ValidationError as error:
        mistakes = tuple(
            dict.fromkeys(_mistake(detail, over) for detail in error.errors(include_url=False))
        )
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise ConfigError(f"{file or 'the environment'}: {count}", mistakes=mistakes) from None


def keys(table: type[BaseModel] = Config, above: str = "") -> Iterator[str]:
    """Every setting's dotted key, in the order of the file."""
    for name, field in table.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, SettingsTable):
            yield from keys(field.annotation, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def _read(file: Path) -> dict[str, Any]:
    hint = "run `syndicator init` to write one, or name another with --config"
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # opening a FIFO waits for someone who writes
            raise ConfigError(f"{file}: is not a file", hint=hint)
        with open(regular_files.open_file(file, follow=True), encoding="utf-8-sig") as opened:
            text = opened.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise ConfigError(f"{file}: is larger than {_LARGEST:,} characters", hint=hint)
        return tomllib.loads(text)
    except OSError as error:
        hint = "give this user the right to read it" if isinstance(error, PermissionError) else hint
        raise ConfigError(f"{file}: can't be read: {error.strerror}", hint=hint) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{file}: is not UTF-8: byte {error.start}", hint="save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        hint = "text stands in quotes, lists in [brackets], and a table starts with [its.name]"
        raise ConfigError(f"{file}: is not TOML: {error}", hint=hint) from None
    except RecursionError:
        raise ConfigError(
            f"{file}: its values are nested too deeply", hint="no setting is more than a table"
        ) from None


def _settings(environ: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], FromEnvironment]]:
    """The settings of an environment. Names without `__` are none: Kubernetes sets `SYNDICATOR_PORT`."""
    for name in sorted(environ):
        if name.startswith(PREFIX) and "__" in name:
            if re.search(
                "[\ud800-\udfff]", environ[name]
            ):  # how Python holds octets that are no text
                raise ConfigError(
                    f"{name} is not UTF-8", hint="write it in UTF-8, as the config's file is"
                )
            yield (
                tuple(name.removeprefix(PREFIX).lower().split("__")),
                FromEnvironment(environ[name]),
            )


def _put(values: dict[str, Any], keys: tuple[str, ...], text: FromEnvironment) -> None:
    """Set one value in nested tables. What stands in the way of a table is replaced by it."""
    for key in keys[:-1]:
        if not isinstance(values.get(key), dict):
            values[key] = {}
        values = values[key]
    values[keys[-1]] = text


_PLAIN = {  # pydantic's kinds of mistake in plain words
    "missing": "must be set",
    "string_type": "must be text in quotes",
    "string_unicode": "is not UTF-8",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": 'must be a list, as in ["…"]',
    "model_type": "must be a table of settings",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "too_long": "must not hold more than {max_length}",
    "literal_error": "{input!r} must be {expected}",
}


def _mistake(detail: Any, over: Mapping[tuple[str, ...], str]) -> str:
    """One mistake in words: its key, the variable when it came from there, and what is wrong."""
    loc = detail["loc"]
    key = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc if part != "[key]"
    )[1:]
    variables = (names for names in over if names[: len(loc)] == loc[: len(names)])
    variable = next((f" ({PREFIX}{'__'.join(names).upper()})" for names in variables), "")
    return f"{key}{variable}: {_words_for(detail, key)}"


def _words_for(detail: Any, key: str) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "value_error":
        return str(context["error"])
    if detail["type"] == "extra_forbidden":
        known = list(keys())
        tables = list(Config.model_fields)
        near = difflib.get_close_matches(key, known + tables, n=1, cutoff=0.75) or [
            name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]
        ]
        return f"there is no such setting{f'; did you mean {near[0]}?' if near else ''}"
    plain = _PLAIN.get(detail["type"])
    return plain.format(input=detail["input"], **context) if plain else detail["msg"]
