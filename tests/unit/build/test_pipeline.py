"""The order of a run's steps, and which snapshot each end of a run leaves to the next."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builds import NOW, OPTIONS, SITE, a_state
from command import until
from msgspec.structs import replace
from settled import age
from sqlalchemy import text

from syndicator.build.pipeline import FEW_FEEDS, Builder
from syndicator.errors import OutputError, SourceError
from syndicator.model.content import digest_of
from syndicator.model.progress import NEVER, Cancel, Cancelled, Phase, Progress, quiet
from syndicator.model.report import Report
from syndicator.outputs.folder import OutputFolder
from syndicator.store import feeds
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow

HOUR = timedelta(hours=1)
CONFIG = f"{SITE}permalink: /:title/\n"
WORDS = "Some words, so that all is worth compressing. " * 20

#: A text that is rendered after the others. It may have unlimited output.
HEAVY = "{% if page.title %}heavy{% endif %}"


@dataclass(frozen=True, kw_only=True)
class Event:
    """A call of `on_published` with some rows, or of `on_queued`, and how things were then."""

    queued: bool
    rows: dict[str, FileRow]
    on_disk: dict[str, str]  #: digests of the files in `rows`, by path
    stored: dict[str, str]  #: digests of all files in the state, by path
    topics: set[str]  #: of queued pings
    siblings: set[str]  #: files that have a compressed sibling
    titles: list[str]  #: of the feed of the whole site


class Runs:
    """Runs over a site on disk, with one JSON feed for each category, by one process."""

    def __init__(self, root: Path, database: Database) -> None:
        self.root = root / "site"
        self.feeds = root / "feeds"
        self.database = database
        self.options = replace(
            OPTIONS,
            source=self.root,
            output=self.feeds,
            formats=("json",),
            hubs=("https://hub.example/",),
            own_hub=None,
            progress_every=1,
        )
        self.now = NOW
        self._writes = 0
        self.write("_config.yml", CONFIG)
        self.restart()

    def restart(self, **options: Any) -> "Runs":
        """Go on as another process, perhaps with other options. The events begin anew."""
        self.options = replace(self.options, **options)
        self.events: list[Event] = []
        self.builder = self.another()
        return self

    def another(self) -> Builder:
        """The builder of one more process."""
        return Builder(
            self.options,
            self.database,
            OutputFolder(self.feeds, ("gzip",)),
            on_published=lambda rows: self._add_event(rows, queued=False),
            on_queued=lambda: self._add_event((), queued=True),
            on_archived=lambda pages: None,
        )

    def _add_event(self, rows: Sequence[FileRow], *, queued: bool) -> None:
        with self.database.read() as connection:
            stored = {row.path: row.digest for row in feeds.all_files(connection)}
            topics = set(connection.execute(text("SELECT topic FROM jobs")).scalars())
        files = {row.path: self.feeds / row.path for row in rows}
        event = Event(
            queued=queued,
            rows={row.path: row for row in rows},
            on_disk={
                path: digest_of(file.read_bytes()) for path, file in files.items() if file.exists()
            },
            stored=stored,
            topics={topic.removeprefix(OPTIONS.base) for topic in topics},
            siblings={
                str(file.with_suffix("").relative_to(self.feeds))
                for file in self.feeds.rglob("*.gz")
            },
            titles=self.titles(),
        )
        if rows or queued:
            self.events.append(event)

    def run(self, *paths: str, progress: Progress = quiet, cancel: Cancel = NEVER) -> Report:
        """One run. `paths`: the only files that may differ; none: any may."""
        self.events.clear()
        return self.builder.run(self.now, paths=paths or None, progress=progress, cancel=cancel)

    def write(self, path: str, text: str) -> Path:
        """Save a file, long ago: the clock's resolution does not make it unsettled."""
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(text)
        self._writes += 1
        os.utime(full, (self._writes, self._writes))
        return full

    def post(self, name: str, body: str = WORDS, category: str = "", day: int = 1) -> Path:
        """Save a post of January 2026, or of a `day` later. Its title is its name."""
        date = (datetime(2026, 1, 1) + timedelta(days=day - 1)).date()
        head = f"title: {name}\ndate: {date} 12:00:00\ncategories: [{category}]"
        return self.write(f"_posts/2026-01-01-{name}.md", f"---\n{head}\n---\n{body}\n")

    def remove(self, name: str) -> None:
        (self.root / path_of(name)).unlink()

    def titles(self, feed: str = "all") -> list[str]:
        """The titles in a feed, sorted; none if it is missing."""
        try:
            items = json.loads((self.feeds / f"{feed}.json").read_text())["items"]
        except FileNotFoundError:
            return []
        return sorted(item["title"] for item in items)


