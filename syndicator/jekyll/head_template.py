"""What the heads of many posts have in common, and a post's head from that and its own lines."""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from syndicator.jekyll.document_paths import DocumentPath
from syndicator.jekyll.permalinks import Place, document_id, site_path
from syndicator.jekyll.site import Site
from syndicator.model.content import Author, PostHead, Term
from syndicator.ruby.uris import join_address

#: The keys that a `HeadTemplates` is made of.
FILING = frozenset(
    "slug permalink category categories tag tags author authors published draft id guid last_modified_at updated"
    " lang".split()
)


#: Characters of an id. PostgreSQL indexes no text of some thousands.
LONGEST_ID = 2000


class HeadTemplates(NamedTuple):
    """What of a head is neither its title nor its date: the same for many a post of a folder."""

    slug: str | None  #: None: the file name's
    template: str  #: of its address
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    authors: tuple[Author, ...]
    terms: tuple[Term, ...]
    own_id: str | None
    updated: datetime | None
    language: str | None


def make_head(
    path: str,
    where: DocumentPath,
    site: Site,
    filing: HeadTemplates,
    title: str,
    moment: datetime,
    octets: bytes | memoryview,
) -> PostHead:
    """The head of the post at `path` that was published at `moment`. `octets` are its text's."""
    slug = where.slug if filing.slug is None else filing.slug
    place = Place(
        collection=where.collection,
        path=where.path,
        basename=where.basename,
        slug=slug,
        output_ext=where.suffix if where.suffix.startswith(".htm") else ".html",
        moment=in_zone(moment, site),
        categories=filing.categories,
    )
    address = site_path(filing.template, place)
    id = filing.own_id or join_address(site.url, site.baseurl, document_id(address, slug))
    if len(id) > LONGEST_ID:
        id = f"{join_address(site.url, site.baseurl, '/')}#{blake2b(id.encode(), digest_size=16).hexdigest()}"
    return PostHead(
        path=path,
        id=id,
        own_id=filing.own_id is not None,
        url=join_address(site.url, site.baseurl, address),
        title=title,
        published=moment,
        updated=filing.updated,
        terms=filing.terms,
        text_digest=text_digest(title, octets),
    )


def text_digest(title: str, body: bytes | memoryview) -> str:
    """What makes an entry new to read: its title and its text."""
    digest = blake2b(b"%b\0" % title.encode(), digest_size=16)
    octets = bytes(body)
    digest.update(
        octets.replace(b"\r\n", b"\n") if b"\r" in octets else octets
    )  # as a checkout may have it
    return digest.hexdigest()


def in_zone(moment: datetime, site: Site) -> datetime:
    if site.timezone is UTC:
        return moment
    try:
        return moment.astimezone(site.timezone)
    except OverflowError:  # the last or the first day of the calendar
        return moment
