"""Finds and reads the config file, lets the environment override it, and words mistakes."""

import os
import re
import stat
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from syndicator import regular_files
from syndicator.config import tables
from syndicator.config.environment_values import FromEnvironment
from syndicator.config.mistakes import UNKNOWN, Mistake, mistakes
from syndicator.config.quote import quote
from syndicator.config.settings import Config
from syndicator.config.tables import SettingsTable
from syndicator.config.toml_error import toml_error
from syndicator.errors import ConfigError

SEARCH = ("config/syndicator.toml", "syndicator.toml")
PREFIX = "SYNDICATOR_"

#: Bytes of a config file. `init` writes 3,000; a long list of aliases may have 10,000.
_MAX_SIZE = 1024 * 1024


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
        return tables.read(Config, values, base)
    except ValueError as error:
        from syndicator.model.report import count

        lines = tuple(dict.fromkeys(_line(mistake, overrides) for mistake in mistakes(error)))
        message = f"{file or 'the environment'}: {count(len(lines), 'mistake')}"
        raise ConfigError(message, mistakes=lines) from None


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


def keys(table: type[SettingsTable] = Config, above: str = "") -> Iterator[str]:
    """The dotted key of every setting, in the order of the file."""
    for name, parser in tables.parsers(table).items():
        if tables.is_table(parser):
            yield from keys(parser, f"{above}{name}.")
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
        with open(regular_files.open_file(file, follow=True), "rb") as opened:
            data = opened.read(_MAX_SIZE + 1)
        if len(data) > _MAX_SIZE:
            raise ConfigError(f"{file}: larger than {_MAX_SIZE:,} bytes", hint=hint)
        text = data.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        return tomllib.loads(text)
    except OSError as error:
        hint = "give this user read access" if isinstance(error, PermissionError) else hint
        raise ConfigError(f"{file}: can't be read: {error.strerror}", hint=hint) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{file}:{line}: not UTF-8 at byte {error.start}", hint="save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise toml_error(file, text, str(error)) from None
    except ValueError:  # tomllib has int() read a number that is longer than int() accepts
        digits = re.search(f"[0-9_]{{{sys.get_int_max_str_digits()}}}", text)
        line = text.count("\n", 0, digits.start() if digits else None) + 1
        raise ConfigError(f"{file}:{line}: a number is too long", hint="shorten it") from None
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


def _line(mistake: Mistake, overrides: Mapping[tuple[str, ...], str]) -> str:
    """The key, the environment variable if the value comes from one, and the mistake."""
    place, text = mistake
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{_name(part)}" for part in place)[1:]
    variables = (names for names in overrides if names[: len(place)] == place[: len(names)])
    variable = next((f" ({PREFIX}{'__'.join(names).upper()})" for names in variables), "")
    if text == UNKNOWN and (similar := _similar_key(key)):
        text = f"{text}; did you mean {similar}?"
    return f"{key}{variable}: {text}" if place else text  # a mistake of the whole names its keys


def _name(key: str) -> str:
    """A key; in quotes, as TOML requires, if it is more than a plain name."""
    return key if re.fullmatch(r"[\w-]{1,80}", key, re.ASCII) else quote(key)


def _similar_key(key: str) -> str | None:
    """The setting or table that a misspelt key may mean; None: none is similar."""
    import difflib

    known = list(keys())
    similar = difflib.get_close_matches(key, [*known, *tables.parsers(Config)], n=1, cutoff=0.75)
    same_name = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
    return next(iter([*similar, *same_name]), None)
