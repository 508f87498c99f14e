"""The new posts whose page is awaited, as an operator sees them."""

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from syndicator.live.decision import next_request
from syndicator.store import awaited_pages


class HeldPost(Struct, frozen=True, kw_only=True):
    """A new post whose page is awaited."""

    path: str
    url: str  #: of its page
    since: datetime  #: when the wait began
    out: bool  #: whether it went out since it waited for too long
    late: bool  #: whether it waits for longer than `feeds.when_patience`
    attempts: int  #: requests for its page
    asked: datetime | None  #: the last of them; None: there was none
    answer: str | None  #: why the page is not live; None: it is, or it was not asked for
    next_try: datetime  #: when it is asked for next


def held_posts(connection: Connection, now: datetime) -> tuple[HeldPost, ...]:
    """The posts whose page is awaited. Without `feeds.when = "live"` the next run lets them out."""
    return tuple(
        HeldPost(
            path=page.path,
            url=page.url,
            since=page.since,
            out=not page.held,
            late=page.late,
            attempts=page.attempts,
            asked=page.asked,
            answer=page.answer,
            next_try=max(next_request(page, now), now),
        )
        for page in awaited_pages.all_pages(connection)
        if page.is_due(now)
    )
