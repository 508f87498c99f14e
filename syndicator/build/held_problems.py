"""Notes and problems of the posts whose page is awaited."""

from collections.abc import Iterable
from datetime import datetime

from syndicator.model.awaited import AwaitedPage
from syndicator.model.content import Problem


def problems_of(pages: Iterable[AwaitedPage], now: datetime) -> list[Problem]:
    """A note for each post that waits for its page, and a problem for each that is late."""
    awaited = (page for page in pages if not page.live and page.is_due(now))
    return [_late(page) if page.late else _waiting(page) for page in awaited]


def _waiting(page: AwaitedPage) -> Problem:
    return Problem(
        path=page.path,
        message=f"has waited for its page since {page.since:%Y-%m-%d %H:%M:%S} UTC: {page.url}",
        hint="it goes out once the page answers 200; syndicator status shows the last answer",
        note=True,
    )


def _late(page: AwaitedPage) -> Problem:
    what = "is held" if page.held else "went out"
    return Problem(
        path=page.path,
        message=f"{what}, but its page is not live: {page.answer or 'not asked yet'}: {page.url}",
        hint="build and deploy the site, or correct site.url or the permalink: "
        "feeds.when_patience is over",
        fatal=page.held,
    )
