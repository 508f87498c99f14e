"""Keeps the id of a renamed or moved post, and decides when a post was last updated.

It decides only: `store.identities` stores the identities.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from syndicator.formats.field_values import entry_id
from syndicator.formats.shown_feeds import ShownEntry
from syndicator.model.content import Identity, PostHead, Problem


def identify(
    head: PostHead, known: Identity | None, now: datetime, *, holds: bool = False
) -> Identity:
    """The identity of a post as it was read, given the stored one.

    The front matter's own id wins, then the id the post was first given, then the id that
    jekyll-feed would make. A text other than the stored one was changed `now`, or at its last
    change if the clock was set back.

    `holds`: whether new posts are held until their page is live. A post that feeds have shown is
    not new, even if it was removed since. What no feed has shown is not updated.
    """
    if known is None:
        return Identity(
            path=head.path,
            id=head.id,
            text_digest=head.text_digest,
            updated=None,
            shown=not holds,
        )
    changed = known.text_digest != head.text_digest and known.shown
    at = now.replace(microsecond=0)
    return Identity(
        path=head.path,
        id=head.id if head.own_id and not _is_suffixed(known.id, head.id) else known.id,
        text_digest=head.text_digest,
        updated=max(at, known.updated or at) if changed else known.updated,
        shown=known.shown or not holds,
    )


def rename_candidates(heads: Iterable[PostHead], known: Mapping[str, Identity]) -> list[PostHead]:
    """The posts that may be renamed ones: the text stored for their path is another, or none."""
    return [
        head
        for head in heads
        if (before := known.get(head.path)) is None or before.text_digest != head.text_digest
    ]


def renamed(
    rename_candidates: Iterable[PostHead], previous: Collection[Identity]
) -> dict[str, Identity]:
    """Which path continues which identity: the post with its text, now under another path.

    `previous`: stored identities that these posts may continue.

    Each identity is continued at most once, the last removed first: a second file with the same
    text is a new post. A post whose file still exists was edited, not renamed, unless its text
    moved to another path and another post took its place.
    """
    existing = {identity.path for identity in previous if identity.gone is None}
    of_text: dict[str, list[Identity]] = {}
    by_path = sorted(previous, key=lambda identity: identity.path, reverse=True)
    for identity in sorted(
        by_path, key=lambda identity: (identity.gone is not None, identity.gone)
    ):
        of_text.setdefault(identity.text_digest, []).append(identity)
    continued = {
        head.path: of_text[head.text_digest].pop()
        for head in sorted(rename_candidates, key=lambda head: (head.path in existing, head.path))
        if of_text.get(head.text_digest)
    }
    while edited := existing & (
        continued.keys() ^ {identity.path for identity in continued.values()}
    ):
        continued = {
            path: identity
            for path, identity in continued.items()
            if path not in edited and identity.path not in edited
        }
    return continued


def conflict(head: PostHead, identity: Identity, holders: Mapping[str, str]) -> Problem | None:
    """A Problem if another post has the id that this one has, or would have; else None.

    `holders`: the path of the post that has an id. A reader takes two posts with one id for one
    entry, and never shows the second.
    """
    wanted = head.id if _is_suffixed(identity.id, head.id) else identity.id
    holder = holders.get(wanted, identity.path)
    if holder == identity.path:
        return None
    return Problem(
        path=identity.path,
        message=f"has the same id as {holder}: {wanted}",
        hint="give it its own id, permalink or file name; "
        "until then its id in the feeds ends in its file's name",
    )


def suffixed_ids(identity: Identity) -> list[str]:
    """Candidates for the lasting id of a post whose id is taken, in order of preference."""
    name = identity.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    numbered = (f"{identity.path}~{number}" for number in range(2, 100))
    return [f"{identity.id}#{end}" for end in (name, identity.path, *numbered)]


def _is_suffixed(id: str, wanted: str) -> bool:
    return id.startswith(f"{wanted}#")


def with_identity(head: PostHead, identity: Identity) -> PostHead:
    """The head as feeds show it: with its lasting id and its `updated`.

    The front matter's `updated` wins. A change before publication is not an update.
    """
    seen = identity.updated if identity.updated and identity.updated > head.published else None
    updated = head.updated or seen
    if (head.id, head.updated) == (identity.id, updated):
        return head
    return head._replace(id=identity.id, updated=updated)


class Renames(Struct, frozen=True, kw_only=True):
    """The identities of renamed posts."""

    continued: Mapping[str, Identity]  #: by the post's new path
    left: frozenset[str]  #: the paths that these identities had
    #: Identities of posts whose path a renamed one took. They may reappear under another path, and
    #: are kept under an impossible one: with a slash at its end.
    displaced: tuple[Identity, ...]


def follow_renames(
    heads: Mapping[str, PostHead],
    stored: Mapping[str, Identity],
    removed: Iterable[Identity],
    now: datetime,
) -> Renames:
    """Which of the posts that were read are renamed ones.

    `stored`: the identities of their paths. `removed`: those of posts whose file is gone.
    """
    candidates = rename_candidates(heads.values(), stored)
    previous = [one for head in candidates if (one := stored.get(head.path)) and not one.gone]
    previous += [one for one in removed if one.path not in heads]
    continued = renamed(candidates, previous)
    left = frozenset(old.path for old in continued.values())
    return Renames(
        continued={
            # Gone until its post is indexed: so it differs from the identity to store.
            path: old._replace(path=path, gone=old.gone or now)
            for path, old in continued.items()
        },
        left=left,
        displaced=tuple(
            one._replace(path=f"{path}/")
            for path in continued
            if path not in left and (one := stored.get(path))
        ),
    )


def recall(
    heads: Mapping[str, PostHead],
    known: Mapping[str, Identity],
    shown: Mapping[str, ShownEntry],
    now: datetime,
) -> dict[str, Identity]:
    """The identities of posts that readers saw and the state does not know like this, by path.

    `shown`: what readers saw of the posts of `rename_candidates`, whose text the state doesn't know
    either. It is taken for the one that they saw, which is right but for an edit since then.
    """
    recalled = {}
    for path, entry in shown.items():
        head, before = heads[path], known.get(path)
        if before and not _is_shown_update(before, entry):
            continue
        known_id = before.id if before else head.id
        recalled[path] = Identity(
            path=path,
            id=known_id if entry_id(known_id) == entry.id else entry.id,
            text_digest=head.text_digest,
            updated=entry.updated,
            # As for a renamed post: so it differs from the identity to store.
            gone=now,
        )
    return recalled


def _is_shown_update(before: Identity, entry: ShownEntry) -> bool:
    """Whether readers saw an update of a post that its stored identity doesn't have."""
    if entry.updated is None or entry_id(before.id) != entry.id:
        return False
    return before.updated is None or entry.updated > before.updated


