"""From a folder of posts to feeds on disk and queued pings, run after run."""

import gzip
import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import struct_time

import brotli
import pytest
from sqlalchemy import text
from support import CONFIG, FEEDS, Site, formats

from syndicator.build.pipeline import Builder
from syndicator.inspection import check_site, collect_status
from syndicator.model.content import Report
from syndicator.model.outbox import Subscription
from syndicator.model.progress import Cancel, quiet
from syndicator.ops.hub import list_subscribers
from syndicator.service import Service
from syndicator.store import feeds, subscriptions

STORY = "2026-01-15-update-agent-shoots-man-in-the-leg"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def a_builder(service: Service, **settings: int) -> Builder:
    """A Builder with other settings, for builds by hand."""
    return Builder(
        replace(service.options, **settings),  # type: ignore[arg-type]
        service.database,
        service.output,
        on_published=lambda rows: None,
        on_queued=lambda: None,
    )


def three(site: Site) -> None:
    site.post("2026-01-01-one", categories=["News"])
    site.post("2026-01-02-two", categories=["Business"])
    site.post("2026-01-03-three", categories=["News"])


def test_a_post_is_in_its_feeds(site: Site) -> None:
    """A user's real post is in the feeds of the site and of its category, with all its fields."""
    site.write("assets/images/d6.jpg", b"\xff\xd8" * 700)
    site.post(
        STORY,
        "Experts revealed that an officer has shot a man.\n\nIt cost £40, the café’s owner says.",
        title="Update: Agent shoots man in the leg",
        date="2026-01-15T05:39:13",
        author="newsdesk",
        categories=["News"],
        tags=[],
        excerpt="The City confirmed a man was shot.",
        image="assets/images/d6.jpg",
    )
    site.write(
        f"_posts/{STORY}.md",
        (site.root / f"_posts/{STORY}.md")
        .read_text()
        .replace('"2026-01-15T05:39:13"', "2026-01-15T05:39:13"),
    )
    report = site.build()
    assert report.summary() == "1 post (1 new); 2 of 2 feeds changed; 6 pings queued"
    feed_files = {path for path in site.tree() if path.endswith((".rss", ".atom", ".json"))}
    assert feed_files == formats("all", "category/news")
    for path in ("all.rss", "all.atom", "category/news.rss", "category/news.atom"):
        parsed = site.feed(path)
        (entry,) = parsed.entries
        assert not parsed.bozo
        assert parsed.feed.link == "https://news.example.com/"
        assert parsed.feed.title == ("The Daily" if path.startswith("all") else "The Daily: News")
        assert entry.title == "Update: Agent shoots man in the leg"
        assert entry.link == "https://news.example.com/update-agent-shoots-man-in-the-leg/"
        assert entry.id == "https://news.example.com/update-agent-shoots-man-in-the-leg"
        assert entry.author == "newsdesk"
        assert entry.published_parsed == struct_time((2026, 1, 15, 5, 39, 13, 3, 15, 0))
        assert entry.summary == "The City confirmed a man was shot."
        assert "It cost £40, the café’s owner says." in entry.content[0].value
        assert [tag.term for tag in entry.tags] == ["News"]
        image = {
            "url": "https://news.example.com/assets/images/d6.jpg",
            "type": "image/jpeg",
            "filesize": "1400",
        }
        assert image.items() <= entry.media_content[0].items()
        assert entry.media_thumbnail[0]["url"] == image["url"]
    item = json.loads((site.feeds / "all.json").read_text())["items"][0]
    assert item["image"] == "https://news.example.com/assets/images/d6.jpg"
    assert item["authors"] == [{"name": "newsdesk"}]


def test_building_twice_changes_nothing(site: Site) -> None:
    """No byte, mtime or ping, also in another process."""
    three(site)
    site.build()
    before, _ = site.tree(), site.take_queued_pings()
    site.clock.forward(hours=5)
    assert site.build().summary() == "3 posts; 0 of 3 feeds changed"
    assert site.tree() == before
    assert site.take_queued_pings() == set()


def test_a_lost_state_and_output_are_rebuilt(site: Site) -> None:
    """Without the state, into an empty folder, a build writes the same bytes."""
    three(site)
    site.build()
    before = {path: data for path, (data, _) in site.tree().items()}
    site.state.unlink()
    shutil.rmtree(site.feeds)
    site.clock.forward(days=3)
    site.build()
    assert {path: data for path, (data, _) in site.tree().items()} == before


def test_a_lost_state_keeps_the_dates_of_files(site: Site) -> None:
    """A file with the same bytes keeps its mtime as its date."""
    three(site)
    site.build()
    before = site.tree()
    for leftover in site.state.parent.glob("state.db*"):
        leftover.unlink()
    site.clock.forward(days=3)
    site.build()
    assert site.tree() == before


def test_an_edit_changes_only_its_own_feeds(site: Site) -> None:
    """Only the feeds of the site and of the post's category are written and pinged."""
    three(site)
    site.build()
    before, _ = site.tree(), site.take_queued_pings()
    site.post("2026-01-01-one", "Edited.", categories=["News"])
    report = site.build()
    assert report.summary() == "3 posts (1 changed); 2 of 3 feeds changed; 6 pings queued"
    assert site.changed_since(before) == site.take_queued_pings() == formats("all", "category/news")


