"""A git repository as an author keeps it, and the bare one that it is pushed to."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

GIT = shutil.which("git")

needs_git = pytest.mark.skipif(GIT is None, reason="git is not installed")

#: No config of the machine, and no prompt. Commits have a date of their own.
_ENVIRON = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
}


def post(title: str, text: str = "Text.") -> str:
    return f"---\ntitle: {title}\ncategories: [News]\n---\n{text}\n"


class Repository:
    """A working copy at `root/work`, and its remote at `root/site.git`."""

    def __init__(self, root: Path) -> None:
        self.work = root / "work"
        self.bare = root / "site.git"
        self.work.mkdir(parents=True)
        self._run("init", "--quiet", "--initial-branch=main")
        self._run("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))

    def git(self, *arguments: str, date: int = 1_700_000_000) -> str:
        """Run git in the working copy. `date`: of a commit, in seconds."""
        environ = {"GIT_AUTHOR_DATE": f"{date} +0000", "GIT_COMMITTER_DATE": f"{date} +0000"}
        return self._run(*arguments, environ=environ)

    def write(self, files: Mapping[str, str | None]) -> None:
        """Write files of the working copy, or remove them (None)."""
        for path, text in files.items():
            file = self.work / path
            if text is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def commit(self, files: Mapping[str, str | None], *, date: int = 1_700_000_000) -> str:
        """Commit files without pushing them. Returns the commit."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Change", date=date)
        return self.git("rev-parse", "HEAD").strip()

    def push(
        self,
        files: Mapping[str, str | None],
        *,
        branch: str = "main",
        date: int = 1_700_000_000,
        force: bool = False,
    ) -> str:
        """Commit files and push them to a branch of the remote. Returns the commit."""
        commit = self.commit(files, date=date)
        options = ["--force"] if force else []
        self.git("push", "--quiet", *options, str(self.bare), f"HEAD:refs/heads/{branch}")
        return commit

    def on_remote(self, *arguments: str) -> str:
        """Run git in the remote."""
        return self._run(f"--git-dir={self.bare}", *arguments)

    def _run(self, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
        result = subprocess.run(
            ["git", *arguments],
            cwd=self.work,
            env={**_ENVIRON, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout
