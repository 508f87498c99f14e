"""A stale feed is built, published and stored; the pages list the feeds that exist."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

import pytest
from indexed import IndexedFolder, options
from sqlalchemy import text
from values import NOW, seconds

from syndicator.build.compression import Compression
from syndicator.build.context import BuildContext
from syndicator.build.entries import EntryLoader
from syndicator.build.feed_builder import INDEX_ENTRIES, FeedBuilder
from syndicator.build.options import BuildOptions
from syndicator.build.snapshot import from_state
from syndicator.cache import LruCache
from syndicator.model.progress import NEVER, quiet
from syndicator.outputs.folder import OutputFolder
from syndicator.store import feeds
from syndicator.store.feeds import FeedRow, FileRow

HEAVY = "{% for post in site.posts %}[{{ post.title }}]{% endfor %}"


class Bench:
    """A folder of posts, the feeds of them, and what the builder reports."""

    def __init__(self, root: Path) -> None:
        self.folder = IndexedFolder(root)
        self.output = OutputFolder(root / "feeds", ())
        self.published: list[tuple[str, ...]] = []
        self.jobs_when_shown: list[int] = []
        self.queued: list[int] = []

    def jobs(self) -> int:
        with self.folder.database.read() as connection:
            return connection.scalar(text("SELECT count(*) FROM jobs")) or 0

    def builder(self, settings: BuildOptions | None = None) -> FeedBuilder:
        def on_published(rows: Sequence[FileRow]) -> None:
            self.published.append(tuple(row.path for row in rows))
            self.jobs_when_shown.append(self.jobs())

        return FeedBuilder(
            settings or options(self.folder),
            self.folder.database,
            self.output,
            on_published,
            lambda: self.queued.append(self.jobs()),
        )

    def run(
        self, settings: BuildOptions | None = None, *, light_first: bool = False
    ) -> BuildContext:
        """What one run carries."""
        folder = self.folder
        with folder.database.read() as connection:
            snapshot = from_state(connection, folder.site, (), ("category",))
        loader = EntryLoader(
            folder.database,
            folder.source,
            folder.site,
            settings or options(folder),
            LruCache(99_999),
        )
        loader.begin(NOW, light_first=light_first)
        compression = Compression(self.output)
        return BuildContext(
            snapshot, folder.source, NOW, perf_counter(), quiet, NEVER, loader, compression
        )

    def row(self, name: str = "all") -> FeedRow:
        with self.folder.database.read() as connection:
            return next(row for row in feeds.all_feeds(connection) if row.name == name)

    def feed(self, name: str = "all") -> str:
        return (self.output.files.root / f"{name}.rss").read_text()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.folder.database.close()


def test_a_feed_is_published_and_stored(bench: Bench) -> None:
    """Its files are shown before their jobs are queued, and the push starts after that."""
    path = bench.folder.write("a")
    bench.folder.index(path)
    run = bench.run()
    rows = bench.builder().build(bench.row(), run)
    assert [row.path for row in rows] == ["all.rss", "all.html"]
    assert run.rows == [*rows]
    assert (run.changed, run.written, run.repaired, run.pings) == (1, 2, 0, 1)
    assert bench.published == [("all.rss", "all.html")]
    assert (bench.jobs_when_shown, bench.queued) == ([0], [1])
    stored = bench.row()
    assert not stored.stale
    assert stored.post_paths == (path,)
    assert stored.content_key
    assert stored.updated
    assert "<title>a</title>" in bench.feed()


def test_a_feed_as_before_is_not_published(bench: Bench) -> None:
    """It is only not stale any more. A lost file is written again, and nobody is notified."""
    bench.folder.index(bench.folder.write("a"))
    bench.builder().build(bench.row(), bench.run())
    bench.published.clear()
    bench.queued.clear()
    with bench.folder.database.begin() as connection:
        feeds.mark_all_stale(connection)
    run = bench.run()
    assert bench.builder().build(bench.row(), run) == ()
    assert (run.changed, run.written, bench.published, bench.queued) == (0, 0, [], [])
    assert not bench.row().stale
    (bench.output.files.root / "all.rss").unlink()
    run = bench.run()
    rows = bench.builder().build(bench.row(), run)
    assert [row.path for row in rows] == ["all.rss", "all.html"]
    assert (run.changed, run.written, run.repaired, run.pings) == (0, 1, 1, 0)
    assert bench.queued == []


def test_a_feed_with_a_mismatched_post_stays_stale(bench: Bench) -> None:
    """The post is read again by the next scan. The feed is published without it meanwhile."""
    one, other = bench.folder.write("a"), bench.folder.write("b")
    bench.folder.age()
    bench.folder.index(one, other)
    bench.folder.write("a", "Edited.")
    run = bench.run()
    assert bench.builder().build(bench.row(), run) == ()
    assert run.scan_again == {one}
    assert run.changed == 1
    row = bench.row()
    assert (row.stale, row.post_paths) == (True, (other,))
    known, unchanged = bench.folder.rows(one, other)
    assert (known.settled, known.digest) == (False, "")
    assert unchanged.settled


def test_a_feed_that_waits_for_a_heavy_post_stays_stale(bench: Bench) -> None:
    """It is published at once if another of its posts was rendered, and again when complete."""
    light, heavy = bench.folder.write("a"), bench.folder.write("b", HEAVY)
    bench.folder.index(light, heavy)
    run, builder = bench.run(light_first=True), bench.builder()
    assert builder.build(bench.row(), run) == ()
    assert (bench.row().stale, bench.row().post_paths) == (True, (light,))
    run.loader.render_next(NOW)
    assert [row.path for row in builder.build(bench.row(), run)] == ["all.rss", "all.html"]
    assert (bench.row().stale, bench.row().post_paths) == (False, (heavy, light))
    assert (run.changed, run.scan_again) == (2, set())
    with bench.folder.database.begin() as connection:
        connection.execute(text("UPDATE entries SET key = '' WHERE uses_posts"))
    waiting = bench.run(light_first=True)
    assert builder.build(bench.row(), waiting) == ()
    assert (bench.row().stale, waiting.changed) == (True, 0)


def test_future_posts_and_the_limit(bench: Bench) -> None:
    """A feed has the newest posts that are due, up to its limit."""
    names = {"a": "2026-01-01", "b": "2026-01-02", "c": "2026-01-03", "later": "2026-05-02"}
    paths = [bench.folder.write(name, date=date) for name, date in names.items()]
    bench.folder.index(*paths)
    settings = options(bench.folder, limit=2)
    bench.builder(settings).build(bench.row(), bench.run(settings))
    assert bench.row().post_paths == (paths[2], paths[1])


def test_a_feed_of_future_posts_is_not_published(bench: Bench) -> None:
    """No file reveals its name."""
    bench.folder.index(bench.folder.write("a", date="2026-05-02", category="Secret"))
    assert bench.builder().build(bench.row("category/secret"), bench.run()) == ()
    row = bench.row("category/secret")
    assert (row.stale, row.content_key) == (False, None)
    assert not bench.output.files.root.exists()


def test_the_date_of_a_feed_does_not_decrease(bench: Bench) -> None:
    """A feed that lost its newest post keeps its date."""
    one, other = bench.folder.write("a"), bench.folder.write("b", date="2026-02-02")
    bench.folder.index(one, other)
    bench.builder().build(bench.row(), bench.run())
    before = bench.row().updated
    bench.folder.index(gone=(bench.folder.remove("b"),))
    bench.builder().build(bench.row(), bench.run())
    assert (bench.row().updated, bench.row().post_paths) == (before, (one,))


def test_aliases_and_problems_of_formats(bench: Bench) -> None:
    """An alias is published with its feed. What a format leaves out is a Problem of the feed."""
    bench.folder.index(bench.folder.write("a", "word " * 3000))
    settings = options(bench.folder, max_bytes=9000, aliases={"feed.xml": "all.rss"})
    builder = bench.builder(settings)
    rows = builder.build(bench.row(), bench.run(settings))
    assert [row.path for row in rows] == ["all.rss", "all.html", "feed.xml"]
    assert bench.folder.problems("feed") == {"all"}
    bench.folder.write("a", "Short.", time=1)
    bench.folder.index("_posts/2026-01-01-a.md")
    builder.build(bench.row(), bench.run(settings))
    assert bench.folder.problems("feed") == set()


def test_other_aliases_change_the_files(bench: Bench) -> None:
    """So does another version."""
    bench.folder.index(bench.folder.write("a"))
    bench.builder().build(bench.row(), bench.run())
    aliased = options(bench.folder, aliases={"feed.xml": "all.rss"})
    bench.builder(aliased).build(bench.row(), bench.run(aliased))
    assert (bench.output.files.root / "feed.xml").exists()
    key = bench.row().content_key
    newer = options(bench.folder, aliases={"feed.xml": "all.rss"}, version="2")
    bench.builder(newer).build(bench.row(), bench.run(newer))
    assert bench.row().content_key != key


def test_feeds_of_dropped_kinds_are_removed(bench: Bench) -> None:
    """With their files; the feed of the site stays. They come back with the setting."""
    bench.folder.index(bench.folder.write("a", category="News", tags="x"))
    builder = bench.builder()
    builder.build(bench.row(), bench.run())
    builder.build(bench.row("category/news"), bench.run())
    builder.remove_unwanted(bench.run())
    assert (bench.output.files.root / "category/news.rss").exists()
    settings = options(bench.folder, kinds=())
    run = bench.run(settings)
    bench.builder(settings).remove_unwanted(run)
    assert not (bench.output.files.root / "category/news.rss").exists()
    assert (bench.output.files.root / "all.rss").exists()
    assert {(row.path, row.gone) for row in run.rows} == {
        ("category/news.rss", True),
        ("category/news.html", True),
    }
    row = bench.row("category/news")
    assert (row.stale, row.content_key, row.post_paths) == (False, None, ())
    assert bench.row().content_key


def test_pages_list_the_feeds_that_exist(bench: Bench) -> None:
    """Not those of future posts only. The newest posts are on the index page, up to a limit."""
    paths = [
        bench.folder.write(f"p{day:02}", date=f"2026-01-{day:02}", category="News")
        for day in range(1, INDEX_ENTRIES + 3)
    ]
    bench.folder.index(*paths, bench.folder.write("later", date="2026-05-02", category="Secret"))
    builder = bench.builder()
    for name in ("all", "category/news"):
        builder.build(bench.row(name), bench.run())
    run = bench.run()
    builder.build_pages(run)
    assert run.feeds == 2
    opml, page = (
        (bench.output.files.root / name).read_text() for name in ("feeds.opml", "index.html")
    )
    assert "category/news" in opml
    assert "category/news" in page
    assert "secret" not in (opml + page).lower()
    shown = [f"https://x/p{day:02}" in page for day in range(1, INDEX_ENTRIES + 3)]
    assert shown == [False, False, *[True] * INDEX_ENTRIES]
    assert bench.published[-1] == ("index.html", "feeds.opml")
    again = bench.run()
    builder.build_pages(again)
    assert (again.written, again.feeds) == (0, 2)
    few = options(bench.folder, limit=1)
    bench.builder(few).build_pages(bench.run(few))
    page = (bench.output.files.root / "index.html").read_text()
    assert "https://x/p14" in page
    assert "https://x/p13" not in page


def test_pages_are_not_pinged(bench: Bench) -> None:
    """No job is queued for them, and their rows belong to no feed."""
    run = bench.run()
    bench.builder().build_pages(run)
    assert (run.pings, run.changed, bench.jobs(), bench.queued) == (0, 0, 0, [])
    with bench.folder.database.read() as connection:
        assert feeds.files_of(connection, "").keys() == {"index.html", "feeds.opml"}


def test_a_second_change_within_a_second(bench: Bench) -> None:
    """It is dated a second later, by the row of the file before."""
    path = bench.folder.write("a")
    bench.folder.index(path)
    bench.builder().build(bench.row(), bench.run())
    bench.folder.write("a", "Edited.", time=1)
    bench.folder.index(path)
    bench.builder().build(bench.row(), bench.run())
    with bench.folder.database.read() as connection:
        rows = feeds.files_of(connection, "all").values()
    assert {row.updated for row in rows} == {NOW + seconds(1)}
