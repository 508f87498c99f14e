"""Makes the pages of an archive: which entries stand on which page, its links, its files.

Values only, so that worker processes can do it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from msgspec.structs import replace

from syndicator import formats
from syndicator.build import assemble
from syndicator.build.page_borders import Block, halves
from syndicator.model.archive import ArchivedFile, ArchivePage, History
from syndicator.model.content import Entry, FeedFile, FeedSpec, Problem, SiteInfo, fingerprint
from syndicator.model.places import Place
from syndicator.store.feeds import FileRow

if TYPE_CHECKING:
    from syndicator.formats.selection import Selection

#: The names of the pages before and after a page; None: it is the first or the last.
Links = tuple[str | None, str | None]


class PageRequest(NamedTuple):
    """A block to be made into pages, and what they are made with."""

    block: Block
    entries: Mapping[str, Entry]  #: by the path of their post; posts without one are left out
    links: Links  #: of the block's first page to what is before, and of its last page
    is_open: bool  #: new posts may still be added
    spec: FeedSpec  #: of the feed
    site: SiteInfo
    version: str  #: of the program
    keys: Mapping[str, str]  #: of the pages that are there, by name


class MadePage(NamedTuple):
    """A page, and its files unless they are as they were."""

    page: ArchivePage  #: without files
    files: tuple[FeedFile, ...] | None  #: None: the page that is there has the same key
    problems: tuple[Problem, ...]


def make_pages(_tools: object, request: PageRequest) -> list[MadePage]:
    """The pages of a block, oldest first: one, or more if its files would be too large.

    If none of its posts can be shown, its page has no entries, only links to those beside it.
    """
    parts: list[tuple[Block, Selection]] = []
    waiting = [request.block]
    while waiting:
        part = waiting.pop()
        selection = _select(part, request)
        if len(part.places) > 1 and selection.shown < len(selection.feed.entries):
            waiting += reversed(halves(part.places))
        else:
            parts.append((part, selection))
    older, newer = request.links
    names = [older, *(selection.feed.spec.name for _, selection in parts), newer]
    return [
        _made(part.places, selection, (names[at], names[at + 2]), request)
        for at, (part, selection) in enumerate(parts)
    ]


def make_again(page: ArchivePage, request: PageRequest) -> MadePage:
    """One page again, which is not divided, with other links or entries."""
    posts = tuple(Place(page.oldest.published, path) for path in reversed(page.posts))
    selection = _select(Block(page.block, posts), request, page.name)
    return _made((page.oldest, page.newest), selection, request.links, request)


def _select(part: Block, request: PageRequest, name: str | None = None) -> "Selection":
    """Which entries a part of a block has. `name`: of its page; None: that of its interval."""
    spec = replace(
        request.spec,
        name=name or name_of(request.spec.name, part),
        hubs=(),  # they know the feed's own document only
    )
    newest_first = [place.path for place in reversed(part.places)]
    entries = [request.entries[path] for path in newest_first if path in request.entries]
    feed = assemble.assemble(spec, request.site, entries)
    history = History(request.spec.name, is_page=True)
    return formats.select_entries(replace(feed, history=history))


def _made(
    places: Sequence[Place], selection: "Selection", links: Links, request: PageRequest
) -> MadePage:
    older, newer = links
    history = History(request.spec.name, is_page=True, older=older, newer=newer)
    feed = replace(selection.feed, history=history)
    key = fingerprint(request.version, feed)
    page = ArchivePage(
        name=feed.spec.name,
        feed=request.spec.name,
        block=request.block.interval,
        oldest=places[0],
        newest=places[-1],
        posts=tuple(entry.path for entry in feed.entries),
        key=key,
        older=older,
        newer=newer,
        files={},
        is_open=request.is_open,
    )
    same = request.keys.get(page.name) == key
    return MadePage(page, None if same else formats.archive_files(feed), selection.problems)


def name_of(feed: str, block: Block) -> str:
    """The name of the page of a block: the path of its files without the suffix."""
    return f"{feed}/{block.interval.name}"


def chain(pages: Iterable[tuple[Place, str]]) -> dict[str, Links]:
    """The links of pages, by name. `pages`: the place at which each begins, and its name."""
    names = [None, *(name for _, name in sorted(pages)), None]
    return {
        name: (names[at], names[at + 2]) for at, name in enumerate(names[1:-1]) if name is not None
    }


def mended(page: ArchivePage, older: Mapping[str, str], newer: Mapping[str, str]) -> Links:
    """The links of a page, once it is known what the blocks beside it were made into.

    `older`, `newer`: the page to link to in place of the one that was expected, by its name.
    """
    before = older.get(page.older, page.older) if page.older else None
    after = newer.get(page.newer, page.newer) if page.newer else None
    return before, after


def archived_files(rows: Iterable[FileRow]) -> dict[str, ArchivedFile]:
    """The files of a page, by format, of those that were published."""
    return {
        row.path.rpartition(".")[2]: ArchivedFile(row.digest, row.updated, row.disk)
        for row in rows
        if not row.gone
    }


def file_rows(page: ArchivePage, base: str) -> dict[str, FileRow]:
    """The files of a page as published files, by path. `base`: the address of the folder."""
    return {
        path: FileRow(
            path=path,
            feed=page.name,
            url=base + quote(path),
            media_type=formats.MEDIA_TYPES[suffix],
            digest=file.digest,
            hubs=(),
            updated=file.updated,
            disk=file.disk,
        )
        for suffix, file in page.files.items()
        for path in (f"{page.name}.{suffix}",)
    }
