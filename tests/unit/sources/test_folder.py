"""Scanning a folder for documents, and reading one."""

import os
import shutil
from pathlib import Path

import pytest

from syndicator.errors import SourceError
from syndicator.model.content import NO_STAT, Document, Problem, Scope
from syndicator.sources.compact_paths import CompactPaths
from syndicator.sources.errors import source_error
from syndicator.sources.file_stats import is_settled
from syndicator.sources.folder import MAX_BYTES, SourceFolder


def write(root: Path, path: str, text: str = "x") -> Path:
    full = root / path
    full.parent.mkdir(parents=True, exist_ok=True)
    full.write_text(text)
    return full


def test_posts_are_found_at_any_depth(tmp_path: Path) -> None:
    """In any `_posts` folder and its subfolders, with the suffixes of the scope, sorted."""
    for path in (
        "_posts/b.md",
        "_posts/2026/a.markdown",
        "news/sport/_posts/c.html",
        "_posts/notes.txt",
        "other/d.md",
        "_site/_posts/e.md",
        ".git/_posts/f.md",
        "vendor/x/_posts/g.md",
    ):
        write(tmp_path, path)
    scan = SourceFolder(tmp_path, Scope(exclude=("vendor",))).scan(known=())
    assert list(scan.fresh) == ["_posts/2026/a.markdown", "_posts/b.md", "news/sport/_posts/c.html"]
    assert len(scan.stat_hashes) == 3


def test_a_plain_folder_has_documents_everywhere(tmp_path: Path) -> None:
    """The root "" includes everything below it but hidden folders."""
    write(tmp_path, "a.md")
    write(tmp_path, "deep/er/b.md")
    write(tmp_path, ".hidden/c.md")
    folder = SourceFolder(tmp_path, Scope(anywhere=frozenset(), roots=("",)))
    assert list(folder.scan(known=()).fresh) == ["a.md", "deep/er/b.md"]
    assert folder.is_document("deep/er/b.md")


def test_collections_are_folders_of_their_own(tmp_path: Path) -> None:
    """A folder that begins with `_` is scanned if the scope names it."""
    write(tmp_path, "_recipes/soup.md")
    write(tmp_path, "_drafts/no.md")
    write(tmp_path, "_posts/a.md")
    assert list(SourceFolder(tmp_path, Scope(roots=("_recipes",))).scan(known=()).fresh) == [
        "_posts/a.md",
        "_recipes/soup.md",
    ]


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        ("blog", False),
        ("blog/", False),
        ("bl", False),  # the beginning of a path
        ("blog/_posts/2026*", False),
        ("*/2026-01-01-a.md", False),
        ("log/", True),
        ("_posts", True),
    ],
)
def test_excludes_are_jekylls(tmp_path: Path, exclude: str, expected: bool) -> None:
    """A glob or the beginning of a path, for folders and for files in them."""
    write(tmp_path, "blog/_posts/2026-01-01-a.md")
    folder = SourceFolder(tmp_path, Scope(exclude=(exclude,)))
    assert bool(folder.scan(known=()).fresh) is expected
    assert folder.is_document("blog/_posts/2026-01-01-a.md") is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("_posts/a.md", True),
        ("x/_posts/y/a.html", True),
        ("_posts/a.txt", False),
        ("a.md", False),
        ("_postsx/a.md", False),
        ("vendor/_posts/a.md", False),
        ("_posts/.trash/a.md", False),
        ("_posts/private/a.md", False),
        ("_posts/deep/private/a.md", False),
        ("_posts/old~/a.md", True),
        ("old~/_posts/a.md", False),
        ("_drafts/_posts/a.md", False),
        (".git/_posts/a.md", False),
        ("_config.yml", False),
    ],
)
def test_is_document_agrees_with_a_scan(tmp_path: Path, path: str, expected: bool) -> None:
    """It judges by path alone, so also files that are gone."""
    folder = SourceFolder(tmp_path, Scope(exclude=("vendor", "*/private")))
    assert folder.is_document(path) is expected
    write(tmp_path, path)
    assert (path in folder.scan(known=()).fresh) is expected