def path_of(name: str) -> str:
    return f"_posts/2026-01-01-{name}.md"


def stop_in(phase: Phase, error: type[BaseException] = EOFError) -> Progress:
    """A progress callback that ends the run in this phase."""

    def progress(_done: int, _total: int | None, now: Phase) -> None:
        if now is phase:
            raise error

    return progress


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    with a_state(tmp_path) as database:
        yield Runs(tmp_path, database)


# ------------------------------------------------------------------ the order of the steps


def test_the_phases_of_a_run(runs: Runs) -> None:
    """Scanned, read, then built: each feed once."""
    runs.post("one", category="News")
    runs.post("two")
    calls: list[tuple[int, int | None, Phase]] = []
    runs.run(progress=lambda *call: calls.append(call))
    assert calls == [
        (1, None, Phase.SCANNING),
        (2, None, Phase.SCANNING),
        (2, 2, Phase.READING),
        (1, 2, Phase.BUILDING),
        (2, 2, Phase.BUILDING),
    ]


def test_files_before_rows_before_the_notification(runs: Runs) -> None:
    """A hub that is pinged finds the file; and no change that is stored is left without jobs.

    Between the two, the files are shown: the web server of this process has them before any ping.
    """
    runs.post("one", category="News")
    runs.run()
    shown, queued, *_ = runs.events
    assert list(shown.rows) == ["all.json", "all.html"]
    assert shown.on_disk == {path: row.digest for path, row in shown.rows.items()}
    assert (shown.stored, shown.topics) == ({}, set())
    assert queued.queued
    assert queued.stored == shown.on_disk
    assert queued.topics == {"all.json"}
    shown, queued = runs.events[2:4]
    assert list(shown.rows) == ["category/news.json", "category/news.html"]
    assert "category/news.json" not in shown.stored
    assert queued.topics == {"all.json", "category/news.json"}


def test_pages_and_siblings_come_last(runs: Runs) -> None:
    """Hubs are notified of a few feeds before anything is compressed; pages have no hubs.

    Meanwhile a feed has no siblings: those of the older bytes are gone.
    """
    for number in range(1, FEW_FEEDS):
        runs.post(f"post-{number}", category=f"Category {number}")
    for changed in (FEW_FEEDS, 1):
        runs.run()
        *built, pages, compressed = runs.events
        assert [event.queued for event in built] == [False, True] * changed
        assert list(pages.rows) == ["index.html", "feeds.opml"]
        for event in (*built, pages):
            assert not event.siblings & {"all.json", "all.html"}
        assert compressed.siblings >= {*compressed.rows} >= {"all.json", "all.html"}
        assert all(row.disk.keys() == {"", ".gz"} for row in compressed.rows.values())
        assert not runs.run().has_changes  # nothing is missed: the rows with siblings are stored
        runs.post("another")


def test_many_feeds_are_compressed_while_others_are_built(runs: Runs) -> None:
    """The first has its siblings before the run ends."""
    for number in range(FEW_FEEDS):
        runs.post(f"post-{number}", category=f"Category {number}")

    def wait(done: int, total: int | None, phase: Phase) -> None:
        if phase is Phase.BUILDING and done == total:
            until(lambda: (runs.feeds / "all.json.gz").exists())

    runs.run(progress=wait)
    assert len(list(runs.feeds.rglob("category-*.json.gz"))) == FEW_FEEDS


def test_a_run_that_finds_nothing_ends_after_the_scan(runs: Runs) -> None:
    """Its report has the numbers of the run before, but no changes."""
    runs.post("one")
    age(runs.root)
    first = runs.run()
    assert (first.new, first.feeds, first.pings) == (1, 1, 1)
    runs.now += HOUR
    phases: set[Phase] = set()
    report = runs.run(progress=lambda done, total, phase: phases.add(phase))
    assert (runs.events, phases) == ([], {Phase.SCANNING})
    assert (report.started, report.posts, report.feeds) == (runs.now, 1, 1)
    assert not report.has_changes


