"""Looking at a folder of documents, and reading one."""

import os
from pathlib import Path

import pytest

from syndicator.errors import SourceError
from syndicator.model.content import Document, Problem, Scope
from syndicator.sources import compact_paths
from syndicator.sources.compact_paths import CompactPaths
from syndicator.sources.folder import MAX_OCTETS, SourceFolder, is_settled, without


def write(root: Path, path: str, text: str = "x") -> Path:
    full = root / path
    full.parent.mkdir(parents=True, exist_ok=True)
    full.write_text(text)
    return full


def test_posts_are_found_at_any_depth(tmp_path: Path) -> None:
    """`_posts` anywhere below the root, with folders inside it, in the suffixes of the scope, in order."""
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
    look = SourceFolder(tmp_path, Scope(exclude=("vendor",))).look(known=())
    assert list(look.fresh) == ["_posts/2026/a.markdown", "_posts/b.md", "news/sport/_posts/c.html"]
    assert len(look.prints) == 3


def test_a_plain_folder_is_documents_throughout(tmp_path: Path) -> None:
    """The root "" takes everything below it but hidden folders."""
    write(tmp_path, "a.md")
    write(tmp_path, "deep/er/b.md")
    write(tmp_path, ".hidden/c.md")
    folder = SourceFolder(tmp_path, Scope(anywhere=frozenset(), roots=("",)))
    assert list(folder.look(known=()).fresh) == ["a.md", "deep/er/b.md"]
    assert folder.is_document("deep/er/b.md")


def test_collections_are_folders_of_their_own(tmp_path: Path) -> None:
    """A folder that begins with `_` is looked into when the scope names it."""
    write(tmp_path, "_recipes/soup.md")
    write(tmp_path, "_drafts/no.md")
    write(tmp_path, "_posts/a.md")
    assert list(SourceFolder(tmp_path, Scope(roots=("_recipes",))).look(known=()).fresh) == [
        "_posts/a.md",
        "_recipes/soup.md",
    ]


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        ("blog", False),
        ("blog/", False),
        ("bl", False),  # a beginning is enough
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
    assert bool(folder.look(known=()).fresh) is expected
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
def test_a_path_tells_whether_it_is_a_document(tmp_path: Path, path: str, expected: bool) -> None:
    """What watching reports is judged by name, as a look would; also what is gone."""
    folder = SourceFolder(tmp_path, Scope(exclude=("vendor", "*/private")))
    assert folder.is_document(path) is expected
    write(tmp_path, path)
    assert (path in folder.look(known=()).fresh) is expected


def test_what_is_behind_a_link_out_of_the_source_is_no_document(tmp_path: Path) -> None:
    """Nor is it read: a link within the source is followed, as a look does."""
    write(tmp_path, "site/_posts/a.md")
    write(tmp_path, "site/more/b.md")
    write(tmp_path, "outside/c.md")
    (tmp_path / "site/_posts/in").symlink_to("../more")
    (tmp_path / "site/_posts/out").symlink_to("../../outside")
    folder = SourceFolder(tmp_path / "site", Scope())
    assert list(folder.look(known=()).fresh) == ["_posts/a.md", "_posts/in/b.md"]
    assert folder.is_document("_posts/in/b.md")
    assert not folder.is_document("_posts/out/c.md")


def test_an_unchanged_folder_looks_the_same(tmp_path: Path) -> None:
    """Two looks compare as two arrays; a change of size or mtime shows, and names the path."""
    post = write(tmp_path, "_posts/a.md")
    write(tmp_path, "_posts/b.md")
    folder = SourceFolder(tmp_path, Scope())
    first = folder.look()
    assert folder.look().prints == first.prints
    os.utime(post, ns=(1, 1))
    again = folder.look(set(first.prints))
    assert again.prints != first.prints
    assert list(again.fresh) == ["_posts/a.md"]


@pytest.mark.timeout(5)
def test_what_is_no_regular_file_is_refused_unopened(tmp_path: Path) -> None:
    """Opening a FIFO would wait for ever."""
    (tmp_path / "_posts").mkdir()
    os.mkfifo(tmp_path / "_posts/a.md")
    assert _problem(tmp_path, "_posts/a.md") == "_posts/a.md: is not a regular file"


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    """Three sparse gigabytes cost one stat."""
    with open(write(tmp_path, "_posts/a.md"), "r+b") as file:
        file.truncate(3 << 30)
    assert (
        _problem(tmp_path, "_posts/a.md")
        == f"_posts/a.md: is 3,221,225,472 octets; a post has at most {MAX_OCTETS:,}"
    )


