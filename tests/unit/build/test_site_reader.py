"""Reads the site again only if its files changed, and notices when a part of it is missing."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from syndicator.build.site_reader import SiteReader
from syndicator.errors import SourceError

CONFIG = "url: https://news.example.com\n"
OVERRIDES = {"url": "https://example.com"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    return tmp_path / "site"


def write(root: Path, path: str, text: str | bytes) -> Path:
    full = root / path
    full.parent.mkdir(parents=True, exist_ok=True)
    full.write_bytes(text if isinstance(text, bytes) else text.encode())
    return full


def site_of_posts(root: Path) -> SiteReader:
    """A reader of a site with a config and a post."""
    write(root, "_config.yml", CONFIG)
    write(root, "_posts/2026-01-01-a.md", "")
    return SiteReader(root, {})


def test_an_unchanged_site_is_the_same_object(root: Path) -> None:
    """Whatever else changes in its folder. So polls compare files and parse none."""
    reader = site_of_posts(root)
    write(root, "_data/a.yml", "1")
    site = reader.read()
    write(root, "_posts/2026-01-02-b.md", "")
    write(root, "page.md", "")
    assert reader.read() is site


@pytest.mark.parametrize(
    ("path", "text"),
    [("_config.yml", f"{CONFIG}title: A\n"), ("_data/a.yml", "22"), ("_data/new.yml", "1")],
)
def test_a_changed_file_makes_another_site(root: Path, path: str, text: str) -> None:
    """Of the config or the data, with another digest."""
    reader = site_of_posts(root)
    write(root, "_data/a.yml", "1")
    site = reader.read()
    write(root, path, text)
    assert reader.read().digest != site.digest


def test_problems_are_those_of_the_last_reading(root: Path) -> None:
    """They stay while the site is unchanged, and end with their cause."""
    reader = site_of_posts(root)
    broken = write(root, "_data/a.yml", b"\xff")
    for _ in range(2):
        reader.read()
        assert [problem.path for problem in reader.problems] == ["_data/a.yml"]
    broken.unlink()
    reader.read()
    assert reader.problems == ()


def test_settings_win_over_the_config(root: Path) -> None:
    """`[site]` in our config."""
    write(root, "_config.yml", CONFIG)
    assert SiteReader(root, OVERRIDES).read().url == "https://example.com"


@pytest.mark.parametrize(
    ("config", "line", "message"),
    [
        ("url: [\n", 2, "the config can't be read"),
        ("title: A\n", None, "the site's address is not known"),
    ],
)
def test_a_broken_config_ends_the_run(
    root: Path, config: str, line: int | None, message: str
) -> None:
    """The feeds stay as they are. Once it is fixed, the site is read."""
    reader = site_of_posts(root)
    before = reader.read()
    write(root, "_config.yml", config)
    where = "_config.yml" if line is None else f"_config.yml:{line}"
    for _ in range(2):
        with pytest.raises(SourceError, match=f"^{where}: {message}") as caught:
            reader.read()
    if line is None:
        assert caught.value.hint == "set url in _config.yml, or url in [site]"
    write(root, "_config.yml", CONFIG)
    assert reader.read().digest == before.digest


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_a_config_that_is_not_a_file(root: Path, make: Callable[[Path], None]) -> None:
    """The site doesn't count as one without a config: all links would change."""
    write(root, "_posts/2026-01-01-a.md", "")
    make(root / "_config.yml")
    with pytest.raises(SourceError, match=r"^_config\.yml can't be read as text$") as caught:
        SiteReader(root, OVERRIDES).read()
    assert caught.value.hint == "make it a file that this user may read, in UTF-8 and under 1 MiB"


