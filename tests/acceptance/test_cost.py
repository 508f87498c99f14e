"""The cost of a poll without changes, and of a single change: files opened and queries made."""

import gc
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from settled import age
from sqlalchemy import event
from support import FEEDS, Site

from syndicator.liquid.environment import JekyllEnvironment
from syndicator.listener import Listener

_opened: list[str] | None = None


def _record(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _opened is not None:
        _opened.append(os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else "")


sys.addaudithook(_record)


def opened(work: Callable[[], object]) -> list[str]:
    """The files that `work` opens."""
    global _opened
    _opened = []
    try:
        work()
        return _opened
    finally:
        _opened = None


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    for day in range(10, 30):
        file = site.post(f"2026-01-{day}-post", categories=["News" if day % 2 else "Business"])
        os.utime(file, (1_760_000_000, 1_760_000_000))
    age(site.root)
    return site


def state(site: Site) -> dict[str, tuple[bytes, int]]:
    files = [
        path for path in site.state.parent.glob("state.db*") if path.suffix in (".db", ".db-wal")
    ]
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_a_poll_without_changes_writes_nothing(site: Site) -> None:
    """Neither to the state's file and its log nor to any feed."""
    with site.service() as service:
        service.build()
        service.build()
        before, feeds = state(site), site.tree()
        assert before.keys() == {"state.db", "state.db-wal"}
        site.clock.forward(minutes=1)
        service.build()
        assert before == state(site)
        assert feeds == site.tree()


def test_a_poll_without_changes_opens_no_post(site: Site) -> None:
    """It only stats them; of all posts, a changed one is the only one read."""
    with site.service() as service:
        service.build()
        assert not [
            path
            for path in opened(service.build)
            if str(site.root) in path and path.endswith(".md")
        ]
        changed = site.post("2026-01-12-post", "Changed.", categories=["Business"])
        read = [path for path in opened(service.build) if path.endswith(".md")]
        assert {str(changed)} == set(read)


def test_a_restored_site_is_read_once(site: Site) -> None:
    """All posts have another inode and ctime. Nothing is rendered, written or announced."""
    site.write("_includes/note.html", "A note.")
    site.post("2026-01-30-post", "{% include note.html %}")
    site.build()
    site.take_queued_pings()
    feeds = site.tree()
    site.root.rename(site.root.with_name("old"))
    shutil.copytree(site.root.with_name("old"), site.root)
    for path in site.root.rglob("*"):
        os.utime(path, (1_760_000_000, 1_760_000_000))
    age(site.root)
    with site.service() as service:
        read = [path for path in opened(service.build) if path.endswith(".md")]
        assert sorted(read) == sorted(map(str, (site.root / "_posts").iterdir()))
        before = state(site)
        assert not [path for path in opened(service.build) if path.endswith((".md", ".html"))]
        assert state(site) == before
    assert site.tree() == feeds
    assert site.take_queued_pings() == set()


def test_liquid_is_set_up_once(site: Site) -> None:
    """For a site, not for each run: python-liquid keeps the last 128 environments in memory."""

    def alive() -> int:
        gc.collect()
        return sum(isinstance(each, JekyllEnvironment) for each in gc.get_objects())

    with site.service() as service:
        service.build()
        before = alive()
        for day in range(10, 13):
            site.post(f"2026-01-{day}-post", "Changed.", categories=["News"])
            assert service.build().changed == 1
        assert alive() == before


@pytest.mark.parametrize("change", ["new", "held", "edited", "gone", "renamed"])
def test_a_change_uses_indexes(site: Site, change: str) -> None:
    """Tables that grow with the site are never scanned: a change costs the same at any size."""
    statements: set[str] = set()
    if change == "held":
        site.configure(f'{FEEDS}when = "live"\n')
    with site.service() as service:
        service.build()
        file = site.root / "_posts/2026-01-12-post.md"
        {
            "new": lambda: site.post("2026-01-30-post", categories=["News"]),
            "held": lambda: site.post("2026-01-30-post", categories=["News"]),
            "edited": lambda: site.post("2026-01-12-post", "Changed.", categories=["News"]),
            "gone": file.unlink,
            "renamed": lambda: file.rename(file.with_name("2026-01-12-other.md")),
        }[change]()
        engine = service.database.engine
        event.listen(
            engine,
            "before_cursor_execute",
            lambda _a, _b, statement, *_: statements.add(statement),
        )
        paths = [
            "_posts/2026-01-12-post.md",
            "_posts/2026-01-12-other.md",
            "_posts/2026-01-30-post.md",
        ]
        assert service.build(paths=paths).has_changes
        service.push()
    plans = {
        statement: row[3]
        for statement in statements
        if statement.split()[0] in ("SELECT", "UPDATE", "DELETE", "INSERT")
        if "LIMIT" not in statement or "ORDER BY" in statement  # else it reads no further
        for row in plan(site.state, statement)
        if re.match("SCAN (posts|identities|feed_posts)", row[3])
        if not row[3].endswith(" posts_maybe_copy")  # an index of few posts
    }
    assert plans == {}


def test_a_change_reads_nothing_of_other_feeds(site: Site) -> None:
    """Until the jobs of its first feed are queued: a site with many tags has thousands of feeds."""
    statements: list[str] = []
    before: list[str] = []

    class Queued(Listener):
        def on_queued(self) -> None:
            if not before:
                before.extend(statements)

    with site.service(Queued()) as service:
        service.build()
        event.listen(
            service.database.engine,
            "before_cursor_execute",
            lambda _a, _b, statement, *_: statements.append(statement),
        )
        site.post("2026-01-30-post", categories=["News"])
        assert service.build(paths=["_posts/2026-01-30-post.md"]).new == 1
    selects = [statement for statement in before if statement.startswith("SELECT")]
    assert any("FROM files" in statement for statement in selects)
    assert [
        statement
        for statement in selects
        if "WHERE" not in statement or re.search("WHERE entries.uses_posts = 1$", statement)
    ] == []


def test_a_save_makes_few_statements_until_its_ping(site: Site) -> None:
    """Each takes longer in Python than in SQLite. BEGIN and COMMIT are not counted."""
    statements: list[str] = []
    queued: list[int] = []

    class Queued(Listener):
        def on_queued(self) -> None:
            queued.append(len(statements))

    def executed(_a: object, _b: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    with site.service(Queued()) as service:
        service.build()
        service.push()
        queued.clear()
        event.listen(service.database.engine, "before_cursor_execute", executed)
        site.post("2026-01-30-other", categories=["News"])
        assert service.build(paths=["_posts/2026-01-30-other.md"]).new == 1
        assert queued[0] <= 26
        statements.clear()
        service.push()
    claimed = next(n for n, each in enumerate(statements) if each.startswith("UPDATE jobs SET st"))
    assert claimed <= 14


def test_a_run_by_paths_checks_no_other_feed(site: Site) -> None:
    """A lost feed file is written again by the next full scan, not at each save."""
    lost = site.feeds / "category/business.rss"
    with site.service() as service:
        service.build()
        lost.unlink()
        site.post("2026-01-30-post", categories=["News"])
        assert service.build(paths=["_posts/2026-01-30-post.md"]).feeds_changed == 2
        assert not lost.exists()
        assert service.build().files_written
    assert lost.exists()


def test_another_process_builds_meanwhile(site: Site) -> None:
    """The memory of the last run (names, files on disk) is dropped when another process had one."""

    def post(day: int, category: str) -> str:
        file = site.post(f"2026-01-{day}-post", categories=[category])
        os.utime(file, (1_760_000_000, 1_760_000_000))
        age(file)
        site.clock.forward(minutes=1)
        return file.relative_to(site.root).as_posix()

    with site.service() as one, site.service() as other:
        one.build()
        post(30, "News?")
        assert other.build().new == 1
        assert one.build(paths=[post(31, "News!")]).new == 1
        feeds = [site.feed(f"category/{name}.rss") for name in ("news-2", "news-3")]
        assert [feed.feed.title.rpartition(" ")[2] for feed in feeds] == ["News?", "News!"]
        one.build()
        before = state(site)
        site.clock.forward(minutes=1)
        one.build()
        assert before == state(site)


def plan(state: Path, statement: str) -> list[tuple[int, int, int, str]]:
    with closing(sqlite3.connect(state)) as connection:
        return connection.execute(
            f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?")
        ).fetchall()
