"""What one value of the config means: a duration, a size, an address, a path, a list."""

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationInfo,
)

from syndicator.jekyll.as_text import language_tag
from syndicator.ruby.uris import normalize
from syndicator.websub.hub_requests import normalized

_DURATION = {"ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}  # seconds
_LONGEST, _LONGEST_NAME = (
    4000,
    255,
)  # octets of a path, which files below it make longer, and of one name in it
_SIZE = {
    "B": 1,
    "kB": 10**3,
    "KiB": 2**10,
    "MB": 10**6,
    "MiB": 2**20,
    "GB": 10**9,
    "GiB": 2**30,
}  # octets


_MOST = 2**31 - 1  # more than anything here has; a database takes it for a number


def _measure(text: object, units: Mapping[str, float], what: str, example: str) -> float:
    match = (
        re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", text.strip())
        if isinstance(text, str)
        else None
    )
    if match is None or match[2] not in units:
        raise ValueError(
            f'{text!r} is not {what}: write a number and its unit ({", ".join(units)}), as in "{example}"'
        )
    return float(match[1]) * units[match[2]]


def _duration(text: object) -> timedelta:
    seconds = _measure(text, _DURATION, "a duration", "30s")
    if not 0 < seconds <= 10 * 365 * 86400:
        raise ValueError(f"{text!r} must be more than nothing and at most ten years")
    return timedelta(seconds=seconds)


def _interval(interval: timedelta) -> timedelta:
    if interval < timedelta(milliseconds=50):
        raise ValueError("must be 50ms or more: each time every file is looked at")
    return interval


def _size(text: object) -> int:
    size = _measure(text, _SIZE, "a size", "1MiB")
    if size < 1024:
        raise ValueError(f"{text!r} is too small: no feed fits into less than 1KiB")
    if size > 2**40:
        raise ValueError(f"{text!r} is too large: write at most 1024GiB")
    return int(size)


def _address(text: object) -> str:
    try:
        parts = urlsplit(text if isinstance(text, str) else "")
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if good and "@" in parts.netloc:  # not repeated: it may hold a password
        raise ValueError("must be an address without a name or a password: it is shown to everyone")
    if (
        not good
        or not isinstance(text, str)
        or re.search(r"[\s\x00-\x1f\x7f<>\"]", text)
        or "#" in text
    ):
        raise ValueError(
            f'{text!r} is not an address: write it whole, as in "https://example.org/"'
        )
    return text if text.isascii() else normalize(text)  # RFC 3986, as headers and feeds want it


def _folder_address(text: object) -> str:
    address = _address(text)
    if "?" in address:
        raise ValueError(f"{text!r} must be the address of a folder, without a query")
    return normalized(address if address.endswith("/") else f"{address}/")  # as topics are compared


def _path(text: object, info: ValidationInfo) -> Path:
    if not isinstance(text, str) or not text or "\x00" in text:
        raise ValueError(f"{text!r} is not a path")
    base: Path = info.context["base"]  # type: ignore[index]  # load() always gives one
    try:
        path = os.path.abspath(base / Path(text).expanduser())
    except RuntimeError:
        raise ValueError(f"{text!r} is the home of a user that this machine doesn't know") from None
    if len(os.fsencode(path)) > _LONGEST or any(
        len(os.fsencode(part)) > _LONGEST_NAME for part in path.split("/")
    ):
        raise ValueError(f"{text[:40]!r}… is too long for a path")
    return Path(path)


def _state(text: object, info: ValidationInfo) -> str:
    if isinstance(text, str) and text.startswith("sqlite:///") and len(text) > len("sqlite:///"):
        path = _path(text.removeprefix("sqlite:///"), info)
        if re.search("[?%]", str(path)):
            raise ValueError(
                f"leads to {path}: a state's path may hold neither ? nor %, which mean more in an address"
            )
        return f"sqlite:///{path}"
    if isinstance(text, str) and re.match(r"postgresql\+psycopg://.", text) and _has_port(text):
        # The host would be what stands after the first "@", a part of the password, and be told in messages.
        if re.match(r"[^:]*://[^:/]*:[^@]*@[^/:?]*@", text):
            raise ValueError('has an "@" in its password: write it as %40')
        return text
    # The value is not repeated: it may hold a password.
    raise ValueError(
        'is not a database: write "sqlite:///path/to/file.db" or "postgresql+psycopg://user@host/name"'
    )


def _has_port(address: str) -> bool:
    """Whether what stands for a port is one, or nothing does. A password before the host may be any text."""
    try:
        return urlsplit(f"//{address.partition('://')[2].rpartition('@')[2]}").port != 0
    except ValueError:
        return False


def _network(text: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text if isinstance(text, str) else "")
    except ValueError:
        raise ValueError(
            f'{text!r} is not a network: write it as in "127.0.0.2/32" or "fd00::/8"'
        ) from None


def _timezone(text: object) -> str:
    try:
        return ZoneInfo(text if isinstance(text, str) else "").key
    except (ValueError, KeyError, OSError):
        raise ValueError(
            f'{text!r} is not a time zone: write its name, as in "Europe/Berlin"'
        ) from None


def _language(text: object) -> str:
    if not isinstance(text, str) or (text and language_tag(text) is None):
        raise ValueError(f'{text!r} is not a language: write it as in "en" or "en-GB"')
    return text


def _host(text: object) -> str:
    if not isinstance(text, str) or not re.fullmatch(r"[a-z0-9.-]+\.[a-z0-9-]+", text, re.ASCII):
        raise ValueError(
            f'{text!r} is not a host: write its name alone, as in "player.example.org"'
        )
    return text


def _player(text: object) -> str:
    if not isinstance(text, str) or "/" not in text or "://" in text:
        return _host(text)
    host, _, path = text.partition("/")
    path = path.removesuffix("/")
    if not re.fullmatch(r"[\w~*.-]+(?:/[\w~*.-]+)*", path, re.ASCII) or {".", ".."} & {
        *path.split("/")
    }:
        raise ValueError(
            f'{text!r} is not a player: write its host and folder, as in "example.org/embed"'
        )
    return f"{_host(host)}/{path}"


def _scheme(text: object) -> str:
    if not isinstance(text, str) or not re.fullmatch(r"[a-z][a-z0-9+.-]*", text, re.ASCII):
        raise ValueError(f'{text!r} is not a scheme: write it without the colon, as in "xmpp"')
    if text in ("javascript", "vbscript", "data", "file", "blob"):
        raise ValueError(
            f"{text!r} is never let through: it runs code or reads the reader's own files"
        )
    return text


class Listen(NamedTuple):
    """Where the server listens. Port 0: one that is free."""

    host: str
    port: int


def _listen(text: object) -> Listen:
    match = (
        re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})", text)
        if isinstance(text, str)
        else None
    )
    if match is None or int(match[2]) > 65535:
        raise ValueError(f'{text!r} is not host and port: write them as in "127.0.0.1:8080"')
    try:
        match[1].encode("idna")
    except UnicodeError:
        raise ValueError(f"{match[1]!r} can't be the name of a host") from None
    return Listen(match[1].strip("[]"), int(match[2]))


