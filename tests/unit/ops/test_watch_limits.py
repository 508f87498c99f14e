"""Whether the limits of inotify allow to watch the source."""

import os
from pathlib import Path

import pytest

from syndicator.daemon.folder_events import FolderEvents
from syndicator.ops import watch_limits
from syndicator.ops.watch_limits import (
    Inotify,
    check_watch_limits,
    count_folders,
    count_usage,
    find_shortage,
)

SOURCE = Path("/srv/site")


def test_too_few_watches() -> None:
    """The message says how many are left and needed, the hint what to set."""
    (problem,) = find_shortage(SOURCE, Inotify(8192, 128), Inotify(8000, 3), 1200)
    assert problem.path == "source.watch"
    assert problem.message == (
        "/srv/site needs 1,200 inotify watches, one for each folder; "
        "192 of 8,192 are left for this user"
    )
    assert (problem.hint or "").startswith("sysctl fs.inotify.max_user_watches=32768,")


def test_too_few_instances() -> None:
    """A daemon needs two."""
    (problem,) = find_shortage(SOURCE, Inotify(8192, 128), Inotify(0, 127), 10)
    assert "needs 2 inotify instances; 1 of 128 are left" in problem.message
    assert "fs.inotify.max_user_instances=512" in (problem.hint or "")


@pytest.mark.parametrize(("used", "folders"), [(0, 8192), (8000, 192), (9000, 0)])
def test_enough_watches(used: int, folders: int) -> None:
    """As many as are left are enough, also where the limit was lowered below what is used."""
    assert list(find_shortage(SOURCE, Inotify(8192, 128), Inotify(used, 0), folders)) == []


def test_more_folders_than_are_counted() -> None:
    """The message says so."""
    most = watch_limits.MAX_FOLDERS
    (problem,) = find_shortage(SOURCE, Inotify(8192, 128), Inotify(0, 0), most)
    assert f"needs at least {most:,} inotify watches" in problem.message


def test_folders_are_counted(tmp_path: Path) -> None:
    """With itself and hidden ones, not beyond the bound; not Git's, nor what links lead to."""
    for name in ("site/_posts/2026", "site/.hidden", "site/.git/objects", "elsewhere/deep"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "site/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "site/back").symlink_to(tmp_path / "site")
    (tmp_path / "site/broken").symlink_to(tmp_path / "nothing")
    assert count_folders(tmp_path / "site", 100) == 4
    assert count_folders(tmp_path / "site", 3) == 3
    assert count_folders(tmp_path / "none", 3) == 0


def test_what_watches_the_source_already_is_not_counted(tmp_path: Path) -> None:
    """A running daemon has what it needs. What watches another folder counts."""
    source, other = tmp_path / "source", tmp_path / "other"
    for folder in (source, other / "a/b"):
        folder.mkdir(parents=True)
    before = _own_instances()
    with FolderEvents([str(other)], below=True, ignored=lambda path: False):
        (info,) = (each for each in _own_instances() if each not in before)
    assert watch_limits.parse_watches(info) == {
        (status.st_ino, status.st_dev)
        for status in map(os.stat, (other, other / "a", other / "a/b"))
    }
    assert count_usage([info], source.stat()) == Inotify(watches=3, instances=1)
    assert count_usage([info], other.stat()) == Inotify(watches=0, instances=0)


def _own_instances() -> list[str]:
    """The fdinfo of each inotify instance of this process."""
    infos = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}") == "anon_inode:inotify":
                infos.append(Path(f"/proc/self/fdinfo/{name}").read_text())
        except FileNotFoundError:
            continue
    return infos


def test_this_machine(tmp_path: Path) -> None:
    """A missing source is reported by another check."""
    assert list(check_watch_limits(tmp_path / "none")) == []
