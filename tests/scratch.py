"""What a build from scratch makes of a site: the same as any history of runs."""

import re
import shutil
import sqlite3
from contextlib import closing

from support import Site

from syndicator.store import archives

#: Everything in the state that can be built again from the posts.
_DERIVED = (
    "posts",
    "feed_posts",
    "entries",
    "problems",
    "files",
    "kv",
    "jobs",
    "archive_pages",
    "archive_changes",
)


def contents(site: Site) -> dict[str, bytes]:
    """The output, without the files of archive pages that ended: these are memory."""
    with site.service() as service, service.database.read() as connection:
        ended = {page.name for page in archives.all_pages(connection) if page.ended}
    return {
        path: data
        for path, (data, _) in site.tree().items()
        if re.sub(r"\.\w+(\.gz|\.br)?$", "", path) not in ended
    }


def from_scratch(site: Site) -> dict[str, bytes]:
    """The output of a build whose state has only the identities and the names of feeds."""
    place = site.root.parent / "again"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(site.root, place / "site", symlinks=True)
    shutil.copy(site.config_path, place / "syndicator.toml")
    with (
        closing(sqlite3.connect(site.state)) as state,
        closing(sqlite3.connect(place / "state.db")) as copy,
    ):
        state.backup(copy)
        for table in _DERIVED:
            copy.execute(f"DELETE FROM {table}")
        copy.execute(
            "UPDATE feeds SET stale = 1, post_paths = '[]', content_key = content_key || '?',"
            " archive_key = NULL, history = ''"
        )
        copy.commit()
    again = Site.__new__(Site)
    again.root = place / "site"
    again.feeds = place / "feeds"
    again.clock = site.clock
    again.config_path = place / "syndicator.toml"
    with again.service() as service:
        service.build()
        service.archive()
    return {path: data for path, (data, _) in again.tree().items()}
