"""git's messages are explained, and name no user of an address."""

import pytest

from syndicator.sources.git.command import version_of
from syndicator.sources.git.failures import explain, first_message, local_messages, shown_address


@pytest.mark.parametrize(
    ("messages", "meaning"),
    [
        (
            "fatal: could not read Username for 'https://h': terminal prompts disabled",
            "password or key",
        ),
        ("git@h: Permission denied (publickey).\r\nfatal: Could not read from", "password or key"),
        (
            "fatal: unable to access 'https://h/': The requested URL returned error: 403",
            "password or key",
        ),
        ("Host key verification failed.\r\nfatal: Could not read from remote", "host key"),
        ("fatal: unable to access 'https://h/': Could not resolve host: h", "host is not found"),
        ("fatal: the remote end hung up unexpectedly", "does not answer"),
        ("error: RPC failed; curl 18 transfer closed with 9 bytes remaining", "does not answer"),
        ("ssh: connect to host h port 22: Connection refused", "does not answer"),
        (
            "fatal: unable to access 'https://h/': The requested URL returned error: 502",
            "does not answer",
        ),
        ("fatal: unable to access 'https://h/': SSL certificate problem: expired", "certificate"),
        ("fatal: unable to access 'https://h/': server certificate verification failed.", "certif"),
        ("fatal: unable to access 'https://h/': GnuTLS recv error (-110): The TLS", "TLS conn"),
        ("remote: Repository not found.\nfatal: repository 'https://h/' not found", "repository"),
        ("fatal: '/srv/x' does not appear to be a git repository", "repository"),
        ("fatal: detected dubious ownership in repository at '/srv/x'", "another user"),
        ("fatal: write error: No space left on device", "disk of the clone is full"),
        ("fatal: couldn't find remote ref refs/heads/x", "branch"),
        ("fatal: something new", "can't be fetched: fatal: something new"),
        ("", "git gave no reason"),
    ],
)
def test_each_failure_says_what_it_means(messages: str, meaning: str) -> None:
    """The error names the remote, the cause and what to do."""
    error = explain("https://h/x.git", messages)
    assert meaning in str(error)
    assert str(error).startswith("https://h/x.git")
    assert error.hint


def test_what_a_remote_says_shows_nothing_of_the_clone() -> None:
    """Such as when its branch was rewritten between git's two questions."""
    theirs = (
        "remote: bad object\nERROR: Repository not found.\n"
        "fatal: remote error: upload-pack: not our ref 1\n"
    )
    assert local_messages(theirs) == ""
    ours = "error: x.idx is too small\nfatal: bad config line 9 in file /srv/remote/config"
    assert local_messages(f"{theirs}{ours}\n") == ours


def test_messages_are_one_short_line_without_users() -> None:
    """They are a stranger's: control characters and length are bounded."""
    message = first_message(f"warning: x\nfatal: 'https://ann:pw@h/' \x1b[31m{'x' * 5000}")
    assert message.startswith("fatal: 'https://h/' [31mxxx")
    assert len(message) == 300


def test_an_address_is_shown_without_its_user() -> None:
    """Of a URL; that of ssh names the account of the forge, and no person."""
    assert shown_address("https://ann@h.example/x.git") == "https://h.example/x.git"
    assert shown_address("git@h.example:x.git") == "git@h.example:x.git"


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("git version 2.39.5", (2, 39)),
        ("git version 2.39.5 (Apple Git-154)", (2, 39)),
        ("git version 3.0.rc1", (3, 0)),
        ("hub version 2", None),
    ],
)
def test_the_version_of_git(answer: str, version: tuple[int, int] | None) -> None:
    """As `git version` prints it on each system."""
    assert version_of(answer) == version
