"""The posts that templates look up, from the index and the files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from indexed import IndexedFolder
from values import NOW

from syndicator.build.stored_posts import StoredPosts


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[IndexedFolder]:
    made = IndexedFolder(tmp_path)
    yield made
    made.database.close()


def test_posts_are_found_by_name(folder: IndexedFolder) -> None:
    """By the name of the file or its path, in exact case, if they are published."""
    paths = [folder.write("a"), folder.write("A", date="2026-01-02"), folder.write("b")]
    folder.index(*paths)
    later = folder.write("later", date="2026-06-01")
    folder.index(later)
    stored = StoredPosts(folder.database, folder.source, folder.site)
    stored.until = NOW

    def found(name: str) -> str | None:
        post = stored.find(name)
        return post and post.path

    assert found("2026-01-01-a") == found(paths[0]) == paths[0]
    assert found("2026-01-01-A") == paths[1]
    assert found("2026-01-01-B") is None
    assert found("2026-01-01-later") is None
    assert [post.title for post in stored.newest(2)] == ["A", "b"]
    assert [post.title for post in stored.newest(9)] == ["A", "b", "a"]
    assert StoredPosts(folder.database, folder.source, folder.site).newest(1)[0].title == "later"


def test_a_post_is_read_once_in_a_run(folder: IndexedFolder) -> None:
    """With its front matter and the head in the index. None: its file is gone."""
    path = folder.write("a", description="Old")
    folder.index(path)
    (row,) = folder.rows(path)
    assert row.head
    stored = StoredPosts(folder.database, folder.source, folder.site)

    def description() -> str | None:
        post = stored.read(row.head)
        return post and post.front["description"]

    assert description() == "Old"
    folder.write("a", description="New")
    assert description() == "Old"
    stored.begin(NOW)
    assert (description(), stored.now) == ("New", NOW)
    stored.begin(NOW)
    folder.remove("a")
    assert description() is None
