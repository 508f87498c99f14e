"""Which posts make which feed, under which name, in what order."""

import re
import unicodedata
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b

from syndicator.model.content import Entry, Feed, FeedSpec, Problem, SiteInfo, Term

#: The feed of the whole site.
ALL = "all"

#: So that "C++" and "C#" are not one feed, and neither is called "c".
_SPELLED = {"+": " plus ", "#": " sharp ", "&": " and ", "@": " at ", "%": " percent "}

#: File names have 255 octets at most; this leaves room for suffixes and a temporary name.
_MAX_OCTETS = 120

#: A moment that lies further ahead than this was written wrong: clocks and zones don't differ by so much.
YET_TO_COME = timedelta(days=1)


def fold(label: str) -> str:
    """What makes two labels the same: "News", "news" and " news" are one category."""
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())


def feed_slug(label: str) -> str:
    """A label as a file's name: lower case, letters and digits of any script, `-` between words.

    Never empty, never with a slash or a dot, never longer than 120 octets.
    """
    text = unicodedata.normalize("NFKC", label).lower()
    for symbol, spelled in _SPELLED.items():
        text = text.replace(symbol, spelled)
    kept = "".join(character if _is_kept(character) else "-" for character in text)
    name = re.sub(r"-+", "-", kept).strip("-")
    if not name:
        return f"x-{_short(label)}"
    if len(name.encode()) > _MAX_OCTETS:
        return f"{name.encode()[: _MAX_OCTETS - 10].decode(errors='ignore').strip('-')}-{_short(label)}"
    return name


def feed_name(term: Term, taken: Container[str]) -> tuple[str, Problem | None]:
    """The name of a new feed. A name that is taken by another label gets a number, and a Problem says so."""
    plain = f"{term.kind}/{feed_slug(term.label)}"
    if plain not in taken:
        return plain, None
    number = 2
    while f"{plain}-{number}" in taken:
        number += 1
    name = f"{plain}-{number}"
    return name, Problem(
        path=name,
        message=f'the {term.kind} "{term.label}" has this name because {plain} is another {term.kind}',
        hint="rename one of the two if they are meant to be the same",
    )


def feed_terms(terms: Iterable[Term], kinds: Container[str]) -> list[Term]:
    """The terms of a post that feeds are made for, without repetition."""
    found: dict[tuple[str, str], Term] = {}
    for term in terms:
        if term.kind in kinds and term.label.strip():
            found.setdefault((term.kind, fold(term.label)), term)
    return list(found.values())


def is_in_main_feed(terms: Iterable[Term]) -> bool:
    """Whether a post is in the feed of the whole site: jekyll-feed's main feed has posts, not collections."""
    return all(term.kind != "collection" for term in terms)


def feed_title(site: SiteInfo, term: Term | None) -> str:
    return site.title if term is None else f"{site.title}: {term.label}"


def assemble(
    spec: FeedSpec, site: SiteInfo, entries: Sequence[Entry], before: datetime | None, now: datetime
) -> Feed:
    """A feed of these entries, newest first, or of their summaries, as the spec has it.

    `before`: its last `updated`, which it never goes back from, unless that is yet to come: a post was dated wrong.
    """
    moments = [entry.updated for entry in entries]
    if before is not None and before < now + YET_TO_COME:
        moments.append(before)
    shown = entries if spec.full else [replace(entry, content="") for entry in entries]
    return Feed(spec=spec, site=site, updated=max(moments, default=None), entries=tuple(shown))


def _is_kept(character: str) -> bool:
    # Letters, marks, numbers and pictographs; the zero-width joiner holds some scripts and emoji together.
    return unicodedata.category(character)[0] in "LMN" or unicodedata.category(character) == "So"


def _short(label: str) -> str:
    return blake2b(label.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
