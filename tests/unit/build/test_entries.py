"""The entries of posts are loaded from the state, or rendered once."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from indexed import SETTLED, IndexedFolder, options
from msgspec.structs import replace
from values import NOW, entry, feed_row, post_row

from syndicator.build.entries import (
    EntryLoader,
    LoadedEntries,
    is_current,
    loaded,
    prune,
)
from syndicator.build.options import BuildOptions
from syndicator.build.post_tools import Turn, turn_of
from syndicator.cache import LruCache
from syndicator.jekyll.posts import read_post
from syndicator.jekyll.sanitize import Policy
from syndicator.model.content import Document, Entry
from syndicator.store import entries, feeds
from syndicator.store.entries import EntryRow
from syndicator.store.post_rows import PostRow

HEAVY = "{% for post in site.posts %}[{{ post.title }}]{% endfor %}"


def entry_row(path: str = "a.md", made: Entry | None = None, **fields: object) -> EntryRow:
    values: dict[str, object] = {"key": "k", "uses_posts": False, "needs": {}}
    return EntryRow(path=path, entry=made, **(values | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "made", "expected"),
    [
        (post_row(), entry_row(), True),
        (post_row(), entry_row(made=entry()), True),
        (post_row(), entry_row(key="other"), False),
        (post_row(), entry_row(key=""), False),
        (post_row(), None, False),
        (post_row(digest="bad"), entry_row(key="other"), True),
        (post_row(digest="bad"), None, True),
        (post_row(digest=""), entry_row(key="other"), False),
        (post_row(digest=""), entry_row(), True),
        (post_row(digest=""), None, False),
    ],
)
def test_which_entries_are_used_as_they_are(
    row: PostRow, made: EntryRow | None, expected: bool
) -> None:
    """Those with the same key, also of posts without an entry because they can't be rendered.

    A post that can't be read keeps its entry, or is left out. One marked unread can be read.
    """
    assert is_current(row, made, "k") == expected


@pytest.mark.parametrize(
    ("body", "allowed", "turn"),
    [
        (None, None, Turn.MISMATCHED),
        (None, {"a.md"}, Turn.MISMATCHED),
        ("Text.", None, Turn.RENDER),
        ("Text.", set(), Turn.RENDER),
        (HEAVY, None, Turn.RENDER),
        (HEAVY, {"a.md"}, Turn.RENDER),
        (HEAVY, {"b.md"}, Turn.WAIT),
        (HEAVY, set(), Turn.WAIT),
    ],
)
def test_when_a_post_is_rendered(
    folder: IndexedFolder, body: str | None, allowed: Collection[str] | None, turn: Turn
) -> None:
    """At once, unless it is heavy and its turn has not come, or its file has changed."""
    post = None
    if body is not None:
        document = folder.source.read(folder.write("a", body))
        assert isinstance(document, Document)
        post = read_post(document, folder.site).post
        assert post
    assert turn_of(post, "a.md", allowed) is turn


def test_a_feed_shows_the_posts_that_have_entries() -> None:
    """In their order, with a key that differs if the entry may differ."""
    one, other = entry_row("a.md", entry("a")), entry_row("b.md", entry("b"))
    broken = entry_row("c.md")
    shown = loaded([one, None, broken, other], {}, set())
    assert shown == LoadedEntries(
        paths=("a.md", "b.md"),
        entries=(entry("a"), entry("b")),
        keys=shown.keys,
        incomplete=False,
        rendered=False,
        mismatched=(),
    )
    assert len(shown.keys) == 2


@pytest.mark.parametrize(
    ("row", "same"),
    [
        (entry_row(made=entry()), True),
        (entry_row(made=entry(title="other")), True),
        (entry_row(made=entry(), key="other"), False),
        (entry_row(made=entry(), needs={"a.png": (1, 1)}), False),
        (entry_row(made=entry(), uses_posts=True), False),
    ],
)
def test_the_key_of_an_entry(row: EntryRow, same: bool) -> None:
    """It depends on the row's key and on the files that were used; of others, not on the text."""
    keys = loaded([entry_row(made=entry())], {}, set()).keys
    assert (loaded([row], {}, set()).keys == keys) == same


