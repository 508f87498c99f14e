"""The values of `feeds.when = "live"`: new posts that wait until their page is live."""

from datetime import datetime, timedelta

from msgspec import Struct


class LiveRules(Struct, frozen=True, kw_only=True):
    """When a new post goes out."""

    wanted: bool = False  #: False: as soon as it is saved
    patience: timedelta = timedelta(hours=1)  #: how long it waits before that is a problem
    publish_late: bool = True  #: whether it goes out then; False: it is held until its page is live
    text: str = ""  #: that must be on its page; "": the status 200 is enough
    #: Host names that the operator's config names. Pages of any other host, which only the site's
    #: `_config.yml` names, must be at a public address.
    trusted_hosts: frozenset[str] = frozenset()


#: New posts wait for nothing.
WHEN_SAVED = LiveRules()


class AwaitedPage(Struct, frozen=True, kw_only=True):
    """The page of a new post, and what was seen of it."""

    path: str  #: of the post
    url: str
    published: datetime  #: the date of the post
    since: datetime  #: when the wait began: the post was saved, or its date had come
    held: bool  #: whether the post is kept out of feeds; False: it went out late
    late: bool = False  #: whether a run found it late
    live: bool = False  #: whether the page was seen
    attempts: int = 0
    asked: datetime | None = None  #: when it was last asked for; None: never
    answer: str | None = None  #: why it is not live, as text for the operator; None: as `asked`

    def is_due(self, now: datetime) -> bool:
        """Whether its post could be out: one with a date ahead waits for its date first."""
        return self.since <= now


class PageAnswer(Struct, frozen=True, kw_only=True):
    """What one request for a page showed."""

    live: bool
    text: str | None = None  #: why it is not live; None: it is
    reached: bool = True  #: whether its host answered; False: other pages need not be asked for now
    wait: timedelta | None = None  #: before the host may be asked again; None: it names none
