"""A site in a git repository: fetched at each poll and by webhooks, and never half of a commit."""

import json
import os
import random
import re
import shutil
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from command import AT_ONCE, Hub, until
from disks import disks
from gitsite import SECRET, GitCommand, path
from repositories import needs_git, post

from syndicator import config
from syndicator.errors import SourceError
from syndicator.service import Service

pytestmark = needs_git

HOOK = f'hook_secret = "{SECRET}"'

ROUNDS = 16


def test_a_push_is_published_when_the_forge_reports_it(tmp_path: Path) -> None:
    """Long before the next poll. Other deliveries do nothing, and are bounded."""
    with Hub() as hub:
        command = GitCommand(tmp_path, HOOK, f'[push]\nhubs = ["{hub.url}"]')
        with command.running() as daemon:
            hub.topics(6)
            assert "Two" in command.feed("all.rss")
            command.repository.push({path(3): post("Three")}, branch="draft")
            command.repository.git("push", "--quiet", command.address, "HEAD:main")
            assert command.deliver(secret=None) == 401
            assert command.deliver(secret="another secret") == 403
            assert command.deliver("draft") == 202
            assert "Three" not in command.feed("all.rss")
            assert command.deliver() == 202
            assert b"Three" in hub.next(AT_ONCE).body
            for _ in range(3):  # a delivery that is sent again
                assert command.deliver() == 202
            hub.topics(5)
            with ExitStack() as slow:  # as many as one client may have under way
                for _ in range(20):
                    client = slow.enter_context(
                        socket.create_connection(("127.0.0.1", command.port))
                    )
                    client.sendall(
                        b"POST /hooks/git HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
                    )
                assert command.deliver() == 202
            hook = f"{command.url}hooks/git"
            assert requests.get(hook, timeout=10).status_code == 405
            assert requests.post(hook, b"x" * (2**20 + 1), timeout=10).status_code == 413
            assert 429 in [command.deliver(secret=None) for _ in range(60)]
            assert daemon.end()[0] == 0
        assert hub.pings.empty()


def test_feeds_stay_while_the_remote_is_away(tmp_path: Path) -> None:
    """`status` says since when and why, and a later poll goes on. No secret: no endpoint."""
    command = GitCommand(tmp_path, poll="200ms")
    away = tmp_path / "away.git"
    with command.running() as daemon:
        until(lambda: command.deliver() != 503, what="the start")
        assert command.deliver() == 404
        command.repository.bare.rename(away)
        daemon.line(lambda line: "the repository does not exist" in line)
        status = json.loads(command("status", "--json").stdout)
        assert "the repository does not exist" in status["git"]["error"]
        assert status["git"]["failing_since"]
        assert status["last_failure"] is None
        assert "Two" in command.feed("all.rss")
        away.rename(command.repository.bare)
        command.repository.push({path(3): post("Three")})
        until(lambda: "Three" in command.feed("all.rss"), what="the next commit")
        daemon.line(lambda line: "fetch works again" in line)
    status = json.loads(command("status", "--json").stdout)
    assert (status["git"]["failing_since"], status["git"]["branch"]) == (None, "main")


def test_a_remote_that_does_not_answer_delays_nothing_else(tmp_path: Path) -> None:
    """A restart publishes what is there, and SIGTERM ends the daemon at once."""
    command = GitCommand(tmp_path)
    assert command("build").returncode == 0
    for file in command.feeds.iterdir():
        if file.is_file():
            file.unlink()
    (tmp_path / "ssh").write_text("#!/bin/sh\nsleep 100\n")
    (tmp_path / "ssh").chmod(0o755)
    command.address = "git@host.example:site.git"
    command.configure()
    with command.running(environ={"GIT_SSH_COMMAND": str(tmp_path / "ssh")}) as daemon:
        assert "Two" in command.feed("all.rss")
        code, seconds = daemon.end()
        assert (code, seconds < AT_ONCE) == (0, True)


def test_the_commands_of_an_operator(tmp_path: Path) -> None:
    """`check` writes nothing; `build` says what it could not fetch; without git nothing starts."""
    command = GitCommand(tmp_path)
    command.repository.push({path(3): "---\ntitle: [\n---\n"})
    checked = command("check")
    assert (checked.returncode, path(3) in checked.stdout) == (1, True)
    previewed = command("preview", "post.md", "--json")
    assert (previewed.returncode, "several posts" in previewed.stderr) == (1, True)
    previewed = command("preview", "nothing")
    assert f"there is no such post in {command.address}" in previewed.stderr
    previewed = command("preview", path(2))
    assert (previewed.returncode, "Two" in previewed.stdout) == (0, True)
    assert not (tmp_path / "var").exists()
    assert path(3) in command("build").stdout
    command.repository.bare.rename(tmp_path / "away.git")
    built = command("build")
    assert (built.returncode, "source.git: " in built.stdout) == (1, True)
    assert "failing since" in command("status").stdout
    started = command("run", environ={"PATH": str(tmp_path)})
    assert (started.returncode, "git is not installed" in started.stderr) == (1, True)


