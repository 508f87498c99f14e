"""Finds the document that an operator names: by its path, or by the end of it."""

import os
import re
from pathlib import Path

from syndicator.errors import SourceError
from syndicator.jekyll.characters import printable, without_lone_surrogates
from syndicator.store import post_queries, posts
from syndicator.store.database import Database

#: Paths that an error lists.
_LISTED = 10

#: Bytes of the longest path.
_LONGEST = 4096

#: A date in front of a file name.
_DATE = re.compile(r"(?<![^/])\d{2,4}-\d{1,2}-\d{1,2}-(?=[^/]*\Z)", re.ASCII)


def candidates(name: str, here: str, source: str) -> list[str]:
    """The paths, relative to the source, that a name may mean: seen from here, or from the source.

    `here` and `source` are absolute. Names that lead out of the source mean nothing.
    """
    full = (os.path.join(base, name) for base in (here, source))
    relative = (os.path.relpath(path, source) for path in full)
    return [path for path in dict.fromkeys(relative) if path != "." and not _leads_out(path)]


def _leads_out(path: str) -> bool:
    return path == ".." or path.startswith("../")


def is_end(name: str, path: str) -> bool:
    """Whether a path ends in `name`: whole names, the last with or without its date and suffix."""
    endings = (path, _DATE.sub("", path))
    return any(
        f"/{form}".endswith(f"/{name}")
        for end in endings
        for form in (end, os.path.splitext(end)[0])
    )


def find_path(database: Database, name: str, here: str, source: Path) -> str:
    """The path of the document that `name` means, relative to the source.

    `name`: a path from `here`, from the source or absolute, or the end of one as in `is_end`. A
    path may be of a file that is not a document. Raises SourceError if it means none or several.
    """
    # No document's path is so: not UTF-8, or longer than Linux allows.
    if without_lone_surrogates(name) != name or len(name.encode()) > _LONGEST:
        raise _not_found(name, source)
    full = os.path.realpath(os.path.join(here, name))
    wanted = candidates(name, here, str(source)) + candidates(full, here, os.path.realpath(source))
    with database.read() as connection:
        known = posts.get(connection, wanted)
        alike = [
            path for path in post_queries.paths_by_ending(connection, name) if is_end(name, path)
        ]
    for path in wanted:
        if path in known or os.path.isfile(source / path):
            return path
    if len(alike) == 1:
        return alike[0]
    if not alike:
        raise _not_found(name, source)
    listed = ", ".join(sorted(alike)[:_LISTED]) + (", …" if len(alike) > _LISTED else "")
    hint = f"write one of {printable(listed)}"
    raise SourceError(f"{printable(name)}: several posts have this name", hint=hint)


def _not_found(name: str, source: Path) -> SourceError:
    hint = "name it as a path from here or from the site, or by the end of one"
    return SourceError(f"{printable(name)}: there is no such post in {source}", hint=hint)