def _optional_listen(text: object) -> Listen | None:
    return None if text == "" else _listen(text)


def _host_name(text: object) -> str:
    name = text.strip("[]").lower() if isinstance(text, str) else ""
    if not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", name, re.ASCII):
        raise ValueError(
            f'{text!r} is not a host: write its name or address without a port, as in "feeds.lan"'
        )
    return name


def _aliases(value: object) -> tuple[tuple[str, str], ...]:
    pairs = from_json(value)
    if not isinstance(pairs, dict) or not all(isinstance(target, str) for target in pairs.values()):
        raise ValueError('must be a table, as in { "feed.xml" = "all.atom" }')
    for path in (*pairs, *pairs.values()):
        parts = path.split("/")
        if (
            not path
            or "\\" in path
            or "\x00" in path
            or any(part in ("", ".", "..") for part in parts)
        ):
            raise ValueError(
                f'"{path}" must be a path below the output folder, as in "feed.xml" = "all.atom"'
            )
    for alias, target in pairs.items():
        if PurePosixPath(target).suffix not in (".rss", ".atom", ".json"):
            raise ValueError(
                f'"{alias}" must stand for a feed: "{target}" ends in none of .rss, .atom, .json'
            )
    return tuple(sorted(pairs.items()))


#: What is no feed's address.
_ENDPOINTS = ("hub", "livez", "readyz", "metrics")

