"""Arguments of the parts, from a Config: the parts themselves do not know it.

Each function imports its part: a command needs few of them.
"""

import os
import socket
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import structs

from syndicator import __version__
from syndicator.model.awaited import LiveRules

if TYPE_CHECKING:
    from syndicator.build.options import BuildOptions
    from syndicator.config import Config
    from syndicator.jekyll.policy import Policy
    from syndicator.logs import LogOptions
    from syndicator.outbound.client import Client
    from syndicator.outputs.bucket import OutputBucket
    from syndicator.outputs.output import Output
    from syndicator.outputs.owner import Owner
    from syndicator.sources.git.source import GitSource


def log_options(config: "Config", *, verbose: bool) -> "LogOptions":
    """`verbose`: every line, whatever the config says."""
    from syndicator.logs import LogOptions

    level = "debug" if verbose else config.log.level
    return LogOptions(level=level, format=config.log.format)


def state_folder_mode(config: "Config") -> int:
    """The mode of a new folder for the state.

    Web servers must enter one that also holds the feeds.
    """
    from syndicator.store import file_modes

    folder = os.path.realpath(config.state.file.parent) if config.state.file else None
    output = config.output.path
    shared = folder and output and Path(os.path.realpath(output)).is_relative_to(folder)
    return 0o777 if shared else file_modes.FOLDER  # less the umask


def owner(config: "Config", state_id: str) -> "Owner":
    """The state of this config on this machine, as the owner of its output."""
    from syndicator.outputs.owner import Owner
    from syndicator.store.state_id import place

    return Owner(id=state_id, state=place(config.state.url), host=socket.gethostname())


def output(
    config: "Config", state_id: Callable[[], str], check_lease: Callable[[], None] = lambda: None
) -> "Output":
    """Where the config's files are published. `state_id`: returns the id of the state.

    `check_lease`: see AtomicFiles and Objects.
    """
    settings = config.output
    if not settings.path:
        return bucket(config, state_id, check_lease)
    from syndicator.outputs.folder import OutputFolder

    return OutputFolder(
        settings.path, settings.compress, lambda: owner(config, state_id()), check_lease
    )


def bucket(
    config: "Config", state_id: Callable[[], str], check_lease: Callable[[], None] = lambda: None
) -> "OutputBucket":
    """As `output`, if that is a bucket."""
    from syndicator.outputs.bucket import OutputBucket
    from syndicator.outputs.bucket_client import BucketOptions

    settings = config.output
    options = BucketOptions(settings.place, settings.endpoint, settings.region)
    max_age = int(config.web.max_age.total_seconds())
    return OutputBucket(
        options, settings.compress, max_age, lambda: owner(config, state_id()), check_lease
    )


def http_client(config: "Config") -> "Client":
    # Importing requests takes 0.1 s, and a build sends no request.
    from syndicator.outbound.client import Client

    return Client(
        user_agent=f"syndicator/{__version__} (+{config.feeds.url})",
        timeout=config.push.timeout,
        stranger_timeout=config.hub.timeout,
        allow_private=[str(network) for network in config.hub.allow_private],
    )


def feed_links(config: "Config") -> Mapping[str, Mapping[str, str]]:
    """By setting: from the path of an alias or a redirect to that of a feed file."""
    feeds = config.feeds
    return {"feeds.aliases": dict(feeds.aliases), "feeds.moved": dict(feeds.moved)}


def build_options(config: "Config") -> "BuildOptions":
    """The settings of a build. A new version renders all entries again."""
    from syndicator.build.options import BuildOptions

    overrides = {key: value for key, value in structs.asdict(config.site).items() if value}
    settings = config.feeds
    return BuildOptions(
        source=config.site_folder,
        theme=config.source.theme,
        output=config.output.path,
        overrides=overrides,
        base=settings.url,
        formats=settings.formats,
        kinds=settings.by,
        limit=settings.limit,
        max_bytes=settings.max_bytes,
        full=None if settings.content is None else settings.content == "full",
        archive=settings.archive,
        lead_image=settings.lead_image == "content",
        hubs=config.hubs,
        own_hub=config.hub_url,
        aliases=dict(settings.aliases),
        moved=dict(settings.moved),
        live=live_rules(config),
        policy=_policy(settings.players, settings.schemes),
        updated_by_mtime=config.source.git_dates,
        whole=config.source.git is not None,
        version=__version__,
    )


def live_rules(config: "Config") -> LiveRules:
    """When new posts go out."""
    return LiveRules(
        wanted=config.feeds.when == "live",
        patience=config.feeds.when_patience,
        publish_late=config.feeds.when_late == "publish",
        text=config.feeds.when_text,
        trusted_hosts=frozenset(
            host
            for url in (config.feeds.url, config.site.url)
            if url and (host := urlsplit(url).hostname)
        ),
    )


def git_source(config: "Config") -> "GitSource | None":
    """The repository that the site is in; None: it is in a folder."""
    source = config.source
    if source.git is None:
        return None
    from syndicator.sources.git.fetch import Remote
    from syndicator.sources.git.source import GitOptions, GitSource

    options = GitOptions(
        remote=Remote(address=source.git, branch=source.branch),
        folder=source.folder,
        clone=config.clone,
        seconds=source.git_timeout.total_seconds(),
        max_bytes=source.git_max_bytes,
        dates=source.git_dates,
    )
    return GitSource(options, os.environ)


def _policy(players: Collection[str], link_schemes: Collection[str]) -> "Policy":
    from syndicator.jekyll.policy import DEFAULT, Policy

    return Policy(
        frame_hosts=DEFAULT.frame_hosts.union(players),
        link_schemes=DEFAULT.link_schemes.union(link_schemes),
    )
