"""Folders, the state's URL, and the paths of aliases and moved feeds in the output folder."""

import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from syndicator.config.environment_values import parse_json
from syndicator.config.quote import quote
from syndicator.outputs import owner

#: Bytes of a path. Linux allows 4,095; paths below it are longer.
_MAX_PATH = 4000

#: Bytes of one name in a path: the limit of Linux.
_MAX_NAME = 255

#: AWS's rules for names, and the capitals and underscores that other servers allow:
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET_URL = re.compile(r"s3://[A-Za-z0-9][A-Za-z0-9._-]{2,62}(?:/[^?#%\\\x00-\x1f\x7f]{1,512})?")

#: Paths that the server answers itself.
_ENDPOINTS = ("hub", "hooks", "hooks/git", "livez", "readyz", "metrics")

#: Folders with the feeds of each kind of term.
_FEED_FOLDERS = ("category", "tag", "author", "collection", "language")

#: Files that every output folder has.
_OWN_FILES = {"index.html", "feeds.opml", "all.rss", "all.atom", "all.json", "all.html", owner.NAME}


def parse_folder(value: object, base: Path) -> Path:
    """An absolute path; a relative one starts at `base`."""
    if not isinstance(value, str) or not value or "\x00" in value:
        raise ValueError(f"{quote(value)} is not a path")
    try:
        path = os.path.abspath(base / Path(value).expanduser())
    except RuntimeError:
        raise ValueError(f"{quote(value)} is the home of an unknown user") from None
    if re.search("[\ud800-\udfff]", path):  # a byte of the base that Python could not decode
        raise ValueError(f"leads to {quote(path)}, which is not UTF-8: rename that folder")
    names = path.split("/")
    too_long = any(len(os.fsencode(name)) > _MAX_NAME for name in names)
    if too_long or len(os.fsencode(path)) > _MAX_PATH:
        raise ValueError(f"{quote(value)} is too long for a path")
    return Path(path)


def parse_optional_folder(value: object, base: Path) -> Path | None:
    """As `parse_folder`; the empty text is None."""
    return None if value in ("", None) else parse_folder(value, base)


def parse_bucket_url(value: object) -> str | None:
    """A bucket, and perhaps a prefix in it: without a slash at its end. The empty text is None."""
    if value in ("", None):
        return None
    url = value.rstrip("/") if isinstance(value, str) else ""
    names = url.removeprefix("s3://").split("/")[1:]
    if not _BUCKET_URL.fullmatch(url) or {"", ".", ".."} & {*names}:
        raise ValueError(f'{quote(value)} is not a bucket: write it like "s3://bucket/prefix"')
    return url


def parse_state_url(value: object, base: Path) -> str:
    """The URL of the database. Errors do not repeat it: it may contain a password."""
    text = value if isinstance(value, str) else ""
    if text.startswith("sqlite:///") and len(text) > len("sqlite:///"):
        path = parse_folder(text.removeprefix("sqlite:///"), base)
        if re.search("[?%]", str(path)):
            raise ValueError(
                f"leads to {path}: its path must not contain ? or %, which are special in URLs"
            )
        return f"sqlite:///{path}"
    if re.match(r"postgresql\+psycopg://.", text) and _has_valid_port(text):
        # The part of the password after its first "@" would be taken for the host, and be logged.
        if re.match(r"[^:]*://[^:/]*:[^@]*@[^/:?]*@", text):
            raise ValueError('has an "@" in its password: write it as %40')
        # The client library of PostgreSQL ends its parameters at a NUL: a host after it is ignored.
        if re.search(r"[\x00-\x1f\x7f]|%00", text):
            raise ValueError("has a control character: remove it")
        return text
    raise ValueError(
        'is not a database: write "sqlite:///path/to/file.db" or '
        '"postgresql+psycopg://user@host/name"'
    )


def _has_valid_port(url: str) -> bool:
    """Whether the port is valid or absent. The part before "@" may be any text."""
    try:
        return urlsplit(f"//{url.partition('://')[2].rpartition('@')[2]}").port != 0
    except ValueError:
        return False


def parse_aliases(value: object) -> tuple[tuple[str, str], ...]:
    """Aliases are files: each needs a valid file name that nothing else in the folder has."""
    pairs = _parse_pairs(value)
    taken = _OWN_FILES.union(path for path, _ in pairs)
    for path, _ in pairs:
        parents = {str(parent) for parent in PurePosixPath(path).parents}
        reserved = path in (*_OWN_FILES, *_FEED_FOLDERS, *_ENDPOINTS)
        if reserved or path.endswith((".gz", ".br")) or parents & taken:
            raise ValueError(
                f"{quote(path)} can't be an alias: another file, folder or endpoint has this path"
            )
        too_long = any(len(name.encode()) > 200 for name in path.split("/"))
        if too_long or re.search(r"[\x00-\x1f\x7f]", path):
            raise ValueError(f"{quote(path)} can't be an alias: it is not a valid file name")
    return pairs


def parse_moved(value: object) -> tuple[tuple[str, str], ...]:
    """A moved feed leads to one that did not move, and does not hide an endpoint."""
    pairs = _parse_pairs(value)
    moved = {path for path, _ in pairs}
    for path, target in pairs:
        if target in moved:
            raise ValueError(f"{quote(path)} leads to {quote(target)}, which has moved too")
        if path in _ENDPOINTS:
            raise ValueError(f"{quote(path)} can't have moved: it is not the address of a feed")
    return pairs


def _parse_pairs(value: object) -> tuple[tuple[str, str], ...]:
    """Pairs of a path in the output folder and the feed file that it leads to."""
    pairs = parse_json(value)
    if not isinstance(pairs, dict) or not all(isinstance(target, str) for target in pairs.values()):
        raise ValueError('must be a table, such as { "feed.xml" = "all.atom" }')
    for path in (*pairs, *pairs.values()):
        if {"", ".", ".."} & {*path.split("/")} or "\\" in path or "\x00" in path:
            raise ValueError(
                f"{quote(path)} must be a path below the output folder, "
                'such as "feed.xml" = "all.atom"'
            )
    for path, target in pairs.items():
        if PurePosixPath(target).suffix not in (".rss", ".atom", ".json"):
            raise ValueError(
                f"{quote(path)} must lead to a feed: "
                f"{quote(target)} does not end with .rss, .atom or .json"
            )
    return tuple(sorted((path, str(target)) for path, target in pairs.items()))
