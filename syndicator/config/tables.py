"""Reads the tables of the config: each setting by its parser.

The parser of a setting is what its type is annotated with: a function that returns the setting's
value for that of the file, or raises ValueError with the remedy. A Literal is parsed by its words.
msgspec makes the classes but does not fill them: `msgspec.convert` stops at the first mistake.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from syndicator.config.environment_values import FromEnvironment, parse_json
from syndicator.config.mistakes import UNKNOWN, Mistake, MistakesError, mistakes
from syndicator.config.plain_values import one_of


class WithBase(NamedTuple):
    """A parser whose second argument is the folder where relative paths start."""

    parse: Callable[[object, Path], Any]


class SettingsTable(Struct, frozen=True):
    """A table of the config. Its fields are the settings, in the order of the file."""

    @classmethod
    def complete(cls, settings: Mapping[str, object]) -> Mapping[str, object]:
        """The settings of the file, and those defaults that are parsed like them."""
        return settings

    @classmethod
    def check_field(cls, name: str, value: Any, above: Mapping[str, Any]) -> None:
        """Raise ValueError if a value does not suit the valid ones that are set above it."""

    def check(self) -> None:
        """Raise ValueError if valid values do not suit each other."""


Table = TypeVar("Table", bound=SettingsTable)


def read(table: type[Table], value: object, base: Path) -> Table:
    """Read a table, and those in it: a table that is absent is read as an empty one.

    `base`: see WithBase. Raises MistakesError: mistakes in settings, in the order of the table, and
    then unknown keys. Another ValueError is a mistake of the table itself.
    """
    settings = parse_json(value)
    if not isinstance(settings, dict):
        raise ValueError("must be a table of settings")
    settings = table.complete(settings)
    parsed: dict[str, Any] = {}
    found: list[Mistake] = []
    for name, parser in parsers(table).items():
        if name in settings or is_table(parser):
            try:
                field = _parse(parser, settings.get(name, {}), base)
                table.check_field(name, field, parsed)
            except ValueError as error:
                found += mistakes(error, name)
            else:
                parsed[name] = field
    found += [Mistake((name,), UNKNOWN) for name in settings if name not in parsers(table)]
    if found:
        raise MistakesError(found)
    result = table(**parsed)
    result.check()
    return result


@cache
def parsers(table: type[SettingsTable]) -> Mapping[str, Any]:
    """The parser of each setting: a function, a WithBase, or for a table its class."""
    hints = get_type_hints(table, include_extras=True)
    return {name: _parser(hint) for name, hint in hints.items()}


def is_table(parser: Any) -> bool:
    return isinstance(parser, type)


def _parser(hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):  # with None, which is a default and has no text
        hint = get_args(hint)[0]
    if get_origin(hint) is Literal:
        return one_of(hint)
    return getattr(hint, "__metadata__", (hint,))[0]


def _parse(parser: Any, value: object, base: Path) -> Any:
    if is_table(parser):
        return read(parser, value, base)
    parsed = parser.parse(value, base) if isinstance(parser, WithBase) else parser(value)
    return str(parsed) if isinstance(parsed, FromEnvironment) else parsed
