"""The types of the settings: each parses a value, or raises ValueError with the remedy.

The parsers are in `units`, `addresses`, `paths` and `environment`.
"""

import grp
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StrictStr

from syndicator.config.addresses import (
    Listen,
    parse_folder_url,
    parse_host_name,
    parse_listen,
    parse_network,
    parse_optional_listen,
    parse_player,
    parse_scheme,
    parse_url,
)
from syndicator.config.environment_values import parse_json, parse_list
from syndicator.config.git_addresses import (
    parse_branch,
    parse_git,
    parse_repository_folder,
    parse_secret,
)
from syndicator.config.paths import (
    check_aliases,
    check_moved,
    parse_aliases,
    parse_bucket_url,
    parse_folder,
    parse_optional_folder,
    parse_state_url,
)
from syndicator.config.quote import quote
from syndicator.config.units import check_interval, parse_duration, parse_pace, parse_size
from syndicator.jekyll.as_text import language_tag
from syndicator.listen import UnixSocket

#: More than any number here needs; the largest that a database column accepts.
_MAX_NUMBER = 2**31 - 1


def _parse_timezone(value: object) -> str:
    try:
        return ZoneInfo(value if isinstance(value, str) else "").key
    except (ValueError, KeyError, OSError):
        raise ValueError(
            f'{quote(value)} is not a time zone: write its name, such as "Europe/Berlin"'
        ) from None


def _parse_language(value: object) -> str:
    if not isinstance(value, str) or (value and language_tag(value) is None):
        raise ValueError(f'{quote(value)} is not a language: write it like "en" or "en-GB"')
    return value


def _parse_group(value: object) -> int | None:
    """The number of a group of this machine, by its name or number; the empty text is None."""
    if value in ("", None):
        return None
    try:
        text = value if isinstance(value, str) else ""
        return int(text) if text.isascii() and text.isdigit() else grp.getgrnam(text).gr_gid
    except (KeyError, ValueError):
        raise ValueError(
            f"{quote(value)} is not a group of this machine: check its name, or run groupadd"
        ) from None


def _check_unique(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(items)) < len(items):
        raise ValueError("contains a value twice")
    return items


def _check_not_empty(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        raise ValueError("must contain at least one value")
    return items


def _lower(value: object) -> object:
    """Log levels are often written in capitals."""
    return value.lower() if isinstance(value, str) else value


_List = BeforeValidator(parse_list)
_Unique = AfterValidator(_check_unique)

LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
Flag = Annotated[StrictBool, BeforeValidator(parse_json)]
Number = Annotated[StrictInt, Field(ge=0, le=_MAX_NUMBER), BeforeValidator(parse_json)]
Positive = Annotated[StrictInt, Field(ge=1, le=_MAX_NUMBER), BeforeValidator(parse_json)]
Text = StrictStr
Language = Annotated[str, BeforeValidator(_parse_language)]
TimeZone = Annotated[str, BeforeValidator(_parse_timezone)]

Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Pace = Annotated[timedelta, BeforeValidator(parse_pace)]
Interval = Annotated[Duration, AfterValidator(check_interval)]
RetryDelays = Annotated[tuple[Duration, ...], Field(max_length=100), _List]
Size = Annotated[int, BeforeValidator(parse_size)]

Url = Annotated[str, BeforeValidator(parse_url)]
Urls = Annotated[tuple[Url, ...], _Unique, _List]
FolderUrl = Annotated[str, BeforeValidator(parse_folder_url)]
ListenAddress = Annotated[Listen | UnixSocket, BeforeValidator(parse_listen)]
OptionalListenAddress = Annotated[
    Listen | UnixSocket | None, BeforeValidator(parse_optional_listen)
]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(parse_network)]
Networks = Annotated[tuple[Network, ...], _List]
HostNames = Annotated[tuple[Annotated[str, BeforeValidator(parse_host_name)], ...], _List]
Players = Annotated[tuple[Annotated[str, BeforeValidator(parse_player)], ...], _List]
Schemes = Annotated[tuple[Annotated[str, BeforeValidator(parse_scheme)], ...], _List]

Folder = Annotated[Path, BeforeValidator(parse_folder)]
OptionalFolder = Annotated[Path | None, BeforeValidator(parse_optional_folder)]
BucketUrl = Annotated[str | None, BeforeValidator(parse_bucket_url)]
GitAddress = Annotated[str | None, BeforeValidator(parse_git)]
Branch = Annotated[str | None, BeforeValidator(parse_branch)]
RepositoryFolder = Annotated[str, BeforeValidator(parse_repository_folder)]
Secret = Annotated[str | None, BeforeValidator(parse_secret), Field(repr=False)]
OptionalGroup = Annotated[int | None, BeforeValidator(_parse_group)]
StateUrl = Annotated[str, BeforeValidator(parse_state_url)]
#: Pairs of a path and the feed file that it leads to.
_PathPairs = Annotated[tuple[tuple[str, str], ...], BeforeValidator(parse_aliases)]
Aliases = Annotated[_PathPairs, AfterValidator(check_aliases)]
Moved = Annotated[_PathPairs, AfterValidator(check_moved)]

_Format = Literal["rss", "atom", "json"]
Formats = Annotated[tuple[_Format, ...], _Unique, AfterValidator(_check_not_empty), _List]
Kinds = Annotated[tuple[Literal["category", "tag", "author", "collection"], ...], _Unique, _List]
Encodings = Annotated[tuple[Literal["gzip", "br"], ...], _Unique, _List]


def durations(*texts: str) -> tuple[timedelta, ...]:
    return tuple(parse_duration(text) for text in texts)
