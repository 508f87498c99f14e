"""What the operator asked for, where the site's own config may say the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from syndicator.build import assemble
from syndicator.jekyll.sanitize import Policy
from syndicator.jekyll.site import Site
from syndicator.model.content import FeedSpec, Scope, Term


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """A config, as far as a build is concerned."""

    source: Path
    output: Path
    overrides: Mapping[str, str]  #: `[site]`: what wins over the site's own _config.yml
    base: str  #: public address of the output folder, ending in "/"
    formats: tuple[str, ...]
    kinds: (
        tuple[str, ...] | None
    )  #: of terms that feeds are made for; None: as the site's own config says
    limit: int | None  #: entries in a feed; None: as the site's own config says, else 50
    max_bytes: int
    full: bool | None  #: None: as the site's own config says
    hubs: tuple[str, ...]  #: our own first
    own_hub: str | None  #: which of the hubs is our own; None: it is off
    aliases: Mapping[str, str] = field(
        default_factory=dict
    )  #: from an alias's path to a feed file's
    policy: Policy
    version: (
        str  #: of the program: what another version read or rendered is read and rendered again
    )

    def kinds_of(self, site: Site) -> tuple[str, ...]:
        """The kinds of terms that feeds are made for."""
        return self.kinds if self.kinds is not None else site.by

    def scope_of(self, site: Site) -> Scope:
        """Collections are read only when feeds are made for them; the root "" is a plain folder of posts.

        What we write ourselves is no post, wherever it stands.
        """
        scope = site.scope
        if "collection" not in self.kinds_of(site):
            scope = replace(scope, roots=tuple(root for root in scope.roots if not root))
        if self.output.is_relative_to(self.source):
            scope = replace(
                scope,
                exclude=(*scope.exclude, f"{self.output.relative_to(self.source).as_posix()}/"),
            )
        return scope

    def spec_of(self, site: Site, name: str, term: Term | None) -> FeedSpec:
        """The feed of a name. `term`: what its posts have in common; None: it is the whole site's."""
        return FeedSpec(
            name=name,
            title=assemble.feed_title(site.info, term),
            term=term,
            formats=self.formats,
            base=self.base,
            hubs=self.hubs,
            limit=self.limit or site.posts_limit or 50,
            max_bytes=self.max_bytes,
            full=not site.excerpt_only if self.full is None else self.full,
        )