#: Where the feeds of each kind of term stand.
_FOLDERS = ("category", "tag", "author", "collection")


def _beside_ours(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Aliases are files: each with a name that a disk takes, and none where another file or its folder stands."""
    ours = {
        "index.html",
        "feeds.opml",
        *(f"all{suffix}" for suffix in (".rss", ".atom", ".json", ".html")),
    }
    taken = ours.union(path for path, _ in pairs)
    for path, _ in pairs:
        above = {str(parent) for parent in PurePosixPath(path).parents}
        if (
            path in ours
            or path in (*_FOLDERS, *_ENDPOINTS)
            or path.endswith((".gz", ".br"))
            or above & taken
        ):
            raise ValueError(
                f'"{path}" can\'t be an alias: another file, folder or endpoint has this place'
            )
        if re.search(r"[\x00-\x1f\x7f]", path) or any(
            len(part.encode()) > 200 for part in path.split("/")
        ):
            raise ValueError(f'"{path[:40]}" can\'t be an alias: it is no name for a file')
    return pairs


def _elsewhere(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """What moved leads to what stands, and is no address that means something else."""
    moved = {path for path, _ in pairs}
    for path, target in pairs:
        if target in moved:
            raise ValueError(f'"{path}" leads to "{target}", which moved itself')
        if path in _ENDPOINTS:
            raise ValueError(f"\"{path}\" is no feed's address, and can't have moved")
    return pairs


class FromEnvironment(str):
    """A value from the environment: JSON where the setting is no text; a list may be words with commas."""


def from_json(value: object) -> object:
    if isinstance(value, FromEnvironment):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _words(value: object) -> object:
    value = from_json(value)
    return (
        [word.strip() for word in value.split(",") if word.strip()]
        if isinstance(value, FromEnvironment)
        else value
    )


def _once(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(items)) < len(items):
        raise ValueError("names something twice")
    return items


def _some(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        raise ValueError("must name at least one")
    return items


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Interval = Annotated[Duration, AfterValidator(_interval)]
Size = Annotated[int, BeforeValidator(_size)]
Address = Annotated[str, BeforeValidator(_address)]
FolderAddress = Annotated[str, BeforeValidator(_folder_address)]
Folder = Annotated[Path, BeforeValidator(_path)]
StateUrl = Annotated[str, BeforeValidator(_state)]
Language = Annotated[str, BeforeValidator(_language)]
TimeZone = Annotated[str, BeforeValidator(_timezone)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Flag = Annotated[StrictBool, BeforeValidator(from_json)]
Number = Annotated[StrictInt, Field(ge=0, le=_MOST), BeforeValidator(from_json)]
Positive = Annotated[StrictInt, Field(ge=1, le=_MOST), BeforeValidator(from_json)]
Text = StrictStr
ListenAddress = Annotated[Listen, BeforeValidator(_listen)]
OptionalListenAddress = Annotated[Listen | None, BeforeValidator(_optional_listen)]
Words = BeforeValidator(_words)
Once = AfterValidator(_once)
Formats = Annotated[tuple[Literal["rss", "atom", "json"], ...], Once, AfterValidator(_some), Words]
Kinds = Annotated[tuple[Literal["category", "tag", "author", "collection"], ...], Once, Words]
Encodings = Annotated[tuple[Literal["gzip", "br"], ...], Once, Words]
Addresses = Annotated[tuple[Address, ...], Once, Words]
Networks = Annotated[tuple[Network, ...], Words]
HostNames = Annotated[tuple[Annotated[str, BeforeValidator(_host_name)], ...], Words]
Players = Annotated[tuple[Annotated[str, BeforeValidator(_player)], ...], Words]
Schemes = Annotated[tuple[Annotated[str, BeforeValidator(_scheme)], ...], Words]
Aliases = Annotated[
    tuple[tuple[str, str], ...],  # path, and the feed file that stands there too
    BeforeValidator(_aliases),
]
Places = Annotated[Aliases, AfterValidator(_beside_ours)]
Moved = Annotated[Aliases, AfterValidator(_elsewhere)]
Retry = Annotated[tuple[Duration, ...], Field(max_length=100), Words]


def durations(*texts: str) -> tuple[timedelta, ...]:
    return tuple(_duration(text) for text in texts)
