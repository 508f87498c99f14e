"""Asks for the pages of posts that are held until they are live, and builds again."""

from contextlib import closing
from typing import TYPE_CHECKING

from syndicator import from_config
from syndicator.model.clock import Clock, utcnow
from syndicator.model.progress import Phase, Progress, quiet
from syndicator.model.report import Report
from syndicator.service import Service
from syndicator.store import awaited_pages, locks

if TYPE_CHECKING:
    from syndicator.live.asker import PageAsker


def page_asker(service: Service, clock: Clock = utcnow) -> "PageAsker":
    """What asks for the pages of the service's held posts. The caller closes it."""
    from syndicator.live.asker import PageAsker

    config = service.config
    client = from_config.http_client(config)
    return PageAsker(service.database, client, from_config.live_rules(config), clock)


def build_and_ask(service: Service, progress: Progress = quiet, *, clock: Clock = utcnow) -> Report:
    """Run one build, ask for the pages of held posts, and build again if one goes out.

    If a daemon runs, it asks. Raises as `Service.build` does.
    """
    report = service.build(progress)
    if not from_config.live_rules(service.config).wanted or locks.find_daemon(service.database):
        return report
    with service.database.read() as connection:
        if not awaited_pages.all_pages(connection):
            return report
    with closing(page_asker(service, clock)) as asker:
        while (found := asker.round()).again:
            progress(0, None, Phase.ASKING)
    return report.followed_by(service.build(progress)) if found.changed else report
