"""The problems of paths that can't be read as documents."""

import os

from syndicator.model.content import Problem
from syndicator.sources.file_names import is_misnamed
from syndicator.sources.listing import listing


def refused(path: str, message: str, hint: str | None = None) -> Problem:
    return Problem(path=path, message=message, hint=hint, fatal=True)


def problem_of_closed(top: str, path: str) -> Problem | None:
    """The Problem of a folder that this user may not read; None: it is not such a folder.

    `top`: the folder that the path starts in, with a slash at its end.
    """
    try:
        with listing(top + path):
            return None
    except PermissionError as error:
        message = f"can't be read: {error.strerror}. Its posts stay as they were"
        return refused(path, message, "let this user read the folder, or exclude it")
    except (OSError, ValueError):
        return None


def problem_of_missing(top: str, path: str) -> Problem | None:
    """The Problem of a path that leads to no file; None: there is nothing at the path."""
    if os.path.islink(top + path):
        return refused(path, "is a broken link", "fix the link, or remove it")
    if is_misnamed(top, path):
        return refused(path, "has a name that is not UTF-8", "rename it")
    return None
