"""The part of a head that many posts share, and a post's head made from it."""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from syndicator.jekyll.document_paths import DocumentPath
from syndicator.jekyll.permalinks import Place, document_id, site_path
from syndicator.jekyll.site import Site
from syndicator.model.content import Author, PostHead, Term
from syndicator.ruby.uris import join_address

#: The front matter keys that a `HeadTemplates` is made from.
TEMPLATE_KEYS = frozenset(
    "slug permalink category categories tag tags author authors published draft id guid"
    " last_modified_at updated lang hidden feed exclude_from_feed".split()
)

#: Bytes of an id. PostgreSQL can't index a text of some thousands of bytes.
MAX_ID = 2000


class HeadTemplates(NamedTuple):
    """A head without its title and date: the same for many posts of a folder."""

    slug: str | None  #: None: the slug of the file name
    permalink_template: str
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    authors: tuple[Author, ...]
    terms: tuple[Term, ...]
    own_id: str | None
    updated: datetime | None
    language: str | None
    folder: str  #: of the pages of its language, with a leading slash; "" is the site's root
    listed: bool  #: whether feeds may have it


def make_head(
    location: DocumentPath,
    site: Site,
    head_template: HeadTemplates,
    title: str,
    published: datetime,
    body: bytes | memoryview,
) -> PostHead:
    """The head of the post at `location`. `body` is the text of the post as it is in the file."""
    slug = location.slug if head_template.slug is None else head_template.slug
    place = Place(
        collection=location.collection,
        path=location.path,
        basename=location.basename,
        slug=slug,
        output_ext=".html" if location.suffix.lower() in site.suffixes else location.suffix,
        published=in_zone(published, site),
        categories=head_template.categories,
    )
    address = head_template.folder + site_path(head_template.permalink_template, place)
    id = head_template.own_id or join_address(site.url, site.baseurl, document_id(address, slug))
    if len(id) > MAX_ID:
        digest = blake2b(id.encode(), digest_size=16).hexdigest()
        id = f"{join_address(site.url, site.baseurl, '/')}#{digest}"
    return PostHead(
        path=location.source_path,
        id=id,
        own_id=head_template.own_id is not None,
        url=join_address(site.url, site.baseurl, address),
        title=title,
        published=published,
        updated=head_template.updated,
        terms=head_template.terms,
        text_digest=text_digest(title, body),
        listed=head_template.listed,
    )


def text_digest(title: str, body: bytes | memoryview) -> str:
    """A digest of the title and text, which make an entry new to a reader."""
    digest = blake2b(b"%b\0" % title.encode(), digest_size=16)
    text = bytes(body)
    # A checkout may convert line ends.
    digest.update(text.replace(b"\r\n", b"\n") if b"\r" in text else text)
    return digest.hexdigest()


def in_zone(time: datetime, site: Site) -> datetime:
    if site.timezone is UTC:
        return time
    try:
        return time.astimezone(site.timezone)
    except OverflowError:  # the first or last day of the calendar
        return time
