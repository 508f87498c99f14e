"""Which state an output folder belongs to."""

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from syndicator.errors import OutputError
from syndicator.outputs.atomic_files import AtomicFiles
from syndicator.outputs.owner import (
    NAME,
    Claim,
    FolderMark,
    Owner,
    OwnerCheck,
    decide,
    refuse_other_owner,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OURS = Owner(id="1", state="/var/a.db", host="web1")
OTHER = Owner(id="2", state="/var/b.db", host="web1")


def owner_of(folder: Path, own: Owner) -> OwnerCheck:
    return OwnerCheck(FolderMark(AtomicFiles(folder)), lambda: own)


@pytest.mark.parametrize(
    ("found", "claimed", "expected"),
    [
        (None, False, Claim.TAKE),
        (None, True, Claim.TAKE),
        (OURS, False, Claim.KEEP),
        (OURS, True, Claim.KEEP),
        (OTHER, False, Claim.REFUSE),
        # moved, or used on another machine
        (Owner(id="1", state="/var/old.db", host="web0"), True, Claim.MOVE),
        # deleted and rebuilt at the same place
        (Owner(id="0", state="/var/a.db", host="web1"), False, Claim.TAKE),
        # another state at the same path, as in another container, which started while this one runs
        (Owner(id="0", state="/var/a.db", host="web1"), True, Claim.REFUSE),
        # the same path on another machine is another state
        (Owner(id="0", state="/var/a.db", host="web2"), False, Claim.REFUSE),
    ],
)
def test_what_a_state_may_do(found: Owner | None, claimed: bool, expected: Claim) -> None:
    """Each case in its line: who the folder names, and whether it named us before."""
    assert decide(found, OURS, claimed=claimed) is expected


def test_a_folder_is_claimed_once(tmp_path: Path) -> None:
    """The check writes nothing, not even the folder. The claim is not for everyone to read."""
    own = owner_of(tmp_path / "feeds", OURS)
    own.check()
    assert os.listdir(tmp_path) == []
    own.claim(NOW)
    mark = tmp_path / "feeds" / NAME
    assert stat.S_IMODE(mark.stat().st_mode) & stat.S_IRWXO == 0
    before = mark.stat().st_ino
    own.claim(NOW)
    assert mark.stat().st_ino == before


def test_another_state_is_refused(tmp_path: Path) -> None:
    """The error says whose the folder is, and how to take it over, which then works."""
    owner_of(tmp_path, OURS).claim(NOW)
    other = owner_of(tmp_path, OTHER)
    with pytest.raises(
        OutputError, match=r"belongs to another state: /var/a\.db on web1"
    ) as caught:
        other.claim(NOW)
    assert f"delete {tmp_path / NAME}" in (caught.value.hint or "")
    (tmp_path / NAME).unlink()
    other.claim(NOW)
    with pytest.raises(OutputError, match=r"/var/b\.db"):
        owner_of(tmp_path, OURS).check()


def test_who_lost_the_folder_meanwhile_is_refused(tmp_path: Path) -> None:
    """A process whose folder was taken over stops writing there."""
    own = owner_of(tmp_path, OURS)
    own.claim(NOW)
    (tmp_path / NAME).unlink()
    own.check()  # it belongs to nobody
    owner_of(tmp_path, OTHER).claim(NOW)
    with pytest.raises(OutputError, match=r"/var/b\.db"):
        own.check()


def test_a_database_that_was_emptied_under_its_process(tmp_path: Path) -> None:
    """Another process created its tables anew, with another id: the folder is still ours."""
    ids = ["1"]
    own = OwnerCheck(FolderMark(AtomicFiles(tmp_path)), lambda: replace(OURS, id=ids[-1]))
    own.claim(NOW)
    ids.append("2")
    owner_of(tmp_path, replace(OURS, id="2")).claim(NOW)
    own.check()


def test_a_moved_state_renames_itself(tmp_path: Path) -> None:
    """So that messages to others name its new place."""
    owner_of(tmp_path, OURS).claim(NOW)
    owner_of(tmp_path, Owner(id="1", state="/new/a.db", host="web9")).claim(NOW)
    with pytest.raises(OutputError, match=r"/new/a\.db on web9"):
        owner_of(tmp_path, OTHER).check()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[" * 5000,
        '{"id": "1"}',
        '{"id": 1, "state": "a", "host": "b"}',
        json.dumps({"id": "1", "state": "\x1b[2J", "host": "b"}),
        '{"id": "1", "state": "a", "host": "b"}' + " " * 20_000,
        b"\xff",
    ],
)
def test_what_is_no_owner_is_replaced(tmp_path: Path, text: str | bytes) -> None:
    """Another program wrote it. It is as if there were none, and reaches no terminal."""
    (tmp_path / NAME).write_bytes(text if isinstance(text, bytes) else text.encode())
    owner_of(tmp_path, OURS).claim(NOW)
    assert refuse_other_owner(FolderMark(AtomicFiles(tmp_path)), OURS) is Claim.KEEP


@pytest.mark.parametrize(
    "plant",
    [
        os.mkfifo,
        lambda path: os.symlink("/etc/passwd", path),
        lambda path: os.symlink("/proc/1/mem", path),  # which no other user may read
    ],
)
def test_a_special_file_is_replaced(tmp_path: Path, plant) -> None:  # type: ignore[no-untyped-def]
    """It is neither opened nor followed."""
    plant(tmp_path / NAME)
    owner_of(tmp_path, OURS).claim(NOW)
    assert stat.S_ISREG((tmp_path / NAME).lstat().st_mode)
