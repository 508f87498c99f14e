"""The types of the settings, each annotated with its parser: see `tables`.

The parsers are here and in `plain_values`, `units`, `addresses`, `git_addresses` and `paths`.
"""

import grp
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from syndicator.config import addresses, git_addresses, paths, plain_values, units
from syndicator.config.addresses import Listen
from syndicator.config.plain_values import list_of, one_of
from syndicator.config.quote import quote
from syndicator.config.tables import WithBase
from syndicator.listen import UnixSocket

#: Attempts after a failure that a setting may list.
_MAX_LENGTH = 100

#: The highest number of a group: the next one means "unchanged" to chown(2).
_MAX_GROUP = 2**32 - 2


def _parse_timezone(value: object) -> str:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(value if isinstance(value, str) else "").key
    except (ValueError, KeyError, OSError):
        raise ValueError(
            f'{quote(value)} is not a time zone: write its name, such as "Europe/Berlin"'
        ) from None


def _parse_language(value: object) -> str:
    from syndicator.jekyll.as_text import language_tag

    if not isinstance(value, str) or (value and language_tag(value) is None):
        raise ValueError(f'{quote(value)} is not a language: write it like "en" or "en-GB"')
    return value


def _parse_group(value: object) -> int | None:
    """The number of a group of this machine, by its name or number; the empty text is None."""
    if value in ("", None):
        return None
    try:
        text = value if isinstance(value, str) else ""
        if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= _MAX_GROUP:
            return int(text)
        return grp.getgrnam(text).gr_gid
    except (KeyError, ValueError):
        raise ValueError(
            f"{quote(value)} is not a group of this machine: check its name, or run groupadd"
        ) from None


def _check_unique(items: tuple[Any, ...]) -> None:
    if len(set(items)) < len(items):
        raise ValueError("contains a value twice")


def _check_not_empty(items: tuple[Any, ...]) -> None:
    if not items:
        raise ValueError("must contain at least one value")


def _check_length(items: tuple[Any, ...]) -> None:
    if len(items) > _MAX_LENGTH:
        raise ValueError(f"must have at most {_MAX_LENGTH} values")


_Level = Literal["debug", "info", "warning", "error"]


def _parse_level(value: object) -> Any:
    """Log levels are often written in capitals."""
    return one_of(_Level)(value.lower() if isinstance(value, str) else value)


LogLevel = Annotated[_Level, _parse_level]
Flag = Annotated[bool, plain_values.parse_flag]
Number = Annotated[int, plain_values.whole_number(0)]
Positive = Annotated[int, plain_values.whole_number(1)]
Text = Annotated[str, plain_values.parse_text]
Language = Annotated[str, _parse_language]
TimeZone = Annotated[str, _parse_timezone]

Duration = Annotated[timedelta, units.parse_duration]
Seconds = Annotated[timedelta, units.parse_seconds]
Pace = Annotated[timedelta, units.parse_pace]
Interval = Annotated[timedelta, units.parse_interval]
RetryDelays = Annotated[tuple[timedelta, ...], list_of(units.parse_duration, _check_length)]
Size = Annotated[int, units.parse_size]

Url = Annotated[str, addresses.parse_url]
Urls = Annotated[tuple[str, ...], list_of(addresses.parse_url, _check_unique)]
FolderUrl = Annotated[str, addresses.parse_folder_url]
ListenAddress = Annotated[Listen | UnixSocket, addresses.parse_listen]
OptionalListenAddress = Annotated[Listen | UnixSocket | None, addresses.parse_optional_listen]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], list_of(addresses.parse_network)]
PrivateNetworks = Annotated[
    tuple[IPv4Network | IPv6Network, ...], list_of(addresses.parse_private_network)
]
HostNames = Annotated[tuple[str, ...], list_of(addresses.parse_host_name)]
Players = Annotated[tuple[str, ...], list_of(addresses.parse_player)]
Schemes = Annotated[tuple[str, ...], list_of(addresses.parse_scheme)]

OptionalFolder = Annotated[Path | None, WithBase(paths.parse_optional_folder)]
BucketUrl = Annotated[str | None, paths.parse_bucket_url]
GitAddress = Annotated[str | None, WithBase(git_addresses.parse_git)]
Branch = Annotated[str | None, git_addresses.parse_branch]
RepositoryFolder = Annotated[str, git_addresses.parse_repository_folder]
Secret = Annotated[str | None, git_addresses.parse_secret]
OptionalGroup = Annotated[int | None, _parse_group]
StateUrl = Annotated[str, WithBase(paths.parse_state_url)]
#: Pairs of a path and the feed file that it leads to.
Aliases = Annotated[tuple[tuple[str, str], ...], paths.parse_aliases]
Moved = Annotated[tuple[tuple[str, str], ...], paths.parse_moved]

_Format = Literal["rss", "atom", "json"]
_Kind = Literal["category", "tag", "author", "collection"]
_Encoding = Literal["gzip", "br"]
Formats = Annotated[tuple[_Format, ...], list_of(one_of(_Format), _check_unique, _check_not_empty)]
Kinds = Annotated[tuple[_Kind, ...], list_of(one_of(_Kind), _check_unique)]
Encodings = Annotated[tuple[_Encoding, ...], list_of(one_of(_Encoding), _check_unique)]


def durations(*texts: str) -> tuple[timedelta, ...]:
    return tuple(units.parse_duration(text) for text in texts)
