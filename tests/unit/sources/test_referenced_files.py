"""The files of a site that a post may use."""

import inspect
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syndicator.model.content import Scope
from syndicator.sources.folder import SourceFolder
from syndicator.sources.referenced_files import FolderFiles, unchanged


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
    """`unchanged` sees when a used file or listing changes, goes or appears."""
    files = FolderFiles(site)
    files.text("_includes/a.html")
    files.size("not-yet.png")
    files.names("_includes")
    assert unchanged(site, files.needs)
    for path in ("not-yet.png", "_includes/c.html"):
        (site / path).write_text("x")
        assert not unchanged(site, files.needs)
        (site / path).unlink()
        assert unchanged(site, files.needs)
    (site / "_includes/a.html").write_text("changed")
    assert not unchanged(site, files.needs)


def test_a_site_behind_a_link_is_unchanged(site: Path) -> None:
    """Its listings are those of the folder that the link leads to."""
    link = site.parent / "current"
    link.symlink_to(site)
    files = FolderFiles(link)
    files.text("_includes/a.html")
    files.names("_includes")
    files.names("")
    assert unchanged(link, files.needs)
    (site / "_includes/c.html").write_text("x")
    assert not unchanged(link, files.needs)


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
    assert unchanged(site, files.needs)
    (theme / "_includes/figure").write_text("another figure")
    assert not unchanged(site, files.needs)
    (theme / "_includes/figure").unlink()
    (theme / "_includes/new").write_text("new")
    assert not unchanged(site, files.needs)


def test_without_a_theme(site: Path) -> None:
    files = FolderFiles(site)
    assert not files.has_theme
    assert files.theme_text("_includes/figure") is None
    assert files.needs == {}