def test_the_key_of_an_entry_that_shows_posts() -> None:
    """It depends on the entry itself. The order of the files does not count."""
    rows = [entry_row(made=entry(title=title), uses_posts=True) for title in ("a", "b")]
    assert loaded(rows[:1], {}, set()).keys != loaded(rows[1:], {}, set()).keys
    needs = [{"a": (1, 1), "b": (2, 2)}, {"b": (2, 2), "a": (1, 1)}]
    keys = {loaded([entry_row(made=entry(), needs=each)], {}, set()).keys for each in needs}
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("turns", "rendered", "expected"),
    [
        ({}, (), (False, False, ())),
        ({"a.md": Turn.RENDER}, ("a.md",), (False, True, ())),
        ({}, ("a.md",), (False, True, ())),
        ({"b.md": Turn.RENDER}, ("b.md",), (False, False, ())),
        ({"a.md": Turn.WAIT}, (), (True, False, ())),
        ({"b.md": Turn.WAIT, "a.md": Turn.RENDER}, ("a.md",), (True, True, ())),
        ({"b.md": Turn.MISMATCHED}, (), (False, False, ("b.md",))),
        ({"a.md": Turn.MISMATCHED, "b.md": Turn.MISMATCHED}, (), (False, False, ("a.md", "b.md"))),
    ],
)
def test_what_else_a_feed_knows_of_its_entries(
    turns: dict[str, Turn], rendered: tuple[str, ...], expected: tuple[bool, bool, tuple[str, ...]]
) -> None:
    """Whether one is missing, whether one that it shows was rendered, and mismatched posts."""
    shown = loaded([entry_row("a.md", entry()), entry_row("b.md")], turns, rendered)
    assert (shown.incomplete, shown.rendered, shown.mismatched) == expected


# ------------------------------------------------------------------------------ with files and rows


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[IndexedFolder]:
    made = IndexedFolder(tmp_path)
    yield made
    made.database.close()


Load = Callable[..., LoadedEntries]


def loader_of(folder: IndexedFolder, settings: BuildOptions | None = None) -> EntryLoader:
    """A loader of a new process."""
    return EntryLoader(
        folder.database, folder.source, folder.site, settings or options(folder), LruCache(99_999)
    )


def load(
    folder: IndexedFolder, *paths: str, loader: EntryLoader | None = None, at: datetime = NOW
) -> LoadedEntries:
    return (loader or loader_of(folder)).load(folder.rows(*paths), at)


def contents(shown: LoadedEntries) -> list[str]:
    return [one.content for one in shown.entries]


def test_a_post_is_rendered_once(folder: IndexedFolder) -> None:
    """Its entry is stored, with its problems and the files that it used."""
    path = folder.write("a", "{{ 1 | nothing }}Text.", image="a.png")
    folder.index(path)
    shown = load(folder, path)
    assert contents(shown) == ["<p>1Text.</p>"]
    assert (shown.paths, shown.rendered) == ((path,), True)
    with folder.database.read() as connection:
        assert entries.all_needs(connection) == {path: {"a.png": None}}
    assert folder.problems("render") == {path}
    again = load(folder, path)
    assert again == replace(shown, rendered=False)


def test_an_entry_has_the_lasting_id_and_date_of_its_post(folder: IndexedFolder) -> None:
    """As the index has them, not as its file does."""
    path = folder.write("a", id="first")
    folder.index(path)
    folder.write("a", "Edited.", time=SETTLED + 1)
    folder.index(path)
    (shown,) = load(folder, path).entries
    assert (shown.id, shown.updated) == ("first", NOW)


@pytest.mark.parametrize("change", ["text", "head", "config", "version", "policy"])
def test_what_an_entry_is_rendered_from(folder: IndexedFolder, change: str) -> None:
    """The bytes of its file, its indexed head, the site, the version and the policy."""
    path = folder.write("a")
    folder.index(path)
    before = load(folder, path)
    rows, settings = folder.rows(path), options(folder)
    if change == "text":
        folder.write("a", "Another text.")
        folder.index(path)
        rows = folder.rows(path)
    elif change == "head":
        head = rows[0].head
        assert head
        rows = [rows[0]._replace(head=head._replace(id="x"))]
    elif change == "config":
        (folder.root / "_config.yml").write_text("title: Other\nurl: https://x\n")
    elif change == "version":
        settings = replace(settings, version="2")
    else:
        settings = replace(settings, policy=Policy(frame_hosts=frozenset({"a.example"})))
    shown = loader_of(folder, settings).load(rows, NOW)
    assert shown.rendered
    assert shown.keys != before.keys


def test_a_mismatched_post_keeps_its_entry(folder: IndexedFolder) -> None:
    """Its file changed or went after it was indexed. Without an entry it is left out."""
    paths = [folder.write(name) for name in "abc"]
    folder.index(*paths)
    before = load(folder, paths[0])
    settings = replace(options(folder), version="2")
    folder.write("a", "Edit.")
    folder.write("b", "Edit.")
    folder.remove("c")
    shown = loader_of(folder, settings).load(folder.rows(*paths), NOW)
    assert (shown.entries, shown.mismatched) == (before.entries, tuple(paths))
    assert not shown.rendered
    (folder.root / paths[2]).symlink_to("/etc/passwd")
    assert load(folder, paths[2]).mismatched == (paths[2],)


def test_a_post_that_can_not_be_read_keeps_its_entry(folder: IndexedFolder) -> None:
    """Nothing is read or rendered, so that it is not mismatched either."""
    path = folder.write("a")
    folder.index(path)
    before = load(folder, path)
    folder.write("a", date="never", time=SETTLED + 1)
    folder.index(path)
    assert load(folder, path) == replace(before, rendered=False)
    new = folder.write("b", date="never")
    folder.index(new)
    assert load(folder, new) == LoadedEntries((), (), (), False, False, ())


