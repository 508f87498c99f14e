"""A category of episodes is a podcast, from front matter to RSS."""

from pathlib import Path

import feedparser
from support import CONFIG, Site

from syndicator.inspection import check_site

SHOW = f"{CONFIG}lang: en\npodcast: {{email: sal@example.com, category: Technology}}\n"


def test_a_category_of_episodes(tmp_path: Path) -> None:
    """Its feed and the site's have the tags; the feed of other posts has none, nor have Atom and
    JSON. What can't be used is a note, and the run succeeds."""
    site = Site(tmp_path / "x", site_config=SHOW)
    for number in range(1, 6):
        site.write(f"audio/{number}.mp3", b"x" * number)
        site.post(
            f"2026-01-0{number}-talk-{number}",
            categories=["talks"],
            enclosure=f"/audio/{number}.mp3",
            duration=f"1:02:0{number}",
            explicit=False,
            episode=number,
            image={"path": f"/{number}.jpg"},
            transcript=f"/{number}.vtt",
            chapters=f"/{number}.json" if number < 5 else ["00:00 Intro"],
        )
    site.post("2026-01-10-text", categories=["news"], duration=5, episode=9)
    report = site.build()
    assert report.problems == ()
    (note,) = report.notes
    assert str(note).startswith("_posts/2026-01-05-talk-5.md:")
    assert "chapters" in note.message
    assert check_site(site.service().config).notes == report.notes

    parsed = feedparser.parse((site.feeds / "category/talks.rss").read_bytes())
    assert not parsed.bozo
    items = parsed.entries
    assert [item.itunes_episode for item in items] == ["5", "4", "3", "2", "1"]
    assert [item.itunes_duration for item in items] == ["3725", "3724", "3723", "3722", "3721"]
    assert items[0].image.href == "https://news.example.com/5.jpg"
    assert (items[0].enclosures[0].length, items[0].enclosures[0].type) == ("5", "audio/mpeg")
    assert parsed.feed.image.href == "https://news.example.com/assets/images/logo.png"

    have_tags = {
        str(path.relative_to(site.feeds))
        for path in site.feeds.rglob("*.*")
        if path.suffix in (".rss", ".atom", ".json", ".html", ".opml")
        and b"itunes" in path.read_bytes()
    }
    assert have_tags == {"all.rss", "category/talks.rss"}
    talks = (site.feeds / "category/talks.rss").read_text()
    assert talks.count("<itunes:explicit>false<") == 6
    assert talks.count("<podcast:transcript ") == 5
    assert talks.count("<podcast:chapters ") == 4


def test_an_enclosure_alone_makes_no_podcast(tmp_path: Path) -> None:
    """A blog with a sound in one post is as it was, until its config says `podcast`."""
    site = Site(tmp_path / "x")
    site.write("a.mp3", b"x")
    site.post("2026-01-01-sound", enclosure="/a.mp3")
    site.build()
    assert b"itunes" not in (site.feeds / "all.rss").read_bytes()
    site.write("_config.yml", SHOW)
    site.build()
    assert b"<itunes:category " in (site.feeds / "all.rss").read_bytes()
    assert b"<itunes:author>sal</itunes:author>" in (site.feeds / "all.rss").read_bytes()
