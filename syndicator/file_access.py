"""Says why this user can't read or write a path: a read-only disk, or files of another user."""

import grp
import os
import pwd
from pathlib import Path
from typing import NamedTuple


class Refusal(NamedTuple):
    """Why access is refused, and how to get it."""

    message: str
    hint: str


def refusal(path: Path, *, write: bool) -> Refusal | None:
    """Why this user can't read a file or folder, or write to it. None: it can.

    Of a missing path the nearest folder that exists counts, and only for writing.
    """
    for folder in reversed(path.parents):
        if os.path.isdir(folder) and not os.access(folder, os.X_OK):
            return _of_another_user(folder, "enter")
    if not os.path.exists(path):
        if not write:
            return None
        path = next(folder for folder in path.parents if os.path.exists(folder))
    if write and is_on_read_only_disk(path):
        return Refusal(f"{path} is on a read-only disk", "make that disk writable, or use another")
    needed = os.W_OK if write else os.R_OK
    if not os.access(path, needed | os.X_OK if os.path.isdir(path) else needed):
        return _of_another_user(path, "write to" if write else "read")
    return None


def is_on_read_only_disk(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _of_another_user(path: Path, verb: str) -> Refusal:
    uid = os.stat(path).st_uid
    owner, me = user_name(uid), user_name(os.geteuid())
    if uid == os.geteuid():
        return Refusal(f"{me} may not {verb} {path}", f"change its mode: ls -ld {path}")
    name = f"'#{uid}'" if owner == _nameless(uid) else owner
    return Refusal(
        f"{path} belongs to {owner}, and {me} may not {verb} it",
        f"run this as {owner}: sudo -u {name} syndicator …",
    )


def user_name(uid: int) -> str:
    """The name of a user; `user 10001` if this machine has none for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return _nameless(uid)


def _nameless(uid: int) -> str:
    return f"user {uid}"


def group_name(gid: int) -> str:
    """The name of a group; its number if this machine has none for it."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
