"""Reads a document as a Post: front matter, date and location (jekyll/lib/jekyll/document.rb)."""

from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from syndicator.jekyll import terms
from syndicator.jekyll.as_text import language_tag, quoted
from syndicator.jekyll.copies import conflict_of
from syndicator.jekyll.document_paths import DocumentPath, locate
from syndicator.jekyll.front_matter import HeadError, SplitDocument, decode, load_head, split
from syndicator.jekyll.head_template import HeadTemplates, in_zone, make_head
from syndicator.jekyll.heading_titles import Heading, first_heading, title_of
from syndicator.jekyll.merged_front_matter import MergedFrontMatter
from syndicator.jekyll.post_fields import PostFields
from syndicator.jekyll.post_labels import PostLabels
from syndicator.jekyll.site import Site
from syndicator.model.content import Document, Post, Problem
from syndicator.ruby.dates import parse_date


class ReadPost(Struct, frozen=True, kw_only=True):
    """The result of reading a document."""

    #: None: left out. Without a fatal Problem it is a draft, unpublished, or not a post at all.
    post: Post | None
    problems: tuple[Problem, ...] = ()
    head_template: HeadTemplates | None = None  #: None: the document is not a post
    unpublished: bool = False  #: it has `published: false` or `draft: true`


def read_post(document: Document, site: Site, *, even_unpublished: bool = False) -> ReadPost:
    """Read a document. Never raises, whatever the document holds; a future post is a post.

    `even_unpublished`: read an unpublished one as the post that it will be.
    """
    location = locate(document.path, site)
    if location is None:
        return ReadPost(post=None)
    if location.suffix.lower() not in site.scope.suffixes:
        return _of_other_suffix(document, location)
    if program := conflict_of(location.basename):
        return _conflict_copy(document, program)
    if not document.data.strip():  # more likely a half-finished save than a post
        return _left_out(
            document, HeadError("the file is empty", hint="write the post, or remove the file")
        )
    try:
        text = decode(document.data)
        parts = split(text)
        head = load_head(parts)
    except HeadError as error:
        return _left_out(document, error)
    if parts.kind is None and location.collection != "posts":
        return ReadPost(post=None)  # a file without front matter is not a document (collection.rb)
    body_bytes = document.data[_body_offset(parts.body, text, document.data) :]
    reader = _PostReader(document, site, location, parts, head.values)
    for key, line in head.duplicates:
        message = f"{key} is given twice; the last value is used"
        hint = "remove one of the two"
        reader.front.problem(None, message, hint, line=parts.head_line + line)
    unpublished = reader.fields.is_hidden()
    if unpublished and not even_unpublished:
        return ReadPost(post=None, problems=tuple(reader.front.problems), unpublished=True)
    read = reader.read(body_bytes)
    return replace(read, unpublished=True) if unpublished else read


def document_addresses(
    document: Document, site: Site, days: Iterable[datetime]
) -> tuple[str | None, ...]:
    """The address of a collection's document on each of the days on which the site may be built.

    Jekyll gives a document without a date that of the build (document.rb `date`). None: it can't be
    read, or is not published. A document with a date ahead has its later address.
    """
    location = locate(document.path, site)
    try:
        parts = split(decode(document.data))
        head = load_head(parts)
    except HeadError:
        location = None
    if location is None:
        return tuple(None for _ in days)
    reader = _PostReader(document, site, location, parts, head.values)
    if not reader.front.values.get("published", True):
        return tuple(None for _ in days)
    value = reader.front.values.get("date") or location.date
    own = value and parse_date(value, site.timezone, overflow=True)
    template = reader.head_template()
    return tuple(make_head(location, site, template, "", own or day, b"").url for day in days)


def _of_other_suffix(document: Document, location: DocumentPath) -> ReadPost:
    """No post. Jekyll publishes such a file as it is, without Markdown."""
    try:
        has_front_matter = split(decode(document.data)).kind is not None
    except HeadError:
        has_front_matter = False
    note = Problem(
        path=document.path,
        line=1,
        message=f"no feed has it: {location.suffix} is not a suffix of Markdown or HTML",
        hint="if it is Markdown, rename it to .md or add its suffix to markdown_ext in _config.yml",
        note=True,
    )
    return ReadPost(post=None, problems=(note,) if has_front_matter else ())


def _conflict_copy(document: Document, program: str) -> ReadPost:
    note = Problem(
        path=document.path,
        message=f"no feed has it: {program} named it so because of a conflict",
        hint="merge it into the original and delete it; if it is a post of its own, rename it",
        note=True,
    )
    return ReadPost(post=None, problems=(note,))


def _left_out(document: Document, error: HeadError) -> ReadPost:
    problem = Problem(
        path=document.path, line=error.line, message=str(error), hint=error.hint, fatal=True
    )
    return ReadPost(post=None, problems=(problem,))


def _body_offset(body: str, text: str, data: bytes) -> int:
    """The byte of the file that the body starts at. The body need not be encoded again."""
    mark = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0
    return mark + len(text[: len(text) - len(body)].encode())


