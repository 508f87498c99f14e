"""What a poll without changes leaves alone, and how little one change reads."""

import gc
import os
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event
from support import Site

from syndicator.liquid.environment import JekyllEnvironment

_opened: list[str] | None = None


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _opened is not None:
        _opened.append(os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else "")


sys.addaudithook(_hear)


def opened(work: Callable[[], object]) -> list[str]:
    """The files that are opened meanwhile."""
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
        os.utime(file, (1_760_000_000, 1_760_000_000))  # long settled
    return site


def state(site: Site) -> dict[str, tuple[bytes, int]]:
    files = [
        path for path in site.state.parent.glob("state.db*") if path.suffix in (".db", ".db-wal")
    ]
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_a_poll_without_changes_writes_nothing(site: Site) -> None:
    """Neither the state's file nor its log is touched, nor any feed."""
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
    """Nothing but a look at each file's stat; one that changed is the only one read."""
    with site.service() as service:
        service.build()
        assert not [
            path
            for path in opened(service.build)
            if str(site.root) in path and path.endswith(".md")
        ]
        changed = site.post("2026-01-12-post", "Changed.", categories=["Business"])
        found = [path for path in opened(service.build) if path.endswith(".md")]
        assert {str(changed)} == set(found)


def test_liquid_is_set_up_once(site: Site) -> None:
    """For a site, not for each of its runs: python-liquid remembers the last 128 that it was set up."""

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


@pytest.mark.parametrize("change", ["new", "edited", "gone", "renamed"])
def test_a_change_asks_indexes(site: Site, change: str) -> None:
    """Whatever grows with the site is searched, never gone through: one change costs the same at any size."""
    asked: set[str] = set()
    with site.service() as service:
        service.build()
        file = site.root / "_posts/2026-01-12-post.md"
        {
            "new": lambda: site.post("2026-01-30-post", categories=["News"]),
            "edited": lambda: site.post("2026-01-12-post", "Changed.", categories=["News"]),
            "gone": file.unlink,
            "renamed": lambda: file.rename(file.with_name("2026-01-12-other.md")),
        }[change]()
        engine = service.database.engine
        event.listen(
            engine, "before_cursor_execute", lambda _a, _b, statement, *_: asked.add(statement)
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
        for statement in asked
        if statement.split()[0] in ("SELECT", "UPDATE", "DELETE", "INSERT")
        if "LIMIT" not in statement or "ORDER BY" in statement  # else it reads no further
        for row in plan(site.state, statement)
        if re.match("SCAN (posts|ledger|members)", row[3])
    }
    assert plans == {}


def test_a_change_reads_nothing_of_other_feeds(site: Site) -> None:
    """Not before hubs are told of the first that it touches: a site of thousands of tags has thousands of feeds."""
    asked: list[str] = []
    before: list[str] = []
    with site.service() as service:
        service.build()
        service.on_queued = lambda: before or before.extend(asked)
        event.listen(
            service.database.engine,
            "before_cursor_execute",
            lambda _a, _b, said, *_: asked.append(said),
        )
        site.post("2026-01-30-post", categories=["News"])
        assert service.build(paths=["_posts/2026-01-30-post.md"]).new == 1
    selects = [said for said in before if said.startswith("SELECT")]
    assert any("FROM files" in said for said in selects)
    assert [
        said
        for said in selects
        if "WHERE" not in said or re.search("WHERE entries.uses_posts = 1$", said)
    ] == []


def test_a_change_that_is_told_of_looks_at_no_other_feed(site: Site) -> None:
    """A feed's file that is lost comes back with the next look at everything, not with each save."""
    lost = site.feeds / "category/business.rss"
    with site.service() as service:
        service.build()
        lost.unlink()
        site.post("2026-01-30-post", categories=["News"])
        assert service.build(paths=["_posts/2026-01-30-post.md"]).feeds_changed == 2
        assert not lost.exists()
        assert service.build().files_written
    assert lost.exists()


def test_another_process_that_builds_meanwhile(site: Site) -> None:
    """What one remembers of its last run is forgotten when another had one: names, and what is on disk."""

    def post(day: int, category: str) -> str:
        file = site.post(f"2026-01-{day}-post", categories=[category])
        os.utime(file, (1_760_000_000, 1_760_000_000))
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
