"""Archives under readers, kills, full disks and damage: no link leads nowhere, and no hole."""

import random
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from blogs import FIRST, Blog, Reader, joined_by_removal
from changes import categorized, edited, hidden, removed, renamed
from disks import disks
from kills import run_and_kill
from scratch import contents, from_scratch

from syndicator.errors import OutputError
from syndicator.model.archive import ArchivePage


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Blog:
    """120 posts in two categories, with all of their feeds and archives, and no ping queued."""
    blog = Blog(tmp_path_factory.mktemp("built"))
    blog.update()
    blog.take_queued_pings()
    return blog


@pytest.fixture
def blog(built: Blog, tmp_path: Path) -> Blog:
    return Blog.copied(built, tmp_path)


@pytest.mark.parametrize("damage", ["removed", "cut", "a link"])
def test_a_damaged_page_is_repaired_at_the_next_start(blog: Blog, damage: str) -> None:
    before = contents(blog)
    page = blog.pages()[3]
    for suffix in ("atom", "json", "html"):
        path = blog.feeds / f"{page.name}.{suffix}"
        data = path.read_bytes()
        path.unlink()
        if damage == "cut":
            path.write_bytes(data[:100])
        elif damage == "a link":
            path.symlink_to("/etc/passwd")
    assert blog.update() == 1
    assert contents(blog) == before


def test_a_post_that_changes_after_it_was_indexed(blog: Blog) -> None:
    """The archive has it with the next run; what is there stays."""
    one, other = sorted(blog.posts)[30:32]
    with blog.service() as service:
        edited(blog, one)
        service.build()
        blog.path(one).write_text(blog.path(one).read_text().replace("Another", "The last"))
        blog.path(other).unlink()
        service.archive()
        blog.check()
        del blog.posts[other]
        blog.clock.forward(seconds=1)
        service.build()
        service.archive()
    blog.check()
    assert blog.holding("The last text")
    assert blog.holding("Another text") == blog.holding(other) == []


def test_two_hundred_changes_under_a_reader(blog: Blog) -> None:
    """Each link that it follows is there, and it misses no post that was there all the time."""
    dice = random.Random(5)
    permanent = set(dice.sample(sorted(blog.posts), 60))
    reader = Reader(blog, permanent)
    number = 300
    for _ in range(10):
        for _ in range(10):
            number += 1
            blog.add(number, days=dice.choice([dice.randrange(700), 400 + number // 5]))
            name = dice.choice(sorted({*blog.posts} - permanent))
            dice.choice([removed, edited, hidden, renamed, categorized])(blog, name)
        blog.update(reader)
    assert reader.moments > 50
    assert reader.walks > 3
    blog.check()
    assert contents(blog) == from_scratch(blog)


def test_updates_that_are_killed_at_any_time(blog: Blog) -> None:
    """No document leads to a page that is not there. The next update makes the rest."""
    dice = random.Random(3)
    permanent = sorted(blog.posts)[::2]
    others = sorted(blog.posts)[1::2]
    reader = Reader(blog, permanent)
    started = time.monotonic()
    blog.update()
    usual = time.monotonic() - started
    for round_ in range(12):
        for name in dice.sample(others, 8):
            if name in blog.posts:
                blog.remove(name)
            else:
                blog.add(int(name[-4:]))
        blog.add(120 + round_)
        ended = run_and_kill(blog.update, dice.uniform(0.2, 1.5) * usual)
        usual *= 0.8 if ended else 1.2
        reader.on_archived(())
    blog.update(reader)
    blog.check()
    assert contents(blog) == from_scratch(blog)
    known = {page.name for feed in blog.feeds_of_posts() for page in blog.pages(feed)}
    known |= {page.name for feed in blog.feeds_of_posts() for page in blog.pages(feed, ended=True)}
    assert {
        str(path.relative_to(blog.feeds)).rpartition(".")[0]
        for path in blog.feeds.glob("all/*.rss")
    } <= known


@pytest.mark.parametrize("moment", [1, 2, -1])
def test_a_full_disk(blog: Blog, moment: int) -> None:
    """What was made stays, and no link leads to what was not. Later everything is made.

    -1: when pages end, and only the documents' links to others are left to do.
    """
    away = shutil.move(blog.feeds, blog.feeds.with_name("away"))
    with disks(blog.feeds, size=2**25) as (disk,):
        shutil.copytree(away, blog.feeds, dirs_exist_ok=True)
        full = next(page for page in blog.pages() if len(page.posts) == 10)
        gone = {joined_by_removal(blog), sorted(blog.posts)[-14]} if moment > 0 else set()
        permanent = {*blog.posts} - gone

        class Filling(Reader):
            """Fills the disk once."""

            archived = -1  #: -1: not yet

            def on_archived(self, pages: Sequence[ArchivePage]) -> None:
                super().on_archived(pages)
                self.archived += self.archived >= 0
                ends = moment < 0 and any(page.ended and page.files for page in pages)
                if self.archived > 0 and self.permanent and (ends or self.archived == moment):
                    disk.fill()
                    self.permanent = set()

        with blog.service(filling := Filling(blog, permanent)) as service:
            for number in range(120, 135):
                blog.add(number)
            for name in gone:
                blog.remove(name)
            blog.add(500, days=(full.newest.published.date() - FIRST).days - 1)
            blog.clock.forward(seconds=1)
            service.build()
            filling.archived = 0
            with pytest.raises(OutputError, match="No space left"):
                service.archive()
            Reader(blog, ()).on_archived(())
            disk.free()
            blog.clock.forward(seconds=1)
            service.build()
            service.archive()
        blog.check()
        assert contents(blog) == from_scratch(blog)
