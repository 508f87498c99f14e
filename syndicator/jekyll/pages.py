"""Paths of the site's pages, documents and other files in its URLs.

jekyll/lib/jekyll: page.rb, static_file.rb, document.rb, collection.rb
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from posixpath import basename, splitext

from syndicator.cache import LruCache
from syndicator.jekyll.permalinks import Place, site_path
from syndicator.jekyll.posts import document_address
from syndicator.jekyll.site import Collection, Site
from syndicator.model.content import Document, Stat
from syndicator.model.lookups import SiteFiles
from syndicator.ruby.uris import join_address, path_below

#: Characters of documents whose addresses are kept, since many posts may link to them.
CACHED_TEXTS = 4 * 1024 * 1024

#: They differ in each part of a date, so that an address that depends on one does, too.
_TWO_DAYS = (
    datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC),
    datetime(2012, 11, 27, 18, 19, 20, tzinfo=UTC),
)

_PERMALINK = re.compile(r"^permalink:[ \t]*([\"']?)(.{1,2000}?)\1[ \t]*$", re.MULTILINE)
_PAGES = (".md", ".markdown", ".mkdown", ".mkdn", ".mkd", ".html", ".htm")


class Pages:
    """The addresses of a site's files that are not posts. Not thread-safe."""

    def __init__(self, site: Site) -> None:
        self._site = site
        #: By path and date, of the documents with these texts.
        self._of_documents: LruCache[tuple[str, datetime], str, tuple[str | None]] = LruCache(
            CACHED_TEXTS
        )

    def address_of_file(
        self, path: str, files: SiteFiles, today: Callable[[], datetime]
    ) -> str | None:
        """The path of a file in URLs, with the base path. None: it is a post, or not published.

        `path`: relative to the source, or, as Jekyll has it for documents, to `collections_dir`.
        `today`: Jekyll's date of a document without one, called if its address depends on it.
        """
        site = self._site
        path = below_collections(path, site)
        if "_posts" in path.split("/") or files.size(path) is None:
            return None
        stem, suffix = splitext(path)
        collection = next(
            (one for one in site.collections.values() if path.startswith(f"{one.folder}/")), None
        )
        if collection is None and not _is_published(path, site):
            return None
        text = files.text(path) if collection or suffix.lower() in _PAGES else None
        has_head = text is not None and text.startswith("---")
        if collection and text is not None and has_head:
            return self._of_document(path, text, today)
        if collection:
            address = _of_collected_file(stem, suffix, collection)
        elif text is not None and has_head:
            permalink = _PERMALINK.search(text[3:].partition("\n---")[0])
            address = f"/{permalink[2].lstrip('/')}" if permalink else _default_address(stem, site)
        else:
            address = f"/{path}"
        return join_address("", site.baseurl, address)

    def _of_document(self, path: str, text: str, today: Callable[[], datetime]) -> str | None:
        address, other = (self._address_on(day, path, text) for day in _TWO_DAYS)
        if address != other:
            address = self._address_on(today(), path, text)
        return address and path_below(address, self._site.url)

    def _address_on(self, day: datetime, path: str, text: str) -> str | None:
        """The absolute address of a document, if Jekyll dates undated ones with this day."""
        known = self._of_documents.get((path, day), text)
        if known is None:
            data = text.encode("utf-8", "replace")
            document = Document(Stat(path=path, size=0, mtime_ns=0), data, "")
            known = (document_address(document, self._site, day),)
            self._of_documents.put((path, day), text, known, len(data))
        return known[0]


def below_collections(path: str, site: Site) -> str:
    """The path from the source of one that Jekyll may have from `collections_dir`."""
    folder = f"{site.collections_dir}/" if site.collections_dir else ""
    return f"{folder}{path}" if path.startswith("_") else path


def _is_published(path: str, site: Site) -> bool:
    """Whether Jekyll takes a file outside of collections (entry_filter.rb `special?`)."""
    include = site.config.get("include")
    included = [".htaccess", *(include if isinstance(include, list) else ())]
    names = path.split("/")
    return all(name[:1] not in ("_", ".", "#", "~") or name in included for name in names)


def _of_collected_file(stem: str, suffix: str, collection: Collection) -> str:
    """The address of a file without front matter: by the template, with its own suffix."""
    place = Place(
        collection=collection.label,
        path=stem.removeprefix(collection.folder).rstrip("."),
        basename=basename(stem),
        slug="",
        output_ext="",
        published=_TWO_DAYS[0],
        categories=(),
    )
    return site_path(collection.template, place).removesuffix("/") + suffix


def _default_address(stem: str, site: Site) -> str:
    style = str(site.config.get("permalink") or "")
    if stem == "index" or stem.endswith("/index"):
        return f"/{stem.removesuffix('index')}"
    return f"/{stem}/" if style == "pretty" or style.endswith("/") else f"/{stem}.html"
