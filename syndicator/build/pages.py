"""Makes the pages that list all feeds: the index page and the OPML."""

from syndicator.build import feed_names
from syndicator.build.context import BuildContext
from syndicator.build.options import BuildOptions
from syndicator.formats import html, opml
from syndicator.model.content import FeedFile
from syndicator.store import feeds, posts
from syndicator.store.database import Database

#: Entries on the index page.
NEWEST = 12


def render(run: BuildContext, options: BuildOptions, database: Database) -> list[FeedFile]:
    """The pages as of this run; also counts the feeds that exist."""
    site = run.site
    with database.read() as connection:
        rows = [row for row in feeds.all_names(connection) if row.content_key is not None]
        limit = min(NEWEST, options.spec_of(site, feed_names.ALL, None).limit)
        selected = posts.newest(connection, feed_names.ALL, run.until, limit)
    newest = run.loader.load(selected, run.until).entries
    specs = [options.spec_of(site, row.name, row.term) for row in rows]
    run.feeds = len(rows)
    return [
        html.index_page(specs, site.info, newest, options.base),
        opml.render(specs, site.info, options.base),
    ]
