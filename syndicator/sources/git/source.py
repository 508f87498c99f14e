"""The source in a git repository: fetches its newest commit, and holds it for a run."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from syndicator.errors import SourceError
from syndicator.sources.git.checkout import CheckedOut, check_out, has_commit, list_commit
from syndicator.sources.git.clone import Clone
from syndicator.sources.git.command import (
    Git,
    GitFailed,
    Tick,
    clone_environ,
    remote_environ,
    require_git,
)
from syndicator.sources.git.fetch import Fetched, Remote, fetch, has_many_packs, look, pack
from syndicator.sources.git.history import fetch_dates
from syndicator.sources.git.listing import CommitError

#: Seconds in which a command on the clone ends. Writing all files of a large site takes some.
_LOCAL_SECONDS = 300.0

#: Seconds for an answer that a person waits for.
_LOOK_SECONDS = 30.0

#: Seconds that a run waits for another process that uses the tree.
_TREE_SECONDS = 60.0


class GitOptions(Struct, frozen=True, kw_only=True):
    """The settings of a repository."""

    remote: Remote
    folder: str  #: where the site is in it; "": at its top
    clone: Path
    seconds: float  #: for one exchange with the remote
    max_bytes: int  #: of a fetch, and of the files of a commit
    dates: bool  #: whether files have the times of the commits that touched them last


class GitSource:
    """A clone of a repository, and a working tree: the folder of the site.

    Fetching and holding the tree do not wait for each other, and may run in two threads.
    """

    def __init__(self, options: GitOptions, environ: Mapping[str, str]) -> None:
        self._options = options
        self._environ = environ
        self._clone = Clone(folder=options.clone)
        #: A commit that can't be checked out, and why.
        self._refused: dict[str, CommitError] = {}
        self._local = Git(environ=clone_environ(environ), seconds=_LOCAL_SECONDS)

    @property
    def remote(self) -> Remote:
        return self._options.remote

    @property
    def branch(self) -> str:
        """The branch that is fetched; "": unknown yet."""
        return self.remote.branch or str(self._clone.read("fetched").get("branch", ""))

    @property
    def newest(self) -> str:
        """The newest commit that was fetched, with its dates if they are wanted; "": none.

        Where a damaged clone was deleted, it is that of the tree: the site is still whole.
        """
        dated = self._options.dates
        record = self._clone.read("dates" if dated else "fetched")
        if not record and (tree := self._clone.read("tree")).get("dated") == dated:
            record = tree
        return str(record.get("commit", ""))

    def require_git(self) -> None:
        """Raise SourceError if git is missing or too old."""
        require_git(self._environ)

    def look(self) -> Fetched:
        """The newest commit, by the remote's answer alone. Raises SourceError."""
        network = self._network(lambda: None)
        return look(self.remote, replace(network, seconds=min(network.seconds, _LOOK_SECONDS)))

    def fetch(self, tick: Tick) -> Fetched:
        """Fetch the newest commit and its dates. Raises SourceError, and what `tick` raises."""
        options = self._options
        with self._clone.lock("fetch", tick, options.seconds) as handle:
            local = replace(self._local, tick=tick, locks=(handle,))
            network = self._network(tick, handle)
            found = fetch(self._clone, self.remote, network, local, most=options.max_bytes)
            if options.dates and self._clone.read("dates").get("commit") != found.commit:
                with self._remembered(found.commit):
                    # Only then its history is worth a look, which takes much memory for too much.
                    list_commit(self._clone, local, found.commit, options.folder, options.max_bytes)
                    fetch_dates(
                        self._clone,
                        self.remote,
                        network,
                        local,
                        most=options.max_bytes,
                        commit=found.commit,
                    )
            return found

    def tidy(self, tick: Tick) -> None:
        """Delete what earlier fetches left, if it is much. Raises SourceError."""
        for repository in (self._clone.repository, self._clone.history):
            if not has_many_packs(repository):
                continue
            with (
                self._clone.lock("fetch", tick, _LOCAL_SECONDS) as fetching,
                # A run could be reading what is to be deleted.
                self._clone.lock("tree", tick, _TREE_SECONDS) as reading,
            ):
                locks = (fetching, reading)
                local = replace(self._local, tick=tick, locks=locks, folder=repository)
                pack(self._clone, local)

    @contextmanager
    def hold(self, tick: Tick) -> Iterator[CheckedOut]:
        """Bring the tree to the newest fetched commit, and keep others from changing it.

        Raises SourceError if no commit was fetched, or the tree can't be written.
        """
        with self._clone.lock("tree", tick, _TREE_SECONDS) as handle:
            commit = self.newest
            if not commit:
                message = f"nothing was fetched from {self.remote.shown} yet"
                raise SourceError(message, hint="see syndicator status for the cause")
            yield self._check_out(commit, replace(self._local, tick=tick, locks=(handle,)))

    @contextmanager
    def keep(self, commit: str, tick: Tick) -> Iterator[bool]:
        """Keep others from changing the tree. Yields whether it has this commit now.

        Raises SourceError if another process uses it for long.
        """
        with self._clone.lock("tree", tick, _TREE_SECONDS):
            yield has_commit(self._clone, commit)

    def _check_out(self, commit: str, local: Git) -> CheckedOut:
        options = self._options
        with self._remembered(commit):
            return check_out(
                self._clone,
                commit,
                options.folder,
                local,
                most=options.max_bytes,
                dates=self._dates(),
            )

    @contextmanager
    def _remembered(self, commit: str) -> Iterator[None]:
        """Raise what was found to be wrong with a commit: finding it again may take seconds."""
        if commit in self._refused:
            raise CommitError(str(self._refused[commit]), hint=self._refused[commit].hint)
        try:
            yield
        except CommitError as error:
            self._refused = {commit: error}  # the newest counts
            raise

    def _dates(self) -> Mapping[str, int]:
        """The times of files. A time to come is a wrong clock: it is now instead."""
        if not self._options.dates:
            return {}
        now = int(time.time())
        dates: dict[str, int] = self._clone.read("dates").get("dates", {})
        return {path: min(date, now) for path, date in dates.items()}

    def _network(self, tick: Tick, *handles: int) -> Git:
        """How to run git as the operator would. `handles`: of locks that it keeps."""
        environ = remote_environ(self._environ)
        git = Git(environ=environ, seconds=self._options.seconds, tick=tick, locks=handles)
        if self.remote.is_ssh:
            with suppress(GitFailed):  # it is not set
                ssh = git.run("config", "--get", "core.sshCommand").decode().strip()
                return replace(git, environ=remote_environ(self._environ, ssh))
        return git