def test_another_category_changes_both_feeds(site: Site) -> None:
    """The feed of the old category and that of the new one."""
    three(site)
    site.build()
    before, _ = site.tree(), site.take_queued_pings()
    site.post("2026-01-01-one", categories=["Business"])
    site.build()
    assert (
        site.changed_since(before)
        == site.take_queued_pings()
        == formats("all", "category/news", "category/business")
    )
    assert site.titles("category/business") == ["2026-01-02-two", "2026-01-01-one"]


def test_a_change_that_no_feed_shows_queues_no_ping(site: Site) -> None:
    """A touched file, and a front matter key that no feed has."""
    three(site)
    site.build()
    before, _ = site.tree(), site.take_queued_pings()
    os.utime(site.root / "_posts/2026-01-01-one.md")
    site.post("2026-01-02-two", categories=["Business"], comments=True)
    site.build()
    assert site.tree() == before
    assert site.take_queued_pings() == set()


def test_the_feed_of_an_emptied_category_stays(site: Site) -> None:
    """It is empty, and its date doesn't decrease."""
    three(site)
    site.build()
    before = site.feed("category/business.atom").feed.updated
    (site.root / "_posts/2026-01-02-two.md").unlink()
    assert site.build().gone == 1
    assert site.titles("category/business") == []
    assert site.titles("all") == ["2026-01-03-three", "2026-01-01-one"]
    assert site.feed("category/business.atom").feed.updated == before


def test_a_future_post_appears_at_its_date(site: Site) -> None:
    """Nothing reveals it before, not even its category's feed; then it is published and pinged."""
    site.post("2026-01-01-one", categories=["News"])
    site.post("2026-03-01-two", categories=["Secret"], date="2026-03-01T12:00:05Z")
    with site.service() as service:
        report = service.build()
        assert report.next_due == datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
        assert "ecret" not in str(site.tree())
        site.take_queued_pings()
        site.clock.forward(seconds=4.9)
        assert not service.build().has_changes
        site.clock.forward(seconds=0.1)
        assert service.build().next_due is None
    assert site.titles("all") == ["2026-03-01-two", "2026-01-01-one"]
    assert site.take_queued_pings() == formats("all", "category/secret")


def test_other_posts_show_a_future_post_at_its_date(site: Site) -> None:
    """Lists of posts and links show it from then on, and `check` agrees."""
    text = "{% for post in site.posts %}[{{ post.title }}]{% endfor %}"
    site.post(
        "2026-01-02-list",
        f"{text} to {{% post_url 2026-03-02-two %}} {{% link _posts/2026-03-02-two.md %}}",
    )
    site.post("2026-03-02-two")
    site.post("2026-03-03-three", "{% post_url 2026-03-02-two %}")

    def shown() -> str:
        entry = next(
            entry for entry in site.feed("all.rss").entries if entry.title == "2026-01-02-list"
        )
        return str(entry.content[0].value)

    with site.service() as service:
        missing = service.build().problems
        assert {problem.path for problem in missing} == {"_posts/2026-01-02-list.md"}
        checked = check_site(service.config, lambda *_: None, clock=site.clock)
        assert {*missing} == {*checked.problems}
        assert shown() == "<p>[2026-01-02-list] to</p>"
        site.clock.forward(days=1)
        assert not service.build().problems
        assert shown() == "<p>[2026-03-02-two][2026-01-02-list] to /two/ /two/</p>"


def test_drafts_and_unpublished_posts_are_left_out(site: Site) -> None:
    """`published: false` removes a published post."""
    site.post("2026-01-01-one", categories=["News"])
    site.write("_drafts/idea.md", "---\ntitle: Idea\n---\n")
    site.build()
    site.post("2026-01-01-one", categories=["News"], published=False)
    site.build()
    assert site.titles("all") == site.titles("category/news") == []


def test_a_renamed_post_keeps_its_id(site: Site) -> None:
    """One path gone and a new one with the same text in one run: the id stays, the link changes."""
    site.post("2026-01-01-one", "Text of one.", title="One", date="2026-01-01T00:00:00Z")
    site.build()
    (site.root / "_posts/2026-01-01-one.md").rename(site.root / "_posts/2026-01-02-another.md")
    site.build()
    (entry,) = site.feed("all.atom").entries
    assert entry.id == "https://news.example.com/one"
    assert entry.link == "https://news.example.com/another/"


def test_a_post_renamed_to_an_earlier_posts_path(site: Site) -> None:
    """A post's identity goes with its text, not with its path."""
    first = site.post("2026-01-01-one", "Text of one.")
    second = site.post("2026-01-02-two", "Text of two.")
    site.build()
    first.unlink()
    site.build()
    second.rename(first)
    site.build()
    assert [entry.id for entry in site.feed("all.atom").entries] == ["https://news.example.com/two"]


