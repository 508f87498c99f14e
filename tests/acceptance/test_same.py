"""Whatever happened before a run, what is out after it is what a build from nothing would put out."""

import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import CONFIG, FEEDS, Site

from syndicator.errors import OutputError

SITE_CONFIGS = [
    CONFIG,
    f"{CONFIG}timezone: America/New_York\n",
    f"{CONFIG}future: true\n",
    f"{CONFIG}feed: {{tags: true, posts_limit: 3}}\n",
    CONFIG.replace("/:title/", "/:categories/:year/:title.html"),
    f"{CONFIG}exclude: [_posts/more/]\n",
]
SETTINGS = [
    FEEDS,
    f"{FEEDS}limit = 2\n",
    f'{FEEDS}by = ["tag", "author"]\n',
    f'{FEEDS}content = "excerpt"\nplayers = ["p.example"]\n',
    f'{FEEDS}formats = ["atom"]\n[feeds.aliases]\n"feed.xml" = "all.atom"\n',
]
BODIES = [
    *(
        "Text.",
        "{% for post in site.posts limit: 2 %}{{ post.title }}{% endfor %}",
        "{% include a.html %}",
    ),
    *(
        '<iframe src="https://p.example/"></iframe>',
        "{% for file in site.static_files %}{{ file.path }} {% endfor %}",
    ),
    *(
        "{{ site.data.authors.ann.name }} {{ site.time }}",
        "{{ page.date }} {{ page.categories | join }}",
    ),
]
HEADS = [
    *(
        {"image": "/a.png"},
        {"tags": ["x", "y"]},
        {"author": "ann"},
        {"published": False},
        {"permalink": "/p/:slug"},
    ),
    *(
        {"date": "2026-03-01T12:00:30"},
        {"date": "2026-03-02"},
        {"title": "It's -- so"},
        {"lang": "de"},
        {},
        {},
        {},
    ),
]


