"""A folder of posts and the index of it, for the steps of a run."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from settled import age
from sqlalchemy import text
from values import HUB, NOW, feed_row

from syndicator.build.feed_names import FeedNames
from syndicator.build.index import Indexer, IndexResult
from syndicator.build.options import BuildOptions
from syndicator.build.post_tools import PostTools
from syndicator.build.post_workers import PostWorkers
from syndicator.build.site_reader import SiteReader
from syndicator.build.stored_posts import StoredPosts
from syndicator.jekyll.sanitize import DEFAULT
from syndicator.jekyll.site import Site
from syndicator.model.progress import Progress, quiet
from syndicator.sources.folder import SourceFolder
from syndicator.store import feeds, posts, problems
from syndicator.store.database import Database
from syndicator.store.post_rows import PostRow

#: An mtime of long ago.
SETTLED = 1_700_000_000

SITE = "title: The Daily\nurl: https://x\npermalink: /:title\n"


class IndexedFolder:
    """A folder of posts, and the index of it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "site"
        (self.root / "_posts").mkdir(parents=True)
        (self.root / "_config.yml").write_text(SITE)
        self.database = Database(f"sqlite:///{root / 'state.db'}")
        with self.database.begin() as connection:
            feeds.put(connection, [feed_row("all", stale=False)])

    def write(self, name: str, text: str = "Text.", *, time: float = SETTLED, **head: Any) -> str:
        """Save a post, long ago unless a time is given. Returns its path."""
        path = f"_posts/2026-01-01-{name}.md"
        lines = "".join(f"{key}: {value}\n" for key, value in ({"title": name} | head).items())
        (self.root / path).write_text(f"---\n{lines}---\n{text}")
        os.utime(self.root / path, (time, time))
        return path

    def age(self) -> None:
        """Wait until the files saved so far are settled."""
        age(self.root)

    def remove(self, name: str) -> str:
        path = f"_posts/2026-01-01-{name}.md"
        (self.root / path).unlink()
        return path

    @property
    def site(self) -> Site:
        return SiteReader(self.root, {}).read()

    @property
    def source(self) -> SourceFolder:
        return SourceFolder(self.root, self.site.scope)

    def index(
        self,
        *fresh: str,
        gone: tuple[str, ...] = (),
        at: datetime = NOW,
        batch: int = 1000,
        using_posts: tuple[str, ...] = (),
        progress: Progress = quiet,
    ) -> IndexResult:
        with self.database.read() as connection:
            names = FeedNames(feeds.all_names(connection), {"category"})
        tools = PostTools(
            self.source,
            self.site,
            StoredPosts(self.database, self.source, self.site),
            DEFAULT,
            None,
        )
        workers = PostWorkers(tools, tools.for_worker("sqlite://"), number=0)
        indexer = Indexer(self.database, tools, workers, names, lambda _: using_posts, batch)
        return indexer.index(fresh, gone, at, progress)

    def rows(self, *paths: str) -> list[PostRow]:
        with self.database.read() as connection:
            rows = posts.get(connection, paths)
        return [rows[path] for path in paths]

    def ids(self) -> dict[str, str | None]:
        """The id that each document holds, by the name of its file."""
        with self.database.read() as connection:
            paths = [row[0] for row in posts.all_stats(connection)]
            rows = posts.get(connection, paths)
        return {
            path[18:-3]: row.id and row.id.removeprefix("https://x/") for path, row in rows.items()
        }

    def stale(self) -> list[str]:
        """The feeds that are stale, which they are not any more."""
        with self.database.begin() as connection:
            rows = feeds.stale(connection)
            connection.execute(text("UPDATE feeds SET stale = false"))
        return [row.name for row in rows]

    def problems(self, stage: str) -> set[str]:
        with self.database.read() as connection:
            return problems.subjects(connection, stage)

    def count(self) -> int:
        with self.database.read() as connection:
            return posts.count(connection)


def options(folder: IndexedFolder, **settings: Any) -> BuildOptions:
    """The options of a build of this folder."""
    values: dict[str, Any] = {
        "source": folder.root,
        "output": folder.root.parent / "feeds",
        "overrides": {},
        "base": "https://feeds.example/",
        "formats": ("rss",),
        "kinds": ("category",),
        "limit": None,
        "max_bytes": 99_999,
        "full": None,
        "hubs": (HUB,),
        "own_hub": None,
        "policy": DEFAULT,
        "version": "1",
    }
    return BuildOptions(**(values | settings))
