"""Updates of archives one after the other, in one process: what each leaves to the next."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from blogs import ARCHIVE, Blog, joined_by_removal
from scratch import contents, from_scratch

from syndicator.errors import OutputError
from syndicator.listener import Listener
from syndicator.model.archive import ArchivePage
from syndicator.model.progress import Cancelled
from syndicator.store import archives


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Blog:
    """60 posts in two categories, with all of their feeds and archives."""
    blog = Blog(tmp_path_factory.mktemp("built"), posts=60)
    blog.update()
    return blog


@pytest.fixture
def blog(built: Blog, tmp_path: Path) -> Blog:
    return Blog.copied(built, tmp_path)


def test_new_posts_one_by_one(blog: Blog) -> None:
    """Each is on the newest page if that is in use, and borders are those of a build from nothing.

    With ten entries, a page has as many posts as a document, so the newest one is in use early.
    """
    with blog.service() as service:
        for number in range(60, 84):
            blog.add(number)
            blog.clock.forward(seconds=1)
            service.build()
            service.archive()
            blog.check()
            if number % 4 == 3:
                assert contents(blog) == from_scratch(blog)


class _Interruption(Listener):
    """Ends an update at its second batch of pages: the first one links to them by then."""

    def __init__(self) -> None:
        self.left = 0  #: batches until then; 0: no end

    def on_archived(self, pages: Sequence[ArchivePage]) -> None:
        self.left -= 1
        if self.left == 0:
            raise Cancelled


def test_an_interrupted_update_is_finished(blog: Blog) -> None:
    """By the next one, although that has a new post which needs no page itself."""
    # With so many entries, a page is complete when it is made.
    blog.configure(ARCHIVE.replace("limit = 10", "limit = 30"))
    interruption = _Interruption()
    with blog.service(interruption) as service:
        service.build()
        service.archive()
        for number in range(60, 100):
            blog.add(number)
            blog.clock.forward(seconds=1)
            service.build()
            interruption.left = 2
            with suppress(Cancelled):
                service.archive()
            if interruption.left == 0:
                break
        assert interruption.left == 0
        blog.add(number + 1)
        blog.clock.forward(seconds=1)
        service.build()
        service.archive()
    blog.check()
    assert contents(blog) == from_scratch(blog)
    # What is not as the state has it is not served.
    files = {
        f"{page.name}.{suffix}": each
        for page in blog.pages()
        for suffix, each in page.files.items()
    }
    seen = {path: (blog.feeds / path).stat() for path in files}
    assert {path: (stat.st_size, stat.st_mtime_ns) for path, stat in seen.items()} == {
        path: file.disk[""] for path, file in files.items()
    }


class _EndAtSecondFeed(Listener):
    """Ends the first update at a page of the second feed: the first one's document is done."""

    def __init__(self) -> None:
        self.first: str | None = None
        self.ended = False

    def on_archived(self, pages: Sequence[ArchivePage]) -> None:
        feed = pages[0].feed if pages else self.first
        self.first = self.first or feed
        if not self.ended and feed != self.first:
            self.ended = True
            raise Cancelled


def test_feeds_of_an_interrupted_update_are_compressed(tmp_path: Path) -> None:
    """They are published again with a link to their pages. Nothing else would compress them."""
    blog = Blog(tmp_path, posts=60)
    listener = _EndAtSecondFeed()
    with blog.service(listener) as service:
        service.build()
        with pytest.raises(Cancelled):
            service.archive()
        compressed = {path.name for path in blog.feeds.glob("*.gz")}
        assert {f"{listener.first}.{suffix}.gz" for suffix in ("rss", "atom", "json")} < compressed
        service.build()
        service.archive()
    assert contents(blog) == from_scratch(blog)


def test_settings_that_are_changed_back_before_an_update_is_done(blog: Blog) -> None:
    """Its pages are made again. Until then their posts are not in place."""
    before = contents(blog)
    blog.configure(ARCHIVE.replace("limit = 10", "limit = 30"))
    interruption = _Interruption()
    with blog.service(interruption) as service:
        service.build()
        interruption.left = 2
        with pytest.raises(Cancelled):
            service.archive()
        with service.database.read() as connection:
            assert archives.summary(connection).waiting == len(blog.posts)  # categories fit
    blog.configure(ARCHIVE)
    blog.update()
    blog.check()
    assert contents(blog) == before
    with blog.service() as service, service.database.read() as connection:
        assert archives.summary(connection).waiting == 0


