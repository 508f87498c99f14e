"""Runs the system's git: without prompts, with a deadline, and killed with its children.

Two environments. A command that talks to the remote has the operator's own: keys, credential
helpers and proxies are those that `git` uses in a shell. A command on the clone has no config but
the clone's, so that no filter, hook or file system monitor of the operator's runs there.
"""

import os
import re
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, field

from syndicator.errors import SourceError

#: The oldest version with all that is used: `fetch --no-write-fetch-head` is from 2.29, and
#: GIT_CONFIG_GLOBAL from 2.32 (git's Documentation/RelNotes).
OLDEST = (2, 32)

#: Variables that git has for its connections. Others of GIT_* would lead to another repository,
#: run programs or write traces (git(1), "Environment Variables").
_CONNECTION = frozenset(
    {
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_SYSTEM",
        "GIT_HTTP_PROXY_AUTHMETHOD",
        "GIT_PROXY_SSL_CAINFO",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSH_VARIANT",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "GIT_SSL_CERT",
        "GIT_SSL_KEY",
    }
)

#: Programs that ask for passwords, and the displays that they would ask on.
_PROMPTS = frozenset({"SSH_ASKPASS", "DISPLAY", "WAYLAND_DISPLAY"})

#: No question, and an end if the other side falls silent (ssh_config(5)).
_SSH_OPTIONS = (
    "-o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=3"
)

#: Settings of every command: no hooks, no monitor, nothing in the background, little memory for a
#: large blob, and an end if an https server falls silent (git-config(1)).
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "core.bigFileThreshold=16m",
    "fetch.recurseSubmodules=false",
    "fetch.unpackLimit=1",
    "gc.auto=0",
    "maintenance.auto=false",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=30",
    "advice.graftFileDeprecated=false",
)

#: Seconds between two looks at a running git.
_TICK = 0.1

#: Bytes of git's messages that are kept.
_MAX_MESSAGES = 16 * 1024

#: Bytes of memory of git: it keeps all names and capabilities that a remote sends, and a large file
#: with the one that it was made from.
_MAX_MEMORY = 2 * 2**30

#: Bytes of output, unless more are expected.
_MAX_OUTPUT = 1024 * 1024

Tick = Callable[[], None]


class GitFailed(Exception):  # noqa: N818  # callers turn it into a SourceError
    """git exited with an error. `str()` is what it wrote to stderr, in English."""


class TooMuchOutput(Exception):  # noqa: N818  # likewise
    """git wrote more than was allowed."""


class Git(Struct, frozen=True, kw_only=True):
    """How to run git. `tick` is called several times a second; what it raises kills git."""

    environ: Mapping[str, str]
    seconds: float  #: for one command
    tick: Tick = lambda: None
    folder: Path | None = None  #: the git directory; None: the command needs none
    tree: Path | None = None  #: the working tree; None: the command needs none
    index: Path | None = None
    settings: Sequence[str] = ()  #: of this command, as `key=value`
    #: Locks that a git keeps that outlives this process.
    locks: Sequence[int] = field(default=())

    def run(self, *arguments: str, most: int = _MAX_OUTPUT) -> bytes:
        """Run a command, and return its output of at most `most` bytes.

        Raises GitFailed, TooMuchOutput, and SourceError if git is missing or takes too long.
        """
        environ = dict(self.environ)
        if self.index:
            environ["GIT_INDEX_FILE"] = str(self.index)
        try:
            process = subprocess.Popen(  # noqa: S603  # no shell; the address is checked
                ["git", *self._options(), *arguments],  # noqa: S607  # the operator's, on PATH
                cwd="/",
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # without a terminal to ask on, and a group to be killed
                pass_fds=self.locks,
            )
        except FileNotFoundError:
            raise missing() from None
        except OSError as error:
            raise SourceError(
                f"git can't be run: {error.strerror}", hint="check its installation"
            ) from error
        _limit_memory(process.pid)
        with process:
            try:
                output, messages = self._collect(process, most)
            except BaseException:
                _kill(process.pid)
                raise
        if process.returncode:
            raise GitFailed(messages.decode("utf-8", "replace"))
        return output

    def _options(self) -> list[str]:
        options = [part for setting in (*_SETTINGS, *self.settings) for part in ("-c", setting)]
        if self.folder:
            options += ["-c", f"safe.directory={self.folder}", f"--git-dir={self.folder}"]
        if self.tree:
            options.append(f"--work-tree={self.tree}")
        return options

    def _collect(self, process: "subprocess.Popen[bytes]", most: int) -> tuple[bytes, bytes]:
        """Output and messages of a process, until it ends."""
        assert process.stdout
        assert process.stderr
        output, messages = bytearray(), bytearray()
        until = time.monotonic() + self.seconds
        with selectors.DefaultSelector() as pipes:
            pipes.register(process.stdout, selectors.EVENT_READ, output)
            pipes.register(process.stderr, selectors.EVENT_READ, messages)
            while pipes.get_map():
                ready = pipes.select(_TICK)
                if not ready and process.poll() is not None:
                    break  # a program that it left in the background keeps the pipe open
                for key, _ in ready:
                    if not (data := os.read(key.fd, 65536)):
                        pipes.unregister(key.fileobj)
                    key.data.extend(data)
                del messages[_MAX_MESSAGES:]
                if len(output) > most:
                    raise TooMuchOutput
                self._check_time(until)
        while process.poll() is None:
            self._check_time(until)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_TICK)
        return bytes(output), bytes(messages)

    def _check_time(self, until: float) -> None:
        self.tick()
        if time.monotonic() > until:
            hint = "check the network and the remote; source.git_timeout is the limit"
            raise SourceError(f"git took longer than {self.seconds:g} s", hint=hint)


