"""The real command with a site in a git repository."""

import hmac
import json
from pathlib import Path

import requests
from command import SITE, Command
from repositories import Repository, post

SECRET = "a secret of the forge"


class GitCommand(Command):
    """`syndicator` for the repository at `root/site.git`, with two posts."""

    def __init__(self, root: Path, source: str = "", settings: str = "", poll: str = "1h") -> None:
        """`source`: more of its table; `settings`: other tables."""
        self.repository = Repository(root)
        self.address = str(self.repository.bare)
        self._source = source
        self._poll = poll
        super().__init__(root, settings)
        self.repository.push({"_config.yml": SITE, path(1): post("One"), path(2): post("Two")})

    def configure(self, settings: str = "", **_: object) -> None:
        self.config.parent.mkdir(exist_ok=True)
        push = "" if "[push]" in settings else "[push]\n"
        settings = (push + settings).replace("[push]\n", '[push]\npace = "0s"\n')
        self.config.write_text(
            f'[source]\ngit = "{self.address}"\npoll = "{self._poll}"\n{self._source}\n'
            f'[feeds]\nurl = "{self.url}"\n[web]\nlisten = "127.0.0.1:{self.port}"\n'
            f'admin = "127.0.0.1:{self.admin_port}"\n{settings}\n'
        )

    def deliver(self, branch: str = "main", secret: str | None = SECRET) -> int:
        """Report a push as Gitea does. Returns the status. `secret` None: not signed."""
        body = json.dumps({"ref": f"refs/heads/{branch}"}).encode()
        headers = {"X-Gitea-Event": "push"}
        if secret is not None:
            digest = hmac.digest(secret.encode(), body, "sha256").hex()
            headers["X-Gitea-Signature"] = digest
        return requests.post(f"{self.url}hooks/git", body, headers=headers, timeout=10).status_code


def path(day: int) -> str:
    return f"_posts/2026-01-{day:02}-post.md"