class _PostReader:
    """Turns one document into a Post."""

    def __init__(
        self,
        document: Document,
        site: Site,
        location: DocumentPath,
        parts: SplitDocument,
        own_values: Mapping[str, Any],
    ) -> None:
        defaults = site.defaults.values_of(location.relative, location.collection)
        self.front = MergedFrontMatter(document.path, parts, own_values, defaults)
        self.fields = PostFields(self.front, site, location)
        self._labels = PostLabels(self.front, site, location)
        self._document = document
        self._site = site
        self._location = location
        self._parts = parts

    def read(self, body_bytes: bytes) -> ReadPost:
        """The post, or its problems. `body_bytes` is the body as it is in the file."""
        front, location = self.front, self._location
        if self._is_ignored():
            message = "Jekyll makes no page of it, since its name has no date: no feed has it"
            front.problem(None, message, "name it YYYY-MM-DD-title.md")
            return ReadPost(post=None, problems=tuple(front.problems))
        published = self._published()
        if published is None:
            return ReadPost(post=None, problems=tuple(front.problems))
        heading = self._heading()
        title = (heading and title_of(heading, self._site.kramdown)) or self.fields.title()
        body, body_line = self._body(heading)
        template = self.head_template()
        head = make_head(location, self._site, template, title, published, body_bytes)
        if heading:
            front.values["title"] = title
        front.values.setdefault("slug", location.slug if template.slug is None else template.slug)
        post = Post(
            head=head,
            authors=template.authors,
            categories=template.categories,
            tags=template.tags,
            language=template.language,
            front=front.values,
            body=body,
            body_line=body_line,
            document_digest=self._document.digest,
            front_lines=self._parts.lines,
        )
        return ReadPost(post=post, problems=tuple(front.problems), head_template=template)

    def _heading(self) -> Heading | None:
        """The heading that is the title, even if the front matter has another one."""
        is_markdown = self._document.path.lower().endswith(
            tuple(map(str.lower, self._site.suffixes))
        )
        enabled = self._site.plugins.titles_from_headings and is_markdown
        return first_heading(self._parts.body) if enabled else None

    def _body(self, heading: Heading | None) -> tuple[str, int]:
        """The text and its first line, without a heading that is the title if so configured."""
        parts = self._parts
        strip = self.front.values.get("strip_title", self._site.plugins.strip_title)
        if heading is None or strip is not True:
            return parts.body, parts.body_line
        rest = parts.body[heading.end :]
        body = rest.strip()
        start = heading.end + len(rest) - len(rest.lstrip())
        return body, parts.body_line + parts.body.count("\n", 0, start)

    def head_template(self) -> HeadTemplates:
        fields, labels = self.fields, self._labels
        fields.report_summary()
        slug = fields.slug()
        categories = labels.categories()
        tags = labels.tags()
        authors = labels.authors()
        names = tuple(author.name for author in authors)
        labels.report_long(category=categories, tag=tags, author=names)
        plugins = self._site.plugins
        site_language = plugins.language_of(self.front.values.get("lang"), self._location.relative)
        return HeadTemplates(
            slug=slug,
            permalink_template=fields.permalink_template(),
            categories=categories,
            tags=tags,
            authors=authors,
            terms=terms.terms(categories, tags, names, self._location.collection, site_language),
            own_id=fields.own_id(),
            updated=fields.updated(),
            language=fields.language() or language_tag(site_language),
            folder=plugins.folder_of(site_language),
            listed=fields.is_listed(),
        )

    def _is_ignored(self) -> bool:
        """Whether Jekyll doesn't read the file (readers/post_reader.rb `read_publishable`).

        In a plain folder, and in another collection, the front matter's date is enough.
        """
        is_jekyll_post = self._location.collection == "posts" and "" not in self._site.scope.roots
        return is_jekyll_post and self._location.date is None

    def _published(self) -> datetime | None:
        value, file_date = self.front.values.get("date"), self._location.date
        if value is None or value is False:
            if file_date is None:
                self._report_missing_date()
                return None
            return self._parse_date(None, "the file name's date", file_date)
        return self._parse_date("date", "date", value)

    def _parse_date(self, key: str | None, what: str, value: Any) -> datetime | None:
        """The publication time. A day past the end of its month is read as Jekyll reads it."""
        published = parse_date(value, self._site.timezone)
        if published is not None:
            return published
        example = "2026-01-31 or 2026-01-31 18:00:00 +0100"
        hint = f"write it like {example}" if key else "rename the file, as in 2026-01-31-title.md"
        published = parse_date(value, self._site.timezone, overflow=True)
        if published is None:
            self.front.problem(key, f"{what} is not a date: {quoted(value)}", hint, fatal=True)
        else:
            day = in_zone(published, self._site).date()
            message = f"{what} is past the end of its month: {quoted(value)}; Jekyll reads {day}"
            self.front.problem(key, message, hint)
        return published

    def _report_missing_date(self) -> None:
        collection = self._site.collections.get(self._location.collection)
        # Most collections hold documents without a date: only one with a feed needs dates.
        if collection is None or collection.has_feed:
            hint = "name the file YYYY-MM-DD-title.md, or write a date in its front matter"
            self.front.problem(None, "the post has no date", hint, fatal=True)
