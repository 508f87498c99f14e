"""The author of a soak: saves posts at random, and finds those that feeds lack."""

import random

from command import Command

CATEGORIES = ("News", "Sports", "Health", "Women")
FORMATS = (".rss", ".atom", ".json")

#: Entries in a feed.
LIMIT = 50

#: The newest posts, which are edited.
POSTS = 60

#: Posts at the beginning: enough to fill every feed.
SITE = 5 * LIMIT


class Author:
    """Saves posts: new, edited, in another category, renamed. Knows the text of each."""

    def __init__(self, command: Command, rng: random.Random) -> None:
        self.command = command
        self.rng = rng
        self.changes = 0
        #: File name, category and serial, by number.
        self.posts: dict[int, tuple[str, str, int]] = {}
        for _ in range(SITE):
            self.new()

    def new(self) -> None:
        number = len(self.posts)
        self._save(number, f"2026-01-01-post-{number}", CATEGORIES[number % 4])

    def change(self) -> None:
        chance = self.rng.random()
        number = self.rng.choice(sorted(self.posts)[-POSTS:])
        name, category, _ = self.posts[number]
        if chance < 0.03:
            self.new()
        else:
            self._save(number, name, self.rng.choice(CATEGORIES) if chance < 0.12 else category)

    def rename(self) -> None:
        """Give a post another name, and so another address, with the same text."""
        number = self.rng.choice(sorted(self.posts)[-LIMIT:])
        name, category, serial = self.posts[number]
        other = f"2026-01-01-post-{number}-{self.changes}"
        folder = self.command.site / "_posts"
        (folder / f"{name}.md").rename(folder / f"{other}.md")
        self.posts[number] = (other, category, serial)

    def _save(self, number: int, name: str, category: str) -> None:
        self.changes += 1
        day, minute = divmod(number, 1440)
        self.command.post(
            name,
            f"Post {number}",
            categories=category,
            head=f"date: 2026-01-{day + 1:02} {minute // 60:02}:{minute % 60:02}:00\n"
            "permalink: /:title/\n",
            text=f"serial {self.changes}. " + "word " * self.rng.randrange(400),
        )
        self.posts[number] = (name, category, self.changes)

    def lost(self) -> list[str]:
        """The posts whose newest text is not in each of their feeds."""
        lost = []
        for feed in ("all", *(f"category/{category.lower()}" for category in CATEGORIES)):
            numbers = [
                number
                for number, post in self.posts.items()
                if feed == "all" or feed.endswith(post[1].lower())
            ]
            text = self.command.feed(f"{feed}.json")
            lost += [
                f"{feed}: {number}"
                for number in sorted(numbers)[-LIMIT:]
                if f"serial {self.posts[number][2]}." not in text
            ]
        return lost