def test_the_first_run_of_a_process_compresses_what_a_crash_left(runs: Runs) -> None:
    """It goes through all steps although nothing changed. No hub is notified again."""
    runs.post("one")
    with pytest.raises(KeyboardInterrupt):
        runs.run(progress=stop_in(Phase.BUILDING, KeyboardInterrupt))
    assert runs.titles() == ["one"]
    assert not list(runs.feeds.rglob("*.gz"))
    report = runs.restart().run()
    assert (report.feeds_changed, report.pings) == (0, 0)
    assert not any(event.queued for event in runs.events)
    assert runs.events[-1].siblings >= {"all.json", "all.html", "index.html"}
    (runs.feeds / "all.json.gz").unlink()
    with runs.database.begin() as connection:
        row = feeds.file(connection, "all.json")
        assert row
        feeds.put_files(connection, [replace(row, disk={"": row.disk[""]})])
    assert runs.restart().run().files_written == 0
    assert [*runs.events[-1].rows] == ["all.json"]


def test_temporary_files_of_a_killed_process_are_removed(runs: Runs) -> None:
    """By the first run, and by one after a failed run. Others may be this process's own."""
    runs.post("one")
    runs.feeds.mkdir()
    leftover = runs.feeds / ".syndicator-1-0a"
    for failed, expected in ((False, False), (False, True), (True, False)):
        if failed:
            runs.post("two")
            with pytest.raises(EOFError):
                runs.run(progress=stop_in(Phase.READING))
        leftover.touch()
        runs.run()
        assert leftover.exists() is expected


def test_feeds_of_dropped_kinds_are_removed(runs: Runs) -> None:
    """When the process with the new config starts. They come back with the setting."""
    runs.post("one", category="News")
    runs.run()
    runs.restart(kinds=()).run()
    assert not (runs.feeds / "category/news.json").exists()
    runs.restart(kinds=("category",)).run()
    assert runs.titles("category/news") == ["one"]


# ------------------------------------------------------------------ which snapshot a run leaves


@pytest.mark.parametrize(
    ("phase", "by_path"),
    [
        (Phase.SCANNING, False),  # few paths are scanned without a progress call
        (Phase.READING, False),
        (Phase.READING, True),
        (Phase.BUILDING, False),
        (Phase.BUILDING, True),
    ],
)
def test_the_run_after_a_failed_one_finds_its_changes(
    runs: Runs, phase: Phase, by_path: bool
) -> None:
    """Wherever that one failed: new, changed and removed posts."""
    for name in ("changed", "removed", "same"):
        runs.post(name)
    runs.run()
    runs.post("new")
    runs.post("changed", "Edited.")
    runs.remove("removed")
    paths = [path_of(name) for name in ("new", "changed", "removed")] if by_path else []
    with pytest.raises(EOFError):
        runs.run(*paths, progress=stop_in(phase))
    runs.run(*paths)
    assert runs.titles() == ["changed", "new", "same"]
    assert "Edited." in (runs.feeds / "all.json").read_text()


def test_a_feed_that_cannot_be_written(runs: Runs) -> None:
    """The other feeds are published, then the first error is raised. The next run tries again."""
    runs.post("one", category="News")
    runs.run()
    runs.feeds.joinpath("tag").write_text("mine")
    runs.restart(kinds=("category", "tag", "author"))
    runs.feeds.joinpath("author").write_text("mine")
    runs.write(
        path_of("two"),
        "---\ntitle: two\ndate: 2026-01-02\nauthor: ann\ncategories: [News]\ntags: [x]\n---\n",
    )
    for _ in range(2):
        with pytest.raises(OutputError, match="feeds/author is not a folder") as caught:
            runs.run()
        assert caught.value.hint == "move it away, or set another folder in [output] path"
        assert runs.titles() == runs.titles("category/news") == ["one", "two"]
    for name in ("tag", "author"):
        (runs.feeds / name).unlink()
    assert runs.run().feeds_changed == 2
    assert runs.titles("tag/x") == runs.titles("author/ann") == ["two"]


def test_what_was_undone_after_a_failed_run(runs: Runs) -> None:
    """A post is added while a feed can't be written, and removed again."""
    runs.post("one")
    runs.run()
    (runs.feeds / "category").write_text("mine")
    runs.post("two", category="News")
    with pytest.raises(OutputError):
        runs.run()
    runs.remove("two")
    (runs.feeds / "category").unlink()
    runs.run()
    assert runs.titles() == ["one"]