def test_a_post_that_crashes_a_library_is_left_out(
    folder: IndexedFolder, caplog: pytest.LogCaptureFixture
) -> None:
    """With a Problem; the others are rendered. It is not tried again while it is the same."""
    paths = [folder.write(name) for name in "ab"]
    folder.index(*paths)
    bad, good = folder.rows(*paths)
    assert bad.head
    bad = bad._replace(head=bad.head._replace(url=3))  # type: ignore[arg-type]
    shown = loader_of(folder).load([bad, good], NOW)
    assert shown.paths == (paths[1],)
    assert folder.problems("render") == {paths[0]}
    assert "can't be rendered" in caplog.text
    caplog.clear()
    loader_of(folder).load([bad], NOW)
    assert not caplog.records


def test_a_render_problem_ends_when_its_post_is_rendered_without_it(folder: IndexedFolder) -> None:
    """Although its file is the same: what it depends on has changed."""
    path = folder.write("a")
    folder.index(path)
    (row,) = folder.rows(path)
    assert row.head
    bad = row._replace(head=row.head._replace(url=3))  # type: ignore[arg-type]
    loader_of(folder).load([bad], NOW)
    assert folder.problems("render") == {path}
    assert loader_of(folder).load([row], NOW).paths == (path,)
    assert folder.problems("render") == set()


def test_heavy_posts_wait_for_their_turn(folder: IndexedFolder) -> None:
    """They are rendered one by one, the smallest first; of one size, the first path first."""
    large = folder.write("a", HEAVY + " and more")
    small, other = folder.write("b", HEAVY), folder.write("c", HEAVY)
    light = folder.write("d")
    paths = (large, small, other, light)
    folder.index(*paths)
    loader = loader_of(folder)
    loader.begin(NOW, light_first=True)
    shown = load(folder, *paths, loader=loader)
    assert (shown.paths, shown.incomplete, shown.rendered) == ((light,), True, True)
    assert loader.waiting == [large, small, other]
    left = []
    while loader.waiting:
        loader.render_next(NOW)
        left.append(loader.waiting)
    assert left == [[large, other], [large], []]
    shown = load(folder, *paths, loader=loader)
    assert (shown.paths, shown.incomplete, shown.rendered) == (paths, False, True)


def test_a_heavy_post_whose_turn_came_is_rendered_again(folder: IndexedFolder) -> None:
    """If it became stale in the same run. A new run forgets whose turn had come."""
    path = folder.write("a", HEAVY)
    folder.index(path)
    loader = loader_of(folder)
    loader.begin(NOW, light_first=True)
    load(folder, path, loader=loader)
    loader.render_next(NOW)

    def make_stale() -> None:
        with folder.database.begin() as connection:
            entries.mark_stale(connection, [path])

    make_stale()
    assert not load(folder, path, loader=loader).incomplete
    make_stale()
    loader.begin(NOW, light_first=True)
    stale = load(folder, path, loader=loader)
    assert (stale.paths, stale.incomplete, stale.rendered) == ((path,), True, False)
    loader.begin(NOW, light_first=True)
    assert loader.waiting == []


def test_heavy_posts_that_do_not_wait(folder: IndexedFolder) -> None:
    """On a first run none does, and later the one that is rendered at once."""
    one, other = folder.write("a", HEAVY), folder.write("b", HEAVY)
    folder.index(one, other)
    loader = loader_of(folder)
    loader.begin(NOW, light_first=True, at_once=other)
    assert load(folder, one, other, loader=loader).paths == (other,)
    loader.begin(NOW, light_first=False, at_once=None)
    assert load(folder, one, other, loader=loader).paths == (one, other)
    third = folder.write("c", HEAVY)
    folder.index(third)
    loader = loader_of(folder)
    loader.begin(NOW, light_first=False)
    shown = load(folder, third, loader=loader)
    assert (shown.paths, loader.waiting) == ((third,), [])


def test_a_list_of_posts_ends_at_the_given_time(folder: IndexedFolder) -> None:
    """Later posts are future ones. The entry is known to show other posts."""
    shows = folder.write("a", HEAVY)
    later = folder.write("b", date="2026-06-01")
    folder.index(shows, later)
    assert contents(load(folder, shows)) == ["<p>[a]</p>"]
    with folder.database.begin() as connection:
        entries.mark_stale(connection, [shows])
        assert entries.using_posts(connection) == {shows}
    june = datetime.fromisoformat("2026-06-01T00:00:00Z")
    assert contents(load(folder, shows, at=june)) == ["<p>[b][a]</p>"]


def test_entries_that_are_in_no_feed_are_deleted(folder: IndexedFolder) -> None:
    """A post that left all feeds is rendered again if it comes back."""
    with folder.database.begin() as connection:
        entries.put(connection, [entry_row("a.md"), entry_row("b.md")])
        feeds.put(connection, [feed_row("all", post_paths=("a.md", "c.md"))])
        prune(connection)
        assert entries.paths(connection) == {"a.md"}
