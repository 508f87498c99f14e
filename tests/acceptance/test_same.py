"""After any history, the output of a run equals that of a build from scratch."""

import os
import random
import re
from pathlib import Path

import pytest
from scratch import contents, from_scratch
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
    f'{FEEDS}limit = 2\nlead_image = "content"\n',
    f'{FEEDS}by = ["tag", "author"]\n',
    f'{FEEDS}content = "excerpt"\nplayers = ["p.example"]\n',
    f'{FEEDS}formats = ["atom"]\n[feeds.aliases]\n"feed.xml" = "all.atom"\n',
    f"{FEEDS}limit = 2\narchive = true\n",
]
BODIES = [
    "Text.",
    "{% for post in site.posts limit: 2 %}{{ post.title }}{% endfor %}",
    "{% include a.html %}",
    '<iframe src="https://p.example/"></iframe>',
    "{% for file in site.static_files %}{{ file.path }} {% endfor %}",
    "{{ site.data.authors.ann.name }} {{ site.time }}",
    "{{ page.date }} {{ page.categories | join }}",
    "{% post_url OTHER %}",
    "{% link _posts/OTHER.md %}",
]
HEADS = [
    {"image": "/a.png"},
    {"tags": ["x", "y"]},
    {"author": "ann"},
    {"published": False},
    {"permalink": "/p/:slug"},
    {"date": "2026-03-01T12:00:30"},
    {"date": "2026-03-02"},
    {"title": "It's -- so"},
    {"lang": "de"},
    {},
    {},
    {},
]


class Life:
    """A site with random changes, and a service that is given their paths, or scans for them."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.dice = random.Random(seed)
        self.count = 0
        self.touched: set[str] = set()  #: paths changed since the last run; "" is anything else
        self.service = site.service()
        for _ in range(5):
            self.post()
        self.service.build()

    def write(self, path: str, text: str) -> None:
        """Write a file with a unique mtime of long ago."""
        self.count += 1
        mtime = 1_600_000_000 + self.count
        os.utime(self.site.write(path, text), (mtime, mtime))
        self.touched.add(path)

    def posts(self) -> list[Path]:
        return sorted((self.site.root / "_posts").rglob("*.md"))

    def one(self) -> Path:
        return self.dice.choice(self.posts())

    def move(self, path: Path, to: Path) -> None:
        self.touched |= {str(each.relative_to(self.site.root)) for each in (path, to)}
        to.parent.mkdir(parents=True, exist_ok=True)
        path.rename(to)

    # the possible changes

    def post(self) -> None:
        day, category = self.dice.randrange(1, 20), self.dice.choice(["News", "Sports", "Health"])
        self.site.post(name := f"2026-02-{day:02}-post-{self.dice.randrange(9)}")
        head = {"title": name, "category": category, "date": f"{name[:10]}"} | self.dice.choice(
            HEADS
        )
        lines = "".join(
            f"{key}: {str(value).lower() if value is False else value!r}\n"
            for key, value in head.items()
        )
        body = self.dice.choice(BODIES).replace("OTHER", self.one().stem)
        self.write(f"_posts/{name}.md", f"---\n{lines}---\n{body} {self.count}\n")

    def rename(self) -> None:
        path = self.one()
        to = path.with_name(f"2026-01-{self.dice.randrange(1, 29):02}-{path.name[11:]}")
        if not to.exists():
            self.move(path, to)

    def hide(self) -> None:
        path = self.one()
        folder = self.dice.choice([".trash", "more", "more/.old"])
        if len(self.posts()) > 5:
            self.move(path, self.site.root / "_posts" / folder / path.name)

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
        if re.match(r"\d{8}-\d{6}-", path.name):
            self.restart()  # pages of archives are checked at the start only

    def another(self) -> None:
        """A run of another process."""
        self.site.build()

    def failure(self) -> None:
        """A run that fails at one of its steps."""
        at = self.dice.randrange(1, 4)

        def fail(_done: int, _total: int | None, _what: str) -> None:
            nonlocal at
            at -= 1
            if not at:
                raise OutputError("failed")

        paths = (
            sorted(self.touched)
            if self.touched and "" not in self.touched and self.dice.random() < 0.5
            else None
        )
        try:
            self.service.build(fail, paths=paths)
        except OutputError:
            self.touched.add("")

    def run(self) -> None:
        """A run by the touched paths, or with a scan."""
        self.site.clock.forward(seconds=1)
        by_path = self.touched and "" not in self.touched and self.dice.random() < 0.5
        self.service.build(paths=sorted(self.touched) if by_path else None)
        self.service.archive()
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


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("seed", range(int(os.environ.get("SEEDS", "3"))))
def test_every_run_equals_a_build_from_scratch(site: Site, seed: int) -> None:
    """Byte for byte, by paths or by scans. SEEDS=100 tries more histories."""
    life = Life(site, seed)
    try:
        for _ in range(20):
            life.step()
            assert contents(site) == from_scratch(site)
    finally:
        life.service.close()
