"""Paths of the site's pages, documents and other files in its URLs.

jekyll/lib/jekyll: page.rb, static_file.rb, document.rb, collection.rb
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from posixpath import basename, splitext

from syndicator.cache import LruCache
from syndicator.jekyll.permalinks import Place, site_path
from syndicator.jekyll.posts import document_addresses
from syndicator.jekyll.site import Collection, Site
from syndicator.model.content import NO_STAT, Document, digest_of
from syndicator.model.lookups import SiteFiles
from syndicator.ruby.uris import join_address, path_below

#: Bytes of addresses that are kept, and those of one besides its characters.
CACHED = 8 * 1024 * 1024
_BYTES = 400

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
        #: Of documents, by path and days: the head of each is parsed once, not for each post.
        self._of_documents: LruCache[
            tuple[str, tuple[datetime, ...]], str, tuple[str | None, ...]
        ] = LruCache(CACHED)

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
        address, *others = self._addresses_on(_TWO_DAYS, path, text)
        if address not in others:
            (address,) = self._addresses_on((today(),), path, text)
        return address and path_below(address, self._site.url)

    def _addresses_on(
        self, days: tuple[datetime, ...], path: str, text: str
    ) -> tuple[str | None, ...]:
        data = text.encode("utf-8", "replace")
        digest = digest_of(data)
        addresses = self._of_documents.get((path, days), digest)
        if addresses is None:
            document = Document(NO_STAT._replace(path=path), data, digest)
            addresses = document_addresses(document, self._site, days)
            size = _BYTES + len(path) + sum(len(address or "") for address in addresses)
            self._of_documents.put((path, days), digest, addresses, size)
        return addresses


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
