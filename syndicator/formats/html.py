"""Pages for people: one for each feed, the index of all feeds, and messages of the server.

Jinja2 escapes everything that comes from a site. A page sends requests to the site only: style and
script are inline, and its Content-Security-Policy allows them by their digests. An entry's picture
is shown only from the host of the site or of the feeds, or a subdomain of one of these. Links
between pages are relative, so the folder works below any path, in a bucket and from a disk. Pages
have autodiscovery links and no hub links: the topic is the feed, never its page.
"""

import hashlib
import posixpath
import re
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from msgspec.structs import replace

from syndicator.formats.compiled_templates import CompiledTemplates
from syndicator.formats.field_values import HEADINGS
from syndicator.model.content import Entry, Feed, FeedFile, FeedSpec, SiteInfo, digest_of

#: Entries on a feed's page, which is a preview and not an archive.
MAX_ENTRIES = 20

#: strftime's `%B` depends on the process's locale.
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class Format(NamedTuple):
    label: str
    media_type: str
    note: str  #: beside the feed's address


FORMATS = {
    "rss": Format("RSS", "application/rss+xml", "works in every reader"),
    "atom": Format("Atom", "application/atom+xml", "a stricter standard"),
    "json": Format("JSON", "application/feed+json", "for programs"),
}

DESCRIPTIONS = {
    "category": "New posts in the category {}.",
    "tag": "New posts tagged {}.",
    "author": "New posts by {}.",
    "collection": "New posts in the collection {}.",
    "language": "New posts in the language {}.",
}


def feed_page(feed: Feed) -> FeedFile:
    """The page of one feed: its description, its addresses and its newest entries.

    If the feed has an archive, it has all entries of the document, and links to older posts. So has
    the page of an archive's page, which links back, too.
    """
    spec, history = feed.spec, feed.history
    own = replace(spec, name=feed.own_name)
    older = history and (history.continued or history.older)
    return _page(
        "feed.html",
        path=spec.path("html"),
        url=spec.url("html"),
        base=spec.base,
        site=feed.site,
        entries=feed.entries if history else feed.entries[:MAX_ENTRIES],
        spec=own,
        about=_about(spec, feed.site),
        beside="../" if history and history.is_page else "",
        up="../" * spec.name.count("/"),
        is_archive=history is not None and history.is_page,
        older=_page_link(spec, older) if older else None,
        newer=_page_link(spec, history.newer or history.current)
        if history and history.is_page
        else None,
    )


def index_page(
    feeds: Sequence[FeedSpec],
    site: SiteInfo,
    newest: Sequence[Entry],
    base: str,
    counts: Mapping[str, int] | None = None,
) -> FeedFile:
    """The page of all feeds, in the given order. The first one without a term is the site's own.

    `newest` are the entries to show, newest first. `base` is the public address of the output
    folder, ending in "/". `counts`: the number of all posts of each feed, by its name; None: feeds
    have no archive in which all could be read.
    """
    groups = [
        (heading, [spec for spec in feeds if spec.term and spec.term.kind == kind])
        for kind, heading in HEADINGS.items()
    ]
    return _page(
        "index.html",
        path="index.html",
        url=base,
        base=base,
        site=site,
        entries=tuple(newest),
        main=next((spec for spec in feeds if spec.term is None), None),
        groups=[(heading, specs) for heading, specs in groups if specs],
        opml=base + "feeds.opml",
        counts=counts or {},
    )


def message_page(title: str, text: str, *, home: str) -> bytes:
    """A page with a message of the server. `home`: the public address of the output folder."""
    return page("message.html", title=title, text=text, home=home)


def hub_page(*, home: str) -> bytes:
    """The page for people at the hub's address."""
    return page("hub.html", title="This address is for feed readers", home=home)


def page(template: str, **values: object) -> bytes:
    """A page that loads nothing and runs no script."""
    csp = _policy([], script=False)
    return _pages.get_template(template).render(csp=csp, **values).encode()


def _page(
    template: str,
    *,
    path: str,
    url: str,
    base: str,
    site: SiteInfo,
    entries: Sequence[Entry],
    **values: object,
) -> FeedFile:
    own_origins = {_origin(site.url), _origin(base)}
    of_images = {_origin(entry.image.url) for entry in entries if entry.image}
    image_origins = sorted(
        own_origins | {origin for origin in of_images if _is_subdomain(origin, own_origins)}
    )
    text = _pages.get_template(template).render(
        url=url,
        site=site,
        entries=entries,
        csp=_policy(image_origins),
        image_origins=image_origins,
        **values,
    )
    data = text.encode()
    return FeedFile(
        path=path,
        url=base + quote(path),
        data=data,
        media_type="text/html; charset=utf-8",
        digest=digest_of(data),
        hubs=(),
    )


def _about(spec: FeedSpec, site: SiteInfo) -> str:
    if spec.term is None:
        return site.description or "Every new post."
    return DESCRIPTIONS[spec.term.kind].format(spec.term.label)


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:  # such as `http://[`
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def _is_subdomain(origin: str, own_origins: Collection[str]) -> bool:
    """Whether the host is below one of the site's, as static.example.com is for www.example.com."""
    # The origin is written into the policy.
    match = re.fullmatch(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::\d+)?", origin)
    hosts = {(urlsplit(each).hostname or "").removeprefix("www.") for each in own_origins}
    return match is not None and any(
        "." in host and match[1].endswith(f".{host}") for host in hosts
    )


def _policy(image_origins: Sequence[str], *, script: bool = True) -> str:
    """Allow this style, this script and the site's pictures only (https://www.w3.org/TR/CSP3/)."""
    images = " ".join(("data:", *image_origins))
    scripts = f"script-src '{sri(_script)}'; " if script else ""
    return (
        f"default-src 'none'; img-src {images}; style-src '{sri(_style)}'; {scripts}"
        "base-uri 'none'; form-action 'none'"
    )


def sri(text: str) -> str:
    """The digest by which a Content-Security-Policy allows an inline style or script."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _day(when: datetime) -> str:
    """`15 January 2026`, in UTC."""
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def _machine_time(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _file(spec: FeedSpec, suffix: str) -> str:
    """The address of a feed's file, relative to the output folder."""
    return quote(spec.path(suffix))


def _page_link(spec: FeedSpec, name: str) -> str:
    """The address of a page, relative to that of a feed or of a page of its archive."""
    return quote(f"{posixpath.relpath(name, posixpath.dirname(spec.name))}.html")


def _file_name(spec: FeedSpec, suffix: str) -> str:
    """The address of a feed's file, relative to its folder."""
    return quote(spec.path(suffix).rpartition("/")[2])


def _breakable(url: str) -> Markup:
    """The address with a line break opportunity after each slash. Copied text doesn't change."""
    return Markup("/<wbr>").join(url.split("/"))


_style = files(__package__).joinpath("templates/style.css").read_text(encoding="utf-8")
_script = files(__package__).joinpath("templates/copy.js").read_text(encoding="utf-8")

_pages = Environment(
    loader=PackageLoader("syndicator.formats"),
    bytecode_cache=CompiledTemplates("syndicator.formats"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    auto_reload=False,
)
_pages.filters.update(breakable=_breakable, day=_day, machine_time=_machine_time, origin=_origin)
_pages.globals.update(
    formats=FORMATS,
    file=_file,
    file_name=_file_name,
    style=Markup(_style),  # noqa: S704 - ours
    script=Markup(_script),  # noqa: S704 - ours
)
