"""A run writes the same feeds and queues the same jobs with each database."""

import random
import string
from datetime import timedelta
from pathlib import Path

import pytest
from support import FEEDS, Site, formats

from syndicator.build import post_workers
from syndicator.build.post_tools import PostTools
from syndicator.errors import SourceError
from syndicator.inspection import check_site, collect_status


def test_a_run_on_each_database(tmp_path: Path, url: str) -> None:
    """Build, edit, rename and remove posts: files and pings are the same on each database."""
    site = Site(tmp_path / "x")
    site.state_url = url
    site.configure(f'{FEEDS}[push]\nhubs = ["{site.hub}"]\n')
    site.post("2026-01-01-one", categories=["News"], title="One")
    site.post("2026-01-02-two", categories=["Business"])
    site.post("2026-09-02-later", categories=["News"])
    assert site.build().summary() == "3 posts (3 new); 3 of 3 feeds changed; 9 pings queued"
    assert site.build().summary() == "3 posts; 0 of 3 feeds changed"
    site.take_queued_pings()
    site.clock.forward(minutes=1)
    site.post("2026-01-01-one", "Edited.", categories=["Business"], title="One")
    site.build()
    assert site.take_queued_pings() == formats("all", "category/news", "category/business")
    (site.root / "_posts/2026-01-01-one.md").rename(site.root / "_posts/2026-01-01-uno.md")
    (site.root / "_posts/2026-01-02-two.md").unlink()
    assert site.build().summary() == "2 posts (1 new, 2 gone); 2 of 3 feeds changed; 6 pings queued"
    (entry,) = site.feed("category/business.atom").entries
    assert (entry.id, entry.link) == (
        "https://news.example.com/one",
        "https://news.example.com/uno/",
    )
    with site.service() as service:
        status = collect_status(service.config, service.database, site.clock())
    assert [(feed.name, feed.entries) for feed in status.feeds] == [
        ("all", 1),
        ("category/business", 1),
        ("category/news", 0),
    ]
    assert status.queued["ping"] == 6


def test_workers_read_each_database(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A post that shows other posts is rendered by a worker process, too."""
    site = Site(tmp_path / "x")
    site.state_url = url
    site.configure(FEEDS)
    site.post("2026-01-01-one", title="One")
    text = "{% for post in site.posts %}[{{ post.title }}]{% endfor %}"
    site.post("2026-01-02-two", text, title="Two")
    for setting in ("RENDER_FROM", "RENDER_FROM_IF_IMPORTED"):
        monkeypatch.setattr(post_workers, setting, 1)
    monkeypatch.setattr(post_workers, "number_of_workers", lambda: 1)
    monkeypatch.delattr(PostTools, "render")  # in this process only
    site.build()
    newest, _ = site.feed("all.atom").entries
    assert newest.content[0].value == "<p>[Two][One]</p>"


def test_a_check_renders_in_its_own_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No worker can read its state, which is in memory."""
    site = Site(tmp_path / "x", settings=FEEDS)
    site.post("2026-01-01-one", "{% post_url 2026-01-01-one %}")
    for setting in ("RENDER_FROM", "RENDER_FROM_IF_IMPORTED"):
        monkeypatch.setattr(post_workers, setting, 1)
    monkeypatch.setattr(post_workers, "number_of_workers", lambda: 1)
    with site.service() as service:
        assert check_site(service.config, clock=site.clock).problems == ()


def test_the_last_run_with_changes(tmp_path: Path, url: str) -> None:
    """A run without changes does not replace it, in a new process and after a failure too."""
    site = Site(tmp_path / "x")
    site.state_url = url
    site.configure(FEEDS)
    site.post("2026-01-01-one")
    first = site.build()
    site.clock.forward(minutes=1)
    away = site.root.rename(tmp_path / "away")
    with site.service() as service:
        with pytest.raises(SourceError):
            service.build()
        failed = collect_status(service.config, service.database, site.clock())
        away.rename(site.root)
        service.build()
        repaired = collect_status(service.config, service.database, site.clock())
    site.clock.forward(minutes=1)
    site.build()
    with site.service() as service:
        last = collect_status(service.config, service.database, site.clock())
    assert failed.last_failure
    assert failed.last_failure.at == first.started + timedelta(minutes=1)
    assert [repaired.last_failure, last.last_failure] == [None, None]
    for status in (failed, repaired, last):
        assert status.last_run
        assert (status.last_run.started, status.last_run.summary) == (
            first.started,
            first.summary(),
        )


def test_a_post_with_oversized_values(tmp_path: Path, url: str) -> None:
    """Values too long for an index of PostgreSQL are a problem of their post on each database."""
    site = Site(tmp_path / "x")
    site.state_url = url
    site.configure(FEEDS)
    dice = random.Random(1)
    long = "".join(dice.choices(string.ascii_letters, k=9000))
    site.post("2026-01-01-one", id=f"tag:{long}", categories=[long], title="One")
    site.post("2026-01-02-two", slug=long, title="Two")
    site.post("2026-01-03-three", title="Three")
    assert {problem.path for problem in site.build().problems} == {"_posts/2026-01-01-one.md"}
    assert site.titles("all") == ["Three", "Two", "One"]