def test_a_file_that_an_old_post_includes(blog: Blog) -> None:
    """Its page is made again when the file changes, in the process that rendered the post."""
    old = sorted(blog.posts)[5]
    blog.write("_includes/note.html", "A first note.")
    with blog.service() as service:
        service.build()
        service.archive()
        blog.post(old, "{% include note.html %}", category=blog.posts[old])
        service.build()
        service.archive()
        assert blog.holding("A first note.")
        blog.write("_includes/note.html", "Quite another note.")
        service.build()
        service.archive()
    assert blog.holding("A first note.") == []
    assert blog.holding("Quite another note.")


def test_a_feed_whose_pages_can_not_be_written(blog: Blog) -> None:
    """The others get theirs. It has its own once they can be written."""
    old = next(name for name in sorted(blog.posts) if blog.posts[name] == "News")
    page = next(
        page for page in blog.pages("category/news") if page.posts[-1].endswith(f"{old}.md")
    )
    obstacle = blog.feeds / f"{page.name}.atom"
    with blog.service() as service:
        service.build()
        service.archive()
        blog.post(old, "Quite another text.", category="News")
        obstacle.unlink()
        (obstacle / "folder").mkdir(parents=True)
        blog.clock.forward(seconds=1)
        service.build()
        with pytest.raises(OutputError, match=page.name):
            service.archive()
        held = blog.holding("Quite another text.")
        assert [path for path in held if path.startswith("all/")]
        (obstacle / "folder").rmdir()
        obstacle.rmdir()
        blog.clock.forward(seconds=1)
        service.build()
        service.archive()
    blog.check()
    assert contents(blog) == from_scratch(blog)


def test_what_is_taken_back_leaves_first(blog: Blog) -> None:
    """Although its page is joined with the next one, and many pages are to be made before."""
    name = joined_by_removal(blog)
    moments: list[list[str]] = []

    class Watch(Listener):
        """Looks for the text in files when pages of the site's feed were written."""

        def on_archived(self, pages: Sequence[ArchivePage]) -> None:
            if pages[0].feed == "all":
                found = blog.holding(f">Text {int(name[-4:])}.<")
                moments.append([path for path in found if path.startswith("all/")])

    for number in range(200, 260):
        blog.add(number, days=number - 200)
    blog.remove(name)
    blog.clock.forward(seconds=1)
    with blog.service(Watch()) as service:
        service.build()
        moments.clear()  # what was there at the start
        service.archive()
    assert len(moments) > 3
    assert moments[0] == []
    assert blog.holding(f">Text {int(name[-4:])}.<") == []


def test_pages_have_compressed_siblings(blog: Blog) -> None:
    """As the config wants them: also those of pages that were made with another one."""
    paths = {
        f"{page.name}.{suffix}"
        for feed in blog.feeds_of_posts()
        for page in blog.pages(feed)
        for suffix in page.files
    }
    assert len(paths) > 8
    before, text = contents(blog), blog.config_path.read_text()
    for encodings, suffixes in (("", ()), ('"gzip"', (".gz",)), ('"gzip", "br"', (".gz", ".br"))):
        line = 'path = "feeds"\n'
        blog.config_path.write_text(text.replace(line, f"{line}compress = [{encodings}]\n"))
        assert blog.update() == 0
        found = {path for path in contents(blog) if path.split(".")[0] in _names(paths)}
        assert found == paths | {path + suffix for path in paths for suffix in suffixes}
        blog.check()
    assert contents(blog) == before == from_scratch(blog)
    with blog.service() as service, service.database.read() as connection:
        pages = [page for page in archives.all_pages(connection) if not page.ended]
    assert all(
        file.disk.keys() == {"", ".gz", ".br"} for page in pages for file in page.files.values()
    )


def _names(paths: set[str]) -> set[str]:
    return {path.split(".")[0] for path in paths}