def _limit_memory(process: int) -> None:
    """Limit the memory of git, and of each program that it starts (setrlimit(2), RLIMIT_DATA).

    It is set from outside, just after the start: git starts other programs milliseconds later.
    """
    if hasattr(resource, "prlimit"):  # Linux
        with suppress(OSError, ValueError):  # it has ended already, or has a lower limit
            resource.prlimit(process, resource.RLIMIT_DATA, (_MAX_MEMORY, _MAX_MEMORY))


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def remote_environ(environ: Mapping[str, str], ssh_command: str = "") -> dict[str, str]:
    """The environment of a command that talks to the remote.

    `ssh_command`: the operator's `core.sshCommand`; "": none is set.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if (not name.startswith("GIT_") or name in _CONNECTION) and name not in _PROMPTS
    }
    ssh = kept.get("GIT_SSH_COMMAND") or ssh_command
    if "GIT_SSH" not in kept or ssh:
        ssh = ssh or "ssh"
        name = ssh.split()[0].rpartition("/")[2] if ssh.split() else ""
        kept["GIT_SSH_COMMAND"] = f"{ssh} {_SSH_OPTIONS}" if name == "ssh" else ssh
    return kept | {
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
        "GIT_TERMINAL_PROMPT": "0",
        "GCM_INTERACTIVE": "never",  # Git Credential Manager would open a window
        "SSH_ASKPASS_REQUIRE": "never",
    }


def clone_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command on the clone: no config of the operator's or the system's."""
    kept = {name: environ[name] for name in ("PATH", "TMPDIR") if name in environ}
    return kept | {
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


def missing() -> SourceError:
    return SourceError(
        "git is not installed, which source.git needs", hint="install it: apt-get install git"
    )


def require_git(environ: Mapping[str, str]) -> None:
    """Raise SourceError if git is missing or too old."""
    try:
        answer = Git(environ=clone_environ(environ), seconds=10).run("version").decode()
    except GitFailed as error:
        raise SourceError(
            f"git does not work: {error}", hint="install it: apt-get install git"
        ) from error
    found = version_of(answer)
    if found is None or found < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        message = f"{answer.strip()[:80]} is too old for source.git"
        raise SourceError(message, hint=f"install git {wanted} or later")


def version_of(answer: str) -> tuple[int, int] | None:
    """The version in the answer of `git version`; None: it has none."""
    match = re.match(r"git version (\d{1,4})\.(\d{1,4})", answer)
    return (int(match[1]), int(match[2])) if match else None
