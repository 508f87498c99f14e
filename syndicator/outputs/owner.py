"""The state that an output belongs to, so that no other state overwrites its feeds.

A small file in the output names it: its mark. In a folder it is not for the public: only its user
and group can read it, and the examples for web servers leave it out.
"""

import json
import os
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Protocol

from msgspec import Struct
from msgspec.structs import asdict

from syndicator.errors import OutputError, UnavailableError
from syndicator.file_access import refusal
from syndicator.outputs.atomic_files import AtomicFiles

#: The file's name. Ours begin with `.syndicator-`, the temporary ones too.
NAME = ".syndicator-owner"

#: Its permissions, less the umask: not readable for a web server of another user and group.
_MODE = 0o660

#: Bytes. Ours has a path or a URL.
MAX_SIZE = 16 * 1024

_ABOUT = "The syndicator state that writes here. Delete this file to let another take over."


class Owner(Struct, frozen=True, kw_only=True):
    """A state: its id, and where it is."""

    id: str  #: kept when the state is copied, restored or moved
    state: str  #: its path, or its URL without the password; or a digest of both places
    host: str  #: the machine that used it last; "": `state` is a digest

    def __str__(self) -> str:
        return f"{self.state} on {self.host}" if self.host else f"the one with the id {self.id}"


class Claim(Enum):
    """What a state may do with an output."""

    TAKE = "it belongs to no state, or to the one that was at our place before"
    KEEP = "it belongs to us"
    MOVE = "it belongs to us, as we were at another place"
    REFUSE = "it belongs to another state"


def decide(found: Owner | None, own: Owner, *, claimed: bool) -> Claim:
    """`found`: the owner that the output names. `claimed`: it named us before, in this process.

    A state that was deleted and rebuilt has a new id at the place of the old one: it continues.
    That is not accepted of another process that appears while this one runs.
    """
    if found == own:
        return Claim.KEEP
    moved = found is not None and found.id == own.id
    rebuilt = found is not None and (found.state, found.host) == (own.state, own.host)
    if moved:
        return Claim.MOVE
    if found is None or (rebuilt and not claimed):
        return Claim.TAKE
    return Claim.REFUSE


class Mark(Protocol):
    """The mark of an output."""

    place: str  #: the output, for messages
    setting: str  #: which names it
    name: str  #: the mark itself, for messages

    def read(self) -> Owner | None:
        """The owner that the output names. None: it names none. Raises OutputError."""

    def write(self, owner: Owner, now: datetime) -> None:
        """Name the owner. Raises OutputError."""


def refuse_other_owner(mark: Mark, own: Owner, *, claimed: bool = False) -> Claim:
    """Raise OutputError if the output belongs to another state."""
    found = mark.read()
    claim = decide(found, own, claimed=claimed)
    if found and claim is Claim.REFUSE:
        hint = (
            f"set another {mark.setting}; to take this one over, stop what uses the other state "
            f"and delete {mark.name}"
        )
        raise OutputError(f"{mark.place} belongs to another state: {found}", hint=hint)
    return claim


class OwnerCheck:
    """Checks and claims an output for a state."""

    def __init__(self, mark: Mark, own: Callable[[], Owner]) -> None:
        """`own` is called at the first check, and when the output seems to be another's."""
        self._mark = mark
        self._find_own = own
        self._own: Owner | None = None
        self._claimed = False

    def check(self) -> Claim:
        """Raise OutputError if the output belongs to another state. Writes nothing."""
        self._own = self._own or self._find_own()
        try:
            claim = refuse_other_owner(self._mark, self._own, claimed=self._claimed)
        except UnavailableError:
            raise
        except OutputError:
            own = self._find_own()
            if own == self._own:
                raise
            # The tables of our own database were created anew meanwhile.
            self._own, self._claimed = own, False
            claim = refuse_other_owner(self._mark, own)
        self._claimed = self._claimed or claim is Claim.KEEP
        return claim

    def claim(self, now: datetime) -> None:
        """Name the state in the output, unless that does. Raises OutputError as `check`."""
        if self.check() is not Claim.KEEP and self._own:
            self._mark.write(self._own, now)
            self._claimed = True


class FolderMark:
    """The mark of a folder."""

    setting = "[output] path"

    def __init__(self, files: AtomicFiles) -> None:
        self._files = files
        self.place = str(files.root)
        self.name = str(files.root / NAME)

    def read(self) -> Owner | None:
        """What another program has put there names none either, and is replaced.

        Raises OutputError if this user may not read it.
        """
        data = self._files.read(NAME, MAX_SIZE)
        if data is not None:
            return parse(data)
        path = self._files.root / NAME
        is_file = os.path.isfile(path) and not os.path.islink(path)
        why = refusal(path, write=False) if is_file else None
        if why is None:
            return None
        hint = f"{why.hint}; or let this user read it, or delete it to take the folder over"
        raise OutputError(f"{why.message}: it names the state of this folder", hint=hint)

    def write(self, owner: Owner, now: datetime) -> None:
        self._files.write(NAME, to_bytes(owner), now, mode=_MODE)
        self._files.sync_folder("")


def to_bytes(owner: Owner) -> bytes:
    """The bytes of a mark."""
    return (json.dumps({"about": _ABOUT, **asdict(owner)}, indent=1) + "\n").encode()


def parse(data: bytes) -> Owner | None:
    """The owner that the bytes of a mark name; None: they are another program's."""
    try:
        fields = json.loads(data)
        found = Owner(id=fields["id"], state=fields["state"], host=fields["host"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    texts = (found.id, found.state, found.host)
    # Another user may have written it, and it is shown on a terminal.
    return found if all(isinstance(each, str) and each.isprintable() for each in texts) else None
