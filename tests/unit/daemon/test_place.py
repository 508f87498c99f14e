"""Where a path leads, and what is watched to see it lead elsewhere."""

import os
from pathlib import Path

import pytest

from syndicator.daemon.place import names_on_the_way, place_of


def names(root: Path, path: str) -> set[str]:
    """The names on the way to a path below the root, relative to it."""
    return {os.path.relpath(name, root) for name in names_on_the_way(f"{root}/{path}")}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("releases/1", {"releases/1"}),  # a folder may be replaced, too
        ("current", {"current", "releases/1"}),
        ("current/site", {"current", "releases/1/site"}),
        ("newest", {"newest", "current", "releases/1"}),
        ("absolute/site", {"absolute", "releases/1/site"}),
        ("current/up", {"current", "releases/1/up", "releases"}),
        ("./current//../2", {"current", "releases/2"}),
        ("current/missing/deeper", {"current", "releases/1/missing"}),
        ("broken/site", {"broken", "gone"}),
        ("file/site", {"file/site"}),
        ("loop", {"loop"}),
    ],
)
def test_names_on_the_way(tmp_path: Path, path: str, expected: set[str]) -> None:
    """Each link, named in a folder without links, and the folder at the end or what is missing."""
    root = Path(os.path.realpath(tmp_path))
    for release in ("1", "2"):
        (root / "releases" / release / "site").mkdir(parents=True)
    (root / "releases/1/up").symlink_to("..")
    (root / "current").symlink_to("releases/1")
    (root / "newest").symlink_to("current")
    (root / "absolute").symlink_to(root / "releases/1")
    (root / "broken").symlink_to("gone")
    (root / "loop").symlink_to("loop")
    (root / "file").write_text("")
    assert names(root, path) == expected


def test_a_place_is_a_folder(tmp_path: Path) -> None:
    """Not a path: another folder of the same path is another place. None: it leads nowhere."""
    link, folder = tmp_path / "current", tmp_path / "1"
    folder.mkdir()
    link.symlink_to("1")
    first = place_of(str(link))
    assert first == place_of(str(folder)) is not None
    folder.rename(tmp_path / "old")
    assert place_of(str(link)) is None
    folder.mkdir()
    assert place_of(str(link)) not in (None, first)