class Life:
    """A site that things happen to, and a service that is told of them, or looks."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site, self.dice = site, random.Random(seed)
        self.count = 0
        self.touched: set[str] = set()  #: since the last run that was told of them, or looked
        self.service = site.service()
        for _ in range(5):
            self.post()
        self.service.build()

    def write(self, path: str, text: str) -> None:
        """As long ago as no other: no look has a reason to read it twice."""
        self.count += 1
        os.utime(
            self.site.write(path, text), (1_600_000_000 + self.count, 1_600_000_000 + self.count)
        )
        self.touched.add(path)

    def posts(self) -> list[Path]:
        return sorted((self.site.root / "_posts").rglob("*.md"))

    def one(self) -> Path:
        return self.dice.choice(self.posts())

    def moved(self, path: Path, to: Path) -> None:
        self.touched |= {str(each.relative_to(self.site.root)) for each in (path, to)}
        to.parent.mkdir(parents=True, exist_ok=True)
        path.rename(to)

    # what may happen

    def post(self) -> None:
        day, category = self.dice.randrange(1, 20), self.dice.choice(["News", "Sports", "Health"])
        self.site.post(name := f"2026-02-{day:02}-post-{self.dice.randrange(9)}")
        head = {"title": name, "category": category, "date": f"{name[:10]}"} | self.dice.choice(
            HEADS
        )
        lines = "".join(
            f"{key}: {str(said).lower() if said is False else said!r}\n"
            for key, said in head.items()
        )
        self.write(
            f"_posts/{name}.md", f"---\n{lines}---\n{self.dice.choice(BODIES)} {self.count}\n"
        )

    def rename(self) -> None:
        path = self.one()
        to = path.with_name(f"2026-01-{self.dice.randrange(1, 29):02}-{path.name[11:]}")
        if not to.exists():
            self.moved(path, to)

    def hide(self) -> None:
        path = self.one()
        folder = self.dice.choice([".trash", "more", "more/.old"])
        if len(self.posts()) > 5:
            self.moved(path, self.site.root / "_posts" / folder / path.name)

    def remove(self) -> None:
        if len(self.posts()) > 5:
            path = self.one()
            path.unlink()
            self.touched.add(str(path.relative_to(self.site.root)))

    def picture(self) -> None:
        self.write("a.png", "x" * self.dice.randrange(1, 99))

    def include(self) -> None:
        self.write("_includes/a.html", self.dice.choice(["one", "two", "{{ page.title }}"]))

    def data(self) -> None:
        self.write("_data/authors.yml", f"ann: {{name: Ann {self.dice.randrange(3)}}}\n")

    def site_config(self) -> None:
        self.write("_config.yml", self.dice.choice(SITE_CONFIGS))

    def settings(self) -> None:
        self.site.configure(self.dice.choice(SETTINGS))
        self.restart()

    def restart(self) -> None:
        self.service.close()
        self.service = self.site.service()
        self.touched.add("")

    def clock(self) -> None:
        self.site.clock.forward(minutes=self.dice.choice([-60, 1, 60, 3000]))
        self.touched.add("")

    def damage(self) -> None:
        path = self.dice.choice(
            sorted(path for path in self.site.feeds.rglob("*") if path.is_file())
        )
        path.unlink() if self.dice.random() < 0.5 else path.write_bytes(b"junk")
        self.touched.add("")

    def another(self) -> None:
        """A run by somebody else."""
        self.site.build()

    def failure(self) -> None:
        """A run that can't write, or is broken off."""
        at = self.dice.randrange(1, 4)

        def broken_off(_done: int, _total: int | None, _what: str) -> None:
            nonlocal at
            at -= 1
            if not at:
                raise OutputError("broken off")

        paths = (
            sorted(self.touched)
            if self.touched and "" not in self.touched and self.dice.random() < 0.5
            else None
        )
        try:
            self.service.build(broken_off, paths=paths)
        except OutputError:
            self.touched.add("")

    def run(self) -> None:
        """Told of everything that was touched, or looking for it."""
        self.site.clock.forward(seconds=1)
        told = self.touched and "" not in self.touched and self.dice.random() < 0.5
        self.service.build(paths=sorted(self.touched) if told else None)
        self.touched.clear()

    def step(self) -> None:
        often = [
            self.post,
            self.post,
            self.post,
            self.rename,
            self.remove,
            self.hide,
            self.picture,
            self.include,
        ]
        seldom = [
            self.data,
            self.site_config,
            self.settings,
            self.restart,
            self.clock,
            self.damage,
            self.another,
        ]
        for _ in range(self.dice.randrange(1, 5)):
            self.dice.choice([*often, *seldom, self.failure])()
        self.run()


def from_nothing(site: Site) -> dict[str, bytes]:
    """What a build makes of the site that knows only who is who, and which feeds there were."""
    place = site.root.parent / "again"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(site.root, place / "site", symlinks=True)
    shutil.copy(site.config_path, place / "syndicator.toml")
    with (
        closing(sqlite3.connect(site.state)) as state,
        closing(sqlite3.connect(place / "state.db")) as copy,
    ):
        state.backup(copy)
        for table in ("posts", "members", "entries", "problems", "files", "facts", "owed"):
            copy.execute(f"DELETE FROM {table}")
        copy.execute(
            "UPDATE feeds SET stale = 1, post_paths = '[]', content_key = content_key || '?'"
        )
        copy.commit()
    again = Site.__new__(Site)
    again.root, again.feeds, again.clock = place / "site", place / "feeds", site.clock
    again.config_path = place / "syndicator.toml"
    again.build()
    return {path: data for path, (data, _) in again.tree().items()}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("seed", range(int(os.environ.get("SEEDS", "3"))))
def test_every_run_comes_to_what_a_build_from_nothing_does(site: Site, seed: int) -> None:
    """Byte for byte, whichever way the run learnt of what happened. SEEDS=100 tries more."""
    life = Life(site, seed)
    try:
        for _ in range(20):
            life.step()
            assert {path: data for path, (data, _) in site.tree().items()} == from_nothing(site)
    finally:
        life.service.close()
