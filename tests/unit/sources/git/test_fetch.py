"""A fetch that fails leaves the tree, says why, and ends in time."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest
from command import PATIENCE, until
from gitsource import Source
from repositories import Repository, needs_git, post

from syndicator.errors import SourceError
from syndicator.sources.git import command
from syndicator.sources.git import fetch as fetching

pytestmark = needs_git

FIRST, SECOND = "_posts/2026-01-01-first.md", "_posts/2026-01-02-second.md"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path)
    repository.push({FIRST: post("First"), SECOND: post("Second"), "_config.yml": "title: T\n"})
    return repository


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"address": "/nonexistent/site.git"}, "the repository does not exist"),
        ({"branch": "missing"}, "has no branch missing"),
        ({"address": "ext::sh -c 'touch ran'"}, "another protocol"),
        ({"address": "ssh://git@nowhere.invalid/site.git"}, "its host is not found"),
        ({"address": "https://127.0.0.1:9/site.git"}, "it does not answer"),
    ],
)
def test_a_remote_that_fails_leaves_the_tree(
    repository: Repository, changes: dict[str, str], message: str
) -> None:
    """The error says why; the commit that is there stays, and can be built."""
    source = Source(repository)
    files = source.update()
    with pytest.raises(SourceError, match=message):
        Source(repository, **changes).fetch()
    assert source.check_out()
    assert source.files() == files


def test_a_remote_that_was_emptied_leaves_the_tree(repository: Repository) -> None:
    """A repository without any commit is an error, not an empty site."""
    source = Source(repository)
    files = source.update()
    repository.on_remote("update-ref", "-d", "refs/heads/main")
    with pytest.raises(SourceError, match="has no commit"):
        source.fetch()
    source.check_out()
    assert source.files() == files


def _ssh(folder: Path, script: str) -> dict[str, str]:
    """The environment of an operator whose ssh is a script."""
    program = folder / "ssh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"GIT_SSH_COMMAND": str(program)}


def test_a_remote_that_is_silent_is_left_after_a_while(
    repository: Repository, tmp_path: Path
) -> None:
    """git is killed with its children, of which one may hang."""
    started = tmp_path / "started"
    environ = _ssh(tmp_path, f'printf "%s\\n" "$*" >> {started}.log; echo $$ > {started}; sleep 60')
    address = "ssh://git@host.example/site.git"
    source = Source(repository, address=address, environ=environ, seconds=1.0)
    with pytest.raises(SourceError, match="took longer than 1 s"):
        source.fetch()
    child = int(started.read_text())
    until(lambda: not _is_running(child), what="the end of the child")
    assert "BatchMode=yes" in Path(f"{started}.log").read_text()


def _is_running(process: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def test_a_fetch_ends_when_it_is_told_to(repository: Repository, tmp_path: Path) -> None:
    """`tick` is called while git works, and what it raises kills it."""
    environ = _ssh(tmp_path, "sleep 60")
    source = Source(repository, address="git@host.example:site.git", environ=environ)

    def tick() -> None:
        raise InterruptedError

    began = time.monotonic()
    with pytest.raises(InterruptedError):
        source.git.fetch(tick)
    assert time.monotonic() < began + PATIENCE


def test_a_key_that_is_refused_is_said(repository: Repository, tmp_path: Path) -> None:
    """Nobody is asked for a password: the operator reads what to do."""
    script = 'echo "git@host.example: Permission denied (publickey)." >&2; exit 255'
    source = Source(repository, address="git@host.example:site.git", environ=_ssh(tmp_path, script))
    with pytest.raises(SourceError, match="asks for a password or key") as caught:
        source.fetch()
    assert "deploy key" in (caught.value.hint or "")


def test_a_program_that_git_leaves_running_keeps_no_lock(
    repository: Repository, tmp_path: Path
) -> None:
    """Such as `git credential-cache--daemon`, which inherits what git has open."""
    left = tmp_path / "left"
    script = (
        f"sleep 60 </dev/null >/dev/null 2>&1 & echo $! >> {left}\n"
        'for command; do :; done; eval "exec $command"'
    )
    address = f"ssh://git@host.example{repository.bare}"
    source = Source(repository, address=address, environ=_ssh(tmp_path, script), seconds=5.0)
    try:
        for number in range(2):
            repository.push({FIRST: post(f"Version {number}")})
            assert source.update()[FIRST] == post(f"Version {number}")
    finally:
        for process in left.read_text().split():
            os.kill(int(process), signal.SIGKILL)


def test_a_fetch_that_sends_too_much_is_ended(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its size is looked at while it is received."""
    monkeypatch.setattr(fetching, "_received", lambda packs: 2**40)
    with pytest.raises(SourceError, match="sends more than"):
        Source(repository).fetch()


def test_a_remote_can_not_fill_the_memory(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git keeps all that a remote says of itself: here capabilities without end."""
    monkeypatch.setattr(command, "_MAX_MEMORY", 2**25)
    script = "printf '000eversion 2\\n'; yes $(printf 'ea60%059995d' 0)"
    address = "ssh://git@host.example/site.git"
    with pytest.raises(SourceError, match="too much memory"):
        Source(repository, address=address, environ=_ssh(tmp_path, script)).fetch()


@pytest.mark.parametrize("name", [b"\x1b[31mx", b"x" * 300])
def test_a_branch_that_can_not_be_shown_is_unknown(name: bytes) -> None:
    """The remote chooses its name, which `status` shows."""
    answer = b"ref: refs/heads/%b\tHEAD\n%b\tHEAD\n" % (name, b"1" * 40)
    assert fetching.parse_heads(answer, "HEAD") == fetching.Fetched(commit="1" * 40, branch="")


def test_many_fetches_leave_one_pack(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What earlier fetches left is deleted, and the next commit is fetched all the same."""
    monkeypatch.setattr(fetching, "_MANY_PACKS", 2)
    source = Source(repository)
    for number in range(4):
        repository.push({FIRST: post(f"Version {number}")})
        source.fetch()
    mark = f"{os.getpid()} {socket.gethostname()}"  # of a `git gc` that was killed
    (source.clone.repository / "gc.pid").write_text(mark)
    source.git.tidy(lambda: None)
    assert len(list(source.clone.repository.glob("objects/pack/*.pack"))) == 1
    repository.push({FIRST: post("Last")})
    assert source.update()[FIRST] == post("Last")
