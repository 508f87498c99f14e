"""What git's messages mean, and what to do. Values only."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from syndicator.errors import SourceError

#: Characters of git's message that are repeated.
_MAX_LENGTH = 300

#: How messages of the remote begin, and those about what it did.
_OF_REMOTE = re.compile(r"remote:|ERROR:|(fatal|error): ([Tt]he )?remote\b")

#: Messages of a git, or of its zlib, that has reached its limit of memory.
OUT_OF_MEMORY = "[Oo]ut of memory|Cannot allocate memory"

#: Parts of git's, ssh's and curl's messages, what they mean, and what to do. The first one counts.
_MEANINGS: Sequence[tuple[str, str, str]] = (
    (
        r"could not read (Username|Password)|terminal prompts disabled|Authentication failed"
        r"|Permission denied \(|returned error: 40[13]|HTTP Basic: Access denied",
        "it asks for a password or key",
        "let this user read it without a question: an ssh key without a passphrase (a deploy key), "
        "or a git credential helper",
    ),
    (
        r"Host key verification failed",
        "its ssh host key is not known",
        "as this user, run ssh-keyscan HOST >> ~/.ssh/known_hosts, and compare the key",
    ),
    (
        r"detected dubious ownership",
        "it belongs to another user",
        "as this user, run git config --global --add safe.directory with its path",
    ),
    (
        r"No space left on device|Disk quota exceeded",
        "the disk of the clone is full",
        "free some disk space",
    ),
    (
        OUT_OF_MEMORY,
        "git needs too much memory for what it sends",
        "look at its branches, tags and largest files",
    ),
    (
        r"Could not resolve host|Name or service not known|Temporary failure in name resolution",
        "its host is not found",
        "check the spelling of source.git, and this machine's network",
    ),
    (
        r"Failed to connect|Connection refused|Connection timed out|No route to host"
        r"|Couldn't connect|Connection reset|Operation too slow|Operation timed out"
        r"|returned error: (429|5\d\d)|Network is unreachable|early EOF|unexpected disconnect"
        r"|Timeout, server|hung up|RPC failed|transfer closed|Broken pipe",
        "it does not answer",
        "no action is needed if it comes back; the next poll asks again",
    ),
    (
        r"certificate",
        "its certificate is not trusted",
        "check the address; for a certificate of your own, set GIT_SSL_CAINFO",
    ),
    (
        r"SSL|GnuTLS",
        "its TLS connection broke off",
        "check that its address is one for https, and look at its server's log",
    ),
    (
        r"couldn't find remote ref",
        "the branch is missing",
        "check source.branch, or wait until the branch is pushed",
    ),
    (
        r"[Rr]epository .*not found|does not appear to be a git repository|does not exist"
        r"|No such file or directory|returned error: 404|not valid: is this a git repository"
        r"|not found",
        "the repository does not exist",
        "check source.git, and that this user may read it",
    ),
    (
        r"transport '.*' not allowed",
        "its address leads to another protocol",
        "use https or ssh; see url.<base>.insteadOf in git's own config",
    ),
)


def local_messages(messages: str) -> str:
    """Git's messages without those of the remote, and about it."""
    return "\n".join(line for line in messages.splitlines() if not _OF_REMOTE.match(line))


def is_explained(messages: str) -> bool:
    """Whether git's messages name a cause that is known."""
    return any(re.search(pattern, messages) for pattern, _, _ in _MEANINGS)


def explain(remote: str, messages: str) -> SourceError:
    """The error of a command that talked to the remote, by git's messages."""
    detail = first_message(messages)
    for pattern, meaning, hint in _MEANINGS:
        if re.search(pattern, messages):
            return SourceError(f"{remote}: {meaning} ({detail})", hint=hint)
    return SourceError(
        f"{remote} can't be fetched: {detail}", hint="try git ls-remote as this user"
    )


def first_message(messages: str) -> str:
    """The line of git's messages that names the cause, on one printable line."""
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    causes = [line for line in lines if re.match(r"(fatal|error|ssh|remote|ERROR)\b", line)]
    # A line of ssh or the server comes before git's summary, and says more.
    line = (causes or lines or ["git gave no reason"])[0]
    line = re.sub(r"(://)[^/@\s]*@", r"\1", line)
    return "".join(filter(str.isprintable, line))[:_MAX_LENGTH]


def shown_address(address: str) -> str:
    """A remote's address as it may be shown: without a user."""
    parts = urlsplit(address) if "://" in address else None
    if parts is None or "@" not in parts.netloc:
        return address
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
