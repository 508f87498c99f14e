"""From documents that changed to an index of posts, and to the feeds that this touches."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from syndicator.build import assemble, identity
from syndicator.build.read import ReadResult, Wanted, read_all
from syndicator.jekyll.site import Site
from syndicator.model.content import Identity, PostHead, Problem, Term
from syndicator.sources.folder import SourceFolder
from syndicator.store import entries, feeds, posts, problems
from syndicator.store import identities as ledger
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow
from syndicator.store.posts import PostRow
from syndicator.store.sql import BATCH, batches

Progress = Callable[[int, int | None, str], None]


@dataclass(slots=True)
class IndexResult:
    """What an indexing found."""

    new: int = 0
    changed: int = 0
    gone: int = 0
    racy: set[str] = field(
        default_factory=set
    )  #: to be looked at again: changed within the clock's grain
    freed: bool = False  #: whether an id is held no longer
    last: str = ""  #: the last post that was counted as new or changed

    @property
    def only(self) -> str | None:
        """The one post that is new or changed, where no other is, and none is gone."""
        return self.last if self.new + self.changed == 1 and not self.gone else None


@dataclass(slots=True)
class _Found:
    """A document as it was read now, beside what was known of it."""

    read: ReadResult
    before: PostRow | None
    head: PostHead | None  #: as feeds show it, once it is known who it is
    problems: tuple[Problem, ...]
    conflict: tuple[Problem, ...] = ()  #: another post holds its id
    hidden_id: str | None = None  #: it is no post now, and was one of this id

    @property
    def path(self) -> str:
        return self.read.stat.path


#: How long after a post went another path may continue it: of a rename, one run may see the old name go, and a later
#: one, after a crash or a reload, the new name come.
RENAMING = timedelta(hours=1)

_Known = Mapping[str, PostRow]


class Indexer:
    """Keeps the index in step with the source.

    What a power cut takes back is read again: nothing is told of before a durable transaction came after it.

    Reads documents, says who they are, and marks the feeds they are or were in as dirty. `using` are the posts whose
    entries asked for other posts: a change of any may be one of theirs.
    """

    def __init__(
        self,
        database: Database,
        source: SourceFolder,
        site: Site,
        names: "FeedNames",
        using: Collection[str],
    ) -> None:
        self.database = database
        self.source = source
        self.site = site
        self.names = names
        self.using = using
        self._set_apart: dict[
            str, Identity | None
        ] = {}  #: in this run, and who they were before it

    def index(
        self, fresh: Collection[str], gone: Collection[str], now: datetime, progress: Progress
    ) -> IndexResult:
        """Forget the gone paths, read the fresh ones, in batches that are each a transaction."""
        counted = IndexResult()
        self._forget(gone, now, counted)
        self._read(fresh, now, counted, progress)
        if counted.freed:  # what another held, one of these may have now
            with self.database.begin(durable=False) as connection:
                again = sorted(problems.subjects(connection, "id") | self._set_apart.keys())
                posts.mark_unread(connection, again)
                # Nobody saw the ids that were set apart from one whose own changed later in this run.
                ledger.remove(connection, self._set_apart)
                ledger.put(connection, [before for before in self._set_apart.values() if before])
            self._read(again, now, IndexResult(racy=counted.racy), progress)  # they are counted
        return counted

    def _read(
        self, fresh: Collection[str], now: datetime, counted: IndexResult, progress: Progress
    ) -> None:
        done = 0
        with closing(read_all(self.source, self.site, self._wanted(fresh), len(fresh))) as batched:
            for (known, wanted), several in batched:
                # What a look saw and a reading doesn't find may be back at once, and is to be looked for.
                counted.racy.update(
                    path for (path, _), one in zip(wanted, several, strict=True) if one is None
                )
                self._index_batch(known, [one for one in several if one], now, counted)
                done += BATCH
                progress(min(done, len(fresh)), len(fresh), "reading posts")

    def _wanted(
        self, fresh: Collection[str]
    ) -> Iterator[tuple[tuple[_Known, list[Wanted]], list[Wanted]]]:
        """What is to be read, in batches, and with it what is known of it. What is as it was is left out."""
        for batch in batches(fresh):
            with self.database.read() as connection:
                known = posts.get(connection, batch)
            wanted = [
                (path, known[path].digest if path in known else "")
                for path in batch
                if self._differs(path, known.get(path))
            ]
            yield (known, wanted), wanted

    def _differs(self, path: str, before: PostRow | None) -> bool:
        return not (
            before and before.settled and before.digest and self.source.stat(path) == before.stat
        )

    def _index_batch(
        self, known: _Known, several: list[ReadResult], now: datetime, counted: IndexResult
    ) -> None:
        counted.racy.update(one.stat.path for one in several if not one.settled)
        if not several:
            return
        looks = [
            row
            for one in several
            if one.same and (row := _looked(one, known[one.stat.path])) != known[one.stat.path]
        ]
        read = [
            _Found(one, known.get(one.stat.path), one.head, one.problems)
            for one in several
            if not one.same
        ]
        if not looks and not read:
            return
        with self.database.begin(durable=False) as connection:
            posts.update_stat(connection, looks)
            self._identify(connection, read, now)
            rows = [self._row(found) for found in read]
            problems.replace(connection, "read", {found.path: found.problems for found in read})
            problems.replace(connection, "id", {found.path: found.conflict for found in read})
            self.names.remember(connection)
            changed = [
                (row, found.before)
                for row, found in zip(rows, read, strict=True)
                if row != found.before
            ]
            posts.put(
                connection, [row for row, _ in changed], [before for _, before in changed if before]
            )
            feeds.mark_stale(
                connection, {name for row, before in changed for name in _touched(row, before)}
            )
            if changed:
                drop(connection, self.using)
                # What was wrong with an entry was wrong with another text.
                mended = [
                    row.stat.path for row, before in changed if before and _touched(row, before)
                ]
                problems.remove(connection, "render", mended)
        for row, before in changed:
            _count(row, before, counted)

    def _identify(self, connection: Connection, read: list[_Found], now: datetime) -> None:
        """Say who each post is, and keep it in the ledger."""
        heads = {found.path: found.head for found in read if found.head}
        known = ledger.get(connection, [found.path for found in read])
        known |= self._follow(connection, heads, known, now)
        identities = {
            path: identity.identify(head, known.get(path), now) for path, head in heads.items()
        }
        hidden = {path: one.id for path, one in known.items() if path not in heads}
        asked = (
            {one.id for one in identities.values()}
            | {head.id for head in heads.values()}
            | {*hidden.values()}
        )
        holders = posts.paths_by_id(connection, asked)
        holders = {
            id: path
            for id, path in holders.items()
            if path not in identities or identities[path].id == id
        }
        # Who has an id keeps it, though it is hidden.
        for found in sorted(read, key=lambda found: (found.path not in known, found.head is None)):
            if found.head is None:
                id = hidden.get(found.path)
                if id and holders.setdefault(id, found.path) == found.path:
                    found.hidden_id = id
                continue
            one = identities[found.path]
            problem = identity.conflict(found.head, one, holders)
            if problem:
                found.conflict = (problem,)
            if holders.get(one.id, one.path) != one.path:
                others = identity.next_free_id(one)
                taken = posts.paths_by_id(connection, others) | holders
                self._set_apart.setdefault(one.path, known.get(one.path))
                one = one._replace(
                    id=next(id for id in others if taken.get(id, one.path) == one.path)
                )
            holders.setdefault(one.id, one.path)
            identities[one.path] = one
            found.head = identity.with_identity(found.head, one)
        ledger.put(connection, [one for path, one in identities.items() if one != known.get(path)])

    def _follow(
        self,
        connection: Connection,
        heads: Mapping[str, PostHead],
        known: Mapping[str, Identity],
        now: datetime,
    ) -> dict[str, Identity]:
        """Who came under another name, by that name; the ledger knows them by no other from now on."""
        strangers = identity.rename_candidates(heads.values(), known)
        left = [one for head in strangers if (one := known.get(head.path)) and not one.gone]
        if len(left) < len(strangers):  # some came
            departed = ledger.find_removed(
                connection, {head.text_digest for head in strangers}, now - RENAMING
            )
            left += [one for one in departed if one.path not in heads]
        followed = identity.renamed(strangers, left)
        olds = {
            old.path: old._replace(path=path, gone=old.gone or now)
            for path, old in followed.items()
        }
        # Who was there before may yet come elsewhere, and is kept where no file can be.
        displaced = [
            one._replace(path=f"{path}/")
            for path in followed
            if path not in olds and (one := known.get(path))
        ]
        ledger.remove(connection, olds)
        ledger.put(connection, displaced)
        return {new.path: new for new in olds.values()}

    def _row(self, found: _Found) -> PostRow:
        """What is remembered of a document; of one that can't be read as a post, its last good version too."""
        stat, settled, digest, head = (
            found.read.stat,
            found.read.settled,
            found.read.digest,
            found.head,
        )
        if found.read.unreadable and found.before:
            return found.before._replace(stat=stat, settled=settled, digest=digest)
        return PostRow(
            stat=stat,
            settled=settled,
            digest=digest,
            head=head,
            document_digest=digest if head else None,
            feeds=self.names.of_all(head.terms) if head else (),
            hidden_id=found.hidden_id,
        )

    def _forget(self, gone: Collection[str], now: datetime, counted: IndexResult) -> None:
        for batch in batches(sorted(gone)):
            with self.database.begin(durable=False) as connection:
                rows = posts.get(connection, batch).values()
                posts.remove(connection, rows)
                ledger.mark_removed(connection, batch, now)
                for stage in ("read", "id", "render"):
                    problems.remove(connection, stage, batch)
                feeds.mark_stale(connection, {name for row in rows for name in row.feeds})
                drop(connection, self.using)
                counted.gone += sum(row.head is not None for row in rows)
                counted.freed |= any(row.id for row in rows)


