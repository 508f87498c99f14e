"""Worker processes read thousands of documents with the same results as one process."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from settled import age
from sqlalchemy import Connection

from syndicator.build.post_tools import PostTools
from syndicator.build.post_workers import READ_FROM, PostWorkers
from syndicator.build.read import ReadRequest, ReadResult, read_all, read_document
from syndicator.build.site_reader import SiteReader
from syndicator.build.stored_posts import StoredPosts
from syndicator.jekyll.fast_heads import HeadReader
from syndicator.jekyll.sanitize import DEFAULT
from syndicator.jekyll.site import Site
from syndicator.sources.folder import SourceFolder

HEAD = "---\ntitle: Day {0}\ncategories: [News, {0}]\n---\n"
ZONE = "title: “Zoë” -- 1\ndate: 2026-01-04 10:00 +0200\nupdated: never\nid: a b"
ODD = {
    "2026-01-01-open.md": "---\ntitle: never closed\n",
    "2026-01-02-bytes.md": b"---\ntitle: x\n---\n\xff\xfe\xfd",
    "2026-01-03-draft.md": "---\npublished: false\n---\n",
    "2026-01-04-zone.md": f"---\n{ZONE}\n---\nText",
    "2026-01-05-é.md": "---\ntags: [{a: 1}, b]\nauthor: {name: Ann, email: a@example.com}\n---\n",
}

Batch = tuple[int, list[ReadRequest]]
Results = tuple[int, list[ReadResult | None]]


@pytest.fixture
def site_and_source(tmp_path: Path) -> tuple[Site, SourceFolder]:
    folder = tmp_path / "_posts"
    folder.mkdir()
    (tmp_path / "_config.yml").write_text(
        "url: https://example.com\ntimezone: Europe/Berlin\nfuture: true\n"
    )
    for name, text in ODD.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    for number in range(60):
        (folder / f"2026-02-01-{number:02}.md").write_text(HEAD.format(number) + "Text.\n" * number)
    for file in folder.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    age(folder)
    site = SiteReader(tmp_path, {}).read()
    return site, SourceFolder(tmp_path, site.scope)


def batches_of(source: SourceFolder) -> list[Batch]:
    paths = list(source.scan(known=()).fresh)
    return [(at, [(path, "") for path in paths[at : at + 7]]) for at in range(0, len(paths), 7)]


def tools_of(source: SourceFolder, site: Site) -> PostTools:
    posts = StoredPosts(NoState(), source, site)
    return PostTools(source, site, posts, DEFAULT, None)


def workers_of(tools: PostTools, number: int = 1) -> PostWorkers:
    make = tools.for_worker("sqlite:///none")
    return PostWorkers(tools, make, renders=False, number=number)


class NoState:
    """A state that reading documents does not need."""

    def read(self) -> AbstractContextManager[Connection]:
        raise NotImplementedError


def read_here(source: SourceFolder, site: Site) -> list[Results]:
    return [
        (at, [read_document(source, HeadReader(site), one) for one in batch])
        for at, batch in batches_of(source)
    ]


def read_in_parallel(source: SourceFolder, site: Site, batches: list[Batch]) -> Iterator[Results]:
    tools = tools_of(source, site)
    with workers_of(tools) as workers:
        yield from read_all(batches, READ_FROM, tools, workers)


def test_results_are_the_same_as_without_processes(
    site_and_source: tuple[Site, SourceFolder],
) -> None:
    """The same values and problems in the same order, with and without worker processes."""
    site, source = site_and_source
    batches = batches_of(source)
    assert read_here(source, site) == list(read_in_parallel(source, site, batches))
    tools = tools_of(source, site)
    with workers_of(tools) as workers:
        assert read_here(source, site) == list(read_all(batches, 1, tools, workers))
        assert workers.number_reading == 0


def test_known_and_gone_documents(site_and_source: tuple[Site, SourceFolder]) -> None:
    """A document with the known digest is not parsed again; one that is gone is None."""
    site, source = site_and_source
    known = read_document(source, HeadReader(site), ("_posts/2026-02-01-01.md", ""))
    assert known
    requests = [("_posts/2026-02-01-01.md", known.digest), ("_posts/no.md", "")]
    [(_, results)] = read_in_parallel(source, site, [(0, requests)])
    assert [known._replace(same=True, head=None, problems=()), None] == results


def test_documents_to_read_again(site_and_source: tuple[Site, SourceFolder]) -> None:
    """Those that changed lately, also with the same bytes, and those that can't be read.

    The permissions of a file and the target of a link change without its mtime.
    """
    site, source = site_and_source
    path = "_posts/2026-02-01-02.md"

    def read(known: str = "") -> ReadResult:
        result = read_document(source, HeadReader(site), (path, known))
        assert result
        return result

    settled = read()
    assert (settled.settled, settled.same, settled.unreadable) == (True, False, False)
    os.utime(source.root / path)
    assert not read().settled
    assert not read(settled.digest).settled
    (source.root / path).unlink()
    (source.root / path).symlink_to("/etc/passwd")
    refused = read(settled.digest)
    assert (refused.settled, refused.digest, refused.same, refused.head) == (False, "", False, None)
    assert refused.unreadable
    assert refused.stat.path == path


@pytest.mark.parametrize(
    ("name", "problems", "unreadable"),
    [
        ("2026-01-01-open.md", 1, True),
        ("2026-01-03-draft.md", 0, False),
        ("2026-01-04-zone.md", 2, False),
    ],
)
def test_an_unreadable_post(
    site_and_source: tuple[Site, SourceFolder], name: str, problems: int, unreadable: bool
) -> None:
    """It has a fatal problem. A hidden post has none, and a readable one may have others."""
    site, source = site_and_source
    result = read_document(source, HeadReader(site), (f"_posts/{name}", ""))
    assert result
    assert (len(result.problems), result.unreadable) == (problems, unreadable)
    assert (result.head is not None) == (name == "2026-01-04-zone.md")
