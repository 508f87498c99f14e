"""Text, flags, whole numbers, words of a choice, and lists of values."""

from collections.abc import Callable
from typing import Any, TypeVar, get_args

from syndicator.config.environment_values import parse_json, parse_list
from syndicator.config.mistakes import Mistake, MistakesError, mistakes
from syndicator.config.quote import quote

T = TypeVar("T")

#: More than any number here needs; the largest that a database column accepts.
_MAX_NUMBER = 2**31 - 1


def parse_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")
    return value


def parse_flag(value: object) -> bool:
    flag = parse_json(value)
    if not isinstance(flag, bool):
        raise ValueError("must be true or false")
    return flag


def whole_number(smallest: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        number = parse_json(value)
        if not isinstance(number, int) or isinstance(number, bool):
            raise ValueError("must be a whole number")
        if number < smallest:
            raise ValueError(f"must be {smallest} or more")
        if number > _MAX_NUMBER:
            raise ValueError(f"must be {_MAX_NUMBER} or less")
        return number

    return parse


def one_of(words: Any) -> Callable[[object], Any]:
    """A parser of the words of a Literal."""
    allowed = get_args(words)
    *most, last = (f'"{word}"' for word in allowed)

    def parse(value: object) -> Any:
        if isinstance(value, str) and value in allowed:
            return value
        raise ValueError(f"{quote(value)} must be {', '.join(most)} or {last}")

    return parse


def list_of(
    parse: Callable[[object], T], *checks: Callable[[tuple[T, ...]], None]
) -> Callable[[object], tuple[T, ...]]:
    """A parser of a list of values. `checks` raise ValueError if the list as a whole is wrong."""

    def parse_items(value: object) -> tuple[T, ...]:
        items = parse_list(value)
        if not isinstance(items, list):
            raise ValueError('must be a list, such as ["…"]')
        parsed: list[T] = []
        found: list[Mistake] = []
        for index, item in enumerate(items):
            try:
                parsed.append(parse(item))
            except ValueError as error:
                found += mistakes(error, index)
        if found:
            raise MistakesError(found)
        for check in checks:
            check(tuple(parsed))
        return tuple(parsed)

    return parse_items
