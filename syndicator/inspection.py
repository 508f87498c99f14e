"""What `check`, `doctor` and `status` find for a Config. `check` and `doctor` need no state."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path

from syndicator import from_config
from syndicator.build.held_posts import problems_of
from syndicator.config import Config
from syndicator.errors import StateError
from syndicator.model.content import Problem, Report
from syndicator.model.json_text import to_json
from syndicator.model.progress import Progress, quiet
from syndicator.mounts import read_mounts
from syndicator.ops import doctor, network_disks, permissions, status, watch_limits
from syndicator.ops.check import check
from syndicator.ops.status import Status
from syndicator.service import Clock, utcnow
from syndicator.store import awaited_pages, state_id
from syndicator.store.database import Database, peek_value


def check_site(config: Config, progress: Progress = quiet, *, clock: Clock = utcnow) -> Report:
    """Read the site and every post, without writing anything. Raises SourceError.

    Of the state it reads which posts wait for their page, if there is a state.
    """
    options = from_config.build_options(config)
    report = check(options, clock(), progress)
    found = _held_problems(config) if options.live.wanted else ()
    return replace(
        report,
        problems=(*report.problems, *(problem for problem in found if not problem.note)),
        notes=(*report.notes, *(problem for problem in found if problem.note)),
    )


def _held_problems(config: Config) -> Sequence[Problem]:
    """Those of posts that wait for their page. A state that can't be read is `doctor`'s matter."""
    try:
        with closing(open_state(config)) as database, database.read() as connection:
            return problems_of(awaited_pages.all_pages(connection))
    except StateError:
        return ()


def check_machine(
    config: Config, *, ask: bool, config_file: Path | None = None, clock: Clock = utcnow
) -> tuple[Problem, ...]:
    """Problems of this config on this machine. Writes nothing.

    `ask`: send requests to the hubs and feeds.url as well. `config_file`: None: the config has no
    file.
    """
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
    try:
        return peek_value(config.state.url, state_id.KEY) or ""
    except StateError:
        return ""


def open_state(config: Config) -> Database:
    """The state, to be read only: no write permission is needed, and nothing is created.

    Raises StateError if it is missing, of another version, or not readable for this user.
    """
    return Database(config.state.url, read_only=True)


def collect_status(config: Config, database: Database, now: datetime) -> Status:
    """The status of this config's feeds. Raises StateError if the state can't be read."""
    return status.collect(
        database,
        config.output.path,
        url=config.feeds.url,
        version=from_config.VERSION,
        now=now,
        options=from_config.build_options(config),
    )


def status_json(config: Config, database: Database, now: datetime) -> str:
    """The status with its concerns as one JSON object. Raises StateError."""
    current = collect_status(config, database, now)
    found = concerns(config, database, current, now)
    return to_json({**asdict(current), "concerns": found})


def concerns(config: Config, database: Database, current: Status, now: datetime) -> tuple[str, ...]:
    """What needs attention in this status, a line each. Empty if healthy."""
    return status.concerns(
        current,
        now,
        late=3 * config.source.poll + timedelta(minutes=1),
        daemon_wanted=status.daemon_wanted(database),
        pace=config.push.pace,
    )
