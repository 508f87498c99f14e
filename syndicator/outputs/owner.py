"""The state that an output folder belongs to, so that no other state overwrites its feeds.

A small file in the folder names it. It is not for the public: only its user and group can read it,
and the examples for web servers leave it out.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum

from syndicator.errors import OutputError
from syndicator.file_access import refusal
from syndicator.outputs.atomic_files import AtomicFiles

#: The file's name. Ours begin with `.syndicator-`, the temporary ones too.
NAME = ".syndicator-owner"

#: Its permissions, less the umask: not readable for a web server of another user and group.
_MODE = 0o660

#: Bytes. Ours has a path or a URL.
_MAX_SIZE = 16 * 1024

_ABOUT = "The syndicator state that writes this folder. Delete this file to let another take over."


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """A state: its id, and where it is."""

    id: str  #: kept when the state is copied, restored or moved
    state: str  #: its path, or its URL without the password
    host: str  #: the machine that used it last


class Claim(Enum):
    """What a state may do with a folder."""

    TAKE = "it belongs to no state, or to the one that was at our place before"
    KEEP = "it belongs to us"
    REFUSE = "it belongs to another state"


def decide(found: Owner | None, own: Owner, *, claimed: bool) -> Claim:
    """`found`: the owner that the folder names. `claimed`: it named us before, in this process.

    A state that was deleted and rebuilt has a new id at the place of the old one: it continues.
    That is not accepted of another process that appears while this one runs.
    """
    if found == own:
        return Claim.KEEP
    moved = found is not None and found.id == own.id
    rebuilt = found is not None and (found.state, found.host) == (own.state, own.host)
    if found is None or moved or (rebuilt and not claimed):
        return Claim.TAKE
    return Claim.REFUSE


def refuse_other_owner(files: AtomicFiles, own: Owner, *, claimed: bool = False) -> Claim:
    """Raise OutputError if the folder belongs to another state."""
    found = _read(files)
    claim = decide(found, own, claimed=claimed)
    if found and claim is Claim.REFUSE:
        hint = (
            "set another [output] path; to take this folder over, stop what uses the other state "
            f"and delete {files.root / NAME}"
        )
        raise OutputError(
            f"{files.root} belongs to another state: {found.state} on {found.host}", hint=hint
        )
    return claim


class FolderOwner:
    """Checks and claims an output folder for a state."""

    def __init__(self, files: AtomicFiles, own: Callable[[], Owner]) -> None:
        """`own` is called at the first check, and when the folder seems to be another's."""
        self._files = files
        self._find_own = own
        self._own: Owner | None = None
        self._claimed = False

    def check(self) -> Claim:
        """Raise OutputError if the folder belongs to another state. Writes nothing."""
        self._own = self._own or self._find_own()
        try:
            claim = refuse_other_owner(self._files, self._own, claimed=self._claimed)
        except OutputError:
            own = self._find_own()
            if own == self._own:
                raise
            # The tables of our own database were created anew meanwhile.
            self._own, self._claimed = own, False
            claim = refuse_other_owner(self._files, own)
        self._claimed = self._claimed or claim is Claim.KEEP
        return claim

    def is_ours(self) -> bool:
        """Whether the folder names this state, wherever it was used. Raises OutputError."""
        found = _read(self._files)
        return found is not None and found.id == self._find_own().id

    def claim(self, now: datetime) -> None:
        """Name the state in the folder, unless the folder does. Raises OutputError as `check`."""
        if self.check() is Claim.TAKE and self._own:
            text = json.dumps({"about": _ABOUT, **asdict(self._own)}, indent=1) + "\n"
            self._files.write(NAME, text.encode(), now, mode=_MODE)
            self._files.sync_folder("")
            self._claimed = True


def _read(files: AtomicFiles) -> Owner | None:
    """The owner that a folder names.

    None: it names none. What another program has put there names none either, and is replaced.
    Raises OutputError if this user may not read it.
    """
    data = files.read(NAME, _MAX_SIZE)
    if data is None:
        path = files.root / NAME
        is_file = os.path.isfile(path) and not os.path.islink(path)
        why = refusal(path, write=False) if is_file else None
        if why is None:
            return None
        hint = f"{why.hint}; or let this user read it, or delete it to take the folder over"
        raise OutputError(f"{why.message}: it names the state of this folder", hint=hint)
    try:
        fields = json.loads(data)
        found = Owner(id=fields["id"], state=fields["state"], host=fields["host"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    texts = (found.id, found.state, found.host)
    # Another user may have written it, and it is shown on a terminal.
    return found if all(isinstance(each, str) and each.isprintable() for each in texts) else None
