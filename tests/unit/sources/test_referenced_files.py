"""The files of a site that a post may use."""

import inspect
import os
import resource
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from settled import age

from syndicator.model.content import Scope
from syndicator.sources.folder import SourceFolder
from syndicator.sources.referenced_files import FileStates, FolderFiles, needs_text


@pytest.fixture
def site(tmp_path: Path) -> Path:
    root = tmp_path / "site"
    (root / "_includes/deep").mkdir(parents=True)
    (root / "_includes/a.html").write_text("\ufeffhello", encoding="utf-8")
    (root / "_includes/deep/b.html").write_text("b")
    (root / "bytes.bin").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "secret").write_text("secret")
    (root / "link").symlink_to(tmp_path / "secret")
    return root


def test_text_size_and_names(site: Path) -> None:
    """Paths are relative to the root, with or without a leading slash; a BOM is dropped."""
    files = FolderFiles(site)
    assert files.text("_includes/a.html") == files.text("/_includes/a.html") == "hello"
    assert files.size("bytes.bin") == 3
    assert files.names("_includes") == ("_includes/a.html", "_includes/deep/b.html")
    assert files.names("nowhere") == ()


@pytest.mark.parametrize(
    "path",
    ["../secret", "_includes/../../secret", "link", "a\0b", "nowhere", "_includes", "x" * 9999],
)
def test_files_outside_the_site_are_hidden(site: Path, path: str) -> None:
    """A post gets files below the site's root, or nothing."""
    files = FolderFiles(site)
    assert files.text(path) is None
    assert files.size(path) is None


def test_a_binary_file_has_no_text(site: Path) -> None:
    """An image has a size, but can't be included."""
    assert FolderFiles(site).text("bytes.bin") is None


def test_used_files_are_recorded(site: Path) -> None:
    """It is seen when a used file or listing changes, goes or appears."""
    files = FolderFiles(site)
    files.text("_includes/a.html")
    files.size("not-yet.png")
    files.names("_includes")
    assert FileStates(site).are_unchanged(files.needs)
    for path in ("not-yet.png", "_includes/c.html"):
        (site / path).write_text("x")
        assert not FileStates(site).are_unchanged(files.needs)
        (site / path).unlink()
        assert FileStates(site).are_unchanged(files.needs)
    (site / "_includes/a.html").write_text("changed")
    assert not FileStates(site).are_unchanged(files.needs)


def test_an_edit_that_keeps_size_and_mtime(site: Path) -> None:
    """Also of a file that was just saved, and with its text read before."""
    path = site / "_includes/a.html"
    files, states = FolderFiles(site), FileStates(site)
    for text in ("teh", "the", "hte"):
        files.text("_includes/a.html")
        assert states.are_unchanged(files.needs)
        path.write_text(text)
        os.utime(path, (1, 1))
        assert not states.are_unchanged(files.needs)
        files.text("_includes/a.html")
        age(path)
        assert states.are_unchanged(files.needs)


def test_what_was_only_touched_is_unchanged(site: Path) -> None:
    """A copy of a text in another file, with other times; an image of the same size."""
    files, states = FolderFiles(site), FileStates(site)
    files.text("_includes/a.html")
    files.size("bytes.bin")
    for name in ("_includes/a.html", "bytes.bin"):
        shutil.copy(site / name, site / "copy")
        (site / "copy").replace(site / name)
        os.utime(site / name, (1, 1))
        assert states.are_unchanged(files.needs)
    (site / "bytes.bin").write_bytes(b"123")
    assert states.are_unchanged(files.needs)
    (site / "bytes.bin").write_bytes(b"1234")
    assert not states.are_unchanged(files.needs)


def test_a_text_is_read_once(site: Path) -> None:
    """While its stat is the same. A second reading would find the text gone."""
    path = site / "_includes/a.html"
    states = FileStates(site)
    os.utime(path, (1, 1))
    age(path)
    state = states.now("_includes/a.html", text=True)
    with not_readable(path):
        assert states.now("_includes/a.html", text=True) == state
        path.touch()
        assert states.now("_includes/a.html", text=True) != state
    path.touch()
    assert states.now("_includes/a.html", text=True) == state


@contextmanager
def not_readable(path: Path) -> Iterator[None]:
    """Let opening a file fail, for root too: this process may open no more files."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    path.stat()
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("max_bytes", [1024 * 1024, 4 * 1024 * 1024])
def test_a_large_text_is_known_by_its_stat(site: Path, max_bytes: int) -> None:
    """Whether it was read or is too large: a poll doesn't read it."""
    path = site / "large.csv"
    path.write_text("x" * (1024 * 1024 + 1))
    files, states = FolderFiles(site), FileStates(site)
    assert (files.text("large.csv", max_bytes) is None) == (max_bytes == 1024 * 1024)
    assert states.are_unchanged(files.needs)
    os.utime(path, (1, 1))
    assert not states.are_unchanged(files.needs)