def test_suffixes_in_capitals_and_others(tmp_path: Path) -> None:
    """A dated name makes a document of every file, so that it can be reported; none is refused."""
    for name in ("x.MD", "2016-08-17-x.txt", "2016-08-17-x.tar.gz", "x.txt", "2016-08-17-x.md~"):
        write(tmp_path, f"_posts/{name}")
    os.truncate(write(tmp_path, "_posts/2016-08-17-film.mp4"), MAX_BYTES + 1)
    folder = SourceFolder(tmp_path, Scope())
    names = ["2016-08-17-film.mp4", "2016-08-17-x.tar.gz", "2016-08-17-x.txt", "x.MD"]
    fresh = [f"_posts/{name}" for name in names]
    assert list(folder.scan(known=()).fresh) == fresh
    assert all(map(folder.is_document, fresh))
    assert not folder.is_document("_posts/x.txt")
    read = [folder.read(path) for path in fresh]
    assert [one.data for one in read if isinstance(one, Document)] == [b"", b"x", b"x", b"x"]
    assert folder.read("_posts/2016-08-17-gone.txt") is None


def test_links_to_folders_are_followed_inside_the_source_only(tmp_path: Path) -> None:
    """By a scan and by `is_document`."""
    write(tmp_path, "site/_posts/a.md")
    write(tmp_path, "site/more/b.md")
    write(tmp_path, "outside/c.md")
    (tmp_path / "site/_posts/in").symlink_to("../more")
    (tmp_path / "site/_posts/out").symlink_to("../../outside")
    folder = SourceFolder(tmp_path / "site", Scope())
    assert list(folder.scan(known=()).fresh) == ["_posts/a.md", "_posts/in/b.md"]
    assert folder.is_document("_posts/in/b.md")
    assert not folder.is_document("_posts/out/c.md")


def test_an_unchanged_folder_has_the_same_stat_hashes(tmp_path: Path) -> None:
    """A file with another stat has another hash, and its path is fresh."""
    post = write(tmp_path, "_posts/a.md")
    write(tmp_path, "_posts/b.md")
    folder = SourceFolder(tmp_path, Scope())
    first = folder.scan()
    assert folder.scan().stat_hashes == first.stat_hashes
    os.utime(post, ns=(1, 1))
    again = folder.scan(set(first.stat_hashes))
    assert again.stat_hashes != first.stat_hashes
    assert list(again.fresh) == ["_posts/a.md"]


@pytest.mark.parametrize("left", ["nothing", "file", "loop"])
def test_a_folder_that_is_removed_during_a_scan(tmp_path: Path, left: str) -> None:
    """Its posts are gone."""
    write(tmp_path, "_posts/a.md")
    write(tmp_path, "_posts/below/b.md")
    below = tmp_path / "_posts/below"

    def remove(_: int) -> None:
        shutil.rmtree(below)
        if left == "file":
            below.touch()
        if left == "loop":
            below.symlink_to(below.name)

    folder = SourceFolder(tmp_path, Scope(), progress_every=1)
    assert list(folder.scan(known=(), progress=remove).fresh) == ["_posts/a.md"]


def test_a_folder_above_others_that_is_moved_during_a_scan(tmp_path: Path) -> None:
    """The posts of the others are not gone: a newer copy may be moved to its place."""
    write(tmp_path, "_posts/year/a.md")
    write(tmp_path, "_posts/year/below/b.md")

    def move(_: int) -> None:
        (tmp_path / "_posts/year").rename(tmp_path / "old")

    folder = SourceFolder(tmp_path, Scope(), progress_every=1)
    with pytest.raises(SourceError, match="_posts/year/below can't be read: No such file"):
        folder.scan(known=(), progress=move)