class Claims(Struct, frozen=True, kw_only=True):
    """The ids that the posts of documents read together want. All by path."""

    heads: Mapping[str, PostHead]  #: of the posts, as they were read
    known: Mapping[str, Identity]  #: as stored, continued by a renamed post, or recalled
    wanted: Mapping[str, Identity]
    hidden: Mapping[str, str]  #: ids of known posts that have no head now

    @property
    def ids(self) -> set[str]:
        """The ids whose holder in the index `assign` has to know."""
        return {
            *(one.id for one in self.wanted.values()),
            *(head.id for head in self.heads.values()),
            *self.hidden.values(),
        }


def claim(
    heads: Mapping[str, PostHead],
    stored: Mapping[str, Identity],
    continued: Mapping[str, Identity],
    now: datetime,
    *,
    holds: bool = False,
) -> Claims:
    """The ids that posts want. `stored` has documents without a head, too.

    `continued`: of renamed posts, and of recalled ones. `holds`: see `identify`.
    """
    known = {**stored, **continued}
    return Claims(
        heads=heads,
        known=known,
        wanted={
            path: identify(head, known.get(path), now, holds=holds) for path, head in heads.items()
        },
        hidden={path: one.id for path, one in known.items() if path not in heads},
    )


class Assignment(Struct, frozen=True, kw_only=True):
    """The ids that posts get. All by path."""

    identities: Mapping[str, Identity]
    conflicts: Mapping[str, tuple[Problem, ...]]
    hidden_ids: Mapping[str, str]  #: those that hidden posts keep
    suffixed: frozenset[str]  #: posts that got a suffixed id


def assign(claims: Claims, holders: Mapping[str, str]) -> Assignment:
    """Give each post an id that no other post has.

    `holders`: the path in the index that holds an id, for `claims.ids` and `suffixed_candidates`.

    Known posts come first, then hidden ones: a post keeps its id against a new one.
    """
    identities = dict(claims.wanted)
    conflicts: dict[str, tuple[Problem, ...]] = {}
    hidden_ids: dict[str, str] = {}
    suffixed: set[str] = set()
    current = {
        id: path
        for id, path in holders.items()
        if path not in identities or identities[path].id == id
    }
    known = [path for path in claims.heads if path in claims.known]
    new = [path for path in claims.heads if path not in claims.known]
    for path in (*known, *claims.hidden, *new):
        if (hidden_id := claims.hidden.get(path)) is not None:
            if current.setdefault(hidden_id, path) == path:
                hidden_ids[path] = hidden_id
            continue
        one = claims.wanted[path]
        if problem := conflict(claims.heads[path], one, current):
            conflicts[path] = (problem,)
        if current.get(one.id, path) != path:
            taken = {**holders, **current}
            free = (id for id in suffixed_ids(one) if taken.get(id, path) == path)
            one = one._replace(id=next(free))
            suffixed.add(path)
        current.setdefault(one.id, path)
        identities[path] = one
    return Assignment(
        identities=identities,
        conflicts=conflicts,
        hidden_ids=hidden_ids,
        suffixed=frozenset(suffixed),
    )


def suffixed_candidates(claims: Claims, holders: Mapping[str, str]) -> set[str]:
    """The suffixed ids that `assign` may have to choose from.

    They are those of each post whose id another post holds, wants, or may be given.
    """
    number = Counter([*(one.id for one in claims.wanted.values()), *claims.hidden.values()])
    candidates: set[str] = set()
    while True:
        more = {
            id
            for one in claims.wanted.values()
            if number[one.id] > 1
            or holders.get(one.id, one.path) != one.path
            or one.id in candidates
            for id in suffixed_ids(one)
        }
        if more <= candidates:
            return candidates
        candidates |= more