def test_a_missing_source_leaves_all_as_it_is(runs: Runs) -> None:
    """The feeds and the snapshot stay. Once the source is back, a run ends after its scan."""
    runs.post("one")
    age(runs.root)
    runs.run()
    for missing, error in (("site/_posts", "no posts where it had 1"), ("site", "not a readable")):
        path = runs.root.parent / missing
        path.rename(runs.root.parent / "away")
        for _ in range(2):
            with pytest.raises(SourceError, match=error):
                runs.run()
        (runs.root.parent / "away").rename(path)
        assert runs.titles() == ["one"]
    assert not runs.run().has_changes
    assert runs.events == []  # not even pages


@pytest.mark.parametrize("phase", [Phase.SCANNING, Phase.READING, Phase.BUILDING])
def test_a_cancelled_run(runs: Runs, phase: Phase) -> None:
    """It ends between two steps. What it has published stays; the next run does the rest."""
    runs.post("one")
    runs.run()
    runs.post("two", category="News")
    cancelled: list[Phase] = []
    with pytest.raises(Cancelled):
        runs.run(
            progress=lambda done, total, now: cancelled.append(now),
            cancel=Cancel(run=lambda: cancelled[-1:] == [phase]),
        )
    assert cancelled[-1] is phase
    assert runs.titles() == (["one", "two"] if phase is Phase.BUILDING else ["one"])
    assert not (runs.feeds / "category").exists()
    runs.run()
    assert runs.titles() == ["one", "two"]
    assert runs.titles("category/news") == ["two"]


def test_only_a_scan_is_cancelled(runs: Runs) -> None:
    """For a saved post, whose own run needs no scan of the others."""
    runs.post("one")
    runs.run()
    runs.post("two")
    cancel = Cancel(scan=lambda: True)
    with pytest.raises(Cancelled):
        runs.run(cancel=cancel)
    assert runs.titles() == ["one"]
    runs.run(path_of("two"), cancel=cancel)
    assert runs.titles() == ["one", "two"]


def test_a_run_of_another_process(runs: Runs) -> None:
    """What it published is shown first; the run continues from the state that it left."""
    runs.post("one")
    runs.run()
    runs.post("two")
    runs.another().run(NOW, progress=quiet)
    runs.post("three")
    runs.remove("one")
    report = runs.run(path_of("three"))
    others, *own = runs.events
    assert (others.titles, own[0].titles) == (["one", "two"], ["three", "two"])
    assert others.rows.keys() == {"all.json", "all.html", "index.html", "feeds.opml"}
    assert (report.new, report.gone, report.posts) == (1, 1, 2)


@pytest.mark.parametrize("path", [None, "_config.yml", path_of("one")])
def test_a_changed_site(runs: Runs, path: str | None) -> None:
    """Every post is read again, also by a run of some paths, and after a scan that failed."""
    runs.post("one")
    runs.post("two")
    runs.run()
    runs.write("_config.yml", f"{SITE}permalink: /new/:title/\n")
    paths = [path] if path else []
    with pytest.raises(EOFError):
        runs.run(*paths, progress=stop_in(Phase.SCANNING))
    report = runs.run(*paths)
    assert (report.changed, report.feeds_changed) == (2, 1)
    items = json.loads((runs.feeds / "all.json").read_text())["items"]
    assert {item["url"] for item in items} == {
        "https://news.example.com/new/one/",
        "https://news.example.com/new/two/",
    }


# ------------------------------------------------------------------ what the next run compares


def test_a_post_that_vanishes_while_it_is_read(runs: Runs) -> None:
    """It is scanned again: its file may come back as the scan saw it."""
    runs.post("one")
    runs.run()
    file = runs.post("two")

    def hide(_done: int, _total: int | None, phase: Phase) -> None:
        if phase is Phase.SCANNING and file.exists():
            file.rename(runs.root / "away")

    runs.run(path_of("two"), progress=hide)
    runs.run(progress=hide)
    (runs.root / "away").rename(file)
    runs.run()
    assert runs.titles() == ["one", "two"]


def test_a_run_of_some_paths_looks_at_no_others(runs: Runs) -> None:
    """Neither at posts, nor at the site's files, nor at published files: polls do."""
    runs.post("one", category="News")
    runs.post("part", "{% include part.html %}")
    runs.write("_includes/part.html", "Old.")
    runs.run()
    runs.post("two")
    runs.write("_includes/part.html", "New.")
    damaged = runs.feeds / "category/news.json"
    damaged.write_text("oops")
    for path in ("new.txt", path_of("missing")):
        assert not runs.run(path).has_changes
    assert runs.run("_includes/part.html").feeds_changed == 1
    assert (runs.titles(), damaged.read_text()) == (["one", "part"], "oops")
    assert runs.run().repaired == 1
    assert runs.titles() == ["one", "part", "two"]