@pytest.mark.parametrize("year", [1500, 2300, 2400, 20_000])
def test_a_time_that_no_database_accepts(tmp_path: Path, year: int) -> None:
    """The nearest one stands for it, in a scan too. Some disks store other times than these."""
    post = write(tmp_path, "_posts/a.md")
    seconds = (year - 1970) * 31_556_952
    os.utime(post, (seconds, seconds))
    folder = SourceFolder(tmp_path, Scope())
    document = folder.read("_posts/a.md")
    assert isinstance(document, Document)
    assert abs(document.stat.mtime_ns) < 2**63
    assert folder.stat("_posts/a.md") == document.stat
    assert list(folder.scan().stat_hashes) == [hash(document.stat)]


@pytest.mark.timeout(5)
def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    """Opening a FIFO would block."""
    (tmp_path / "_posts").mkdir()
    os.mkfifo(tmp_path / "_posts/a.md")
    assert _problem(tmp_path, "_posts/a.md") == "_posts/a.md: is not a regular file"


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """Refusing three sparse gigabytes costs one stat."""
    with open(write(tmp_path, "_posts/a.md"), "r+b") as file:
        file.truncate(3 << 30)
    assert _problem(tmp_path, "_posts/a.md") == (
        f"_posts/a.md: has 3,221,225,472 bytes; a post may have at most {MAX_BYTES:,}"
    )


def test_a_link_to_a_file_outside_is_refused(tmp_path: Path) -> None:
    """A post can't publish /etc/passwd; a link to a file inside the source is a post."""
    site = tmp_path / "site"
    secret = write(tmp_path, "secret.md")
    inside = write(site, "drafts/real.md", "real")
    (site / "_posts").mkdir()
    (site / "_posts/out.md").symlink_to(secret)
    (site / "_posts/in.md").symlink_to(inside)
    (site / "loop").symlink_to(site)
    (site / "elsewhere").symlink_to(tmp_path)
    folder = SourceFolder(site, Scope())
    assert list(folder.scan(known=()).fresh) == ["_posts/in.md", "_posts/out.md"]
    problem = _problem(site, "_posts/out.md")
    assert problem == "_posts/out.md: is a link to a file outside the source"
    read = folder.read("_posts/in.md")
    assert isinstance(read, Document)
    assert read.data == b"real"


def test_a_name_that_is_not_utf8_is_a_problem(tmp_path: Path) -> None:
    """Of a document or a folder. Its path has the bytes escaped; a second scan has no news."""
    write(tmp_path, "_posts/a.md")
    posts = os.fsencode(tmp_path / "_posts")
    Path(os.fsdecode(posts + b"/\xff.md")).write_text("x")
    os.mkdir(posts + b"/\xfe")
    folder = SourceFolder(tmp_path, Scope())
    seen = folder.scan(known=())
    assert list(seen.fresh) == ["_posts/\\xfe", "_posts/\\xff.md", "_posts/a.md"]
    assert _problem(tmp_path, "_posts/\\xff.md") == "_posts/\\xff.md: has a name that is not UTF-8"
    assert folder.stat("_posts/\\xff.md") is not None
    assert folder.stat("_posts/\\xaa.md") is folder.stat("_posts/\udcaa.md") is None
    assert folder.read("_posts/\\xaa.md") is None
    assert list(folder.scan(known=set(seen.stat_hashes)).fresh) == []


def test_locks_of_editors_are_ignored(tmp_path: Path) -> None:
    """Emacs locks an edited file with a broken link beside it."""
    write(tmp_path, "_posts/a.md")
    (tmp_path / "_posts/.#a.md").symlink_to("user@host.4711:1")
    folder = SourceFolder(tmp_path, Scope())
    assert list(folder.scan(known=()).fresh) == ["_posts/a.md"]
    assert folder.stat("_posts/.#a.md") is None


