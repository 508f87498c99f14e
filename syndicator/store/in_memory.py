"""Copies what builds left in a state into memory, for a build that must change nothing."""

from sqlalchemy import insert

from syndicator.store.database import Database
from syndicator.store.schema import (
    entries,
    feed_posts,
    feeds,
    files,
    identities,
    kv,
    posts,
    problems,
)
from syndicator.store.sql import row_batches

#: The tables of a build. Jobs and subscriptions stay behind: nothing can be sent from the copy.
_TABLES = (kv, posts, feed_posts, identities, entries, problems, feeds, files)


def in_memory(source: Database) -> Database:
    """A state in memory with the posts, ids, entries and feeds of `source` as of one time.

    The caller closes it. Raises StateError if `source` can't be read.
    """
    target = Database("sqlite://")
    try:
        with source.read(repeatable=True) as old, target.begin(durable=False) as new:
            for table in _TABLES:
                for rows in row_batches(old, table):
                    new.execute(insert(table), rows)
    except BaseException:
        target.close()
        raise
    return target
