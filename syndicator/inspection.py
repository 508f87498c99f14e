"""What `check`, `preview` and `status` find for a Config. `check` needs no state.

Each function imports what it asks, so that no command waits for the parts of another.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict, replace

from syndicator import from_config
from syndicator.config import Config
from syndicator.errors import SourceError, StateError
from syndicator.model.activity import Activity
from syndicator.model.clock import Clock, utcnow
from syndicator.model.content import Problem
from syndicator.model.json_text import to_json
from syndicator.model.progress import Phase, Progress, quiet
from syndicator.model.report import Report

if TYPE_CHECKING:
    from syndicator.ops.feed_states import FeedState
    from syndicator.ops.preview import PostPreview
    from syndicator.ops.status import Known, Status
    from syndicator.store.database import Database


def check_site(config: Config, progress: Progress = quiet, *, clock: Clock = utcnow) -> Report:
    """Read the site and every post, without writing anything. Raises SourceError.

    Of the state it reads which posts wait for their page, if there is a state.
    """
    from syndicator.ops.check import check

    with _site_of(config, progress, dates=False) as (site, notes):
        report = check(from_config.build_options(site), clock(), progress)
    found = _held_problems(config, clock()) if from_config.live_rules(config).wanted else ()
    return replace(
        report,
        problems=(*report.problems, *(problem for problem in found if not problem.note)),
        notes=(*report.notes, *(problem for problem in found if problem.note), *notes),
    )


@contextmanager
def _site_of(
    config: Config, progress: Progress, *, dates: bool
) -> Iterator[tuple[Config, Sequence[Problem]]]:
    """The config with a folder of the site to read, and what of a commit is not followed.

    A repository is cloned into a temporary folder: the newest commit is read, and a clone that
    belongs to another user stays as it is. `dates`: whether `source.git_dates` counts. Raises
    SourceError.
    """
    if config.source.git is None:
        yield config, ()
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="syndicator-") as folder:
        git_dates = config.source.git_dates and dates
        source = replace(config.source, clone=Path(folder), git_dates=git_dates)
        temporary = replace(config, source=source)
        git = from_config.git_source(temporary)
        assert git

        def tick() -> None:
            progress(0, None, Phase.FETCHING)

        git.fetch(tick)
        try:
            with git.hold(tick) as checked_out:
                yield temporary, checked_out.notes
        except SourceError as error:  # it names the repository, not a folder that is gone
            message = str(error).replace(str(temporary.site_folder), git.remote.shown)
            raise SourceError(message, hint=error.hint) from error


def _held_problems(config: Config, now: datetime) -> Sequence[Problem]:
    """Those of posts that wait for their page. A state that can't be read is `doctor`'s matter."""
    from syndicator.build.held_problems import problems_of
    from syndicator.store import awaited_pages

    try:
        with closing(open_state(config)) as database, database.read() as connection:
            return problems_of(awaited_pages.all_pages(connection), now)
    except StateError:
        return ()


def preview_post(
    config: Config,
    name: str,
    here: str,
    progress: Progress = quiet,
    *,
    clock: Clock = utcnow,
) -> "PostPreview":
    """What feeds make of a post, with the ids of the state if there is one. Writes nothing.

    `name`: see `post_paths.find_path`, and `here`. Raises SourceError, and StateError if a state
    can't be read.
    """
    from syndicator.ops.preview import preview

    with (
        _site_of(config, progress, dates=True) as (site, _),
        closing(_state_in_memory(config)) as database,
    ):
        return preview(from_config.build_options(site), database, name, here, clock(), progress)


def _state_in_memory(config: Config) -> "Database":
    """A copy of the state; an empty one before the first run."""
    from syndicator.store.database import Database
    from syndicator.store.peek import peek

    if peek(config.state.url) is None:
        return Database("sqlite://")
    from syndicator.store.in_memory import in_memory

    with closing(open_state(config)) as state:
        return in_memory(state)


def open_state(config: Config) -> "Database":
    """The state, to be read only: no write permission is needed, and nothing is created.

    Raises StateError if it is missing, of another version, or not readable for this user.
    """
    from syndicator.store.database import Database

    return Database(config.state.url, read_only=True)


def collect_status(
    config: Config,
    database: "Database",
    now: datetime,
    *,
    known: "Known | None" = None,
) -> "Status":
    """The status of this config's feeds. Raises StateError if the state can't be read.

    `known`: what need not be read; None: nothing.
    """
    from syndicator.ops import status

    collected = status.collect(
        database,
        status.Folders(config.output.path, config.site_folder, config.output.url or ""),
        url=config.feeds.url,
        now=now,
        links=from_config.feed_links(config),
        known=known or status.NOTHING_KNOWN,
    )
    if config.source.git is None:
        return collected
    from syndicator.ops import git_status
    from syndicator.sources.git.failures import shown_address

    with database.read() as connection:
        git = git_status.read(connection, shown_address(config.source.git))
        notes = dict.fromkeys((*collected.notes, *git_status.read_notes(connection)))
    return replace(collected, git=git, notes=tuple(notes))  # those of a run are known with git's


class Overview(Struct, frozen=True, kw_only=True):
    """What the operator's page shows."""

    now: datetime
    status: "Status"
    concerns: tuple[str, ...]  #: what needs attention, a line each
    #: The last day by intervals of `activity.INTERVAL`; those in which no daemon ran are missing.
    day: Mapping[datetime, Activity]


def collect_overview(
    config: Config,
    database: "Database",
    now: datetime,
    *,
    known: "Known",
    last_day: Callable[[Mapping[datetime, Activity], datetime], Mapping[datetime, Activity]],
) -> Overview:
    """What the operator's page shows. Raises StateError if the state can't be read.

    `last_day` adds to the stored activity what is not stored.
    """
    from syndicator.store import activity

    current = collect_status(config, database, now, known=known)
    with database.read() as connection:
        stored = activity.of_last_day(connection, now)
    return Overview(
        now=now,
        status=current,
        concerns=concerns(config, database, current, now),
        day=last_day(stored, now),
    )


def list_feeds(database: "Database", clock: Clock = utcnow) -> "tuple[FeedState, ...]":
    """The published feeds. Raises StateError if the state can't be read."""
    from syndicator.ops import feed_states

    return feed_states.list_feeds(database, clock())


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
