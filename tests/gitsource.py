"""A GitSource for a remote, used as a run uses it."""

import os

from repositories import Repository

from syndicator.sources.git.clone import Clone
from syndicator.sources.git.fetch import Remote
from syndicator.sources.git.source import GitOptions, GitSource


class Source:
    """A clone beside a repository."""

    def __init__(self, repository: Repository, **changes: object) -> None:
        self.clone = Clone(folder=repository.work.parent / "clone")
        address = changes.pop("address", str(repository.bare))
        branch = changes.pop("branch", None)
        environ = {**os.environ, **changes.pop("environ", {})}  # type: ignore[dict-item]
        settings = {"folder": "", "seconds": 20.0, "max_bytes": 2**20, "dates": False, **changes}
        options = GitOptions(
            remote=Remote(address=address, branch=branch),  # type: ignore[arg-type]
            clone=self.clone.folder,
            **settings,  # type: ignore[arg-type]
        )
        self.git = GitSource(options, environ)

    def fetch(self) -> str:
        return self.git.fetch(lambda: None).commit

    def check_out(self) -> str:
        with self.git.hold(lambda: None) as checked_out:
            return checked_out.commit

    def update(self) -> dict[str, str]:
        """Fetch and check out. Returns the files of the tree, with their texts."""
        self.fetch()
        self.check_out()
        return self.files()

    def files(self) -> dict[str, str]:
        tree = self.clone.tree
        return {
            path.relative_to(tree).as_posix(): path.read_text()
            for path in sorted(tree.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }

    def stat(self, path: str) -> tuple[int, int, int]:
        seen = os.stat(self.clone.tree / path)
        return seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns
