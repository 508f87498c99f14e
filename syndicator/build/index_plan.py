"""Decides what documents as they were read change in the index."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from syndicator.build import identity
from syndicator.build.feed_names import FeedNames
from syndicator.build.identity import Assignment, Claims
from syndicator.build.read import ReadResult
from syndicator.jekyll.copies import may_be_copy
from syndicator.model.content import Identity, PostHead, Problem
from syndicator.store.feeds import FeedRow
from syndicator.store.post_rows import PostRow

#: Problems by the path of their post; none: they are fixed.
ProblemsByPath = Mapping[str, tuple[Problem, ...]]


class Counts(Struct, frozen=True, kw_only=True):
    """How many posts changed in the index."""

    new: int = 0
    changed: int = 0
    gone: int = 0
    last: str = ""  #: the last post counted as new or changed
    freed_id: bool = False  #: whether a post gave up its id

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            gone=self.gone + other.gone,
            last=other.last or self.last,
            freed_id=self.freed_id or other.freed_id,
        )

    @property
    def only(self) -> str | None:
        """The new or changed post, if there is just one and none is gone."""
        return self.last if self.new + self.changed == 1 and not self.gone else None


class IndexPlan(Struct, frozen=True, kw_only=True):
    """What to write in one transaction."""

    changed: Sequence[tuple[PostRow, PostRow | None]] = ()  #: each row, and the one before
    removed: Sequence[PostRow] = ()
    identities: Sequence[Identity] = ()
    problems: Mapping[str, ProblemsByPath] = field(default_factory=dict)  #: by stage
    new_feeds: Sequence[FeedRow] = ()
    stale_feeds: frozenset[str] = frozenset()
    awaited: Sequence[PostHead] = ()  #: posts whose page is awaited from now on
    #: Posts that got a suffixed id now, with their identities before; None: they are new.
    suffixed: Mapping[str, Identity | None] = field(default_factory=dict)
    counts: Counts = Counts()


def remove(rows: Sequence[PostRow]) -> IndexPlan:
    """Remove documents that are gone."""
    return IndexPlan(
        removed=rows,
        problems={stage: {row.stat.path: () for row in rows} for stage in ("read", "id", "render")},
        stale_feeds=frozenset(name for row in rows for name in _shown_by(row)),
        counts=Counts(
            gone=sum(row.head is not None for row in rows),
            freed_id=any(row.id for row in rows),
        ),
    )


def touch(same: Iterable[ReadResult], rows: Mapping[str, PostRow]) -> list[PostRow]:
    """The rows of documents that have the same bytes with another stat."""
    now = [rows[one.stat.path]._replace(stat=one.stat, settled=one.settled) for one in same]
    return [row for row in now if row != rows[row.stat.path]]


def update(
    documents: Mapping[str, ReadResult],
    rows: Mapping[str, PostRow],
    claims: Claims,
    assigned: Assignment,
    names: FeedNames,
) -> IndexPlan:
    """Index documents whose bytes are new. New terms get their names in `names`."""
    new_rows = [_row(one, rows.get(path), assigned, names) for path, one in documents.items()]
    changed = [(row, before) for row in new_rows if (before := rows.get(row.stat.path)) != row]
    new_feeds, name_problems = names.take_new()
    return IndexPlan(
        changed=changed,
        identities=[
            one for path, one in assigned.identities.items() if one != claims.known.get(path)
        ],
        problems={
            "read": {path: one.problems for path, one in documents.items()},
            "id": {path: assigned.conflicts.get(path, ()) for path in documents},
            "name": name_problems,
            # These belong to the text as it was.
            "render": {
                row.stat.path: () for row, before in changed if before and _stale(row, before)
            },
        },
        new_feeds=new_feeds,
        stale_feeds=frozenset(name for row, before in changed for name in _stale(row, before)),
        awaited=[row.head for row, before in changed if row.head and _begins_to_wait(row, before)],
        suffixed={path: claims.known.get(path) for path in assigned.suffixed},
        counts=_counts(changed),
    )


def shown_rows(plan: IndexPlan) -> Iterator[PostRow]:
    """The posts that feeds show otherwise after a plan: as they were, and as they are."""
    yield from plan.removed
    for row, before in plan.changed:
        if before is None or _shown(before) != _shown(row):
            yield row
            if before:
                yield before


def paths(plan: IndexPlan) -> list[str]:
    """The documents that a plan changes or removes."""
    return [row.stat.path for row in (*plan.removed, *(row for row, _ in plan.changed))]


def without_feed(plan: IndexPlan) -> list[str]:
    """The documents that are in no feed after a plan."""
    changed = [row.stat.path for row, _ in plan.changed if not row.feeds]
    return [*(row.stat.path for row in plan.removed), *changed]


def _row(
    read: ReadResult, before: PostRow | None, assigned: Assignment, names: FeedNames
) -> PostRow:
    """The row of a document. One that can't be read as a post keeps its last good version."""
    if read.unreadable and before:
        return before._replace(stat=read.stat, settled=read.settled, digest=read.digest)
    path, head = read.stat.path, read.head
    if head:
        head = identity.with_identity(head, assigned.identities[path])
    feeds = names.of_all(head.terms) if head and head.listed else ()
    return PostRow(
        stat=read.stat,
        settled=read.settled,
        digest=read.digest,
        head=head,
        document_digest=read.digest if head else None,
        feeds=feeds,
        hidden_id=assigned.hidden_ids.get(path),
        maybe_copy=may_be_copy(path),
        held=bool(feeds) and not assigned.identities[path].shown,
    )


def _begins_to_wait(row: PostRow, before: PostRow | None) -> bool:
    """Whether the page of a held post is awaited from now on: another address begins anew."""
    if not row.held or row.head is None:
        return False
    if before is None or not before.held or before.head is None:
        return True
    return (before.head.url, before.head.published) != (row.head.url, row.head.published)


def _counts(changed: Iterable[tuple[PostRow, PostRow | None]]) -> Counts:
    new = edited = gone = 0
    last = ""
    freed_id = False
    for row, before in changed:
        freed_id |= before is not None and before.id not in (None, row.id)
        if row.head and not (before and before.head):
            new += 1
            last = row.stat.path
        elif before and before.head and not row.head:
            gone += 1
        elif before and _shown(before) != _shown(row):
            edited += 1
            last = row.stat.path
    return Counts(new=new, changed=edited, gone=gone, last=last, freed_id=freed_id)


def _stale(row: PostRow, before: PostRow | None) -> set[str]:
    """The feeds that a changed post is in or was in; none if they show it as before."""
    if before and _shown(before) == _shown(row):
        return set()
    return {*_shown_by(row), *(_shown_by(before) if before else ())}


def _shown_by(row: PostRow) -> tuple[str, ...]:
    """The feeds that show a post, once it is due."""
    return () if row.held else row.feeds


def _shown(row: PostRow) -> tuple[PostHead | None, str | None, tuple[str, ...]]:
    """The part of a row that feeds depend on."""
    return row.head, row.document_digest, row.feeds
