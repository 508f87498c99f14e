"""The config as a build uses it; settings left out come from the site's own config."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from syndicator.build import assemble
from syndicator.jekyll.policy import Policy
from syndicator.jekyll.site import Site
from syndicator.model.awaited import WHEN_SAVED, LiveRules
from syndicator.model.content import FeedSpec, Scope, Term
from syndicator.sources.folder import PROGRESS_EVERY, SourceFolder
from syndicator.store.sql import BATCH


class BuildOptions(Struct, frozen=True, kw_only=True):
    """The settings of a build."""

    source: Path
    output: Path | None  #: None: feeds are not written to a folder
    overrides: Mapping[str, str]  #: `[site]`: keys that replace those of _config.yml
    base: str  #: public address of the output folder, ending in "/"
    formats: tuple[str, ...]
    kinds: tuple[str, ...] | None  #: of terms that have feeds; None: as the site's config says
    limit: int | None  #: entries in a feed; None: as the site's config says, else 50
    max_bytes: int
    lead_image: bool = False  #: whether an entry's image is also at the top of its content
    archive: bool = False  #: whether entries that files have no room for stand in an archive
    full: bool | None  #: whole texts or summaries; None: as the site's config says
    hubs: tuple[str, ...]  #: our own first
    own_hub: str | None  #: which of the hubs is our own; None: it is off
    #: From the path of an alias to that of a feed file.
    aliases: Mapping[str, str] = field(default_factory=dict)
    #: From a path whose requests are redirected to that of a feed file.
    moved: Mapping[str, str] = field(default_factory=dict)
    live: LiveRules = WHEN_SAVED  #: whether new posts wait for their page
    policy: Policy
    theme: Path | None = None  #: the folder of the site's theme; None: not known
    #: Whether files have the times of their last commits, which are when posts were updated.
    updated_by_mtime: bool = False
    #: Whether a feed never has some changes of a run without the others: no post is put off.
    whole: bool = False
    #: Of the program. Posts read or rendered by another version are read and rendered again.
    version: str
    #: Whether pages for people are made. A check needs none: they have no problems of their own.
    pages: bool = True
    batch: int = BATCH  #: documents that are indexed in one transaction
    progress_every: int = PROGRESS_EVERY  #: files between two progress calls of a scan

    @property
    def links(self) -> Mapping[str, Mapping[str, str]]:
        """Aliases and redirects by setting, each from its path to that of a feed file."""
        return {"feeds.aliases": self.aliases, "feeds.moved": self.moved}

    def kinds_of(self, site: Site) -> tuple[str, ...]:
        """The kinds of terms that have feeds. A site's languages always have some."""
        kinds = self.kinds if self.kinds is not None else site.by
        return (*kinds, "language") if site.plugins.languages else kinds

    def has_feed(self, site: Site, term: Term) -> bool:
        """Whether a term has a feed, if posts have it."""
        return term.kind in self.kinds_of(site) and site.tag_feeds.allow(term)

    def scope_of(self, site: Site) -> Scope:
        """The documents to read: collections only if they have feeds, and never our own output.

        The root "" is a plain folder of posts.
        """
        scope = replace(site.scope, dated=self.updated_by_mtime)
        if "collection" not in self.kinds_of(site):
            scope = replace(scope, roots=tuple(root for root in scope.roots if not root))
        if self.output and self.output.is_relative_to(self.source):
            scope = replace(
                scope,
                exclude=(*scope.exclude, f"{self.output.relative_to(self.source).as_posix()}/"),
            )
        return scope

    def source_of(self, site: Site) -> SourceFolder:
        """The source folder, with the documents of `scope_of`."""
        scope = self.scope_of(site)
        return SourceFolder(self.source, scope, progress_every=self.progress_every)

    def spec_of(self, site: Site, name: str, term: Term | None) -> FeedSpec:
        """The settings of a feed. `term`: which posts it has; None: those of the whole site."""
        return FeedSpec(
            name=name,
            title=assemble.feed_title(site.info, term),
            term=term,
            formats=self.formats,
            base=self.base,
            hubs=self.hubs,
            limit=self.limit or site.posts_limit or 50,
            max_bytes=self.max_bytes,
            lead_image=self.lead_image,
            archive=self.archive,
            full=not site.excerpt_only if self.full is None else self.full,
        )