def test_a_post_removed_long_ago_is_not_continued(site: Site) -> None:
    """Its text under another path is a new post; back in its old path, it has its id again."""
    first = site.post("2026-01-01-one", "Text.", title="Same")
    site.post("2026-01-02-two", "Text of two.")
    site.build()
    first.unlink()
    site.build()
    site.clock.forward(hours=1, seconds=1)
    site.post("2026-01-03-three", "Text.", title="Same")
    site.build()
    site.post("2026-01-01-one", "Text.", title="Same")
    site.build()
    assert [
        entry.id.removeprefix("https://news.example.com/")
        for entry in site.feed("all.atom").entries
    ] == [
        "three",
        "two",
        "one",
    ]


def test_a_copy_is_a_new_post(site: Site) -> None:
    """The same text under another path is another post with its own id."""
    site.post("2026-01-01-one", "Same.", title="Same")
    site.build()
    site.post("2026-01-02-two", "Same.", title="Same")
    site.build()
    assert [entry.id.rsplit("/")[-1] for entry in site.feed("all.atom").entries] == ["two", "one"]


def test_check_reports_two_posts_with_one_address(site: Site) -> None:
    """Jekyll writes one page over the other. Two with one id too are reported once."""
    site.post("2026-01-01-one", permalink="/same/")
    site.post("2026-01-02-two", permalink="/same/", id="tag:example.com,2026:two")
    site.post("2026-01-03-three")
    site.post("2026-01-04-three")
    with site.service() as service:
        problems = check_site(service.config, clock=site.clock).problems
    assert [str(problem) for problem in problems] == [
        "_posts/2026-01-02-two.md: has the same address as _posts/2026-01-01-one.md: https://news.example.com/same/",
        "_posts/2026-01-04-three.md: has the same id as _posts/2026-01-03-three.md: https://news.example.com/three",
    ]


def test_a_change_dated_in_the_future(site: Site) -> None:
    """`check` reports it; a feed has the date only as long as the post does."""
    site.post("2026-01-02-one", last_modified_at="9999-01-03")
    site.post("2099-01-01-later", last_modified_at="2099-01-01 18:00:00")
    with site.service() as service:
        problems = check_site(service.config, clock=site.clock).problems
        assert [str(problem) for problem in problems] == [
            "_posts/2026-01-02-one.md: last_modified_at is in the future: 9999-01-03"
        ]
        service.build()
        assert site.feed("all.atom").feed.updated.startswith("9999")
        site.post("2026-01-02-one", last_modified_at="2026-01-03")
        service.build()
    assert site.feed("all.atom").feed.updated == "2026-01-03T00:00:00+00:00"


def test_ids_survive_a_new_domain_and_permalink_style(site: Site) -> None:
    """Links change; ids stay, so readers show nothing as unread."""
    three(site)
    site.build()
    before = [entry.id for entry in site.feed("all.atom").entries]
    site.write(
        "_config.yml",
        CONFIG.replace("news.example.com", "other.example.org").replace("/:title/", "pretty"),
    )
    site.build()
    entries = site.feed("all.atom").entries
    assert [entry.id for entry in entries] == before
    assert entries[0].link == "https://other.example.org/news/2026/01/03/three/"


def test_two_posts_never_share_an_id(site: Site) -> None:
    """Under `/:title/`, two posts of one name have one address: two entries, and a problem."""
    site.post("2026-01-01-briefing", "Monday's.")
    site.post("2026-01-02-briefing", "Tuesday's.")
    report = site.build()
    assert [str(problem) for problem in report.problems] == [
        "_posts/2026-01-02-briefing.md: has the same id as _posts/2026-01-01-briefing.md: "
        "https://news.example.com/briefing"
    ]
    assert len({entry.id for entry in site.feed("all.atom").entries}) == 2
    assert site.build().problems == report.problems


def test_updated_is_when_a_changed_text_was_first_seen(site: Site) -> None:
    """Another category, or no change at all, is not an update."""
    site.post("2026-01-01-one", categories=["News"])
    site.build()
    assert site.feed("all.atom").entries[0].updated == "2026-01-01T12:00:00+00:00"
    site.clock.forward(days=1)
    site.post("2026-01-01-one", categories=["Business"])
    site.build()
    assert site.feed("all.atom").entries[0].updated == "2026-01-01T12:00:00+00:00"
    site.post("2026-01-01-one", "Another text.", categories=["Business"])
    site.build()
    assert (
        site.feed("all.atom").entries[0].updated
        == site.feed("all.atom").feed.updated
        == "2026-03-02T12:00:00+00:00"
    )


def test_a_bad_edit_keeps_the_last_good_entry(site: Site) -> None:
    """The problem has path and line until it is fixed; all other posts are published."""
    three(site)
    site.build()
    before = site.tree()
    bad = site.write("_posts/2026-01-01-one.md", "---\ntitle: One\ndate: tomorow\n---\n")
    report = site.build()
    assert [str(problem) for problem in report.problems] == [
        '_posts/2026-01-01-one.md:3: date is not a date: "tomorow"'
    ]
    assert site.tree() == before
    assert site.build().problems == report.problems
    site.post("2026-01-04-four", categories=["News"])
    site.build()
    assert site.titles("category/news") == ["2026-01-04-four", "2026-01-03-three", "2026-01-01-one"]
    bad.unlink()
    assert site.build().problems == ()
    assert "2026-01-01-one" not in site.titles("all")


