"""The working tree has one whole commit, and only what differs is written."""

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from gitsource import Source
from repositories import Repository, needs_git, post

from syndicator.errors import SourceError

pytestmark = needs_git

FIRST, SECOND = "_posts/2026-01-01-first.md", "_posts/2026-01-02-second.md"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path)
    repository.push({FIRST: post("First"), SECOND: post("Second"), "_config.yml": "title: T\n"})
    return repository


def test_only_what_differs_is_written(repository: Repository) -> None:
    """A file that two commits share keeps its inode and times: a scan finds it unchanged."""
    source = Source(repository)
    assert source.update() == {
        FIRST: post("First"),
        SECOND: post("Second"),
        "_config.yml": "title: T\n",
    }
    before = source.stat(FIRST)
    repository.push({SECOND: post("Edited"), "_config.yml": None, "_data/new/x.yml": "a: 1\n"})
    assert source.update() == {
        FIRST: post("First"),
        SECOND: post("Edited"),
        "_data/new/x.yml": "a: 1\n",
    }
    assert source.stat(FIRST) == before


def test_a_forced_push_and_another_default_branch_are_followed(repository: Repository) -> None:
    """The newest commit of the branch counts, whatever came before."""
    source = Source(repository)
    source.update()
    before = source.stat(FIRST)
    repository.git("checkout", "--quiet", "--orphan", "anew")
    repository.push({SECOND: post("Rewritten")}, force=True)
    assert source.update()[SECOND] == post("Rewritten")
    assert source.stat(FIRST) == before
    assert source.git.branch == "main"
    repository.push({FIRST: None}, branch="next")
    repository.on_remote("symbolic-ref", "HEAD", "refs/heads/next")
    assert set(source.update()) == {SECOND, "_config.yml"}
    assert source.git.branch == "next"
    assert FIRST in Source(repository, branch="main").update()


def test_the_site_may_be_a_folder_of_the_repository(repository: Repository) -> None:
    """Only the folder is checked out; a commit without it changes nothing."""
    repository.push({"docs/_config.yml": "title: Docs\n", "big.bin": "x" * 5000})
    source = Source(repository, folder="docs", max_bytes=4000)
    assert source.update() == {"_config.yml": "title: Docs\n"}
    repository.push({"docs/_config.yml": None})
    source.fetch()
    with pytest.raises(SourceError, match="has no folder docs"):
        source.check_out()
    assert source.files() == {"_config.yml": "title: Docs\n"}
    assert Source(repository).fetch()  # all of it is another matter
    small = Source(repository, max_bytes=4000)
    for _ in range(2):
        with pytest.raises(SourceError, match="bytes of files"):
            small.check_out()
    repository.push({"big.bin": None})
    assert FIRST in small.update()


def test_a_tree_that_may_be_half_of_a_commit_is_made_anew(repository: Repository) -> None:
    """After a kill in mid-checkout the record is missing, and locks may be left."""
    source = Source(repository)
    source.update()
    clone = source.clone
    clone.forget("tree")
    (clone.tree / SECOND).write_text("half")
    (clone.tree / "left.md").write_text("of another commit")
    (clone.folder / "index.lock").touch()
    (clone.folder / "index.trial.lock").touch()
    (clone.repository / "shallow.lock").touch()
    (clone.repository / "objects/pack/tmp_pack_x").write_text("half")
    repository.push({FIRST: post("Edited")})
    assert source.update() == {
        FIRST: post("Edited"),
        SECOND: post("Second"),
        "_config.yml": "title: T\n",
    }
    assert not list(clone.repository.glob("objects/pack/tmp_*"))


def test_after_a_restart_of_the_machine_the_bytes_are_compared(repository: Repository) -> None:
    """A power cut can take back what a record says was written: files are not synced to disk."""
    source = Source(repository)
    source.update()
    record = source.clone.read("tree")
    before = source.stat(FIRST)
    source.clone.write("tree", record | {"boot": "before"})
    assert source.check_out() == record["commit"]
    assert source.stat(FIRST) == before
    source.clone.write("tree", record | {"boot": "before"})
    (source.clone.tree / SECOND).write_text("")
    source.check_out()
    assert source.files()[SECOND] == post("Second")


def test_a_damaged_clone_is_cloned_anew(repository: Repository) -> None:
    """The clone holds nothing that the remote has not."""
    source = Source(repository)
    source.update()
    source.clone.forget("tree")
    for pack in source.clone.repository.glob("objects/pack/*"):
        pack.unlink()
    with pytest.raises(SourceError, match="the clone was damaged"):
        source.check_out()
    assert source.update()[FIRST] == post("First")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("HEAD", b""),
        ("config", b"[core]\n\tbare = \0\n"),
        ("shallow", bytes(41)),
        ("refs/syndicator/head", b""),
    ],
)
def test_a_clone_that_lost_bytes_is_cloned_anew(
    repository: Repository, name: str, data: bytes
) -> None:
    """As after a power cut, of which git's messages may blame the remote."""
    source = Source(repository)
    source.update()
    (source.clone.repository / name).write_bytes(data)
    repository.push({SECOND: post("Edited")})
    with suppress(SourceError):
        source.fetch()
    assert source.update()[SECOND] == post("Edited")


