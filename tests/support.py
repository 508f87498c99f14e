"""A small site on disk and a Service on it, for tests from posts to feeds."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser

from syndicator import config
from syndicator.listener import Listener
from syndicator.outputs import owner
from syndicator.service import Service

CONFIG = """\
name: 'The Daily'
description: 'The Daily Blog'
logo: 'assets/images/logo.png'
baseurl: ''
url: "https://news.example.com"
permalink: /:title/
defaults:
  - scope:
      path: "_posts"
    values:
      author: sal
plugins: [jekyll-paginate, jekyll-sitemap]
"""


class Clock:
    """A clock that the test sets."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **how: float) -> None:
        self.now += timedelta(**how)


class Site:
    """A site, its config, its state and its feeds below one folder."""

    def __init__(self, root: Path, *, site_config: str | None = CONFIG, settings: str = "") -> None:
        self.root = root / "site"
        self.feeds = root / "feeds"
        self.state = root / "state.db"
        self.state_url = "sqlite:///state.db"
        self.clock = Clock()
        self.hub = "http://127.0.0.1:9/hub"
        self.root.mkdir(parents=True)
        if site_config is not None:
            self.write("_config.yml", site_config)
        self.configure(settings or f'[push]\nhubs = ["{self.hub}"]\n')

    def configure(self, settings: str) -> None:
        self.config_path = self.root.parent / "syndicator.toml"
        self.config_path.write_text(
            f'[source]\npath = "site"\n[output]\npath = "feeds"\n'
            f'[state]\nurl = "{self.state_url}"\n'
            f"{settings if '[feeds]' in settings else FEEDS + settings}"
        )

    def write(self, path: str, text: str | bytes) -> Path:
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(text if isinstance(text, bytes) else text.encode())
        return full

    def post(self, name: str, body: str = "Text.", **head: object) -> Path:
        """Save a post; `date` defaults to noon of the day in its name."""
        defaults = {"layout": "post", "title": name, "date": f"{name[:10]}T12:00:00"}
        lines = "".join(
            f"{key}: {json.dumps(value, default=str)}\n" for key, value in (defaults | head).items()
        )
        return self.write(f"_posts/{name}.md", f"---\n{lines}---\n\n{body}\n")

    def service(self, listener: Listener | None = None) -> Service:
        return Service(config.load(self.config_path, {}), clock=self.clock, listener=listener)

    def build(self) -> Any:
        """One run, with a new Service as a new process has it."""
        with self.service() as service:
            return service.build()

    def feed(self, path: str) -> Any:
        return feedparser.parse((self.feeds / path).read_bytes())

    def titles(self, name: str) -> list[str]:
        """The titles of a feed's entries; asserts that every format has the same."""
        rss = [entry.title for entry in self.feed(f"{name}.rss").entries]
        atom = [entry.title for entry in self.feed(f"{name}.atom").entries]
        items = [
            item["title"] for item in json.loads((self.feeds / f"{name}.json").read_text())["items"]
        ]
        assert rss == atom == items
        return rss

    def tree(self) -> dict[str, tuple[bytes, int]]:
        """Bytes and mtime of every file of the output, but for the one that names its state."""
        return {
            str(path.relative_to(self.feeds)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.feeds.rglob("*"))
            if path.is_file() and path.name != owner.NAME
        }

    def changed_since(self, before: Mapping[str, tuple[bytes, int]]) -> set[str]:
        """The feed files that differ, without pages and siblings."""
        after = self.tree()
        names = {path for path in {*before, *after} if before.get(path) != after.get(path)}
        return {path for path in names if path.endswith((".rss", ".atom", ".json"))}

    def take_queued_pings(self) -> set[str]:
        """Empty the outbox and return the topics of its pings, as paths."""
        from sqlalchemy import text

        with self.service() as service, service.database.begin() as connection:
            query = text("SELECT topic FROM jobs WHERE kind = 'ping'")
            topics = connection.execute(query).scalars().all()
            connection.execute(text("DELETE FROM jobs"))
        return {topic.removeprefix("http://127.0.0.1:8080/") for topic in topics}


FEEDS = '[feeds]\nurl = "http://127.0.0.1:8080/"\n'


def formats(*names: str) -> set[str]:
    return {f"{name}.{suffix}" for name in names for suffix in ("rss", "atom", "json")}