def test_a_deleted_output_is_written_again(site: Site) -> None:
    """With the state kept: all files, with their dates, and no ping for unchanged feeds."""
    three(site)
    site.build()
    before, _ = site.tree(), site.take_queued_pings()
    shutil.rmtree(site.feeds)
    site.clock.forward(days=1)
    site.build()
    assert site.tree() == before
    assert site.take_queued_pings() == set()


def test_a_damaged_file_is_repaired(site: Site) -> None:
    """The next run writes files again that someone else changed or removed."""
    three(site)
    with site.service() as service:
        service.build()
        before = site.tree()
        (site.feeds / "category/news.rss").write_text("oops")
        (site.feeds / "index.html.gz").unlink()
        report = service.build()
    assert site.tree() == before
    assert report.summary() == "3 posts; 0 of 3 feeds changed; 2 files repaired"


@pytest.mark.parametrize("busy", [False, True], ids=["published twice", "put off"])
def test_feeds_with_heavy_posts_have_matching_siblings(site: Site, busy: bool) -> None:
    """Also if a run publishes a feed twice, or puts posts off to the next run."""
    words = "Some words, so that all is worth compressing. " * 20
    # So many that compressing begins while feeds are built.
    names = [f"Category {number}" for number in range(8)]
    three(site)
    with site.service() as service:
        service.build()
        for number in range(3):
            site.post(
                f"2026-01-1{number}-heavy",
                f"{words}{{% if page.title %}}{number}{{% endif %}}",
                categories=names,
            )
        site.post("2026-01-20-light", words, categories=names)
        left = [len(service.build(cancel=Cancel(heavy_posts=lambda: busy)).put_off)]
        assert_siblings_match(site)
        left += [
            len(service.build(cancel=Cancel(heavy_posts=lambda: busy)).put_off) for _ in range(2)
        ]
        assert_siblings_match(site)
    assert left == ([2, 1, 0] if busy else [0, 0, 0])
    assert len(site.titles("category/category-1")) == 4


def assert_siblings_match(site: Site) -> None:
    """Every feed has siblings with its bytes."""
    for name in ("all", *(f"category/category-{number}" for number in range(8))):
        for file in (site.feeds / f"{name}.{suffix}" for suffix in ("rss", "atom", "json")):
            zipped, brotlied = (
                file.with_name(file.name + suffix).read_bytes() for suffix in (".gz", ".br")
            )
            assert gzip.decompress(zipped) == brotli.decompress(brotlied) == file.read_bytes()


def test_changed_encodings(site: Site) -> None:
    """Siblings of dropped encodings go and those of new ones come, also for unchanged feeds."""
    three(site)
    for encodings, suffixes in (
        ('"gzip", "br"', {".gz", ".br"}),
        ('"br"', {".br"}),
        ("", set()),
        ('"gzip"', {".gz"}),
    ):
        site.configure(FEEDS)
        config = site.config_path.read_text()
        site.config_path.write_text(
            config.replace("[output]\n", f"[output]\ncompress = [{encodings}]\n")
        )
        site.build()
        assert {path.suffix for path in site.feeds.rglob("*") if path.is_file()} & {
            ".gz",
            ".br",
        } == suffixes
        before = site.tree()
        site.build()
        assert site.tree() == before


def test_an_image_added_later_gets_its_length(site: Site) -> None:
    """By the run that is given its path; nothing else of the post changed."""
    site.post("2026-01-01-one", image="assets/a.png")
    with site.service() as service:
        service.build()
        assert "filesize" not in site.feed("all.rss").entries[0].media_content[0]
        site.write("assets/a.png", b"12345")
        service.build(paths=["assets/a.png"])
    assert site.feed("all.rss").entries[0].media_content[0]["filesize"] == "5"


def test_a_post_that_lists_files_shows_new_ones(site: Site) -> None:
    """It depends on the listing, not on the new file."""
    site.write("assets/a.png", b"1")
    site.post("2026-01-01-one", "{% for file in site.static_files %}{{ file.name }} {% endfor %}")
    with site.service() as service:
        service.build()
        site.write("assets/b.png", b"2")
        service.build(paths=["assets/b.png"])
    assert "b.png" in site.feed("all.rss").entries[0].content[0].value


@pytest.mark.parametrize("change", ["new", "changed", "gone"])
@pytest.mark.parametrize("how", ["paths", "scan", "aborted"])
def test_a_post_that_lists_others_follows_them(site: Site, change: str, how: str) -> None:
    """Each new, changed or removed post, also if the run that saw it was aborted early."""

    def broken_off(_done: int, _total: int | None, what: str) -> None:
        if what in ("reading posts", "building feeds"):
            raise EOFError

    site.post("2026-01-02-two", title="Two")
    site.post(
        "2026-01-01-list",
        "{% for post in site.posts %}[{{ post.title }}]{% endfor %}",
        title="List",
    )
    with site.service() as service:
        service.build()
        if change == "gone":
            (site.root / "_posts/2026-01-02-two.md").unlink()
        else:
            site.post("2026-01-04-four" if change == "new" else "2026-01-02-two", title="Other")
        if how == "aborted":
            with pytest.raises(EOFError):
                service.build(broken_off)
        elif how == "paths":
            service.build(paths=["_posts/2026-01-04-four.md", "_posts/2026-01-02-two.md"])
    if how != "paths":
        site.build()
    shown = (
        next(entry for entry in site.feed("all.rss").entries if entry.title == "List")
        .content[0]
        .value
    )
    assert ("[Other]" in shown, "[Two]" in shown) == (change != "gone", change == "new")