def test_a_text_that_can_be_read_now(site: Path) -> None:
    """A link led out of the site before, to a text of the same size."""
    files, states = FolderFiles(site), FileStates(site)
    (site / "secret").write_text("secret")
    assert files.text("link") is None
    assert states.are_unchanged(files.needs)
    (site / "link").unlink()
    (site / "link").symlink_to("secret")
    assert not states.are_unchanged(files.needs)


def test_size_and_text_of_one_file(site: Path) -> None:
    """Used for one entry, in either order: its text matters."""
    for first in (True, False):
        files = FolderFiles(site)
        if first:
            files.size("_includes/a.html")
        files.text("_includes/a.html")
        files.size("_includes/a.html")
        assert [needs_text(state) for state in files.needs.values()] == [True]


def test_a_site_behind_a_link_is_unchanged(site: Path) -> None:
    """Its listings are those of the folder that the link leads to."""
    link = site.parent / "current"
    link.symlink_to(site)
    files = FolderFiles(link)
    files.text("_includes/a.html")
    files.names("_includes")
    files.names("")
    assert FileStates(link).are_unchanged(files.needs)
    (site / "_includes/c.html").write_text("x")
    assert not FileStates(link).are_unchanged(files.needs)


def test_deeply_nested_folders_are_listed(site: Path) -> None:
    """An author may nest them deeper than Python's recursion limit."""
    nest(site / "_includes")
    with low_recursion_limit():
        assert "_includes/a.html" in FolderFiles(site).names("_includes")


def test_deeply_nested_folders_are_searched_for_documents(site: Path) -> None:
    """Also beyond Python's recursion limit."""
    nest(site)
    (site / "z/_posts").mkdir(parents=True)
    (site / "z/_posts/2026-01-01-a.md").write_text("")
    with low_recursion_limit():
        assert len(SourceFolder(site, Scope()).scan().stat_hashes) == 1


@contextmanager
def low_recursion_limit() -> Iterator[None]:
    """Allow 150 nested calls more than now."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 150)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def nest(top: Path, folders: int = 300) -> None:
    """Make folders nested in one another."""
    handle = os.open(top, os.O_RDONLY)
    for _ in range(folders):
        os.mkdir("d", dir_fd=handle)
        handle, above = os.open("d", os.O_RDONLY, dir_fd=handle), handle
        os.close(above)
    os.close(handle)


@pytest.fixture
def theme(tmp_path: Path) -> Path:
    root = tmp_path / "theme"
    (root / "_includes/embed").mkdir(parents=True)
    (root / "_includes/figure").write_text("a figure")
    (root / "_includes/embed/youtube.html").write_text("a player")
    (root / "_includes/out").symlink_to(tmp_path / "secret")
    (root / "_includes/in").symlink_to("figure")
    (root / "_includes/large").write_text("x" * (1024 * 1024 + 1))
    os.mkfifo(root / "_includes/fifo")
    (tmp_path / "secret").write_text("secret")
    return root


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("_includes/figure", "a figure"),
        ("_includes/embed/youtube.html", "a player"),
        ("_includes/in", "a figure"),
        ("_includes/out", None),
        ("_includes/../../secret", None),
        ("_includes/none", None),
        ("_includes/embed", None),
        ("_includes/fifo", None),
        ("_includes/large", None),
    ],
)
def test_the_files_of_the_theme(site: Path, theme: Path, path: str, text: str | None) -> None:
    """Regular files below the theme's folder, of at most 1 MiB; never the site's."""
    files = FolderFiles(site, theme)
    assert files.has_theme
    assert files.theme_text(path) == text
    assert files.text(path) is None


def test_used_files_of_the_theme_are_recorded(site: Path, theme: Path) -> None:
    files = FolderFiles(site, theme)
    files.theme_text("_includes/figure")
    files.theme_text("_includes/new")
    assert FileStates(site, theme).are_unchanged(files.needs)
    (theme / "_includes/figure").write_text("another figure")
    assert not FileStates(site, theme).are_unchanged(files.needs)
    (theme / "_includes/figure").unlink()
    (theme / "_includes/new").write_text("new")
    assert not FileStates(site, theme).are_unchanged(files.needs)


def test_without_a_theme(site: Path) -> None:
    files = FolderFiles(site)
    assert not files.has_theme
    assert files.theme_text("_includes/figure") is None
    assert files.needs == {}
