"""Worker processes render posts as the run itself does, once there are enough of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from indexed import IndexedFolder, options
from msgspec.structs import replace
from values import NOW

from syndicator.build import post_workers
from syndicator.build.entries import EntryLoader, LoadedEntries
from syndicator.build.post_workers import (
    READ_FROM,
    READ_FROM_IF_STARTED,
    RENDER_FROM,
    PostWorkers,
)
from syndicator.build.processes import start_early, started_early
from syndicator.cache import LruCache

#: A post of each kind: with another post, with one that is missing, with a file, with the day.
TEXTS = {
    "plain": "*Text.*",
    "shows": "{% for post in site.posts %}[{{ post.title }}]{% endfor %}",
    "refers": "[Other]({% post_url 2026-01-01-plain %}) {% post_url none %}",
    "file": "{% include note.html %}![](/a.png)",
    "day": "{{ 'now' | date: '%Y' }}",
    "long": "word " * 20_000,
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[IndexedFolder]:
    made = IndexedFolder(tmp_path)
    (made.root / "_includes").mkdir()
    (made.root / "_includes/note.html").write_text("Note.")
    (made.root / "a.png").write_bytes(b"1234")
    made.index(*(made.write(name, text) for name, text in TEXTS.items()))
    yield made
    made.database.close()


def paths() -> list[str]:
    return [f"_posts/2026-01-01-{name}.md" for name in TEXTS]


def loader_of(folder: IndexedFolder) -> EntryLoader:
    return EntryLoader(
        folder.database, folder.source, folder.site, options(folder), LruCache(99_999)
    )


def load_ahead(
    folder: IndexedFolder, *, light_first: bool = False, state: str | None = None
) -> tuple[LoadedEntries, int]:
    """What a run loads whose posts are rendered ahead, and how many its own process rendered.

    `state`: the one that the workers read; None: the folder's.
    """
    loader = loader_of(folder)
    rows = folder.rows(*paths())
    here = 0
    render = loader.tools.render

    def counted(*arguments: object) -> object:
        nonlocal here
        here += 1
        return render(*arguments)  # type: ignore[arg-type]

    loader.tools.render = counted  # type: ignore[method-assign,assignment]
    make = loader.tools.for_worker(state or f"sqlite:///{folder.database.path}")
    with PostWorkers(loader.tools, make, number=1) as workers:
        loader.begin(NOW, light_first=light_first, workers=workers)
        assert workers.start_to_render(READ_FROM)
        loader.render_ahead(rows, NOW)
        return loader.load(rows, NOW), here


def stored(folder: IndexedFolder) -> list[object]:
    with folder.database.read() as connection:
        return [
            connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2, 3").all()
            for table in ("entries", "problems")
        ]


def test_posts_rendered_ahead_are_those_rendered_here(folder: IndexedFolder) -> None:
    """The same entries, dependencies and problems, none of them rendered by the run itself."""
    loader = loader_of(folder)
    loader.begin(NOW, light_first=False)
    expected = loader.load(folder.rows(*paths()), NOW), stored(folder)
    with folder.database.begin() as connection:
        for table in ("entries", "problems"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    (shown, here), rows = load_ahead(folder), stored(folder)
    assert (shown, rows) == expected
    assert here == 0
    assert load_ahead(folder)[0] == replace(shown, rendered=False)


def test_a_state_that_a_worker_can_not_read_is_no_problem_of_a_post(folder: IndexedFolder) -> None:
    """As when a database has no connection left: the run itself renders the posts."""
    shown, here = load_ahead(folder, state="sqlite:////does/not/exist.db")
    assert here > 0
    assert shown == replace(load_ahead(folder)[0], rendered=True)


def test_posts_rendered_ahead_wait_for_their_turn(folder: IndexedFolder) -> None:
    """Heavy ones wait, and a post whose file has changed since it was indexed is left out."""
    folder.write("plain", "Another text.")
    shown, here = load_ahead(folder, light_first=True)
    assert shown.mismatched == (paths()[0],)
    assert shown.incomplete
    assert shown.paths == (paths()[2],)
    assert here == 0


def test_when_workers_start(folder: IndexedFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """For thousands of documents, or for some posts to render on a first run."""
    loader = loader_of(folder)
    monkeypatch.setattr(post_workers, "RENDER_FROM_IF_IMPORTED", RENDER_FROM)

    def started(*, renders: bool, number: int, read: int = 0, render: int = 0) -> tuple[bool, bool]:
        make = loader.tools.for_worker("sqlite:///none")
        with PostWorkers(loader.tools, make, renders=renders, number=number) as workers:
            return workers.start_to_read(read), workers.start_to_render(render)

    assert started(renders=True, number=1, read=READ_FROM - 1) == (False, False)
    assert started(renders=True, number=1, read=READ_FROM) == (True, False)
    assert started(renders=True, number=1, render=RENDER_FROM) == (False, True)
    assert started(renders=True, number=1, render=RENDER_FROM - 1) == (False, False)
    assert started(renders=False, number=1, render=RENDER_FROM) == (False, False)
    assert started(renders=True, number=0, read=READ_FROM, render=READ_FROM) == (False, False)


def test_a_worker_that_was_started_early_reads_sooner(folder: IndexedFolder) -> None:
    tools = loader_of(folder).tools
    for documents in (READ_FROM_IF_STARTED - 1, READ_FROM_IF_STARTED):
        if not started_early():
            start_early([])
        with PostWorkers(tools, tools.for_worker("sqlite:///none"), number=1) as workers:
            reads = [workers.start_to_read(documents) for _ in range(2)]
            assert reads == [documents == READ_FROM_IF_STARTED] * 2
