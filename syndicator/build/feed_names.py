"""How a feed and its files are named: `all`, `category/news`. A name, once given, never changes.

A feed's files are its name and a suffix for each format, as in `category/news.rss`.
"""

import re
import unicodedata
from collections.abc import Collection, Container, Iterable
from hashlib import blake2b

from syndicator.jekyll.tag_feeds import TagFeeds
from syndicator.model.content import Problem, Term
from syndicator.store.feeds import FeedRow

#: The feed of the whole site.
ALL = "all"

#: Spelled out so that "C++" and "C#" get different names, and neither is "c".
_SPELLED = {"+": " plus ", "#": " sharp ", "&": " and ", "@": " at ", "%": " percent "}

#: File names have at most 255 bytes; this leaves room for suffixes and temporary names.
_MAX_BYTES = 120


class FeedNames:
    """The names of all feeds of some kinds, by kind and folded label."""

    def __init__(
        self,
        rows: Iterable[FeedRow],
        kinds: Collection[str],
        default_language: str | None = None,
        tag_feeds: TagFeeds | None = None,
    ) -> None:
        """`default_language`: that of the feed `all`; None: the site has no languages.

        `tag_feeds`: the tags that may have a feed; None: all.
        """
        rows = list(rows)
        self._default_language = default_language
        self._kinds = kinds
        self._tag_feeds = tag_feeds or TagFeeds()
        #: Cached since the last `take_new`.
        self._of_terms: dict[tuple[Term, ...], tuple[str, ...]] = {}
        self._names = {(row.kind, row.folded): row.name for row in rows}
        self._taken = {row.name for row in rows}
        self._new: list[FeedRow] = []
        self._problems: dict[str, tuple[Problem, ...]] = {}

    @property
    def problems(self) -> list[Problem]:
        """Problems of the names given since the last `take_new`."""
        return [problem for several in self._problems.values() for problem in several]

    def of_all(self, terms: tuple[Term, ...]) -> tuple[str, ...]:
        """The names of the feeds of a post with these terms."""
        names = self._of_terms.get(terms)
        if names is None:
            main = (ALL,) if is_in_main_feed(terms, self._default_language) else ()
            own = feed_terms(filter(self._tag_feeds.allow, terms), self._kinds)
            if is_translation(terms, self._default_language):
                own = [term for term in own if term.kind == "language"]
            names = (*main, *map(self.of, own))
            self._of_terms[terms] = names
        return names

    def of(self, term: Term) -> str:
        """The name of a term's feed; a new term gets its name here."""
        key = (term.kind, fold(term.label))
        name = self._names.get(key)
        if name is None:
            name, problem = feed_name(term, self._taken)
            self._names[key] = name
            self._taken.add(name)
            self._new.append(
                FeedRow(name=name, kind=term.kind, label=term.label.strip(), folded=key[1])
            )
            if problem:
                self._problems[name] = (problem,)
        return name

    def take_new(self) -> tuple[list[FeedRow], dict[str, tuple[Problem, ...]]]:
        """The names given since the last call, and their problems by name, to be stored."""
        new, problems = self._new, self._problems
        self._new, self._problems = [], {}
        self._of_terms.clear()
        return new, problems


def fold(label: str) -> str:
    """The form in which labels are compared: "News", "news" and " news" are one category."""
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())


def feed_slug(label: str) -> str:
    """A label as a file name: lower case, letters and digits of any script, `-` between words.

    Never empty, never with a slash or a dot, never longer than 120 bytes.
    """
    text = unicodedata.normalize("NFKC", label).lower()
    for symbol, spelled in _SPELLED.items():
        text = text.replace(symbol, spelled)
    kept = "".join(character if _is_kept(character) else "-" for character in text)
    name = re.sub(r"-+", "-", kept).strip("-")
    if not name:
        return f"x-{_short_digest(label)}"
    if len(name.encode()) > _MAX_BYTES:
        start = name.encode()[: _MAX_BYTES - 10].decode(errors="ignore").strip("-")
        return f"{start}-{_short_digest(label)}"
    return name


def feed_name(term: Term, taken: Container[str]) -> tuple[str, Problem | None]:
    """The name of a new feed. If another label has that name, it gets a number and a Problem."""
    plain = f"{term.kind}/{feed_slug(term.label)}"
    if plain not in taken:
        return plain, None
    number = 2
    while f"{plain}-{number}" in taken:
        number += 1
    name = f"{plain}-{number}"
    message = f'the {term.kind} "{term.label}" has this name because {plain} is another {term.kind}'
    hint = "rename one of the two if they are meant to be the same"
    return name, Problem(path=name, message=message, hint=hint)


def feed_terms(terms: Iterable[Term], kinds: Container[str]) -> list[Term]:
    """The terms of a post that have feeds, each once."""
    unique: dict[tuple[str, str], Term] = {}
    for term in terms:
        if term.kind in kinds and term.label.strip():
            unique.setdefault((term.kind, fold(term.label)), term)
    return list(unique.values())


def is_in_main_feed(terms: Iterable[Term], default_language: str | None = None) -> bool:
    """Whether a post is in `all`. As in jekyll-feed, documents of collections are not."""
    terms = list(terms)
    is_post = all(term.kind != "collection" for term in terms)
    return is_post and not is_translation(terms, default_language)


def is_translation(terms: Iterable[Term], default_language: str | None) -> bool:
    """Whether a post is in another language than the site's default one.

    jekyll-polyglot builds a site for each language. Its posts are in that language's feed only.
    """
    return any(term.kind == "language" and term.label != default_language for term in terms)


def _is_kept(character: str) -> bool:
    # Letters, marks, numbers and pictographs; some scripts and emoji need the zero-width joiner.
    return unicodedata.category(character)[0] in "LMN" or unicodedata.category(character) == "So"


def _short_digest(label: str) -> str:
    return blake2b(label.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