def update(command: GitCommand) -> None:
    """Fetch and build, in this process."""
    with Service(config.load(command.config, {})) as service:
        if failure := service.git.fetch():
            raise failure
        service.build()


def versions(command: GitCommand) -> set[str]:
    """The versions of the posts in the feed."""
    return set(re.findall(r"Version (\d+)", command.feed("all.rss")))


def push_version(command: GitCommand, number: int, words: int = 100) -> None:
    """Push a commit that changes all posts."""
    text = f"{number} " * words
    posts = {path(day): post(f"Version {number} of {day}", text) for day in range(1, 21)}
    command.repository.push(posts)


def test_a_kill_at_any_time_leaves_no_half_commit(tmp_path: Path) -> None:
    """Each feed has the posts of one commit, and the next run publishes the newest."""
    command = GitCommand(tmp_path, settings="[output]\ncompress = []\n")
    push_version(command, 0)
    update(command)
    push_version(command, 1)
    started = time.monotonic()
    update(command)
    usual = time.monotonic() - started
    dice = random.Random(9)
    for number in range(2, ROUNDS):
        push_version(command, number)
        child = os.fork()
        if child == 0:
            try:
                update(command)
            finally:
                os._exit(0)
        time.sleep(dice.uniform(0, 1) * usual)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert len(versions(command)) == 1
    update(command)
    assert versions(command) == {str(ROUNDS - 1)}
    whole = command.feed("all.rss")
    for folder in ("feeds", "var"):
        shutil.rmtree(tmp_path / folder)
    update(command)
    assert _without_dates(command.feed("all.rss")) == _without_dates(whole)


def _without_dates(feed: str) -> str:
    """A build from nothing knows no edits."""
    return re.sub(r"<(atom:updated|lastBuildDate)>[^<]*</\1>", "", feed)


def test_a_full_disk_leaves_no_half_commit(tmp_path: Path) -> None:
    """Neither where it can't fetch, nor where it can't check out; then it goes on."""
    with disks(tmp_path / "clone", size=4 * 2**20) as (disk,):
        command = GitCommand(tmp_path, 'clone = "../clone/site"')
        push_version(command, 0)
        update(command)
        ballast = tmp_path / "clone/ballast"
        for number, room in ((1, 0), (2, 128 * 1024)):  # too little for a pack, and for the files
            push_version(command, number, words=number * 20_000)
            disk.fill()
            os.truncate(ballast, ballast.stat().st_size - room)
            with pytest.raises(SourceError, match=r"full|No space"):
                update(command)
            assert versions(command) == {str(number - 1)}
            disk.free()
            update(command)
            assert versions(command) == {str(number)}


def test_an_archive_is_of_the_commit_that_was_built(tmp_path: Path) -> None:
    """Also if another was fetched meanwhile: the next run comes first."""
    command = GitCommand(tmp_path)
    push_version(command, 0)
    environ = {"SYNDICATOR_FEEDS__ARCHIVE": "true", "SYNDICATOR_FEEDS__LIMIT": "5"}
    with Service(config.load(command.config, environ)) as service:
        for number in range(2):
            service.git.fetch()
            service.build()
            push_version(command, number + 1)
            service.git.fetch()
            assert service.archive() > 0
            pages = [page.read_text() for page in (tmp_path / "feeds/all").glob("*.rss")]
            assert set(re.findall(r"Version (\d+)", "".join(pages))) == {str(number)}
            assert service.archive() == 0


@pytest.mark.parametrize("dates", [False, True])
def test_a_post_is_updated_when_its_commit_was_made(tmp_path: Path, dates: bool) -> None:
    """With `source.git_dates`; without, when another text was first seen."""
    command = GitCommand(tmp_path, f"git_dates = {str(dates).lower()}")
    command.repository.push({path(1): post("Edited")}, date=1_767_322_800)
    update(command)
    assert ("<updated>2026-01-02T03:00:00+00:00</updated>" in command.feed("all.atom")) is dates