def test_a_tree_outlives_its_clone(repository: Repository) -> None:
    """A clone that was damaged and deleted leaves the site, which runs need for future posts."""
    source = Source(repository)
    files = source.update()
    commit = source.check_out()
    repository.bare.rename(repository.bare.with_name("away.git"))
    source.clone.discard(source.clone.repository)
    with pytest.raises(SourceError):
        source.fetch()
    assert (source.check_out(), source.files()) == (commit, files)
    dated = Source(repository, dates=True)  # its files have no times of commits
    with pytest.raises(SourceError, match="nothing was fetched"):
        dated.check_out()


def test_a_clone_that_is_not_complete_is_made_anew(repository: Repository) -> None:
    """After a kill between its first and last file, and where a person deleted some."""
    source = Source(repository)
    source.update()
    attributes = source.clone.repository / "info/attributes"
    attributes.write_text("")
    source.clone.index.unlink()
    repository.push({SECOND: None, ".gitattributes": "* text eol=crlf\n"})
    assert SECOND not in source.update()
    assert source.files()[FIRST] == post("First")
    assert attributes.read_text()


def test_a_kept_tree_stays_at_its_commit(repository: Repository) -> None:
    """Also if more was fetched. A tree of another commit is not the one to keep."""
    source = Source(repository)
    files = source.update()
    built = source.check_out()
    repository.push({FIRST: post("Changed")})
    source.fetch()
    with source.git.keep(built, lambda: None) as is_kept:
        assert (is_kept, source.files()) == (True, files)
    source.check_out()
    with source.git.keep(built, lambda: None) as is_kept:
        assert not is_kept


def test_nothing_of_the_operator_or_the_repository_runs(
    repository: Repository, tmp_path: Path
) -> None:
    """No filter, hook or monitor: a tree has the bytes of the commit."""
    ran = tmp_path / "ran"
    config = tmp_path / "gitconfig"
    config.write_text(
        f'[filter "evil"]\n\tsmudge = touch {ran}\n\trequired = true\n'
        f"[core]\n\tfsmonitor = touch {ran}\n\thooksPath = {tmp_path}/hooks\n\tautocrlf = true\n"
    )
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        hook = tmp_path / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
        hook.chmod(0o755)
    repository.push({".gitattributes": "* filter=evil text eol=crlf\n"})
    environ = {
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_DIR": str(tmp_path / "elsewhere"),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_TRACE": str(ran),
    }
    assert Source(repository, environ=environ).update()[FIRST] == post("First")
    assert not ran.exists()


def test_what_is_not_followed_is_noted(repository: Repository) -> None:
    """Submodules, and the content of Git LFS."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123456\n"
    repository.write({"audio/one.mp3": pointer, "audio/two.mp3": pointer})
    for name in ("modules/theme", "modules/\udcff"):
        module = f"160000,{'1' * 40},{name}"
        repository.git("update-index", "--add", "--cacheinfo", module)
    repository.git("add", "audio")
    repository.git("commit", "--quiet", "--message", "Change")
    repository.git("push", "--quiet", str(repository.bare), "HEAD:main")
    source = Source(repository)
    source.fetch()
    for _ in range(2):  # the second time from the record
        with source.git.hold(lambda: None) as checked_out:
            assert [str(note) for note in checked_out.notes] == [
                "modules/theme: is a submodule, which is not followed",
                r"modules/\xff: is a submodule, which is not followed",
                "audio/one.mp3: is in Git LFS, which is not followed: its size in feeds is its "
                "pointer's; so are 1 other file",
            ]


def test_a_link_never_leads_a_checkout_out_of_the_tree(
    repository: Repository, tmp_path: Path
) -> None:
    """Where a folder was a link, the next commit's file goes into a new folder."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (repository.work / "linked").symlink_to(outside)
    repository.push({})
    source = Source(repository)
    source.update()
    assert (source.clone.tree / "linked").is_symlink()
    (repository.work / "linked").unlink()
    repository.push({"linked/file.txt": "text"})
    assert source.update()["linked/file.txt"] == "text"
    assert list(outside.iterdir()) == []


def test_names_that_no_tree_may_have_are_refused(repository: Repository) -> None:
    """A path of `.git` or one that is too long is refused before any file is written."""
    source = Source(repository)
    files = source.update()
    blob = repository.git("rev-parse", f"HEAD:{FIRST}").strip()
    for name, message in ((".git", "has a name that git refuses"), ("x" * 300, "too long")):
        listing = f"100644 blob {blob}\t{name}\n"
        tree = subprocess.run(
            ["git", "-C", str(repository.work), "mktree"],
            input=listing, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        commit = repository.git("commit-tree", tree, "-m", "Evil").strip()
        repository.git("push", "--quiet", "--force", str(repository.bare), f"{commit}:main")
        source.fetch()
        with pytest.raises(SourceError, match=message) as caught:
            source.check_out()
        assert caught.value.hint == "rename it in the repository"
        assert source.files() == files
