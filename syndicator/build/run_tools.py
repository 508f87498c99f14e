"""What renders posts in one run after the other: the loader of entries, and worker processes."""

from syndicator.build.entries import EntryLoader
from syndicator.build.options import BuildOptions
from syndicator.build.post_workers import PostWorkers
from syndicator.cache import LruCache
from syndicator.jekyll.site import Site
from syndicator.sources.folder import SourceFolder
from syndicator.store import entries
from syndicator.store.database import Database

#: Bytes of entries cached in memory between runs.
CACHED_ENTRIES = 8 * 1024 * 1024


class RunTools:
    """Keeps from run to run what is slow to set up."""

    def __init__(self, options: BuildOptions, database: Database) -> None:
        self._options = options
        self._database = database
        self._cached: entries.Recent = LruCache(CACHED_ENTRIES)
        self._loader: EntryLoader | None = None

    def loader(self, site: Site, source: SourceFolder) -> EntryLoader:
        """The same loader while the site is unchanged, because setting up Liquid is slow.

        A source that links to another folder than before needs a new one, which reads there.
        """
        known = self._loader
        if known and (known.site.digest, known.source.real) == (site.digest, source.real):
            return known
        self._loader = EntryLoader(self._database, source, site, self._options, self._cached)
        return self._loader

    def workers(
        self, loader: EntryLoader, *, renders: bool, number: int | None = None
    ) -> PostWorkers:
        """The worker processes of a run. `renders`: whether they render; else they only read.

        They can't render from a state in memory, which no other process can read. `number`: at most
        so many; None: one for each further processor.
        """
        database = self._database
        in_memory = database.sqlite and database.path is None
        make = loader.tools.for_worker(database.url.render_as_string(hide_password=False))
        return PostWorkers(loader.tools, make, renders=renders and not in_memory, number=number)
