"""Addresses of git repositories, their branches, and the secret of their webhooks."""

import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from syndicator.config.paths import parse_folder
from syndicator.config.quote import quote

#: `user@host:path`, as ssh knows it. A host of one letter is not accepted: it may be a drive.
_SCP = re.compile(r"(?:[A-Za-z0-9_][\w.+-]*@)?([A-Za-z0-9][A-Za-z0-9.-]+):(?!/?-)(?!:)(.+)")

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]")

#: What a branch's name may not have (git-check-ref-format(1)).
_BAD_BRANCH = re.compile(r"^[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|/\.|@\{|\.lock(/|$)|[/.]$|^@$")

#: Characters of a secret that nobody guesses, and of the longest one that a forge accepts.
_SECRET_LENGTHS = (16, 500)

#: User names of URLs that are tokens: of GitHub and GitLab by their beginning, of others, such as
#: Gitea's, by their length. A name of GitHub has 39 characters at most, and few have so many.
_TOKEN = re.compile(r"gh[a-z]_|github_pat_|gl[a-z]{1,6}-|.{36}")

_REMEDY = 'write it like "https://host/site.git", "ssh://git@host/site.git" or "/srv/site.git"'


class Secret(str):
    """Text that a repr does not show, since tracebacks and logs may have it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


def parse_git(value: object, base: Path) -> str | None:
    """The address of a repository: https, ssh, or a path; "" is None. `base`: see `parse_folder`.

    Others are refused: git's `ext::` and `fd::` run programs (git-remote-ext(1)), and http and git
    are not protected on the way. A password or token is refused, as git's command line would show
    it to other users; it is not repeated in the error.
    """
    if value in ("", None):
        return None
    text = value if isinstance(value, str) else ""
    if "://" in text:
        return _parse_url(text)
    if not text or text.startswith("-") or "::" in text or re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError(f"{quote(value)} is not the address of a repository: {_REMEDY}")
    if _SCP.fullmatch(text) and not text.startswith((".", "/", "~")):
        return text
    return str(parse_folder(text, base))


def _parse_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
        password = parts.password
    except ValueError:
        raise ValueError(f"is not the address of a repository: {_REMEDY}") from None
    if password is not None or (parts.scheme == "https" and _TOKEN.match(parts.username or "")):
        raise ValueError(
            "must not have a password or token, which other users of this machine could see: "
            "keep it in a git credential helper, or use an ssh key"
        )
    if parts.scheme not in ("https", "ssh", "file"):
        raise ValueError(f"{quote(text)} is neither https, ssh nor a path: {_REMEDY}")
    if re.search(r"[\s\x00-\x1f\x7f]", text) or unquote(parts.path).startswith(("-", "/-")):
        raise ValueError(f"{quote(text)} is not the address of a repository: {_REMEDY}")
    is_local = parts.scheme == "file"
    user = parts.username or "git"
    if is_local == bool(parts.netloc) or user.startswith("-") or not parts.path.strip("/"):
        raise ValueError(f"{quote(text)} is not the address of a repository: {_REMEDY}")
    if not is_local and not _HOST.fullmatch(f"[{host}]" if ":" in host else host):
        raise ValueError(f"{quote(text)} has no valid host: {_REMEDY}")
    return text


def parse_branch(value: object) -> str | None:
    """The name of a branch; "" is None."""
    if value in ("", None):
        return None
    if not isinstance(value, str) or _BAD_BRANCH.search(value) or len(value) > 200:
        raise ValueError(f'{quote(value)} is not a branch: write its name, such as "main"')
    return value


def parse_repository_folder(value: object) -> str:
    """A folder in a repository; "" is its top."""
    text = value.strip("/") if isinstance(value, str) else ""
    is_text = isinstance(value, str) and not re.search(r"[\x00-\x1f\x7f]", text)
    if not is_text or {".", "..", ".git"} & set(PurePosixPath(text).parts) or len(text) > 1000:
        raise ValueError(f'{quote(value)} is not a folder in the repository: write it like "docs"')
    return str(PurePosixPath(text)) if text else ""


def parse_secret(value: object) -> Secret | None:
    """The secret of a webhook; "" is None. It is not repeated in the error."""
    if value in ("", None):
        return None
    shortest, longest = _SECRET_LENGTHS
    text = value if isinstance(value, str) else ""
    if not shortest <= len(text) <= longest or not text.isprintable() or not text.isascii():
        raise ValueError(
            f"must be {shortest} to {longest} characters of ASCII: openssl rand -hex 32 makes one"
        )
    return Secret(text)