@pytest.mark.parametrize("full", [True, False])
def test_a_feed_has_texts_or_excerpts(tmp_path: Path, full: bool) -> None:
    """As the config says; the same in every format."""
    content = "full" if full else "excerpt"
    site = Site(tmp_path, settings=f'{FEEDS}content = "{content}"\n')
    site.post("2026-01-01-one", "The beginning.\n\nAll the rest.")
    site.build()
    for path in formats("all"):
        written = (site.feeds / path).read_text()
        assert "The beginning." in written
        assert ("All the rest." in written) == full


def test_dropped_formats_and_kinds_are_removed(site: Site) -> None:
    """Files of a format, and feeds of a kind; both come back with the setting."""
    three(site)
    site.build()
    site.configure(f'{FEEDS}formats = ["rss"]\nby = []\n')
    site.build()
    assert {path for path in site.tree() if path.endswith((".rss", ".atom", ".json"))} == {
        "all.rss"
    }
    site.configure(FEEDS)
    site.build()
    assert site.titles("category/news") == ["2026-01-03-three", "2026-01-01-one"]


def test_an_alias_has_the_bytes_of_its_feed(site: Site) -> None:
    """Also its rel=self: readers of feed.xml lose nothing, and there is one topic."""
    three(site)
    site.configure(
        f'{FEEDS}[feeds.aliases]\n"feed.xml" = "all.atom"\n"feed/news.xml" = "category/news.atom"\n'
    )
    site.build()
    assert (site.feeds / "feed.xml").read_bytes() == (site.feeds / "all.atom").read_bytes()
    assert site.feed("feed/news.xml").feed.links[0].href
    assert site.titles("category/news") == ["2026-01-03-three", "2026-01-01-one"]
    before = site.tree()
    site.build()
    assert site.tree() == before


def test_limits_drop_the_oldest_entries(site: Site) -> None:
    """By number, and by bytes."""
    for day in range(1, 10):
        site.post(f"2026-01-0{day}-p", "word " * 300)
    site.configure(f"{FEEDS}limit = 4\n")
    site.build()
    assert site.titles("all") == [f"2026-01-0{day}-p" for day in (9, 8, 7, 6)]
    site.configure(f'{FEEDS}formats = ["rss"]\nmax_bytes = "8KiB"\n')
    site.build()
    entries = [entry.title for entry in site.feed("all.rss").entries]
    assert entries == ["2026-01-09-p", "2026-01-08-p"]
    assert (site.feeds / "all.rss").stat().st_size <= 8 * 1024


def test_a_plain_folder_of_markdown_works(tmp_path: Path) -> None:
    """Without _config.yml and _posts, [site] has the settings."""
    site = Site(tmp_path, site_config=None)
    site.configure(f'[site]\nurl = "https://me.example/"\ntitle = "Me"\n{FEEDS}')
    site.write("notes/2026-01-02-hello.md", "---\ntitle: Hello\n---\nText\n")
    site.build()
    assert site.titles("all") == ["Hello"]
    assert site.feed("all.rss").feed.title == "Me"


def test_any_category_has_a_feed(site: Site) -> None:
    """Whatever its name, files stay in the output folder; names that collide get numbers."""
    site.post(
        "2026-01-01-one",
        categories=["../../etc", "Åäö", "C#", "C++", "日本語", "a/b", "News?", "News!"],
    )
    report = site.build()
    feeds = {
        path.removesuffix(".rss")
        for path in site.tree()
        if path.startswith("category/") and path.endswith(".rss")
    }
    names = ("etc", "åäö", "c-sharp", "c-plus-plus", "日本語", "a-b", "news", "news-2")
    assert feeds == {f"category/{name}" for name in names}
    assert [problem.path for problem in report.problems] == ["category/news-2"]
    assert sorted(os.listdir(site.root.parent)) == [
        "feeds",
        "site",
        "state.db",
        "state.db.run.lock",
        "syndicator.toml",
    ]


def test_two_versions_never_have_one_date(site: Site) -> None:
    """Last-Modified has whole seconds: a second version within one is dated a second later."""
    site.build()
    first = (site.feeds / "all.atom").stat().st_mtime_ns
    site.clock.forward(milliseconds=100)
    site.post("2026-02-01-more")
    site.build()
    seconds = {
        (site.feeds / f"all.{suffix}").stat().st_mtime_ns - first
        for suffix in ("atom", "rss", "json", "html")
    }
    assert seconds == {1_000_000_000}


