"""A run comes to the same feeds and the same debts, whichever database remembers it."""

from pathlib import Path

from support import FEEDS, Site, formats


def test_a_run_on_each_database(tmp_path: Path, url: str) -> None:
    """Build, edit, move, remove, rename: what is written and owed is what it is on any store."""
    site = Site(tmp_path / "x")
    site.state_url = url
    site.configure(f'{FEEDS}[push]\nhubs = ["{site.hub}"]\n')
    site.post("2026-01-01-one", categories=["News"], title="One")
    site.post("2026-01-02-two", categories=["Business"])
    site.post("2026-09-02-later", categories=["News"])
    assert site.build().summary() == "3 posts (3 new); 3 of 3 feeds changed; 9 pings owed"
    assert site.build().summary() == "3 posts; 0 of 3 feeds changed"
    site.owed()
    site.clock.forward(minutes=1)
    site.post("2026-01-01-one", "Edited.", categories=["Business"], title="One")
    site.build()
    assert site.owed() == formats("all", "category/news", "category/business")
    (site.root / "_posts/2026-01-01-one.md").rename(site.root / "_posts/2026-01-01-uno.md")
    (site.root / "_posts/2026-01-02-two.md").unlink()
    assert site.build().summary() == "2 posts (1 new, 2 gone); 2 of 3 feeds changed; 6 pings owed"
    (entry,) = site.feed("category/business.atom").entries
    assert (entry.id, entry.link) == ("https://news.example.com/one", "https://news.example.com/uno/")
    with site.service() as service:
        status = service.status()
    assert [(feed.name, feed.entries) for feed in status.feeds] == [
        ("all", 1),
        ("category/business", 1),
        ("category/news", 0),
    ]
    assert status.owed["ping"] == 6
