"""What `check`, `doctor` and `status` find for a Config. `check` and `doctor` need no state.

Each function imports what it asks, so that no command waits for the parts of another.
"""

from contextlib import closing
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from syndicator import from_config
from syndicator.config import Config
from syndicator.errors import StateError
from syndicator.model.clock import Clock, utcnow
from syndicator.model.content import Problem, Report
from syndicator.model.json_text import to_json
from syndicator.model.progress import Progress, quiet

if TYPE_CHECKING:
    from syndicator.ops.status import Status
    from syndicator.store.database import Database


def check_site(config: Config, progress: Progress = quiet, *, clock: Clock = utcnow) -> Report:
    """Read the site and every post, without writing anything. Raises SourceError."""
    from syndicator.ops.check import check

    return check(from_config.build_options(config), clock(), progress)


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
        *doctor.check_owner(config.output.path, from_config.owner(config, _state_id(config))),
        *doctor.check_listening(
            config.web.listen, config.web.admin, config.output.path / "index.html"
        ),
        *permissions.check_permissions(config.state.file, config.output.path, config_file),
        *doctor.check_state(config.state.url, clock()),
        *doctor.check_proxies(config.state.url, config.web.trusted_proxies),
        *network_disks.check_mounts(
            config.source.path,
            config.state.file,
            watched=config.source.watch,
            mounts=read_mounts(),
        ),
    ]
    if config.feeds.archive:
        problems += archive_room.check_archives(config.state.url, config.output.path, clock())
    if config.source.watch:
        problems += watch_limits.check_watch_limits(config.source.path)
    if config.state.file and config.state.group is not None:
        problems += permissions.check_group(config.state.file, config.state.group)
    if ask:
        name = f"all.{config.feeds.formats[0]}"
        with closing(from_config.http_client(config)) as client:
            feed_file = config.output.path / name
            problems += doctor.check_network(
                client.send, config.push.hubs, config.feeds.url + name, feed_file, clock
            )
    return tuple(problems)


def _state_id(config: Config) -> str:
    """The id of the state; "": it has none yet, or can't be read, which `check_state` reports."""
    from syndicator.store import state_id
    from syndicator.store.database import peek_value

    try:
        return peek_value(config.state.url, state_id.KEY) or ""
    except StateError:
        return ""


def open_state(config: Config) -> "Database":
    """The state, to be read only: no write permission is needed, and nothing is created.

    Raises StateError if it is missing, of another version, or not readable for this user.
    """
    from syndicator.store.database import Database

    return Database(config.state.url, read_only=True)


def collect_status(config: Config, database: "Database", now: datetime) -> "Status":
    """The status of this config's feeds. Raises StateError if the state can't be read."""
    from syndicator.ops import status

    return status.collect(
        database,
        config.output.path,
        url=config.feeds.url,
        now=now,
        source=config.source.path,
        links=from_config.feed_links(config),
    )


def status_json(config: Config, database: "Database", now: datetime) -> str:
    """The status with its concerns as one JSON object. Raises StateError."""
    current = collect_status(config, database, now)
    found = concerns(config, database, current, now)
    return to_json({**asdict(current), "concerns": found})


def concerns(
    config: Config, database: "Database", current: "Status", now: datetime
) -> tuple[str, ...]:
    """What needs attention in this status, a line each. Empty if healthy."""
    from syndicator.ops import status

    return status.concerns(
        current,
        now,
        late=3 * config.source.poll + timedelta(minutes=1),
        daemon_wanted=status.daemon_wanted(database),
        pace=config.push.pace,
    )