def test_an_aborted_run_leaves_no_file_open(site: Site) -> None:
    """Replaced files are closed, so their disk space is freed."""
    three(site)

    def stop(_done: int, _total: int | None, what: str) -> None:
        if what == "building feeds":
            raise KeyboardInterrupt

    with site.service() as service:
        service.build()
        site.post("2026-01-04-four", categories=["News"])
        with pytest.raises(KeyboardInterrupt):
            service.build(stop)
        held = [os.readlink(each) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        assert not [each for each in held if str(site.feeds) in each]


# ---------------------------------------- what an entry or a feed depends on besides its own post


def test_a_link_follows_a_moved_post(site: Site) -> None:
    """A post of another feed got another address; the post with the link is unchanged."""
    site.post("2026-01-01-one", "{% post_url 2026-01-02-two %}", categories=["News"])
    site.post("2026-01-02-two", categories=["Sports"])
    site.build()
    site.take_queued_pings()
    site.post("2026-01-02-two", categories=["Sports"], permalink="/moved/")
    site.build()
    assert "/moved/" in site.feed("category/news.rss").entries[0].content[0].value
    assert formats("category/news") <= site.take_queued_pings()


def test_a_rename_that_changes_the_date_is_published(site: Site) -> None:
    """Id, address and text are unchanged."""
    site.write("_posts/2026-01-01-one.md", "---\ntitle: One\n---\n")
    site.write("_posts/2026-01-09-two.md", "---\ntitle: Two\n---\n")
    site.build()
    site.take_queued_pings()
    (site.root / "_posts/2026-01-01-one.md").rename(site.root / "_posts/2026-01-05-one.md")
    site.build()
    assert site.feed("all.rss").entries[1].published_parsed.tm_mday == 5
    assert site.take_queued_pings() == formats("all")


@pytest.mark.parametrize("names", ["image: /a.png", 'text: "{% post_url 2026-01-02-two %}"'])
def test_an_entry_stays_while_its_post_is_broken(site: Site, names: str) -> None:
    """Also if its dependencies change meanwhile; once fixed, it is rendered again."""
    site.write("a.png", b"1")
    site.post("2026-01-02-two", title="Two")
    whole = f"---\ntitle: One\n{names}\n---\n{{% post_url 2026-01-02-two %}}"
    site.write("_posts/2026-01-01-one.md", whole)
    with site.service() as service:
        service.build()
        site.write("_posts/2026-01-01-one.md", whole.replace("title: One", "title: ["))
        assert [problem.fatal for problem in service.build().problems] == [True]
        site.write("a.png", b"22")
        site.post("2026-01-02-two", "More.", title="Two")
        service.build()
        assert site.titles("all") == ["Two", "One"]
        before = site.state.stat()
        assert not service.build().has_changes
        assert site.state.stat() == before
        site.write("_posts/2026-01-01-one.md", whole.replace("One", "Fixed"))
        service.build()
        assert site.titles("all") == ["Two", "Fixed"]


def test_another_player_changes_old_entries(site: Site) -> None:
    """The setting `players` also applies to entries rendered before."""
    site.post("2026-01-01-one", '<iframe src="https://player.example/1"></iframe>')
    site.build()
    assert "iframe" not in (site.feeds / "all.rss").read_text()
    site.configure(f'{FEEDS}players = ["player.example"]\n')
    site.build()
    assert "iframe" in (site.feeds / "all.rss").read_text()


def subscribed(site: Site) -> Subscription:
    """A subscription to the feed of the whole site."""
    reader = Subscription(
        topic="http://127.0.0.1:8080/all.atom",
        callback="https://reader.example/",
        secret=None,
        expires=site.clock.now + timedelta(days=9),
        since=site.clock.now,
    )
    with site.service() as service, service.database.begin() as connection:
        subscriptions.upsert(connection, reader)
    return reader


def test_aliases_come_and_go_with_the_config(site: Site) -> None:
    """At the next run; subscribers of the feed itself stay subscribed."""
    site.post("2026-01-01-one")
    site.build()
    site.configure(f'{FEEDS}[feeds.aliases]\n"feed.xml" = "all.atom"\n')
    site.build()
    assert (site.feeds / "feed.xml").read_bytes() == (site.feeds / "all.atom").read_bytes()
    reader = subscribed(site)
    site.configure(FEEDS)
    site.build()
    assert not (site.feeds / "feed.xml").exists()
    with site.service() as service:
        assert [one.topic for one in list_subscribers(service.database, site.clock())] == [
            reader.topic
        ]


def test_aliases_without_a_feed_are_noted(site: Site) -> None:
    """By each run, `check` and `status`, until the feed exists; moved feeds likewise."""
    site.post("2026-01-01-one", categories=["news"])
    leads = '"feed.xml" = "all.atom"\n"a.xml" = "category/nwes.atom"\n"b.xml" = "tag/x.json"\n'
    site.configure(
        f'{FEEDS}moved = {{ "old.rss" = "category/dogs.rss" }}\n[feeds.aliases]\n{leads}'
    )
    wrong = 'feeds.aliases: "a.xml" leads to "category/nwes.atom", which is not a feed'
    early = 'feeds.aliases: "b.xml" leads to "tag/x.json", which is not a feed'
    moved = 'feeds.moved: "old.rss" leads to "category/dogs.rss", which is not a feed'
    with site.service() as service:
        for _ in range(2):
            report = service.build()
            assert (report.problems, [str(note) for note in report.notes]) == (
                (),
                [wrong, early, moved],
            )
        status = collect_status(service.config, service.database, site.clock())
        assert status.notes == report.notes
        assert check_site(service.config).notes == report.notes[:2]
        hints = [note.hint for note in report.notes]
        later = "if the name is right, it appears with its first post"
        assert hints == [f"did you mean category/news.atom? {later}", later, later]
        site.post("2026-01-02-two", categories=["dogs"])
        assert service.build().notes == report.notes[:2]
        status = collect_status(service.config, service.database, site.clock())
        assert status.notes == report.notes[:2]


def test_subscribers_of_an_old_address_get_a_denial(site: Site) -> None:
    """Another `feeds.url` ends the old topics."""
    site.post("2026-01-01-one")
    site.build()
    reader = subscribed(site)
    site.configure('[feeds]\nurl = "http://127.0.0.1:8080/moved/"\n')
    site.build()
    with site.service() as service, service.database.read() as connection:
        assert list_subscribers(service.database, site.clock()) == ()
        query = text("SELECT topic, target FROM jobs WHERE kind = 'deny'")
        denials = connection.execute(query).all()
    assert [tuple(row) for row in denials] == [(reader.topic, reader.callback)]


# ----------------------------------------------------------------------------- identities of posts


def ids(site: Site) -> dict[str, str]:
    """The ids of the entries by title."""
    return {
        entry["title"]: entry["id"]
        for entry in json.loads((site.feeds / "all.json").read_text())["items"]
    }


def test_posts_of_one_name_have_different_ids(site: Site) -> None:
    """Three files of one name in three folders; an edit changes no id."""
    for place in "abc":
        site.post("2026-01-01-w", title=place).rename(
            site.write(f"_posts/{place}/2026-01-01-w.md", "")
        )
    site.build()
    before = ids(site)
    assert len({*before.values()}) == 3
    for place in "abc":
        path = site.root / f"_posts/{place}/2026-01-01-w.md"
        path.write_text(f"{path.read_text()}More.\n")
        site.build()
    assert ids(site) == before


def test_a_post_keeps_its_id_against_a_new_one(site: Site) -> None:
    """Also if the new post comes first by name, in the run in which the old one was renamed."""
    site.post("2026-02-07-foo", "The first.", title="First")
    site.build()
    first = ids(site)["First"]
    (site.root / "_posts/2026-02-07-foo.md").rename(site.root / "_posts/2026-02-08-bar.md")
    site.post("2026-02-01-foo", "The second.", title="Second")
    site.build()
    assert ids(site)["First"] == first != ids(site)["Second"]


@pytest.mark.parametrize("hidden", [{"published": False}, {"draft": True}])
def test_a_hidden_post_keeps_its_id_against_a_new_one(
    site: Site, hidden: dict[str, object]
) -> None:
    """It may be shown again; the other has a problem until its file is removed."""
    site.post("2026-02-07-foo", title="First")
    site.build()
    first = ids(site)["First"]
    file = site.post("2026-02-07-foo", title="First", **hidden)
    site.build()
    site.post("2026-02-01-foo", "The second.", title="Second")
    (problem,) = site.build().problems
    assert str(problem) == (
        f"_posts/2026-02-01-foo.md: has the same id as _posts/2026-02-07-foo.md: {first}"
    )
    second = ids(site)["Second"]
    site.post("2026-02-07-foo", title="First")
    site.build()
    assert ids(site) == {"First": first, "Second": second}
    assert first != second
    site.post("2026-02-07-foo", title="First", **hidden)
    assert len(site.build().problems) == 1
    file.unlink()
    assert site.build().problems == ()
    assert ids(site) == {"Second": second}


def test_a_post_that_returns_hidden_takes_back_no_id(site: Site) -> None:
    """While its file was gone, another post got its id and may be the same one."""
    file = site.post("2026-02-07-foo", title="First")
    site.build()
    file.unlink()
    site.post("2026-02-01-foo", "Another text.", title="Second")
    site.build()
    before = ids(site)
    site.post("2026-02-07-foo", title="First", published=False)
    site.build()
    site.post("2026-02-01-foo", "Yet another.", title="Second")
    assert site.build().problems == ()
    assert ids(site) == before


@pytest.mark.parametrize("size", [1, 1000])
def test_ids_exchanged_in_one_run(site: Site, size: int) -> None:
    """Each post gets the id from its front matter, even if another had it when it was read."""

    def build() -> Report:
        with site.service() as service:
            return a_builder(service, batch=size).run(site.clock(), progress=quiet)

    for day, name in enumerate("abc", 1):
        site.post(f"2026-01-0{day}-{name}", title=name, id=f"https://x/{name}")
    build()
    for day, (name, id) in enumerate(zip("abc", "bca", strict=True), 1):
        site.post(f"2026-01-0{day}-{name}", title=name, id=f"https://x/{id}")
    report = build()
    assert ids(site) == {"a": "https://x/b", "b": "https://x/c", "c": "https://x/a"}
    assert (report.changed, report.problems) == (3, ())
    site.post("2025-01-01-new", title="new", id="https://x/b")
    site.post("2026-01-01-a", title="a", id="https://x/z")
    report = build()
    assert ids(site) == {
        "a": "https://x/z",
        "b": "https://x/c",
        "c": "https://x/a",
        "new": "https://x/b",
    }
    assert (report.new, report.changed, report.problems) == (1, 1, ())


def test_two_posts_swap_names_through_a_third(site: Site) -> None:
    """Over three runs, each keeps its id."""
    site.post("2026-01-01-p", "One.", title="One")
    site.post("2026-01-02-q", "Two.", title="Two")
    site.build()
    before = ids(site)
    posts = site.root / "_posts"
    for a, b in (
        ("2026-01-01-p.md", "../aside"),
        ("2026-01-02-q.md", "2026-01-01-p.md"),
        ("../aside", "2026-01-02-q.md"),
    ):
        (posts / a).rename(posts / b)
        site.clock.forward(minutes=5)
        site.build()
    assert ids(site) == before


@pytest.mark.parametrize(
    "renames",
    [
        ["a aside", "b a", "aside b"],  # two swap names
        ["c d", "b c", "a b"],  # each moves on by one
        ["c aside", "b c", "a b", "aside a"],  # in a circle
        ["c d", "b aside", "a b", "aside a"],
    ],
)
def test_posts_renamed_to_one_another_in_one_run(site: Site, renames: list[str]) -> None:
    """Ids and dates go with the texts, links with the names: readers see nothing new."""
    for name in "abc":
        site.post(f"2026-01-01-{name}", f"Text of {name}.", title=name)
    site.build()
    before = {entry.title: (entry.id, entry.updated) for entry in site.feed("all.atom").entries}
    site.clock.forward(minutes=1)
    where = {name: name for name in "abc"}
    for old, new in map(str.split, renames):
        where[next(name for name in "abc" if where[name] == old)] = new
        (site.root / f"_posts/2026-01-01-{old}.md").rename(
            site.root / f"_posts/2026-01-01-{new}.md"
        )
    site.build()
    entries = site.feed("all.atom").entries
    assert {entry.title: (entry.id, entry.updated) for entry in entries} == before
    assert {entry.title: entry.link.rpartition("com/")[2] for entry in entries} == {
        name: f"{place}/" for name, place in where.items()
    }


def test_an_edited_post_whose_old_text_is_copied(site: Site) -> None:
    """A post that still exists was edited; its old text under another path is a copy."""
    site.post("2026-01-01-a", "The old text.", title="Same")
    site.build()
    (before,) = ids(site).values()
    site.post("2026-01-01-a", "A new text.", title="Edited")
    site.post("2026-01-02-b", "The old text.", title="Same")
    site.build()
    assert ids(site) == {"Edited": before, "Same": "https://news.example.com/b"}


def test_line_endings_are_not_an_update(site: Site) -> None:
    """A checkout may write CRLF instead of LF."""
    path = site.post("2026-01-01-one", "One.\n\nTwo.")
    site.build()
    updated = site.feed("all.atom").entries[0].updated
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    site.clock.forward(days=1)
    site.build()
    assert site.feed("all.atom").entries[0].updated == updated


# ----------------------------------------------------------------------------- files and problems


@pytest.mark.parametrize("image", ["/images/", "/out.png", "../secret.png"])
def test_an_image_that_is_not_a_file_causes_no_work(site: Site, image: str) -> None:
    """A folder, a link out of the site, a path outside: later runs write nothing."""
    site.write("images/a.png", b"1")
    site.write("../secret.png", b"1")
    (site.root / "out.png").symlink_to("../secret.png")
    path = site.post("2026-01-01-one", image=image)
    os.utime(path, (0, 0))  # settled: or a later build would check its bytes again
    with site.service() as service:
        service.build()
        before = site.state.with_name("state.db-wal").stat()
        service.build()
        assert site.state.with_name("state.db-wal").stat() == before


def test_problems_end_with_their_cause(site: Site) -> None:
    """A text that is fixed while it is in no feed; another post with the same id that is gone."""
    site.post("2026-01-01-one", "{% include nothing.html %}")
    site.post("2026-01-02-two", id="tag:example.com,2026:a")
    site.post("2026-01-03-three", id="tag:example.com,2026:a")
    with site.service() as service:
        assert {problem.path for problem in service.build().problems} == {
            "_posts/2026-01-01-one.md",
            "_posts/2026-01-03-three.md",
        }
        site.post("2026-01-01-one", "{% include nothing.html %}", published=False)
        (site.root / "_posts/2026-01-02-two.md").unlink()
        assert service.build().problems == ()
        kept = site.feed("all.atom").entries[0].id
        site.post("2026-01-03-three", "More.", id="tag:example.com,2026:a")
        service.build()
        assert site.feed("all.atom").entries[0].id == kept


@pytest.mark.parametrize("junk", [b"junk", b"\x1f\x8b\x08\x00"])
@pytest.mark.parametrize("suffix", [".gz", ".br"])
def test_a_file_with_a_damaged_sibling_is_served(site: Site, suffix: str, junk: bytes) -> None:
    """Uncompressed, until the next run writes the sibling again."""
    site.post("2026-01-01-one")
    site.build()
    (site.feeds / f"all.rss{suffix}").write_bytes(junk)
    with site.service() as service:

        def bodies() -> dict[str, bytes]:
            with service.database.read() as connection:
                row = feeds.file(connection, "all.rss")
            assert row
            return service.output.bodies(row.path, row.disk)

        assert bodies()["identity"] == (site.feeds / "all.rss").read_bytes()
        service.build()
        assert len(bodies()) == 3
