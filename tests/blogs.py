"""A blog whose posts the test knows, with archives, and what its readers must find."""

import shutil
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

from histories import SUFFIXES, assert_history, read, titles, walk
from support import FEEDS, Clock, Site

from syndicator.listener import Listener
from syndicator.model.archive import ArchivePage
from syndicator.store import archives
from syndicator.store.feeds import FileRow

#: Feeds with a hub, of ten entries.
PLAIN = f'[push]\nhubs = ["http://127.0.0.1:9/hub"]\n{FEEDS}limit = 10\n'
ARCHIVE = f"{PLAIN}archive = true\n"
CATEGORIES = ("News", "Sports")
FIRST = date(2024, 1, 1)


class Blog(Site):
    """Posts are named by their day and their number."""

    def __init__(self, root: Path, *, posts: int = 120, settings: str = ARCHIVE) -> None:
        super().__init__(root, settings=settings)
        self.posts: dict[str, str] = {}  #: categories by the names of the posts
        for number in range(posts):
            self.add(number)

    @classmethod
    def copied(cls, blog: "Blog", root: Path) -> Self:
        """The same site with the same state and feeds, in another folder."""
        copy = cls.__new__(cls)
        shutil.copytree(blog.root.parent, root, dirs_exist_ok=True)
        copy.root, copy.feeds = root / "site", root / "feeds"
        copy.state, copy.state_url = root / "state.db", blog.state_url
        copy.config_path = root / "syndicator.toml"
        copy.clock = Clock(blog.clock.now)
        copy.posts = dict(blog.posts)
        return copy

    def add(self, number: int, *, days: int | None = None, text: str = "Text", **head: Any) -> str:
        """Save a post, five days after the one with the number before. Returns its name."""
        day = FIRST + timedelta(days=number * 5 if days is None else days)
        name = f"{day}-p{number:04}"
        category = head.pop("category", CATEGORIES[number % 2])
        self.post(name, f"{text} {number}.", category=category, **head)
        self.posts[name] = category
        return name

    def path(self, name: str) -> Path:
        return self.root / f"_posts/{name}.md"

    def remove(self, name: str) -> None:
        self.path(name).unlink()
        del self.posts[name]

    def update(self, listener: Listener | None = None) -> int:
        """A run and its archives, a second later. Returns the number of pages made."""
        self.clock.forward(seconds=1)
        with self.service(listener) as service:
            service.build()
            return service.archive()

    def feeds_of_posts(self) -> dict[str, list[str]]:
        """The posts of each feed, newest first."""
        feeds: dict[str, list[str]] = {"all": sorted(self.posts, reverse=True)}
        for name in feeds["all"]:
            feeds.setdefault(f"category/{self.posts[name].lower()}", []).append(name)
        return feeds

    def check(self) -> None:
        """Each feed leads through all of its posts, and every link to a page that is there."""
        for feed, posts in self.feeds_of_posts().items():
            assert_history(self.feeds, feed, posts)

    def pages(self, feed: str = "all", *, ended: bool = False) -> list[ArchivePage]:
        """The pages of a feed, oldest first."""
        with self.service() as service, service.database.read() as connection:
            pages = archives.pages_of(connection, feed)
        return [page for page in pages if bool(page.ended) == ended]

    def holding(self, text: str) -> list[str]:
        """The uncompressed files of the output that hold a text."""
        return [path for path, (data, _) in self.tree().items() if text.encode() in data]


def name_of(path: str) -> str:
    """The name of a post by its path."""
    return Path(path).stem


def joined_by_removal(blog: Blog) -> str:
    """A post without which its page and the next one are joined, so that both end."""
    older, _ = next(
        pair
        for pair in zip(blog.pages(), blog.pages()[1:], strict=False)
        if sum(len(page.posts) for page in pair) == 11
    )
    return name_of(older.posts[0])


class Reader(Listener):
    """Walks through histories at each moment at which files change, and one step at a time.

    A history of which no document leads to older ones says nothing of them yet.
    """

    def __init__(self, blog: Blog, permanent: Collection[str]) -> None:
        """`permanent`: posts that are in the feed of the whole site all the time."""
        self.feeds = blog.feeds
        self.permanent = set(permanent)
        self.moments = 0
        self.walks = 0  #: slow walks that came to their end
        self._seen: set[str] = set()
        self._next: str | None = None

    def on_files(self, rows: Sequence[FileRow]) -> None:
        self._look()

    def on_archived(self, pages: Sequence[ArchivePage]) -> None:
        self._look()

    def _look(self) -> None:
        self.moments += 1
        for suffix in SUFFIXES:
            if (self.feeds / f"all.{suffix}").exists():
                documents = walk(self.feeds, "all", suffix)
                assert len(documents) == 1 or self.permanent <= {*titles(documents)}
        for path in self.feeds.glob("category/*.atom"):
            walk(self.feeds, f"category/{path.stem}")
        self._step()

    def _step(self) -> None:
        """Read the next document of a walk that meets many changes."""
        if not (self.feeds / "all.atom").exists():
            return
        if self._next is None:
            self._seen = set()
        document = read(self.feeds, self._next or "all", "atom")
        self._seen |= {*document.titles}
        if document.older is None and self._next is not None:
            assert self.permanent <= self._seen
            self.walks += 1
        self._next = document.older