def test_a_first_run_of_some_paths_looks_at_everything(runs: Runs) -> None:
    """Files of the site and published ones too."""
    runs.post("one", category="News")
    runs.run()
    runs.post("two")
    (runs.feeds / "category/news.json").unlink()
    report = runs.restart().run(path_of("one"))
    assert (report.new, report.repaired) == (1, 1)


def test_a_file_of_any_run_is_repaired(runs: Runs) -> None:
    """The snapshot has the files that the last run published, and older ones."""
    runs.post("one", category="News")
    runs.run()
    runs.post("two", category="Sports")
    runs.run(path_of("two"))
    for name in ("category/news", "category/sports"):
        (runs.feeds / f"{name}.json").write_text("oops")
    assert runs.run().repaired == 2
    assert runs.titles("category/sports") == ["two"]


def test_a_post_is_published_at_its_date(runs: Runs) -> None:
    """Withdrawn if the clock is set back, and published again. Lists of posts follow."""
    runs.post("list", "{% for post in site.posts %}[{{ post.title }}]{% endfor %}")
    runs.post("future", day=61)  # 2 March
    assert runs.run().next_due == NOW + 24 * HOUR
    for hours, shown in ((23, False), (24, True), (48, True), (0, False), (24, True)):
        runs.now = NOW + hours * HOUR
        report = runs.run()
        assert runs.titles() == (["future", "list"] if shown else ["list"])
        assert ("[future]" in (runs.feeds / "all.json").read_text()) is shown
        assert report.next_due == (None if shown else NOW + 24 * HOUR)


def test_a_post_that_was_due_while_nothing_ran(runs: Runs) -> None:
    """The state has the time of the last build."""
    runs.post("future", category="News", day=61)
    runs.run()
    assert not (runs.feeds / "category").exists()
    runs.now += 24 * HOUR
    runs.restart().run()
    assert runs.titles() == runs.titles("category/news") == ["future"]


def test_a_site_may_show_future_posts(runs: Runs) -> None:
    """By its own setting."""
    runs.write("_config.yml", f"{CONFIG}future: true\n")
    runs.post("future", day=61)
    runs.run()
    assert runs.titles() == ["future"]


def test_a_list_of_posts_follows_each_change(runs: Runs) -> None:
    """From the run on that first rendered it."""
    runs.post("one")
    runs.run()
    runs.post("list", "{% for post in site.posts %}[{{ post.title }}]{% endfor %}")
    runs.run()
    runs.post("two")
    runs.run(path_of("two"))
    assert "[two]" in (runs.feeds / "all.json").read_text()


def test_a_source_that_links_to_another_folder_now(runs: Runs) -> None:
    """Its files are read there, even if the config is the same: a deploy replaces the link."""
    first, second = runs.root.with_name("first"), runs.root.with_name("second")
    runs.root.rename(first)
    runs.root.symlink_to(first)
    runs.write("_includes/a.html", "old")
    runs.post("one", "{% include a.html %}")
    runs.run()
    shutil.copytree(first, second)
    runs.root.unlink()
    runs.root.symlink_to(second)
    shutil.rmtree(first)
    runs.write("_includes/a.html", "edited")
    assert runs.run().problems == ()
    assert "<p>edited</p>" in (runs.feeds / "all.json").read_text()


# ------------------------------------------------------------------ heavy posts


def shown_titles(runs: Runs) -> list[list[str]]:
    """What the feed of the whole site had at each time it was published."""
    return [event.titles for event in runs.events if event.queued]


def test_heavy_posts_come_after_the_others(runs: Runs) -> None:
    """But not on a first run: nobody waits for it then."""
    runs.post("heavy", HEAVY)
    runs.post("light")
    runs.run()
    assert shown_titles(runs) == [["heavy", "light"]]
    runs.post("heavy-2", HEAVY)
    runs.post("light-2")
    runs.run()
    assert shown_titles(runs) == [
        ["heavy", "light", "light-2"],
        ["heavy", "heavy-2", "light", "light-2"],
    ]


