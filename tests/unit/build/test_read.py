"""Reading some thousand documents by processes of their own comes to what reading them here comes to."""

import os
import signal
from pathlib import Path

import pytest

from syndicator.build import read
from syndicator.build.read import ReadResult, Wanted, read_all
from syndicator.build.scan import SiteReader
from syndicator.jekyll.fast_heads import HeadReader
from syndicator.jekyll.site import Site
from syndicator.sources.folder import SourceFolder

HEAD = "---\ntitle: Day {0}\ncategories: [News, {0}]\n---\n"
ODD = {
    "2026-01-01-open.md": "---\ntitle: never closed\n",
    "2026-01-02-bytes.md": b"---\ntitle: x\n---\n\xff\xfe\xfd",
    "2026-01-03-draft.md": "---\npublished: false\n---\n",
    "2026-01-04-zone.md": "---\ntitle: “Zoë” -- 1\ndate: 2026-01-04 10:00 +0200\nupdated: never\nid: a b\n---\nText",
    "2026-01-05-é.md": "---\ntags: [{a: 1}, b]\nauthor: {name: Ann, email: a@example.com}\n---\n",
}


@pytest.fixture
def site_and_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Site, SourceFolder]:
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
        os.utime(file, (1_700_000_000, 1_700_000_000))  # long settled
    monkeypatch.setattr(read, "_MANY", 10)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    site = SiteReader(tmp_path, {}).read()
    return site, SourceFolder(tmp_path, site.scope)


def batches_of(source: SourceFolder) -> list[tuple[int, list[Wanted]]]:
    paths = list(source.look(known=()).fresh)
    return [(at, [(path, "") for path in paths[at : at + 7]]) for at in range(0, len(paths), 7)]


def here(source: SourceFolder, site: Site) -> list[tuple[int, list[ReadResult | None]]]:
    return [
        (at, [read.read_document(source, HeadReader(site), one) for one in batch])
        for at, batch in batches_of(source)
    ]


def test_same_as_here(site_and_source: tuple[Site, SourceFolder]) -> None:
    """The same values, problems too, in the same order; each file read once."""
    site, source = site_and_source
    batches = batches_of(source)
    assert here(source, site) == list(read_all(source, site, batches, 1000))
    assert here(source, site) == list(read_all(source, site, batches, 1))


def test_known_and_gone(site_and_source: tuple[Site, SourceFolder]) -> None:
    """A document whose digest is known is not taken apart again; one that is gone is None."""
    site, source = site_and_source
    known = read.read_document(source, HeadReader(site), ("_posts/2026-02-01-01.md", ""))
    assert known
    wanted = [("_posts/2026-02-01-01.md", known.digest), ("_posts/no.md", "")]
    [(_, found)] = read_all(source, site, [(0, wanted)], 1000)
    assert [known._replace(same=True, head=None, problems=()), None] == found


def test_a_process_that_dies_loses_nothing(site_and_source: tuple[Site, SourceFolder]) -> None:
    """Killed at any moment, it leaves its work to us."""
    site, source = site_and_source
    found = []
    for number, batch in enumerate(read_all(source, site, batches_of(source), 1000)):
        found.append(batch)
        if number == 1:
            for child in children():
                os.kill(child, signal.SIGKILL)
    assert here(source, site) == found


def test_none_is_left_behind(site_and_source: tuple[Site, SourceFolder]) -> None:
    """A run that is broken off takes its processes with it."""
    site, source = site_and_source
    before = children()
    batches = read_all(source, site, batches_of(source), 1000)
    next(batches)
    assert len(children()) == len(before) + 1
    batches.close()
    assert children() == before


def test_no_process_can_be_started(
    site_and_source: tuple[Site, SourceFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then everything is read here."""
    site, source = site_and_source
    monkeypatch.setattr("sys.executable", "/does/not/exist")
    assert here(source, site) == list(read_all(source, site, batches_of(source), 1000))


def children() -> set[int]:
    lists = Path("/proc/self/task").glob("*/children")
    return {int(child) for children in lists for child in children.read_text().split()}
