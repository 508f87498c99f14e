"""Arguments of the parts, from a Config: the parts themselves do not know it.

Each function imports its part: a command needs few of them.
"""

import os
import socket
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from syndicator import __version__

if TYPE_CHECKING:
    from syndicator.build.options import BuildOptions
    from syndicator.config import Config
    from syndicator.jekyll.policy import Policy
    from syndicator.logs import LogOptions
    from syndicator.outbound import Client
    from syndicator.outputs.owner import Owner


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
    shared = folder and Path(os.path.realpath(config.output.path)).is_relative_to(folder)
    return 0o777 if shared else file_modes.FOLDER  # less the umask


def owner(config: "Config", state_id: str) -> "Owner":
    """The state of this config on this machine, as the owner of its output folder."""
    from syndicator.outputs.owner import Owner
    from syndicator.store.state_id import place

    return Owner(id=state_id, state=place(config.state.url), host=socket.gethostname())


def http_client(config: "Config", allow_private: Sequence[str] = ()) -> "Client":
    """`allow_private`: networks that callbacks may be in although they are not public."""
    # Importing requests takes 0.1 s, and a build sends no request.
    from syndicator.outbound import Client

    return Client(
        user_agent=f"syndicator/{__version__} (+{config.feeds.url})",
        timeout=config.push.timeout,
        stranger_timeout=config.hub.timeout,
        allow_private=allow_private,
    )


def feed_links(config: "Config") -> Mapping[str, Mapping[str, str]]:
    """By setting: from the path of an alias or a redirect to that of a feed file."""
    feeds = config.feeds
    return {"feeds.aliases": dict(feeds.aliases), "feeds.moved": dict(feeds.moved)}


def build_options(config: "Config") -> "BuildOptions":
    """The settings of a build. A new version renders all entries again."""
    from syndicator.build.options import BuildOptions

    overrides = {key: value for key, value in config.site if value}
    settings = config.feeds
    return BuildOptions(
        source=config.source.path,
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
        policy=_policy(settings.players, settings.schemes),
        version=__version__,
    )


def _policy(players: Collection[str], link_schemes: Collection[str]) -> "Policy":
    from syndicator.jekyll.policy import DEFAULT, Policy

    return Policy(
        frame_hosts=DEFAULT.frame_hosts.union(players),
        link_schemes=DEFAULT.link_schemes.union(link_schemes),
    )
