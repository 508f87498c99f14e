"""Walks the history of a feed, from its newest document through the pages of its archive."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

BASE = "http://127.0.0.1:8080/"
SUFFIXES = ("atom", "rss", "json")
_ATOM = "{http://www.w3.org/2005/Atom}"
_HISTORY = "{http://purl.org/syndication/history/1.0}"


@dataclass(frozen=True)
class Document:
    """A feed document, or a page of an archive. Names are paths without the suffix."""

    name: str
    titles: tuple[str, ...]  #: of its entries, newest first
    older: str | None  #: prev-archive, or next_url
    newer: str | None = None  #: next-archive; JSON Feed has no such link
    current: str | None = None
    is_archive: bool = False
    is_complete: bool = False


def read(feeds: Path, name: str, suffix: str) -> Document:
    """A document from the output folder. Raises FileNotFoundError if it is not there."""
    return _parsed(name, suffix, (feeds / f"{name}.{suffix}").read_bytes())


@lru_cache(10_000)  # readers come again and again, and most documents have not changed
def _parsed(name: str, suffix: str, data: bytes) -> Document:
    if suffix == "json":
        return _json(name, json.loads(data))
    root = etree.fromstring(data)
    head, entry = (root, f"{_ATOM}entry") if suffix == "atom" else (root[0], "item")
    title = f"{_ATOM}title" if suffix == "atom" else "title"
    links = [(link.get("rel"), link.get("href")) for link in head.findall(f"{_ATOM}link")]
    relations = {relation: _name(str(url)) for relation, url in links if relation != "hub"}
    assert len(relations) == sum(relation != "hub" for relation, _ in links)
    return Document(
        name=name,
        titles=tuple(each.findtext(title) or "" for each in head.findall(entry)),
        older=relations.get("prev-archive"),
        newer=relations.get("next-archive"),
        current=relations.get("current"),
        is_archive=head.find(f"{_HISTORY}archive") is not None,
        is_complete=head.find(f"{_HISTORY}complete") is not None,
    )


def _json(name: str, data: dict[str, object]) -> Document:
    items = data["items"]
    assert isinstance(items, list)
    url = data.get("next_url")
    return Document(
        name=name,
        titles=tuple(item["title"] for item in items),
        older=_name(url) if isinstance(url, str) else None,
    )


def _name(url: str) -> str:
    return unquote(url).removeprefix(BASE).rpartition(".")[0]


def walk(feeds: Path, name: str = "all", suffix: str = "atom") -> list[Document]:
    """The newest document of a feed, and each page that its links to older ones lead to."""
    documents = [read(feeds, name, suffix)]
    while older := documents[-1].older:
        assert older not in {document.name for document in documents}, "links lead in a circle"
        documents.append(read(feeds, older, suffix))
    return documents


def titles(documents: list[Document]) -> list[str]:
    """The titles of all entries of a history, newest first, each once."""
    return list(dict.fromkeys(title for document in documents for title in document.titles))


def assert_history(feeds: Path, name: str, posts: list[str]) -> list[Document]:
    """A feed's documents hold these posts, newest first, each format on the same pages.

    Returns them as Atom has them, the newest first.
    """
    atom, rss, by_json = (walk(feeds, name, suffix) for suffix in SUFFIXES)
    assert titles(atom) == posts
    assert rss == atom
    assert [(each.name, each.titles, each.older) for each in by_json] == [
        (each.name, each.titles, each.older) for each in atom
    ]
    newest, *pages = atom
    assert newest.is_complete == (not pages)
    assert not newest.is_archive
    assert newest.newer is newest.current is None
    assert all(page.is_archive and page.current == name for page in pages)
    newer = [None, *(page.name for page in pages)]
    assert [page.newer for page in pages] == newer[: len(pages)]
    on_pages = [title for page in pages for title in page.titles]
    assert len(on_pages) == len(set(on_pages))
    return atom
