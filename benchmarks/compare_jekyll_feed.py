"""Compare the entries of a site with the feeds that jekyll-feed made of it.

    python benchmarks/compare_jekyll_feed.py SITE FEED_XML [FEED_XML ...]
        [--show N] [--words] [--min-meta P] [--min-text P]

SITE is the site's folder; each FEED_XML is an Atom feed that jekyll-feed wrote for it (the whole
site's, or a category's). Entries are matched to posts by link, else by id. Prints for each field
how many entries are equal, and the first differences. With --words, also prints which words of
Jekyll's content an entry lacks: told, if `syndicator build` has a problem or a note for the post,
else lost silently. Exits with 1 if fewer are equal than required, if a post is missing, or if
words are lost silently.
"""

import argparse
import difflib
import json
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from lost_words import WordReport
from lxml import etree

from syndicator.jekyll.characters import printable
from syndicator.jekyll.posts import read_post
from syndicator.jekyll.render import Renderer
from syndicator.jekyll.site import Site
from syndicator.jekyll.site_config import CONFIG, read_site
from syndicator.model.content import Document, Entry, Post, PostHead, Problem
from syndicator.sources.folder import SourceFolder
from syndicator.sources.referenced_files import FolderFiles

ATOM = {"a": "http://www.w3.org/2005/Atom"}
META = ("id", "link", "title", "published", "authors", "categories")
CONTENT = ("text", "links", "images", "summary")


@dataclass(frozen=True)
class Facts:
    """The compared fields of an entry."""

    id: str
    link: str
    title: str
    published: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    text: str
    links: tuple[str, ...]
    images: tuple[str, ...]
    summary: str


class Rendered(NamedTuple):
    """A post's entry, and what `syndicator build` says of it."""

    path: str
    facts: Facts
    problems: tuple[Problem, ...]


class Posts:
    """The site's posts in memory."""

    def __init__(self, posts: Iterable[Post]) -> None:
        self.now = datetime.now(UTC)
        self._posts = {post.head.path: post for post in posts}
        self._heads = sorted(
            (post.head for post in self._posts.values()),
            key=lambda head: (head.published, head.path),
            reverse=True,
        )

    def find(self, name: str) -> PostHead | None:
        wanted = name.strip("/")
        for head in self._heads:
            stem = head.path.rpartition(".")[0]
            places = (
                head.path,
                stem,
                head.path.replace("_posts/", ""),
                stem.replace("_posts/", ""),
            )
            if any(place == wanted or place.endswith(f"/{wanted}") for place in places):
                return head
        return None

    def newest(self, limit: int) -> Iterable[PostHead]:
        return self._heads[:limit]

    def neighbour(self, head: PostHead, *, newer: bool) -> PostHead | None:
        at = self._heads.index(head) + (-1 if newer else 1)
        return self._heads[at] if 0 <= at < len(self._heads) else None

    def read(self, head: PostHead) -> Post | None:
        return self._posts.get(head.path)


class _Reader(HTMLParser):
    """The text, links and pictures of some HTML."""

    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self.base = base
        self.text: list[str] = []
        self.links: list[str] = []
        self.images: list[str] = []
        self._skip = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("script", "style"):
            self._skip += 1
        if tag == "a" and "href" in values:
            self.links.append(address(values["href"] or "", self.base))
        if tag == "img" and values.get("src"):
            self.images.append(address(values["src"] or "", self.base))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style") and self._skip:
            self._skip -= 1

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self.text.append(data)


def address(value: str, base: str) -> str:
    """An address, absolute and decoded, so that spellings of one address are equal."""
    try:
        parts = urlsplit(urljoin(base, value.strip().replace("\n", "")))
        path = parts.path or ("/" if parts.netloc else "")
        return unquote(
            urlunsplit((parts.scheme, parts.netloc.lower(), path, parts.query, parts.fragment))
        )
    except ValueError:
        return value


def folded(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f\u00a0]+", " ", text).strip()