def test_the_only_changed_post_is_rendered_at_once(runs: Runs) -> None:
    """Even if it is heavy: nobody waits behind it."""
    runs.post("light")
    runs.run()
    runs.post("heavy", HEAVY)
    runs.run(cancel=Cancel(heavy_posts=lambda: True))
    assert shown_titles(runs) == [["heavy", "light"]]


def test_heavy_posts_are_put_off(runs: Runs) -> None:
    """All but one, to the next run, even if nothing changes until then; a new one waits too."""
    runs.post("light")
    runs.run()
    for number in range(3):
        runs.post(f"heavy-{number}", HEAVY)
    busy = Cancel(heavy_posts=lambda: True)
    assert runs.run(cancel=busy).put_off == (path_of("heavy-1"), path_of("heavy-2"))
    assert runs.titles() == ["heavy-0", "light"]
    assert runs.run(cancel=busy).put_off == (path_of("heavy-2"),)
    assert runs.titles() == ["heavy-0", "heavy-1", "light"]
    runs.post("heavy-3", HEAVY)
    assert runs.run(path_of("heavy-3"), cancel=busy).put_off == (path_of("heavy-3"),)
    assert runs.run().put_off == ()
    assert runs.titles() == ["heavy-0", "heavy-1", "heavy-2", "heavy-3", "light"]
    assert runs.run().put_off == ()
    assert runs.events == []


# ------------------------------------------------------------------------------- swapped links


def releases(runs: Runs) -> Path:
    """Make the source a link to the first of two releases, each with posts of its own text."""
    for release in ("1", "2"):
        for number in range(4):
            runs.post(f"{number}", body=f"Of release {release}.")
        runs.post(f"only-{release}")
        shutil.copytree(runs.root, runs.root.parent / release)
        (runs.root / f"_posts/2026-01-01-only-{release}.md").unlink()
    shutil.rmtree(runs.root)
    runs.root.symlink_to("1")
    return runs.root


def swap(link: Path) -> None:
    """Let the link lead to the second release."""
    new = link.with_name("new")
    new.symlink_to("2")
    new.replace(link)


def texts(runs: Runs) -> tuple[set[str], list[str]]:
    """The texts that the feed has, and its titles."""
    items = json.loads((runs.feeds / "all.json").read_text())["items"]
    return {word for item in items for word in re.findall("release .", str(item))}, runs.titles()


RELEASES = {n: ({f"release {n}"}, ["0", "1", "2", "3", f"only-{n}"]) for n in "12"}


@pytest.mark.parametrize("removed", [False, True])
@pytest.mark.parametrize("phase", [Phase.SCANNING, Phase.READING, Phase.BUILDING])
def test_a_run_does_not_mix_two_releases(runs: Runs, phase: Phase, removed: bool) -> None:
    """A link that is swapped during the scan begins the run again. Later it finishes the old one.

    If that is removed meanwhile, what it had of the old one stays until the next run.
    """
    link = releases(runs)
    swapped = False

    def progress(done: int, total: int | None, at: Phase) -> None:
        nonlocal swapped
        if at is phase and not swapped:
            swapped = True
            swap(link)
            if removed:
                shutil.rmtree(link.parent / "1")

    runs.run(progress=progress)
    assert swapped
    if phase is Phase.SCANNING:
        assert texts(runs) == RELEASES["2"]
    elif not removed:
        assert texts(runs) == RELEASES["1"]
    runs.run()
    assert texts(runs) == RELEASES["2"]


def test_a_swapped_link_makes_every_document_differ(runs: Runs) -> None:
    """A watcher may still report single files of the old release."""
    link = releases(runs)
    runs.run()
    swap(link)
    runs.run("_posts/2026-01-01-2.md")
    assert texts(runs) == RELEASES["2"]


def test_a_link_that_is_swapped_again_and_again(runs: Runs) -> None:
    """Is an error, and what is published stays."""
    link = releases(runs)
    shutil.copytree(link.parent / "2", link.parent / "3")
    runs.run()

    def progress(done: int, total: int | None, at: Phase) -> None:
        if (done, at) == (1, Phase.SCANNING):
            target = {"1": "2", "2": "3", "3": "1"}[os.readlink(link)]
            link.unlink()
            link.symlink_to(target)

    with pytest.raises(SourceError, match="leads to one folder after the other"):
        runs.run(progress=progress)
    assert texts(runs) == RELEASES["1"]