class FeedNames:
    """The names of feeds of some kinds, once given, for ever: by what makes two labels the same."""

    def __init__(self, rows: Iterable[FeedRow], kinds: Collection[str]) -> None:
        rows = list(rows)
        self._kinds = kinds
        self._of_terms: dict[
            tuple[Term, ...], tuple[str, ...]
        ] = {}  #: of those asked for since the last `remember`
        self._names = {(row.kind, row.folded): row.name for row in rows}
        self._taken = {row.name for row in rows}
        self._new: list[FeedRow] = []
        self._problems: dict[str, tuple[Problem, ...]] = {}

    @property
    def problems(self) -> list[Problem]:
        """Of the names that were given since the last `remember`."""
        return [problem for several in self._problems.values() for problem in several]

    def of_all(self, terms: tuple[Term, ...]) -> tuple[str, ...]:
        """The names of the feeds that a post with these terms stands in."""
        names = self._of_terms.get(terms)
        if names is None:
            site = (assemble.ALL,) if assemble.is_in_main_feed(terms) else ()
            names = (*site, *(self.of(term) for term in assemble.feed_terms(terms, self._kinds)))
            self._of_terms[terms] = names
        return names

    def of(self, term: Term) -> str:
        """The name of a term's feed, which it keeps from now on."""
        key = (term.kind, assemble.fold(term.label))
        name = self._names.get(key)
        if name is None:
            name, problem = assemble.feed_name(term, self._taken)
            self._names[key] = name
            self._taken.add(name)
            self._new.append(
                FeedRow(name=name, kind=term.kind, label=term.label.strip(), folded=key[1])
            )
            if problem:
                self._problems[name] = (problem,)
        return name

    def remember(self, connection: Connection) -> None:
        feeds.put(connection, self._new)
        problems.replace(connection, "name", self._problems)
        self._new, self._problems, self._of_terms = [], {}, {}


def drop(connection: Connection, outdated: Collection[str]) -> None:
    """Let entries of posts be made again, and mark the feeds they stand in."""
    entries.mark_stale(connection, outdated)
    feeds.mark_stale(
        connection, {name for row in posts.get(connection, outdated).values() for name in row.feeds}
    )


def _looked(read: ReadResult, before: PostRow) -> PostRow:
    """A document whose bytes are the same."""
    return before._replace(stat=read.stat, settled=read.settled)


def _touched(row: PostRow, before: PostRow | None) -> set[str]:
    if before and _shown(before) == _shown(row):
        return set()
    return {*row.feeds, *(before.feeds if before else ())}


def _shown(row: PostRow) -> tuple[PostHead | None, str | None, tuple[str, ...]]:
    return row.head, row.document_digest, row.feeds


def _count(row: PostRow, before: PostRow | None, counted: IndexResult) -> None:
    was, now = before.head if before else None, row.head
    counted.freed |= before is not None and before.id not in (None, row.id)
    if now and not was:
        counted.new += 1
        counted.last = row.stat.path
    elif was and not now:
        counted.gone += 1
    elif before and _shown(before) != _shown(row):
        counted.changed += 1
        counted.last = row.stat.path
