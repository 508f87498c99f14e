"""How documents name their place in the history of a feed: RFC 5005 §2 and §4, JSON Feed 1.1."""

import json

import pytest
from lxml import etree
from msgspec.structs import replace

from syndicator import formats
from syndicator.model.archive import History

from .samples import entry, feed

ATOM = "{http://www.w3.org/2005/Atom}"
MARKERS = "{http://purl.org/syndication/history/1.0}"
NAME = "category/köln news"
BASE = "https://feeds.example/category/k%C3%B6ln%20news"
RELATIONS = {"current", "prev-archive", "next-archive"}


def documents(history: History, **spec: object) -> dict[str, bytes]:
    selection = formats.select_entries(feed(entry(1), entry(2), **spec))
    files = formats.files_of(formats.with_history(selection, history))
    return {file.path.rpartition(".")[2]: file.data for file in files}


def written(data: bytes) -> tuple[list[str], dict[str, str]]:
    """The markers of an XML document, and its links of RFC 5005."""
    root = etree.fromstring(data)
    head = root if root.tag.startswith(ATOM) else root[0]
    markers = [str(child.tag) for child in head if str(child.tag).startswith(MARKERS)]
    links = [(str(link.get("rel")), str(link.get("href"))) for link in head.iter(f"{ATOM}link")]
    relations = [link for link in links if link[0] in RELATIONS]
    assert len(dict(relations)) == len(relations)
    return [marker.removeprefix(MARKERS) for marker in markers], dict(relations)


@pytest.mark.parametrize(
    ("history", "markers", "links"),
    [
        (History(NAME), [], {}),
        (History(NAME, is_complete=True), ["complete"], {}),
        (History(NAME, older=f"{NAME}/b"), [], {"prev-archive": "/b"}),
        (History(NAME, older=f"{NAME}/b", continued=f"{NAME}/a"), [], {"prev-archive": "/b"}),
        (History(NAME, is_page=True), ["archive"], {"current": ""}),
        (
            History(NAME, is_page=True, older=f"{NAME}/a", newer=f"{NAME}/c"),
            ["archive"],
            {"current": "", "prev-archive": "/a", "next-archive": "/c"},
        ),
    ],
)
def test_markers_and_links(history: History, markers: list[str], links: dict[str, str]) -> None:
    """The same in RSS and Atom, each to its own format; JSON Feed leads to older entries only.

    In Atom they are elements of the feed, in RSS of the channel (RFC 5005 §4).
    """
    data = documents(history)
    for suffix in ("rss", "atom"):
        expected = {relation: f"{BASE}{name}.{suffix}" for relation, name in links.items()}
        assert written(data[suffix]) == (markers, expected)
    older = links.get("prev-archive")
    assert json.loads(data["json"]).get("next_url") == (older and f"{BASE}{older}.json")


def test_a_feed_without_history() -> None:
    """Has neither: without archives, nothing says whether older entries exist."""
    selection = formats.select_entries(feed(entry(1)))
    for file in formats.files_of(formats.with_history(selection, None)):
        assert b"purl.org/syndication/history" not in file.data
        assert b"next_url" not in file.data


def test_people_go_on_where_the_entries_end() -> None:
    """The page of the newest entries leads to the page with the next older one."""
    page = documents(History(NAME, older=f"{NAME}/b", continued=f"{NAME}/a"))["html"].decode()
    assert "/a.html" in page
    assert "/b.html" not in page
    last = documents(History(NAME, is_page=True, newer=f"{NAME}/c"))["html"].decode()
    assert "/c.html" in last


def test_a_page_has_all_of_its_entries() -> None:
    """Which entries fit was decided before its links were known."""
    made = replace(feed(entry(1), entry(2), max_bytes=1), history=History(NAME, is_page=True))
    for file in formats.archive_files(made):
        assert b"About 2" in file.data or b"2 word" in file.data
