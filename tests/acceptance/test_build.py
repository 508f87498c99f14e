"""From a folder of posts to feeds on disk and queued pings, run after run."""

import gzip
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import struct_time

import brotli
import pytest
from settled import age
from support import CONFIG, FEEDS, Site, formats

from syndicator.inspection import check_site, collect_status
from syndicator.model.outbox import Subscription
from syndicator.model.progress import Cancel
from syndicator.ops.hub import list_subscribers
from syndicator.store import subscriptions

STORY = "2026-01-15-update-agent-shoots-man-in-the-leg"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


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


def test_an_edit_changes_only_its_own_feeds(site: Site) -> None:
    """Only the feeds of the site and of the post's category are written and pinged."""
    three(site)
    site.build()
    before, _ = site.tree(), site.take_queued_pings()
    site.post("2026-01-01-one", "Edited.", categories=["News"])
    report = site.build()
    assert report.summary() == "3 posts (1 changed); 2 of 3 feeds changed; 6 pings queued"
    assert site.changed_since(before) == site.take_queued_pings() == formats("all", "category/news")


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


def test_a_plain_folder_of_markdown_works(tmp_path: Path) -> None:
    """Without _config.yml and _posts, [site] has the settings."""
    site = Site(tmp_path, site_config=None)
    site.configure(f'[site]\nurl = "https://me.example/"\ntitle = "Me"\n{FEEDS}')
    site.write("notes/2026-01-02-hello.md", "---\ntitle: Hello\n---\nText\n")
    site.build()
    assert site.titles("all") == ["Hello"]
    assert site.feed("all.rss").feed.title == "Me"


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
        assert check_site(service.config).notes == report.notes
        hints = [note.hint for note in report.notes]
        later = "if the name is right, it appears with its first post"
        assert hints == [f"did you mean category/news.atom? {later}", later, later]
        site.post("2026-01-02-two", categories=["dogs"])
        assert service.build().notes == report.notes[:2]
        status = collect_status(service.config, service.database, site.clock())
        assert status.notes == report.notes[:2]


@pytest.mark.parametrize(
    "path",
    ["_posts/2026-01-01-one.md", "_includes/a.html", "_data/a.yml", "_config.yml"],
)
@pytest.mark.parametrize("restarted", [False, True])
def test_an_edit_that_keeps_size_and_mtime_is_published(
    site: Site, path: str, restarted: bool
) -> None:
    """As where all files have one time: in Nix's store, in images with SOURCE_DATE_EPOCH."""
    site.write("_includes/a.html", "teh")
    site.write("_data/a.yml", "a: teh\n")
    site.write("_config.yml", "title: teh\nurl: https://example.com\n")
    site.post("2026-01-01-one", "teh {% include a.html %} {{ site.data.a.a }}")
    for file in site.root.rglob("*"):
        os.utime(file, (1, 1))
    age(site.root)
    service = site.service()
    service.build()
    before = (site.feeds / "all.json").read_text()
    file = site.root / path
    edited = file.with_suffix(".new")
    edited.write_text(file.read_text().replace("teh", "the"))
    os.utime(edited, (1, 1))
    edited.rename(file)
    if restarted:
        service.close()
        service = site.service()
    service.build()
    after = (site.feeds / "all.json").read_text()
    service.close()
    assert (before.count("teh") - after.count("teh"), "the" in after) == (after.count("the"), True)


def test_a_post_of_a_far_year(site: Site) -> None:
    """Its file has a time that no column of a database holds. It is published like any other."""
    path = site.post("2026-01-01-one", title="One")
    site.post("2026-01-02-two", title="Two")
    os.utime(path, (10_413_792_000, 10_413_792_000))  # 2300-01-01
    age(site.root)
    for _ in range(2):
        with site.service() as service:
            service.build()
            assert site.titles("all") == ["Two", "One"]
            assert service.build().changed == 0


def test_conflict_copies_are_left_out(site: Site) -> None:
    """With a note. What a person may have named so is published, with a problem beside its twin."""
    site.post("2026-01-01-one", title="One")
    site.post("2026-01-01-one.sync-conflict-20260101-101010-ABCDEFG", title="One")
    site.post("2026-01-01-one (Ann's conflicted copy 2026-01-01)", title="One")
    site.post("2026-01-01-one (1)", title="One")
    site.post("2026-01-02-part 2", title="Another")
    with site.service() as service:
        report = service.build()
        assert site.titles("all") == ["Another", "One", "One"]
        assert [problem.path for problem in report.problems] == ["_posts/2026-01-01-one (1).md"]
        assert report.problems[0].message == (
            "looks like a copy of _posts/2026-01-01-one.md: it has the same title and date"
        )
        assert len(report.notes) == 2
        status = collect_status(service.config, service.database, site.clock())
        assert (status.problems, status.notes) == (report.problems, report.notes)
        site.post("2026-01-01-one (1)", title="Another title")
        assert service.build().problems == ()


@pytest.mark.parametrize("image", ["/images/", "/out.png", "../secret.png"])
def test_an_image_that_is_not_a_file_causes_no_work(site: Site, image: str) -> None:
    """A folder, a link out of the site, a path outside: later runs write nothing."""
    site.write("images/a.png", b"1")
    site.write("../secret.png", b"1")
    (site.root / "out.png").symlink_to("../secret.png")
    path = site.post("2026-01-01-one", image=image)
    os.utime(path, (0, 0))
    age(path)  # or a later build would check its bytes again
    with site.service() as service:
        service.build()
        before = site.state.with_name("state.db-wal").stat()
        service.build()
        assert site.state.with_name("state.db-wal").stat() == before
