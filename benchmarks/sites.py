"""Create a site like those that syndicator is made for: `python benchmarks/sites.py DIR NUMBER`.

Posts of some 6 KB in six categories, spread over two years, some with the same text under another
name. The same number gives the same site.
"""

import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

CATEGORIES = ("News", "Technology", "Business", "Sports", "Health", "Women")
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
plugins: [jekyll-seo-tag]
"""
WORDS = (
    "officer city council said that on the new report of people after more than a in police would "
    "year market team health company women game which have been first government told week season "
    "study company's growth £40 café ’ however “quoted” data public service minister house court "
    "case rate league doctors climate"
).split()


def make(root: Path, number: int) -> None:
    """Write the site's config and posts below `root`."""
    (root / "_posts").mkdir(parents=True, exist_ok=True)
    (root / "_config.yml").write_text(CONFIG)
    rng = random.Random(number)
    bodies = [_body(rng) for _ in range(200)]
    start = datetime(2024, 1, 1)
    for index in range(number):
        moment = start + timedelta(seconds=index * (2 * 365 * 86400 // max(number, 1)))
        (root / "_posts" / f"{moment:%Y-%m-%d}-{_slug(index)}.md").write_text(
            post(index, moment, rng.choice(bodies))
        )


@contextmanager
def temporary(number: int) -> Iterator[Path]:
    """Such a site, until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), number)
        yield Path(folder)


def post(index: int, moment: datetime, body: str) -> str:
    """One post as the site's owner writes it."""
    return (
        f'---\nlayout: post\ntitle: "Update {index}: Agent shoots man in the leg"\n'
        f"date: {moment:%Y-%m-%dT%H:%M:%S}\n"
        f'author: "newsdesk"\ncategories: [{CATEGORIES[index % 6]}]\ntags: []\n'
        f'excerpt: "The City confirmed a man was shot and taken to hospital, report {index}."\n'
        f"image: assets/images/{index:032x}.jpg\n---\n\n{body}"
    )


def _slug(index: int) -> str:
    return f"update-{index}-agent-shoots-man-in-the-leg"


def _body(rng: random.Random) -> str:
    return (
        "\n\n".join(" ".join(rng.choices(WORDS, k=50)).capitalize() + "." for _ in range(20)) + "\n"
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
