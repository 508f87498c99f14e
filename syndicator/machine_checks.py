"""What `doctor` finds for a Config on this machine. It needs no state.

Each function imports what it asks, as `inspection.py` does.
"""

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from syndicator import from_config
from syndicator.config import Config
from syndicator.errors import OutputError, SourceError, StateError
from syndicator.model.clock import Clock, utcnow
from syndicator.model.content import Problem

if TYPE_CHECKING:
    from syndicator.ops.doctor import Published

#: Bytes of a feed that `doctor` compares. Larger ones are written only if `feeds.max_bytes` is.
_MAX_FEED = 64 * 2**20


def check_machine(
    config: Config, *, ask: bool, config_file: Path | None = None, clock: Clock = utcnow
) -> tuple[Problem, ...]:
    """Problems of this config on this machine. Writes nothing.

    `ask`: send requests to the hubs and feeds.url as well. `config_file`: None: the config has no
    file.
    """
    from syndicator.mounts import read_mounts
    from syndicator.ops import archive_room, doctor, network_disks, permissions, watch_limits

    problems = [
        *doctor.check_addresses(config.feeds.url, config.push.hubs, config.site.url),
        *doctor.check_folders(config.source.path, config.output.path, config.state.file),
        *_check_git(config, ask=ask),
        *_check_output(config, clock()),
        *doctor.check_listening(
            config.web.listen,
            config.web.admin,
            config.output.path and config.output.path / "index.html",
        ),
        *permissions.check_permissions(config.state.file, config.output.path, config_file),
        *doctor.check_state(config.state.url, clock()),
        *doctor.check_proxies(config.state.url, config.web.trusted_proxies),
        *network_disks.check_mounts(
            config.site_folder,
            config.state.file,
            watched=config.is_watched,
            mounts=read_mounts(),
        ),
    ]
    if config.feeds.archive and config.output.path:
        problems += archive_room.check_archives(config.state.url, config.output.path, clock())
    if config.is_watched:
        problems += watch_limits.check_watch_limits(config.site_folder)
    if config.state.file and config.state.group is not None:
        problems += permissions.check_group(config.state.file, config.state.group)
    if ask:
        name = f"all.{config.feeds.formats[0]}"
        with closing(from_config.http_client(config)) as client:
            problems += doctor.check_network(
                client.send,
                config.push.hubs,
                config.feeds.url + name,
                _published(config, name),
                clock,
            )
    return tuple(problems)


def _check_output(config: Config, now: datetime) -> Iterator[Problem]:
    """Whether the output belongs to another state; a bucket: whether it can be used at all."""
    from syndicator.ops import doctor

    if config.output.path:
        own = from_config.owner(config, _state_id(config))
        return doctor.check_owner(config.output.path, own)
    return doctor.check_bucket(lambda: from_config.bucket(config, lambda: _state_id(config)), now)


def _published(config: Config, name: str) -> "Published":
    """A published file. One that can't be read counts as missing: other checks report it."""
    from syndicator.ops.doctor import Published

    data = None
    with suppress(OutputError):
        output = from_config.output(config, lambda: _state_id(config))
        data = output.files.read(name, _MAX_FEED)
    return Published(f"{config.output.place}/{name}", data)


def _check_git(config: Config, *, ask: bool) -> Iterator[Problem]:
    """Whether git can be used, and whether the remote answers if it may be asked."""
    git = from_config.git_source(config)
    if git is None:
        return
    try:
        git.require_git()
        if ask:
            git.look()
    except SourceError as error:
        yield Problem(path="source.git", message=str(error), hint=error.hint)


def _state_id(config: Config) -> str:
    """The id of the state; "": it has none yet, or can't be read, which `check_state` reports."""
    from syndicator.store import state_id
    from syndicator.store.peek import peek_value

    try:
        return peek_value(config.state.url, state_id.KEY) or ""
    except StateError:
        return ""