def test_a_link_out_of_the_source_is_refused(tmp_path: Path) -> None:
    """A post can't publish /etc/passwd; a link inside the source is a post like any other."""
    site = tmp_path / "site"
    secret = write(tmp_path, "secret.md")
    inside = write(site, "drafts/real.md", "real")
    (site / "_posts").mkdir()
    (site / "_posts/out.md").symlink_to(secret)
    (site / "_posts/in.md").symlink_to(inside)
    (site / "loop").symlink_to(site)
    (site / "elsewhere").symlink_to(tmp_path)
    folder = SourceFolder(site, Scope())
    assert list(folder.look(known=()).fresh) == ["_posts/in.md", "_posts/out.md"]
    assert (
        _problem(site, "_posts/out.md") == "_posts/out.md: is a link that leads out of the source"
    )
    read = folder.read("_posts/in.md")
    assert isinstance(read, Document)
    assert read.data == b"real"


def test_a_name_that_is_not_utf8_is_a_problem(tmp_path: Path) -> None:
    """Of a document or a folder: no feed and no state could hold it. It is said once, with its octets spelled out."""
    write(tmp_path, "_posts/a.md")
    posts = os.fsencode(tmp_path / "_posts")
    Path(os.fsdecode(posts + b"/\xff.md")).write_text("x")
    os.mkdir(posts + b"/\xfe")
    folder = SourceFolder(tmp_path, Scope())
    seen = folder.look(known=())
    assert list(seen.fresh) == ["_posts/\\xfe", "_posts/\\xff.md", "_posts/a.md"]
    assert _problem(tmp_path, "_posts/\\xff.md") == "_posts/\\xff.md: has a name that is not UTF-8"
    assert folder.stat("_posts/\\xff.md") is not None
    assert folder.stat("_posts/\\xaa.md") is folder.stat("_posts/\udcaa.md") is None
    assert folder.read("_posts/\\xaa.md") is None
    assert list(folder.look(known=set(seen.prints)).fresh) == []


def test_an_editors_lock_is_nothing(tmp_path: Path) -> None:
    """Emacs locks what is being edited by a link to nowhere beside it."""
    write(tmp_path, "_posts/a.md")
    (tmp_path / "_posts/.#a.md").symlink_to("user@host.4711:1")
    folder = SourceFolder(tmp_path, Scope())
    assert list(folder.look(known=()).fresh) == ["_posts/a.md"]
    assert folder.stat("_posts/.#a.md") is None


def test_links_in_a_circle_are_a_problem_each(tmp_path: Path) -> None:
    """They keep no other document back: one named as a post is a problem when it is read, a folder is none."""
    write(tmp_path, "_posts/a.md")
    for name in ("b.md", "loop"):
        (tmp_path / "_posts" / name).symlink_to(name)
    folder = SourceFolder(tmp_path, Scope())
    assert list(folder.look(known=()).fresh) == ["_posts/a.md", "_posts/b.md"]
    assert _problem(tmp_path, "_posts/b.md") == "_posts/b.md: is a link that leads nowhere"


def test_a_file_that_is_gone_is_none(tmp_path: Path) -> None:
    """It went between the look and the reading: the next look says so."""
    folder = SourceFolder(tmp_path, Scope())
    assert folder.read("_posts/a.md") is None
    assert folder.stat("_posts/a.md") is None


def test_a_young_file_is_looked_at_again(tmp_path: Path) -> None:
    """Within the clock's grain a second change may leave the mtime as it was."""
    write(tmp_path, "_posts/a.md")
    read = SourceFolder(tmp_path, Scope()).read("_posts/a.md")
    assert isinstance(read, Document)
    assert not is_settled(read, now_ns=read.stat.mtime_ns + 1_000_000)
    assert is_settled(read, now_ns=read.stat.mtime_ns + 3_000_000_000)


def _problem(root: Path, path: str) -> str:
    read = SourceFolder(root, Scope()).read(path)
    assert isinstance(read, Problem)
    assert read.fatal
    return str(read)


def test_paths_are_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many, and in whatever order they were added."""
    monkeypatch.setattr(compact_paths, "_RUN", 7)
    wanted = [f"_posts/{number:03}-é\udcff.md" for number in range(40)]
    held = CompactPaths()
    for path in sorted(wanted, key=lambda path: path[-8::-1]):
        held.add(path)
    assert wanted == list(held) == list(held)
    assert len(wanted) == len(held)


def test_a_source_that_is_not_there_has_one_name(tmp_path: Path) -> None:
    """Whether it is missed before the look or in the middle of it: the log tells of one cause once."""
    for scope in (
        Scope(),
        Scope(anywhere=frozenset(), roots=("",)),
        Scope(anywhere=frozenset(), roots=("news",)),
    ):
        with pytest.raises(SourceError, match="site is no folder that can be read"):
            SourceFolder(tmp_path / "site", scope).look()


def test_a_source_that_went_has_one_error(tmp_path: Path) -> None:
    """Whatever of it is missed first: what differs from poll to poll would be told of again and again."""
    assert str(without(tmp_path, "_config.yml is gone", "mount it")) == "_config.yml is gone"
    gone = tmp_path / "gone"
    assert str(without(gone, "_config.yml is gone", "mount it")) == str(
        without(gone, "it has no posts", "mount it")
    )
