"""From documents that changed to an index of posts, and to the feeds that this touches."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from syndicator import assemble, identity
from syndicator.jekyll.posts import read_post
from syndicator.jekyll.site import Site
from syndicator.model import Document, Identity, Post, PostHead, Problem, Stat, Term
from syndicator.sources.folder import Folder, is_settled
from syndicator.store import entries, feeds, ledger, posts, problems
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow
from syndicator.store.posts import PostRow
from syndicator.store.rows import batches

Progress = Callable[[int, int | None, str], None]

#: Documents that are read, and remembered, at a time.
BATCH = 500


@dataclass(slots=True)
class Counted:
    """What an indexing found."""

    new: int = 0
    changed: int = 0
    gone: int = 0
    racy: set[str] = field(default_factory=set)  #: to be looked at again: changed within the clock's grain


@dataclass(frozen=True, slots=True)
class _Read:
    """A document as it was read now, beside what was known of it."""

    row: PostRow
    post: Post | None
    problems: tuple[Problem, ...]
    before: PostRow | None


class Indexer:
    """Keeps the index in step with the source.

    Reads documents, says who they are, and marks the feeds they are or were in as dirty. `kinds` are the kinds of
    terms that feeds are made for.
    """

    def __init__(self, database: Database, source: Folder, site: Site, kinds: Collection[str]) -> None:
        self.database = database
        self.source = source
        self.site = site
        self.kinds = kinds

    def index(self, fresh: Collection[str], gone: Collection[str], now: datetime, progress: Progress) -> Counted:
        """Read the fresh paths, forget the gone ones, in batches that are each a transaction.

        Gone paths are forgotten last: until then a crash leaves them to be found gone again, and a post that took
        over the identity of one of them keeps it.
        """
        counted = Counted()
        with self.database.read() as connection:
            names = Names(feeds.every(connection))
            left = ledger.get(connection, gone) if fresh else {}
        done = 0
        for batch in batches(sorted(fresh), BATCH):
            self._index_batch(batch, gone, left, names, now, counted)
            done += len(batch)
            progress(done, len(fresh), "reading posts")
        if gone:
            self._forget(gone, counted)
        if counted.new or counted.changed or counted.gone:
            self._soil_those_who_look_at_others()
        return counted

    def _index_batch(
        self,
        paths: list[str],
        gone: Collection[str],
        left: dict[str, Identity],
        names: "Names",
        now: datetime,
        counted: Counted,
    ) -> None:
        with self.database.read() as connection:
            known = posts.get(connection, paths)
        read = [found for path in paths if (found := self._read(path, known.get(path), counted))]
        if not read:
            return
        with self.database.begin() as connection:
            identified = self._identify(connection, read, gone, left, now)
            rows = [self._with_feeds(found, names) for found in identified]
            problems.replace(connection, "read", {found.row.stat.path: found.problems for found in identified})
            names.remember(connection)
            changed = [(row, found.before) for row, found in zip(rows, identified, strict=True) if row != found.before]
            posts.put(connection, [row for row, _ in changed], [before for _, before in changed if before])
            feeds.soil(connection, {name for row, before in changed for name in _touched(row, before)})
        for row, before in changed:
            _count(row, before, counted)

    def _read(self, path: str, before: PostRow | None, counted: Counted) -> _Read | None:
        """A document and the post it is; None when it is as it was, or gone."""
        if before and before.settled and before.digest and self.source.stat(path) == before.stat:
            return None
        document = self.source.read(path)
        if document is None:
            return None
        if isinstance(document, Problem):
            # Permissions and links change without the file's mtime: such a file is looked at again each time.
            counted.racy.add(path)
            at = self.source.stat(path) or Stat(path=path, size=0, mtime_ns=0)
            return _Read(_kept(at, False, "", before), None, (document,), before)
        settled = is_settled(document)
        if not settled:
            counted.racy.add(path)
        if before and before.digest == document.digest:
            row = replace(before, stat=document.stat, settled=settled)
            if row != before:
                with self.database.begin() as connection:
                    posts.look(connection, row)
            return None
        return self._read_post(document, settled, before)

    def _read_post(self, document: Document, settled: bool, before: PostRow | None) -> _Read:
        reading = read_post(document, self.site)
        if reading.post is None and any(problem.fatal for problem in reading.problems):
            return _Read(_kept(document.stat, settled, document.digest, before), None, reading.problems, before)
        row = PostRow(
            stat=document.stat,
            settled=settled,
            digest=document.digest,
            head=reading.post.head if reading.post else None,
            document_digest=document.digest if reading.post else None,
        )
        return _Read(row, reading.post, reading.problems, before)

    def _identify(
        self,
        connection: Connection,
        read: list[_Read],
        gone: Collection[str],
        left: dict[str, Identity],
        now: datetime,
    ) -> list[_Read]:
        heads = {found.row.stat.path: found.post.head for found in read if found.post}
        known = ledger.get(connection, heads)
        arrived = [head for path, head in heads.items() if path not in known]
        followed = identity.renamed(arrived, left.values())
        for path, old in followed.items():
            known[path] = replace(old, path=path)
            del left[old.path]
        ledger.remove(connection, [old.path for old in followed.values()])
        identities = {path: identity.identify(head, known.get(path), now) for path, head in heads.items()}
        holders = posts.holders(connection, {one.id for one in identities.values()})
        holders = {
            id: path
            for id, path in holders.items()
            if path not in gone and (path not in identities or identities[path].id == id)
        }
        settled = []
        for found in read:
            if found.post is None:
                settled.append(found)
                continue
            one, problem = identity.distinct(identities[found.row.stat.path], holders)
            holders.setdefault(one.id, one.path)
            identities[one.path] = one
            settled.append(
                replace(
                    found,
                    row=replace(found.row, head=identity.settled(found.post.head, one)),
                    problems=(*found.problems, problem) if problem else found.problems,
                )
            )
        ledger.put(connection, [one for path, one in identities.items() if one != known.get(path)])
        return settled

    def _with_feeds(self, found: _Read, names: "Names") -> PostRow:
        if found.row.head is None or found.post is None:
            return found.row
        return replace(found.row, feeds=names.of_all(found.row.head.terms, self.kinds))

    def _forget(self, gone: Collection[str], counted: Counted) -> None:
        with self.database.begin() as connection:
            for batch in batches(sorted(gone), BATCH):
                rows = posts.get(connection, batch).values()
                posts.remove(connection, rows)
                problems.remove(connection, "read", batch)
                problems.remove(connection, "render", batch)
                feeds.soil(connection, {name for row in rows for name in row.feeds})
                counted.gone += sum(row.head is not None for row in rows)

    def _soil_those_who_look_at_others(self) -> None:
        with self.database.begin() as connection:
            using = entries.using_posts(connection)
            entries.remove(connection, using)
            feeds.soil(connection, {name for row in posts.get(connection, using).values() for name in row.feeds})


class Names:
    """The names of feeds, once given, for ever: by what makes two labels the same."""

    def __init__(self, rows: Iterable[FeedRow]) -> None:
        rows = list(rows)
        self._names = {(row.kind, row.folded): row.name for row in rows}
        self._taken = {row.name for row in rows}
        self._new: list[FeedRow] = []
        self._problems: dict[str, tuple[Problem, ...]] = {}

    @property
    def problems(self) -> list[Problem]:
        """Of the names that were given since the last `remember`."""
        return [problem for several in self._problems.values() for problem in several]

    def of_all(self, terms: Collection[Term], kinds: Collection[str]) -> tuple[str, ...]:
        """The names of the feeds that a post with these terms stands in."""
        site = (assemble.ALL,) if assemble.stands_in_all(terms) else ()
        return (*site, *(self.of(term) for term in assemble.wanted(terms, kinds)))

    def of(self, term: Term) -> str:
        """The name of a term's feed, which it keeps from now on."""
        key = (term.kind, assemble.fold(term.label))
        name = self._names.get(key)
        if name is None:
            name, problem = assemble.name_of(term, self._taken)
            self._names[key] = name
            self._taken.add(name)
            self._new.append(FeedRow(name=name, kind=term.kind, label=term.label.strip(), folded=key[1]))
            if problem:
                self._problems[name] = (problem,)
        return name

    def remember(self, connection: Connection) -> None:
        feeds.put(connection, self._new)
        problems.replace(connection, "name", self._problems)
        self._new, self._problems = [], {}


def _kept(stat: Stat, settled: bool, digest: str, before: PostRow | None) -> PostRow:
    """What is known of a document that can't be read as a post: its last good version stays."""
    if before is None:
        return PostRow(stat=stat, settled=settled, digest=digest, head=None)
    return replace(before, stat=stat, settled=settled, digest=digest)


def _touched(row: PostRow, before: PostRow | None) -> set[str]:
    if before and _shown(before) == _shown(row):
        return set()
    return {*row.feeds, *(before.feeds if before else ())}


def _shown(row: PostRow) -> tuple[PostHead | None, str | None, tuple[str, ...]]:
    return row.head, row.document_digest, row.feeds


def _count(row: PostRow, before: PostRow | None, counted: Counted) -> None:
    was, now = before and before.head, row.head
    if now and not was:
        counted.new += 1
    elif was and not now:
        counted.gone += 1
    elif before and _shown(before) != _shown(row):
        counted.changed += 1
