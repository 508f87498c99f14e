"""The labels of a post: its categories, tags and authors. Each may have a feed."""

from typing import TypeVar

from syndicator.jekyll import terms
from syndicator.jekyll.as_text import is_empty, quoted
from syndicator.jekyll.authors import post_authors
from syndicator.jekyll.document_paths import DocumentPath
from syndicator.jekyll.merged_front_matter import MergedFrontMatter
from syndicator.jekyll.site import Site
from syndicator.model.content import Author

T = TypeVar("T")

#: Categories, tags and authors of one post, each. Every one may be a feed of up to four files.
MAX_LABELS = 100

_PLURAL = {"category": "categories", "tag": "tags", "author": "authors"}


class PostLabels:
    """The categories, tags and authors of one post. Reports what it leaves out."""

    def __init__(self, front: MergedFrontMatter, site: Site, location: DocumentPath) -> None:
        self._front = front
        self._site = site
        self._location = location

    def categories(self) -> tuple[str, ...]:
        self._report_non_text("category", "categories")
        categories = terms.categories(self._location.folders, self._front.defaults, self._front.own)
        return self._limited("category", categories)

    def tags(self) -> tuple[str, ...]:
        self._report_non_text("tag", "tags")
        return self._limited("tag", terms.tags(self._front.values))

    def authors(self) -> tuple[Author, ...]:
        site, data = self._site, self._site.data.get("authors")
        known = data if isinstance(data, dict) else {}
        authors = post_authors(self._front.values, site.author, known, site.url, site.baseurl)
        author = self._front.values.get("author")
        if not authors and not is_empty(author):
            message = f"author has no name: {quoted(author)}"
            self._front.problem("author", message, "write a name, or a mapping with name")
        return self._limited("author", authors)

    def report_long(self, **labels: tuple[str, ...]) -> None:
        """Report labels that are too long for a feed of their own, by their kind of term."""
        for kind, names in labels.items():
            for name in names:
                if len(name) > terms.MAX_LABEL:
                    key = kind if kind in self._front.own else _PLURAL[kind]
                    self._front.problem(
                        key,
                        f"{kind} has {len(name):,} characters and gets no feed;"
                        f" the limit is {terms.MAX_LABEL}: {quoted(name)}",
                        "shorten it",
                    )

    def _report_non_text(self, *keys: str) -> None:
        for key in keys:
            value = self._front.values.get(key)
            if value is not None and not isinstance(value, str) and terms.has_non_text(value):
                message = f"{key} has a value that is not text: {quoted(value)}"
                self._front.problem(key, message, "put it in quotes")

    def _limited(self, kind: str, labels: tuple[T, ...]) -> tuple[T, ...]:
        """At most MAX_LABELS of them."""
        if len(labels) > MAX_LABELS:
            key = _PLURAL[kind]
            message = f"the post has {len(labels):,} {key}; only the first {MAX_LABELS} are used"
            self._front.problem(key, message, f"remove some {key}")
        return labels[:MAX_LABELS]
