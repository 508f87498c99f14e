"""What changes in folders is reported, each save once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import PATIENCE, until
from inotify_simple import flags

from syndicator.daemon.folder_events import Changes, FolderEvents


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site/_posts").mkdir(parents=True)
    (tmp_path / "site/_posts/old.md").write_text("old")
    return tmp_path / "site"


@pytest.fixture
def events(site: Path) -> Iterator[FolderEvents]:
    with _watch(site) as events:
        yield events


def _watch(site: Path) -> FolderEvents:
    return FolderEvents([str(site)], below=True, ignored=lambda path: path.endswith(".cache"))


def _changed(events: FolderEvents, site: Path) -> set[str]:
    """The next paths that changed, below the site."""
    changed = events.wait(PATIENCE)
    assert changed is not None
    return {os.path.relpath(path, site) for path in changed}


def test_files(events: FolderEvents, site: Path) -> None:
    """Those that are written, linked, changed in their rights, moved in or out, or deleted."""
    posts = site / "_posts"
    (posts / "new.md").write_text("new")
    assert _changed(events, site) == {"_posts/new.md"}
    (posts / "new.md").write_text("edited")
    assert _changed(events, site) == {"_posts/new.md"}
    (posts / "link.md").symlink_to("new.md")
    assert _changed(events, site) == {"_posts/link.md"}
    (posts / "new.md").chmod(0o600)
    assert _changed(events, site) == {"_posts/new.md"}
    (posts / "new.md").rename(site.parent / "out.md")
    assert _changed(events, site) == {"_posts/new.md"}
    (site.parent / "out.md").rename(posts / "in.md")
    assert _changed(events, site) == {"_posts/in.md"}
    (posts / "in.md").unlink()
    assert _changed(events, site) == {"_posts/in.md"}
    assert events.wait(0) is None


def test_one_save_is_reported_once(events: FolderEvents, site: Path) -> None:
    """Vim moves the file away, writes it and deletes the old one; others write beside and move."""
    post = site / "_posts/old.md"
    post.rename(site / "_posts/old.md~")
    post.write_text("edited")
    (site / "_posts/old.md~").unlink()
    (site / "new").write_text("edited again")
    (site / "new").rename(post)
    assert _changed(events, site) == {"_posts/old.md", "_posts/old.md~", "new"}
    assert events.wait(0) is None


def test_a_save_is_over_when_its_files_are_closed() -> None:
    """A file that was only created, or moved away, may be written yet: the wait is longer."""
    created, moved = Changes(), Changes()
    created.add("a.md", flags.CREATE)
    moved.add("a.md", flags.MOVED_FROM)
    longer = created.quiet
    assert moved.quiet == longer
    for changes in (created, moved):
        changes.add("a.md", flags.CLOSE_WRITE)
        assert changes.quiet < longer


def test_folders(events: FolderEvents, site: Path) -> None:
    """A new folder is watched with all below it; a moved one under its new path only."""
    (site / "a/b").mkdir(parents=True)
    (site / "a/b/first.md").write_text("1")
    assert "a" in _changed(events, site)  # what was in it before it was watched is not reported
    (site / "a/b/second.md").write_text("2")
    assert _changed(events, site) == {"a/b/second.md"}
    (site / "a").rename(site / "c")
    assert _changed(events, site) == {"a", "c"}
    (site / "c/b/second.md").write_text("3")
    assert _changed(events, site) == {"c/b/second.md"}
    (site / "c").rename(site.parent / "out")
    assert _changed(events, site) == {"c"}
    (site.parent / "out/b/second.md").write_text("4")
    assert events.wait(0) is None
    (site.parent / "out").rename(site / "back")
    assert _changed(events, site) == {"back"}
    (site / "back/b/second.md").write_text("5")
    assert _changed(events, site) == {"back/b/second.md"}


def test_links_to_folders(site: Path) -> None:
    """They are not followed: a folder of the site is watched by its own path, others are not."""
    (site.parent / "outside").mkdir()
    (site / "outside").symlink_to(site.parent / "outside")
    (site / "circle").symlink_to(site)
    (site / "linked").symlink_to("_posts")
    with _watch(site) as events:
        (site / "linked/a.md").write_text("x")
        assert _changed(events, site) == {"_posts/a.md"}
        (site / "later").symlink_to(site.parent / "outside")
        assert _changed(events, site) == {"later"}
        (site / "later/b.md").write_text("x")
        assert events.wait(0) is None


def test_what_is_ignored_is_not_watched(site: Path) -> None:
    (site / "big.cache").mkdir()
    with _watch(site) as events:
        (site / "big.cache/file.md").write_text("x")
        (site / "small.cache").write_text("x")
        assert events.wait(0) is None


def test_lost_events(events: FolderEvents, site: Path) -> None:
    """The system keeps some thousand events. Beyond them, any file may have changed."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for _ in range(most):
        os.utime(site)  # an event of the one like it would be merged with it
        os.utime(site / "_posts")
    assert _changed(events, site) == set()
    (site / "a.md").write_text("x")
    until(lambda: _changed(events, site) == {"a.md"})


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _watch(tmp_path / "none")
    assert _descriptors_of_inotify() == 0


def _descriptors_of_inotify() -> int:
    folder = Path("/proc/self/fd")
    links = [os.readlink(each) for each in folder.iterdir() if os.path.lexists(each)]
    return links.count("anon_inode:inotify")
