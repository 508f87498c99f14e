"""Finds and reads the config file, lets the environment override it, and words mistakes."""

import difflib
import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from syndicator import regular_files
from syndicator.config.environment_values import FromEnvironment
from syndicator.config.quote import quote
from syndicator.config.settings import Config, SettingsTable
from syndicator.config.toml_error import toml_error
from syndicator.errors import ConfigError
from syndicator.model.report import count

SEARCH = ("config/syndicator.toml", "syndicator.toml")
PREFIX = "SYNDICATOR_"

#: Characters of a config file. `init` writes 3,000; a long list of aliases may have 10,000.
_MAX_LENGTH = 1024 * 1024


def find(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The config file: `path`, else `$SYNDICATOR_CONFIG`, else the first of SEARCH; None: none."""
    if path is not None:
        return path
    if named := environ.get(f"{PREFIX}CONFIG"):
        return Path(named)
    return next((Path(name) for name in SEARCH if os.path.isfile(name)), None)


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """Load the config from the file that `find` returns, overridden by the environment.

    Raises ConfigError, which lists every mistake.
    """
    file = find(path, environ)
    overrides = dict(_environment_settings(environ))
    if file is None and not overrides:
        raise ConfigError(
            f"no config found: neither {' nor '.join(SEARCH)} exists in this directory",
            hint="run `syndicator init` in your site's folder, or name a file with --config",
        )
    values = _read(file) if file else {}
    for keys, text in overrides.items():
        _put(values, keys, text)
    try:
        base = _base(file, environ)
    except FileNotFoundError:
        raise ConfigError(
            "the current directory no longer exists", hint="change to a directory that exists"
        ) from None
    try:
        return Config.model_validate(values, context={"base": base})
    except ValidationError as error:
        mistakes = tuple(
            dict.fromkeys(_mistake(detail, overrides) for detail in error.errors(include_url=False))
        )
        message = f"{file or 'the environment'}: {count(len(mistakes), 'mistake')}"
        raise ConfigError(message, mistakes=mistakes) from None


def working_directory(environ: Mapping[str, str]) -> Path:
    """The current directory as it was entered, through links, if PWD says so.

    As `pwd -L` (POSIX): a link on the way may lead elsewhere later. Raises FileNotFoundError if
    the directory no longer exists.
    """
    named = environ.get("PWD", "")
    if named.startswith("/") and not {".", ".."} & {*named.split("/")}:
        with suppress(OSError, ValueError):
            if os.path.samefile(named, "."):
                return Path(named)
    return Path.cwd()


def keys(table: type[BaseModel] = Config, above: str = "") -> Iterator[str]:
    """The dotted key of every setting, in the order of the file."""
    for name, field in table.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, SettingsTable):
            yield from keys(field.annotation, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def _base(file: Path | None, environ: Mapping[str, str]) -> Path:
    """Where relative paths start: at the config file, or else in the current directory."""
    if file is None:
        return working_directory(environ)
    if file.is_absolute():
        return file.parent
    return (working_directory(environ) / file).parent


def _read(file: Path) -> dict[str, Any]:
    hint = "run `syndicator init` to write one, or name another with --config"
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # opening a FIFO waits for a writer
            raise ConfigError(f"{file}: not a file", hint=hint)
        with open(regular_files.open_file(file, follow=True), encoding="utf-8-sig") as opened:
            text = opened.read(_MAX_LENGTH + 1)
        if len(text) > _MAX_LENGTH:
            raise ConfigError(f"{file}: larger than {_MAX_LENGTH:,} characters", hint=hint)
        return tomllib.loads(text)
    except OSError as error:
        hint = "give this user read access" if isinstance(error, PermissionError) else hint
        raise ConfigError(f"{file}: can't be read: {error.strerror}", hint=hint) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{file}: not UTF-8 at byte {error.start}", hint="save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise toml_error(file, text, str(error)) from None
    except RecursionError:
        raise ConfigError(
            f"{file}: values are nested too deeply",
            hint="remove brackets: no setting is nested deeper than a list in a table",
        ) from None


def _environment_settings(
    environ: Mapping[str, str],
) -> Iterator[tuple[tuple[str, ...], FromEnvironment]]:
    """Settings from the environment: the names with `__`, since Kubernetes sets SYNDICATOR_PORT."""
    for name in sorted(environ):
        if not name.startswith(PREFIX) or "__" not in name:
            continue
        if re.search("[\ud800-\udfff]", environ[name]):  # bytes that Python could not decode
            raise ConfigError(f"{name} is not UTF-8", hint="set it to text in UTF-8")
        yield (
            tuple(name.removeprefix(PREFIX).lower().split("__")),
            FromEnvironment(environ[name]),
        )


def _put(values: dict[str, Any], keys: tuple[str, ...], text: FromEnvironment) -> None:
    """Set one value in nested tables, replacing any value that is in the way of a table."""
    for key in keys[:-1]:
        if not isinstance(values.get(key), dict):
            values[key] = {}
        values = values[key]
    values[keys[-1]] = text


_MESSAGES = {  # by pydantic's type of error
    "missing": "must be set",
    "string_type": "must be text in quotes",
    "string_unicode": "is not UTF-8",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": 'must be a list, such as ["…"]',
    "model_type": "must be a table of settings",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "too_long": "must have at most {max_length} values",
}


def _mistake(detail: Any, overrides: Mapping[tuple[str, ...], str]) -> str:
    """One line: the key, the environment variable if the value comes from one, and the mistake."""
    loc = detail["loc"]
    key = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc if part != "[key]"
    )[1:]
    variables = (names for names in overrides if names[: len(loc)] == loc[: len(names)])
    variable = next((f" ({PREFIX}{'__'.join(names).upper()})" for names in variables), "")
    return f"{key}{variable}: {_message(detail, key)}"


def _message(detail: Any, key: str) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "extra_forbidden":
            similar = _similar_key(key)
            return f"unknown setting{f'; did you mean {similar}?' if similar else ''}"
        case "literal_error":
            expected = context["expected"].replace("'", '"')
            return f"{quote(detail['input'])} must be {expected}"
        case kind if kind in _MESSAGES:
            return _MESSAGES[kind].format(**context)
    return str(detail["msg"])


def _similar_key(key: str) -> str | None:
    """The setting or table that a misspelt key may mean; None: none is similar."""
    known = list(keys())
    close = difflib.get_close_matches(key, [*known, *Config.model_fields], n=1, cutoff=0.75)
    same_name = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
    return next(iter([*close, *same_name]), None)
