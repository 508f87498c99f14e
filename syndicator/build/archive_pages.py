"""Decides which entries stand on which page of an archive, and how pages are linked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from syndicator import formats
from syndicator.build import assemble
from syndicator.build.page_borders import Block, halves
from syndicator.formats.selection import Selection
from syndicator.model.archive import ArchivedFile, ArchivePage, History
from syndicator.model.content import Entry, Feed, FeedSpec, Problem, SiteInfo, fingerprint
from syndicator.model.places import Interval, Place
from syndicator.store.feeds import FileRow

#: Bytes of a page that are left for its links, at most. They are not known when it is divided.
LINKS = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class PageContent:
    """The entries of a page, before it is linked with others."""

    name: str
    block: Interval
    places: tuple[Place, ...]  #: oldest first
    posts: tuple[str, ...]  #: of its entries, newest first
    feed: Feed
    problems: tuple[Problem, ...]


def name_of(feed: str, interval: Interval) -> str:
    """The name of the page of an interval: the path of its files without the suffix."""
    return f"{feed}/{interval.name}"


def divide(
    block: Block, entries: Mapping[str, Entry], spec: FeedSpec, site: SiteInfo
) -> list[PageContent]:
    """The pages of a block, oldest first: one, or more if its files would be too large.

    `entries`: by the path of their post; posts without one are left out. `spec`: of the feed.
    """
    pages = []
    waiting = [block]
    while waiting:
        part = waiting.pop()
        paths = [place.path for place in reversed(part.places) if place.path in entries]
        selection = _selection(
            name_of(spec.name, part.interval), [entries[path] for path in paths], spec, site
        )
        if len(part.places) > 1 and selection.shown < len(selection.feed.entries):
            waiting += reversed(halves(part.places))
        elif selection.feed.entries:
            pages.append(_content(block.interval, part.places, paths, selection))
    return pages


def again(
    page: ArchivePage,
    entries: Mapping[str, Entry],
    spec: FeedSpec,
    site: SiteInfo,
    links: tuple[str | None, str | None],
) -> PageContent:
    """The content of a page as it was made before, but for its entries and links."""
    paths = [path for path in page.posts if path in entries]
    selection = _selection(page.name, [entries[path] for path in paths], spec, site)
    content = _content(page.block, (page.oldest, page.newest), paths, selection)
    return _with_links(content, *links)


def _selection(name: str, entries: Sequence[Entry], spec: FeedSpec, site: SiteInfo) -> Selection:
    # Hubs know the feed's own document only.
    feed = assemble.assemble(replace(spec, name=name, hubs=()), site, entries)
    history = History(spec.name, is_page=True)
    return formats.select_entries(replace(feed, history=history), LINKS)


def _content(
    block: Interval, places: Sequence[Place], paths: Sequence[str], selection: Selection
) -> PageContent:
    return PageContent(
        name=selection.feed.spec.name,
        block=block,
        places=tuple(places),
        posts=tuple(paths),
        feed=selection.feed,
        problems=selection.problems,
    )


def chain(
    feed: str,
    in_use: Iterable[tuple[Place, str]],
    made: Iterable[tuple[Place, str]],
    waiting: Iterable[Block],
) -> dict[str, tuple[str | None, str | None]]:
    """The names of the pages before and after each page that is made now, by its name.

    `in_use`, `made`: the places at which pages begin, and their names. `waiting`: blocks that are
    made later, most often as one page each.
    """
    made = list(made)
    later = [(block.places[0], name_of(feed, block.interval)) for block in waiting]
    names = [name for _, name in sorted([*in_use, *made, *later])]
    links = dict(zip(names, zip([None, *names], [*names[1:], None], strict=False), strict=True))
    return {name: links[name] for _, name in made}


def linked(content: PageContent, links: Mapping[str, tuple[str | None, str | None]]) -> PageContent:
    """A page with links to those beside it, see `chain`."""
    return _with_links(content, *links[content.name])


def _with_links(content: PageContent, older: str | None, newer: str | None) -> PageContent:
    history = History(content.feed.own_name, is_page=True, older=older, newer=newer)
    return replace(content, feed=replace(content.feed, history=history))


def key_of(content: PageContent, version: str) -> str:
    """A digest of all that a page's files are made of: equal keys mean equal files."""
    return fingerprint(version, content.feed)


def page_of(
    content: PageContent, key: str, files: Mapping[str, ArchivedFile], *, is_open: bool
) -> ArchivePage:
    """The page as the state has it."""
    history = content.feed.history
    return ArchivePage(
        name=content.name,
        feed=content.feed.own_name,
        block=content.block,
        oldest=content.places[0],
        newest=content.places[-1],
        posts=content.posts,
        key=key,
        older=history and history.older,
        newer=history and history.newer,
        files=files,
        is_open=is_open,
    )


def file_rows(page: ArchivePage, base: str) -> dict[str, FileRow]:
    """The files of a page as published files, by path."""
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


def links_to_mend(
    pages: Sequence[ArchivePage],
) -> list[tuple[int, tuple[str | None, str | None]]]:
    """Which pages are linked with others than their neighbours, and the right links.

    `pages`: all pages of a feed that are in use, oldest first.
    """
    names = [None, *(page.name for page in pages), None]
    return [
        (at, (names[at], names[at + 2]))
        for at, page in enumerate(pages)
        if (page.older, page.newer) != (names[at], names[at + 2])
    ]
