"""One document becomes one Post: what its author wrote, located in its site (jekyll/lib/jekyll/document.rb)."""

from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from syndicator.jekyll import terms
from syndicator.jekyll.as_text import as_text, is_empty, label, language_tag, shown
from syndicator.jekyll.authors import post_authors
from syndicator.jekyll.characters import printable
from syndicator.jekyll.defaults import merge
from syndicator.jekyll.document_paths import DocumentPath, locate
from syndicator.jekyll.front_matter import HeadError, SplitDocument, decode, load_head, split
from syndicator.jekyll.head_template import LONGEST_ID, HeadTemplates, in_zone, make_head
from syndicator.jekyll.permalinks import unknown_keys
from syndicator.jekyll.site import Site
from syndicator.jekyll.titles import plain_title
from syndicator.model.content import Document, Post, Problem
from syndicator.ruby.dates import read_moment
from syndicator.ruby.slugs import titleize
from syndicator.ruby.uris import is_absolute

T = TypeVar("T")

#: Categories, tags, and authors that a post may have. Each of one file's ten thousand would be four files of ours.
MOST = 100

_PLURAL = {"category": "categories", "tag": "tags", "author": "authors"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadPost:
    """What became of a document."""

    post: (
        Post | None
    )  #: None: left out; without a fatal Problem it is a draft, unpublished, or no post at all
    problems: tuple[Problem, ...] = ()
    filing: HeadTemplates | None = None  #: None: there is no post


def read_post(document: Document, site: Site) -> ReadPost:
    """The post a document is. Raises nothing, whatever its author wrote; a future post is a post."""
    where = locate(document.path, site)
    if where is None:
        return ReadPost(post=None)
    if not document.data.strip():  # more likely half a save than a post
        return _left_out(document, HeadError("the file is empty"))
    try:
        text = decode(document.data)
        parts = split(text)
        head = load_head(parts)
    except HeadError as error:
        return _left_out(document, error)
    if parts.kind is None and where.collection != "posts":
        return ReadPost(post=None)  # a file without front matter is no document (collection.rb)
    octets = document.data[_octets_before(parts.body, text, document.data) :]
    reader = _PostReader(document, site, where, parts, head.values, octets)
    for key, line in head.duplicates:
        reader.problem(
            None, f"{key} is said twice; the last one counts", line=parts.head_line + line
        )
    return (
        ReadPost(post=None, problems=tuple(reader.problems))
        if reader.is_hidden()
        else reader.reading()
    )


def _left_out(document: Document, error: HeadError) -> ReadPost:
    problem = Problem(
        path=document.path, line=error.line, message=str(error), hint=error.hint, fatal=True
    )
    return ReadPost(post=None, problems=(problem,))


def _octets_before(body: str, text: str, data: bytes) -> int:
    """Where the body begins in the file: so it need not be encoded again."""
    mark = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0
    return mark + len(text[: len(text) - len(body)].encode())


class _PostReader:
    """One document on its way to a Post."""

    def __init__(
        self,
        document: Document,
        site: Site,
        where: DocumentPath,
        parts: SplitDocument,
        said: Mapping[str, Any],
        octets: bytes,
    ) -> None:
        """`octets` are the body's, as they stand in the file."""
        self.problems: list[Problem] = []
        self._document = document
        self._site = site
        self._where = where
        self._parts = parts
        self._said = said
        self._octets = octets
        self._defaults = site.defaults.of(where.relative, where.collection)
        self._front = merge(self._defaults, said) if self._defaults else dict(said)

    def problem(
        self,
        key: str | None,
        message: str,
        hint: str | None = None,
        *,
        line: int | None = None,
        fatal: bool = False,
    ) -> None:
        """Name what is wrong; `key` is the line's. Whatever an author wrote is shown short."""
        at = self._parts.line_of(key) if key else line
        self.problems.append(
            Problem(path=self._document.path, line=at, message=message, hint=hint, fatal=fatal)
        )

    def is_hidden(self) -> bool:
        """Whether it is a draft, or unpublished. Nothing is in or out for a word that only looks like true or false."""
        published, draft = self._front.get("published", True), self._front.get("draft")
        if published is None:
            self.problem(
                "published", "published is empty, which means false", "write true, or leave it out"
            )
        for key, value in (("published", published), ("draft", draft)):
            if isinstance(value, str) and value.strip().lower() in ("true", "false"):
                self.problem(key, f"{key} is a text: {shown(value)}", "write it without quotes")
        return published is None or _says(published, False) or _says(draft, True)

    def reading(self) -> ReadPost:
        moment = self._published()
        if moment is None:
            return ReadPost(post=None, problems=tuple(self.problems))
        title = self._title()
        filing = self._filing()
        head = make_head(
            self._document.path, self._where, self._site, filing, title, moment, self._octets
        )
        self._front.setdefault("slug", self._where.slug if filing.slug is None else filing.slug)
        post = Post(
            head=head,
            authors=filing.authors,
            categories=filing.categories,
            tags=filing.tags,
            language=filing.language,
            front=self._front,
            body=self._parts.body,
            body_line=self._parts.body_line,
            document_digest=self._document.digest,
        )
        return ReadPost(post=post, problems=tuple(self.problems), filing=filing)

    def _filing(self) -> HeadTemplates:
        site, where, front = self._site, self._where, self._front
        slug = self._text("slug", None)
        categories = terms.categories(where.folders, self._defaults, self._said)
        tags = terms.tags(front)
        for key in ("category", "categories", "tag", "tags"):
            words = front.get(key)
            if words is not None and not isinstance(words, str) and terms.is_odd(words):
                self.problem(
                    key, f"{key} holds what is no word: {shown(words)}", "put words in quotes"
                )
        categories, tags = self._few("categories", categories), self._few("tags", tags)
        known = site.data.get("authors")
        authors = post_authors(
            front, site.author, known if isinstance(known, dict) else {}, site.url, site.baseurl
        )
        authors = self._few("authors", authors)
        names = tuple(author.name for author in authors)
        if not authors and not is_empty(front.get("author")):
            self.problem("author", f"author has no name: {shown(front['author'])}")
        self._name_long(category=categories, tag=tags, author=names)
        return HeadTemplates(
            slug=slug,
            template=self._template(),
            categories=categories,
            tags=tags,
            authors=authors,
            terms=terms.terms(categories, tags, names, where.collection),
            own_id=self._own_id(),
            updated=self._updated(),
            language=self._language(),
        )

    def _published(self) -> datetime | None:
        said, name = self._front.get("date"), self._where.date
        if said is None or said is False:
            if name is None:
                self._no_date()
                return None
            return self._moment(None, "the file name's date", name)
        moment = self._moment("date", "date", said)
        if (
            moment
            and name is None
            and self._where.collection == "posts"
            and "" not in self._site.scope.roots
        ):
            self.problem(
                None,
                "Jekyll ignores it: the file's name has no date",
                "name it YYYY-MM-DD-title.md",
            )
        return moment

    def _moment(self, key: str | None, what: str, said: Any) -> datetime | None:
        """When it was published. A day past its month's end is taken as Jekyll takes it, and named."""
        moment = read_moment(said, self._site.timezone)
        if moment is not None:
            return moment
        hint = "write it like 2026-01-31 or 2026-01-31 18:00:00 +0100" if key else None
        moment = read_moment(said, self._site.timezone, beyond=True)
        if moment is None:
            self.problem(key, f"{what} is not a date: {shown(said)}", hint, fatal=True)
        else:
            day = in_zone(moment, self._site).date()
            self.problem(
                key,
                f"{what} is past its month's end: {shown(said)}; Jekyll takes it for {day}",
                hint,
            )
        return moment

    def _no_date(self) -> None:
        collection = self._site.collections.get(self._where.collection)
        if (
            collection is None or collection.asked
        ):  # else a document that is no news, as most collections hold
            hint = "name the file YYYY-MM-DD-title.md, or write a date in its front matter"
            self.problem(None, "it has no date", hint, fatal=True)

    def _updated(self) -> datetime | None:
        for key in ("last_modified_at", "updated"):
            said = self._front.get(key)
            if is_empty(said):
                continue
            moment = read_moment(said, self._site.timezone)
            if moment is None:
                self.problem(key, f"{key} is not a date: {shown(said)}")
            else:
                return moment
        return None

    def _title(self) -> str:
        said = self._front.get("title")
        if said is None or said is False:
            return plain_title(titleize(self._where.slug), self._site.kramdown)
        title = (
            "" if isinstance(said, list | dict) else plain_title(as_text(said), self._site.kramdown)
        )
        if not title:
            title = plain_title(titleize(self._where.slug), self._site.kramdown)
            self.problem("title", f"title is no text: {shown(said)}; {shown(title)} stands for it")
        elif not isinstance(said, str):
            self.problem("title", f"title is not a text: {shown(said)}", "put it in quotes")
        return title

    def _text(self, key: str, otherwise: T) -> str | T:
        said = self._front.get(key)
        if said is None or said is False:
            return otherwise
        if isinstance(said, dict | list | bool):
            self.problem(key, f"{key} is not a text: {shown(said)}")
            return otherwise
        return printable(as_text(said))

    def _few(self, what: str, found: tuple[T, ...]) -> tuple[T, ...]:
        """No more than a post may have: each may be a feed."""
        if len(found) > MOST:
            self.problem(
                what, f"{len(found):,} {what}; the first {MOST} count", "a post has a few of them"
            )
        return found[:MOST]

    def _name_long(self, **words: tuple[str, ...]) -> None:
        """Name what is too long for a feed of its own, by the kind of word that it is."""
        for kind, several in words.items():
            for word in several:
                if len(word) > terms.LONGEST:
                    key = kind if kind in self._said else _PLURAL[kind]
                    message = f"{kind} has {len(word):,} characters, and so no feed: {shown(word)}"
                    self.problem(key, message, "name it in a few words")

    def _template(self) -> str:
        collection = self._site.collections.get(self._where.collection)
        template = self._text(
            "permalink", collection.template if collection else self._site.permalink
        )
        if "permalink" in self._said:
            for key in unknown_keys(template):
                self.problem("permalink", f"permalink has no placeholder :{key}")
        return template

    def _own_id(self) -> str | None:
        for key in ("id", "guid"):
            said = self._front.get(key)
            if is_empty(said):
                continue
            own = label(said) if not isinstance(said, dict | list) else ""
            if len(own.encode()) > LONGEST_ID:
                self.problem(
                    key,
                    f"{key} is {len(own):,} characters long: {shown(own)}",
                    "write a shorter one",
                )
                continue
            if not isinstance(said, str):
                self.problem(key, f"{key} is not a text: {shown(said)}", "put it in quotes")
            elif not is_absolute(own):
                self.problem(
                    key,
                    f"{key} is not a URI: {shown(own)}",
                    "write it like tag:example.com,2026:my-post",
                )
            if own:
                return own
        return None

    def _language(self) -> str | None:
        said = self._front.get("lang")
        if is_empty(said):
            return None
        tag = language_tag(said)
        if tag is None:
            self.problem(
                "lang", f"lang is not a language: {shown(said)}", "write it like en or en-GB"
            )
        return tag


def _says(value: Any, wanted: bool) -> bool:
    return value is wanted or (
        isinstance(value, str) and value.strip().lower() == str(wanted).lower()
    )