def content_facts(html: str, base: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    reader = _Reader(base)
    reader.feed(html)
    reader.close()
    return folded("".join(reader.text)), tuple(reader.links), tuple(reader.images)


def author_names(text: str, site: Site) -> tuple[str, ...]:
    """The authors of an entry. jekyll-feed prints a list as it is; it is parsed here."""
    try:
        names = json.loads(text) if text.startswith("[") else [text]
    except ValueError:
        names = [text]
    known = site.data.get("authors") or {}
    return tuple(folded(str((known.get(name) or {}).get("name") or name)) for name in names if name)


def expected(entry: etree._Element, site: Site) -> Facts:
    def text_of(path: str) -> str:
        return (entry.findtext(path, "", ATOM) or "").strip()

    element = entry.find("a:link[@rel='alternate']", ATOM)
    link = element.get("href", "") if element is not None else ""
    text, links, images = content_facts(text_of("a:content"), link)
    moment = datetime.fromisoformat(text_of("a:published")).astimezone(UTC).isoformat()
    return Facts(
        id=text_of("a:id"),
        link=link,
        title=folded(unescape(text_of("a:title"))),
        published=moment,
        authors=author_names(folded(text_of("a:author/a:name")), site),
        categories=tuple(each.get("term", "") for each in entry.findall("a:category", ATOM)),
        text=text,
        links=links,
        images=images,
        summary=folded(unescape(text_of("a:summary"))),
    )


def ours(entry: Entry) -> Facts:
    text, links, images = content_facts(entry.content, entry.url)
    return Facts(
        id=entry.id,
        link=entry.url,
        title=folded(entry.title),
        published=entry.published.isoformat(),
        authors=tuple(folded(author.name) for author in entry.authors),
        categories=(*entry.categories, *entry.tags),
        text=text,
        links=links,
        images=images,
        summary=folded(entry.summary),
    )


def read(folder: Path) -> tuple[Site, dict[str, Post]]:
    files = FolderFiles(folder)
    site, problems = read_site(files.text(CONFIG), files, {})
    source = SourceFolder(folder, site.scope)
    posts = {}
    for path in source.scan(known=()).fresh:
        document = source.read(path)
        if not isinstance(document, Document):
            problems = (*problems, *([document] if document else []))
            continue
        reading = read_post(document, site)
        problems = (*problems, *reading.problems)
        if reading.post:
            posts[path] = reading.post
    for problem in problems:
        print(f"  problem: {problem}")
    return site, posts


def differences(wanted: Facts, got: Facts) -> list[str]:
    fields = [field for field in (*META, *CONTENT) if getattr(wanted, field) != getattr(got, field)]
    if "authors" in fields and wanted.authors == got.authors[: max(len(wanted.authors), 1)]:
        fields.remove("authors")  # jekyll-feed gives only the first of several
    if "categories" in fields and sorted(set(wanted.categories)) == sorted(set(got.categories)):
        fields.remove("categories")  # the same words in another order, or one repeated
    return fields


def show(path: str, field: str, wanted: Facts, got: Facts) -> None:
    one, other = getattr(wanted, field), getattr(got, field)
    print(f"  {path}: {field}")
    if field in META:
        print(f"    - {one!r}\n    + {other!r}")
        return
    words = (
        (one.split(" "), other.split(" "))
        if field in ("text", "summary")
        else (list(one), list(other))
    )
    parts = difflib.SequenceMatcher(None, *words, autojunk=False).get_opcodes()
    for kind, a, b, c, d in [part for part in parts if part[0] != "equal"][:3]:
        before = " ".join(words[0][max(a - 4, 0) : a])[-60:]
        print(f"    {kind} after {before!r}\n      - {' '.join(words[0][a:b])[:200]!r}")
        print(f"      + {' '.join(words[1][c:d])[:200]!r}")


def compare(
    site: Site, feed: Path, entries: dict[str, Rendered], shown: int, words: WordReport
) -> tuple[int, dict[str, int], int]:
    """The number of entries, of equal entries by field, and of entries without a post."""
    # jekyll-feed writes control characters.
    readable = printable(feed.read_text(encoding="utf-8", errors="replace"))
    tree = etree.fromstring(readable.encode(), etree.XMLParser(recover=True, huge_tree=True))
    by_id = {rendered.facts.id: rendered for rendered in entries.values()}
    equal = dict.fromkeys((*META, *CONTENT), 0)
    left = dict.fromkeys(equal, shown)
    total = missing = 0
    for element in tree.iterfind("a:entry", ATOM):
        total += 1
        wanted = expected(element, site)
        match = entries.get(unquote(wanted.link)) or by_id.get(wanted.id)
        if match is None:
            missing += 1
            print(f"  no post for {wanted.link}") if missing <= max(shown, 3) else None
            continue
        path, got, problems = match
        words.add(path, wanted.text, got.text, problems)
        different = differences(wanted, got)
        for field in equal:
            if field not in different:
                equal[field] += 1
            elif left[field]:
                left[field] -= 1
                show(path, field, wanted, got)
    return total, equal, missing


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("feeds", type=Path, nargs="+", metavar="FEED_XML")
    parser.add_argument(
        "--show", type=int, default=0, metavar="N", help="differences to show for each field"
    )
    parser.add_argument(
        "--min-meta", type=float, default=0, metavar="P", help="percent, of every field but content"
    )
    parser.add_argument(
        "--min-text", type=float, default=0, metavar="P", help="percent, of the content's text"
    )
    parser.add_argument(
        "--words", action="store_true", help="print words that entries lack, or have besides"
    )
    parser.add_argument("--problems", action="store_true", help="also print problems of posts")
    options = parser.parse_args()

    site, posts = read(options.site)
    renderer = Renderer(site, FolderFiles(options.site), Posts(posts.values()))
    entries: dict[str, Rendered] = {}
    began = time.perf_counter()
    for path, post in posts.items():
        rendering = renderer.render(post)
        for problem in rendering.problems if options.problems else ():
            print(f"  problem: {problem}")
        if rendering.entry:
            entries[unquote(rendering.entry.url)] = Rendered(
                path, ours(rendering.entry), rendering.problems
            )
    print(f"{len(entries)} of {len(posts)} posts rendered in {time.perf_counter() - began:.1f} s")

    failed = False
    for feed in options.feeds:
        words = WordReport()
        total, equal, missing = compare(site, feed, entries, options.show, words)
        print(f"{feed}: {total} entries, {missing} without a post")
        percents = {field: 100 * count / max(total, 1) for field, count in equal.items()}
        print(
            "  "
            + "  ".join(f"{field} {equal[field]}/{total} {percents[field]:.2f}%" for field in equal)
        )
        failed |= missing > 0 or any(percents[field] < options.min_meta for field in META)
        failed |= percents["text"] < options.min_text
        failed |= options.words and not words.print()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