def test_a_circular_link_is_a_problem(tmp_path: Path) -> None:
    """If it is named as a post; other documents are scanned as usual."""
    write(tmp_path, "_posts/a.md")
    for name in ("b.md", "loop"):
        (tmp_path / "_posts" / name).symlink_to(name)
    folder = SourceFolder(tmp_path, Scope())
    assert list(folder.scan(known=()).fresh) == ["_posts/a.md", "_posts/b.md"]
    assert _problem(tmp_path, "_posts/b.md") == "_posts/b.md: is a broken link"


def test_a_file_that_is_gone_is_none(tmp_path: Path) -> None:
    """It was removed between the scan and the reading."""
    folder = SourceFolder(tmp_path, Scope())
    assert folder.read("_posts/a.md") is None
    assert folder.stat("_posts/a.md") is None


@pytest.mark.parametrize(
    ("mtime_age", "ctime_age", "expected"),
    [
        (0.001, 0.001, False),
        (3, 3, True),
        (3, 0.01, False),
        (3, 0.1, True),  # a ctime with parts of a second is of a fine clock
        (0.1, 0.1, False),  # an mtime may be written by a program, in any resolution
        (-1, 3, False),
        (-3, 3, True),
    ],
)
def test_a_recently_changed_file_is_not_settled(
    mtime_age: float, ctime_age: float, expected: bool
) -> None:
    """A second change within the clock's resolution may not change the times."""
    now = 1_800_000_000_123_456_789
    mtime_ns, ctime_ns = (now - int(age * 1e9) for age in (mtime_age, ctime_age))
    seen = NO_STAT._replace(mtime_ns=mtime_ns, ctime_ns=ctime_ns)
    assert is_settled(seen, now) is expected


@pytest.mark.parametrize(("age", "expected"), [(1, False), (3, True)])
def test_a_ctime_in_whole_seconds_is_of_a_coarse_clock(age: int, expected: bool) -> None:
    """The files of a disk with FAT, or of another machine."""
    now = 1_800_000_000_500_000_000
    seen = NO_STAT._replace(mtime_ns=1, ctime_ns=1_800_000_000_000_000_000 - age * 1_000_000_000)
    assert is_settled(seen, now) is expected


def _problem(root: Path, path: str) -> str:
    read = SourceFolder(root, Scope()).read(path)
    assert isinstance(read, Problem)
    assert read.fatal
    return str(read)


def test_compact_paths_are_sorted() -> None:
    """Whatever their number, and in whatever order they were added."""
    wanted = [f"_posts/{number:03}-é\udcff.md" for number in range(40)]
    paths = CompactPaths(run_length=7)
    for path in sorted(wanted, key=lambda path: path[-8::-1]):
        paths.add(path)
    assert wanted == list(paths) == list(paths)
    assert len(wanted) == len(paths)


def test_a_missing_source_has_one_error(tmp_path: Path) -> None:
    """For every scope, so that the log shows one cause once."""
    for scope in (
        Scope(),
        Scope(anywhere=frozenset(), roots=("",)),
        Scope(anywhere=frozenset(), roots=("news",)),
    ):
        with pytest.raises(SourceError, match="site is not a readable directory"):
            SourceFolder(tmp_path / "site", scope).scan()


def test_a_removed_source_has_one_error(tmp_path: Path) -> None:
    """Whatever part is missed first: an error that differs at each poll would be logged again."""
    assert str(source_error(tmp_path, "_config.yml is gone", "mount it")) == "_config.yml is gone"
    gone = tmp_path / "gone"
    one = source_error(gone, "_config.yml is gone", "mount it")
    other = source_error(gone, "it has no posts", "mount it")
    assert str(one) == str(other)


def test_a_pointer_of_git_lfs_is_refused(tmp_path: Path) -> None:
    """Its text would be published: the post is elsewhere."""
    write(tmp_path, "_posts/a.md", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    problem = SourceFolder(tmp_path, Scope()).read("_posts/a.md")
    assert isinstance(problem, Problem)
    assert "is in Git LFS" in problem.message