@pytest.mark.parametrize("text", [b"title: \xff\n", b"#" * (1 << 20) + b"\n"])
def test_a_config_that_is_not_text(root: Path, text: bytes) -> None:
    """Not in UTF-8, or over 1 MiB."""
    write(root, "_config.yml", text)
    with pytest.raises(SourceError, match="can't be read as text"):
        SiteReader(root, OVERRIDES).read()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_config_must_not_go_missing(root: Path, restarted: bool) -> None:
    """Also if the reader knows of it from the state only; an empty one is a config."""
    reader = SiteReader(root, OVERRIDES)
    if restarted:
        reader.had_config = True
    else:
        config = write(root, "_config.yml", "")
        reader.read()
        assert reader.had_config
        config.unlink()
    with pytest.raises(SourceError, match=r"site/_config\.yml is gone$") as caught:
        reader.read()
    assert caught.value.hint == (
        "check that it is mounted and copied whole; if it was deleted, add an empty one"
    )
    write(root, "_config.yml", "")
    reader.read()


@pytest.mark.parametrize("restarted", [False, True])
def test_posts_must_not_go_missing(root: Path, restarted: bool) -> None:
    """Without `_posts` and `_config.yml`, every Markdown file would be a post."""
    reader = SiteReader(root, OVERRIDES)
    write(root, "page.md", "")
    if restarted:
        reader.had_posts = True
    else:
        post = write(root, "_posts/a.md", "")
        reader.read()
        assert reader.had_posts
        post.unlink()
        write(root, "_data/a.yml", "1")  # so that the site is read again
    with pytest.raises(SourceError, match=r"site has no _posts any more$") as caught:
        reader.read()
    assert caught.value.hint == (
        "check that it is mounted and copied whole; a plain folder needs a new state"
    )
    write(root, "_posts/a.md", "")
    assert reader.read().scope.anywhere


def test_a_plain_folder_never_had_more(root: Path) -> None:
    """It has neither a config nor `_posts`, and is read as such each time."""
    write(root, "notes/a.md", "")
    reader = SiteReader(root, OVERRIDES)
    site = reader.read()
    assert site.scope.roots == ("",)
    assert (reader.had_config, reader.had_posts) == (False, False)
    write(root, "notes/b.md", "")
    write(root, "c.md", "")
    assert reader.read() is site


def test_a_plain_folder_becomes_a_site(root: Path) -> None:
    """With the first file in its `_posts`, or with a config."""
    write(root, "a.md", "")
    reader = SiteReader(root, OVERRIDES)
    plain = reader.read()
    (root / "_posts").mkdir()
    assert reader.read() is plain
    write(root, "_posts/a.md", "")
    site = reader.read()
    assert (site.scope.anywhere, site.scope.roots) == ({"_posts"}, ())
    assert site.digest != plain.digest  # so every post is read again, and notes are gone
    assert (reader.had_config, reader.had_posts) == (False, True)
    write(root, "_posts/b.md", "")
    assert reader.read() is site
    write(root, "_config.yml", "")
    assert reader.read() is not site
    assert reader.had_config


def test_posts_of_a_deeper_folder_make_a_site(root: Path) -> None:
    """If they exist when it is read. Later ones are not searched for at each poll."""
    write(root, "blog/_posts/a.md", "")
    assert SiteReader(root, OVERRIDES).read().scope.anywhere == {"_posts"}


@pytest.mark.parametrize("make", [lambda path: None, Path.touch])
def test_a_missing_source(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Also if it was there before, or a file is in its place."""
    make(tmp_path / "source")
    with pytest.raises(SourceError, match="source is not a readable directory") as caught:
        SiteReader(tmp_path / "source", {}).read()
    assert caught.value.hint == "check [source] path, and that it is mounted"


def test_a_source_that_is_gone(root: Path) -> None:
    """Its files are not the ones that are missing."""
    reader = site_of_posts(root)
    reader.read()
    root.rename(root.parent / "elsewhere")
    with pytest.raises(SourceError, match="site is not a readable directory"):
        reader.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_a_source_without_permission(root: Path) -> None:
    """The error gives the reason, not that posts are missing."""
    reader = site_of_posts(root)
    root.chmod(0o700)
    os.seteuid(65534)
    try:
        with pytest.raises(SourceError, match=r"can't be read: Permission denied") as caught:
            reader.read()
    finally:
        os.seteuid(0)
    assert caught.value.hint == "check that this user may read it"
