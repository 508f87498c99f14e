"""The whole history of a feed: its newest document and the pages of its archive (RFC 5005)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from blogs import ARCHIVE, PLAIN, Blog, Reader, joined_by_removal, name_of
from changes import added, categorized, edited, hidden, redated, removed, renamed
from histories import SUFFIXES, read, titles, walk
from scratch import contents, from_scratch
from support import CONFIG, formats


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


def test_the_whole_history_in_each_format(built: Blog) -> None:
    """Newest to oldest, with the same pages, markers and links; no page for a complete feed."""
    built.check()
    assert len(walk(built.feeds)) > 10
    with built.service() as service:
        assert service.archive() == 0  # nothing changed


def test_a_complete_feed_says_so(tmp_path: Path) -> None:
    blog = Blog(tmp_path, posts=10)
    blog.update()
    assert read(blog.feeds, "all", "atom").is_complete
    assert read(blog.feeds, "all", "rss").is_complete
    blog.check()


CHANGES = [edited, removed, added, renamed, redated, hidden, categorized]


@pytest.mark.parametrize("change", CHANGES)
def test_one_change_changes_few_pages(blog: Blog, change: Callable[[Blog, str], None]) -> None:
    """In both feeds of the post; one that is redated or has another category, at two places."""
    before = blog.tree()
    change(blog, sorted(blog.posts)[60])
    blog.update()
    blog.check()
    changed = {path for path in blog.changed_since(before) if path.endswith(".atom")}
    assert 0 < len(changed) <= (14 if change in (redated, categorized) else 8)


def test_pages_are_never_announced(blog: Blog) -> None:
    """Nor is a document of which only the link to older ones is new."""
    names = sorted(blog.posts)
    with blog.service() as service:
        edited(blog, names[20])
        service.build()
        assert service.archive() == 2
        assert blog.take_queued_pings() == set()
        link = walk(blog.feeds)[1].name
        for number in range(120, 128):
            blog.add(number)
        blog.clock.forward(seconds=1)
        service.build()
        assert blog.take_queued_pings() == formats("all", "category/news", "category/sports")
        service.archive()
        assert walk(blog.feeds)[1].name != link
    assert blog.take_queued_pings() == set()


def test_a_post_that_becomes_due(blog: Blog) -> None:
    """It is on no page before. More of them than the limit at one time leave no hole."""
    names = sorted(blog.posts)
    when = blog.clock.now.replace(hour=18)
    burst = [blog.add(200 + number, days=790, date=when.isoformat()) for number in range(25)]
    edited(blog, names[50])
    blog.update(Reader(blog, names))
    assert blog.holding(burst[0]) == []
    blog.clock.now = when
    blog.update(reader := Reader(blog, names))
    assert reader.moments
    blog.check()
    assert contents(blog) == from_scratch(blog)


@pytest.mark.parametrize(("size", "limit"), [("20KiB", 10), ("4KiB", 10), ("9KiB", 30)])
def test_a_limit_on_bytes_makes_no_hole(blog: Blog, size: str, limit: int) -> None:
    """No file is larger, with its links. An entry that is too large alone is its summary."""
    for number, name in enumerate(sorted(blog.posts)):
        text = "Summary.\n\n" + "word " * (997 if number % 3 else 97)
        blog.post(name, text, category=blog.posts[name])
    reader = Reader(blog, blog.posts)
    blog.configure(f'{ARCHIVE}max_bytes = "{size}"\n'.replace("limit = 10", f"limit = {limit}"))
    assert blog.update(reader) > 20
    blog.check()
    most = int(size.removesuffix("KiB")) * 1024
    files = contents(blog).items()
    assert max(len(data) for path, data in files if path.endswith(SUFFIXES)) <= most
    blog.configure(ARCHIVE)
    blog.update(reader)
    blog.check()
    assert contents(blog) == from_scratch(blog)


def test_a_document_that_none_of_its_posts_fit_into(blog: Blog) -> None:
    """It leads to older ones, and does not say that it is complete."""
    names = sorted(blog.posts)
    for name in names[-30:]:
        blog.post(name, category=blog.posts.pop(name), title="x" * 5000)
    blog.configure(f'{ARCHIVE}max_bytes = "4KiB"\n')
    blog.update()
    assert read(blog.feeds, "all", "atom").titles == ()
    blog.check()
    assert "Older posts" in (blog.feeds / "all.html").read_text()
    assert contents(blog) == from_scratch(blog)


def test_archives_that_are_turned_off_and_on(blog: Blog) -> None:
    """Off: no page is left, and no link to one. On: everything is as it was."""
    before = contents(blog)
    blog.configure(PLAIN)
    blog.update()
    assert [path for path in blog.tree() if path.count("/") > path.startswith("category/")] == []
    assert {each.older for suffix in SUFFIXES for each in walk(blog.feeds, "all", suffix)} == {None}
    assert blog.holding("/all/") == blog.holding("complete") == []
    blog.configure(ARCHIVE)
    blog.update()
    blog.check()
    assert contents(blog) == before


def test_other_settings_make_other_pages(blog: Blog) -> None:
    """A format that is not made any more leaves no file on any page."""
    for settings in ('formats = ["atom"]\n', 'content = "excerpt"\n', ""):
        blog.configure(f"{ARCHIVE}{settings}")
        blog.update(Reader(blog, blog.posts))
        assert contents(blog) == from_scratch(blog)
        assert ("rss" in {path.rpartition(".")[2] for path in blog.tree()}) == (
            "formats" not in settings
        )
    blog.check()


def test_a_post_that_is_taken_back(blog: Blog) -> None:
    """It leaves every page with the next run, also one that ends, and one that ended before."""
    name = joined_by_removal(blog)
    text = blog.path(name).read_text()
    path = blog.path(name)
    for _ in range(2):
        path.unlink()
        category = blog.posts.pop(name)
        blog.update()
        assert blog.pages(ended=True)
        assert blog.holding(name) == []
        blog.check()
        path.write_text(text)  # its page is in use again
        blog.posts[name] = category
        blog.update()
        blog.check()
    other = name_of(blog.pages(ended=True)[0].posts[-1])
    blog.remove(other)
    blog.update()
    assert blog.holding(other) == []
    assert contents(blog) == from_scratch(blog)


def test_dates_and_names_of_every_kind(tmp_path: Path) -> None:
    """Hundreds of one date; the first and the last year; long names, and other scripts."""
    blog = Blog(tmp_path, posts=0)
    blog.write("_config.yml", f"{CONFIG}future: true\n")
    expected = []
    for number in range(90):
        name = f"2025-01-01-p{number:04}"
        blog.post(name, "Text.", category="News")
        expected.append((name, name))
    for number, (day, slug) in enumerate(
        [
            ("0001-01-01", "first"),
            ("9999-12-31", "last"),
            ("2025-01-01", "é" * 100),
            ("2025-01-01", "日本" * 30),
            ("2025-01-01", "\U0001f600"),
            ("1969-12-31", "x" * 200),
        ]
    ):
        blog.post(f"{day}-{slug}", "Text.", category="Sports", title=f"odd {number}")
        expected.append((f"{day}-{slug}", f"odd {number}"))
    blog.update()
    assert titles(walk(blog.feeds)) == [title for _, title in sorted(expected, reverse=True)]
    assert contents(blog) == from_scratch(blog)
    for name in blog.root.glob("_posts/*.md"):
        if name.stem.endswith("0"):
            name.unlink()
            expected = [each for each in expected if each[0] != name.stem]
    blog.update()
    assert titles(walk(blog.feeds)) == [title for _, title in sorted(expected, reverse=True)]
    assert contents(blog) == from_scratch(blog)
