"""What the daemon did in some time, in numbers."""

from msgspec import Struct
from msgspec.structs import replace

#: The fields that are the state at a time, and not a number of events.
LEVELS = ("queued", "subscribers")


class Activity(Struct, frozen=True, kw_only=True):
    """Events counted in some time, and two levels."""

    requests: int = 0  #: answered at the public address
    deliveries: int = 0  #: that callbacks accepted
    failed_deliveries: int = 0  #: attempts that failed
    pings: int = 0  #: that hubs accepted
    failed_pings: int = 0  #: attempts that failed
    runs: int = 0  #: that changed anything
    failed_runs: int = 0
    queued: int = 0  #: the most jobs in the outbox
    subscribers: int = 0  #: at the end

    def since(self, earlier: "Activity") -> "Activity":
        """The events after an earlier count; the levels of this one."""
        return replace(
            self, **{name: getattr(self, name) - getattr(earlier, name) for name in EVENTS}
        )

    def plus(self, later: "Activity") -> "Activity":
        """The events of both; the larger queue, and the later number of subscribers."""
        events = {name: getattr(self, name) + getattr(later, name) for name in EVENTS}
        return replace(later, queued=max(self.queued, later.queued), **events)

    @property
    def has_events(self) -> bool:
        return any(getattr(self, name) for name in EVENTS)


EVENTS = tuple(name for name in Activity.__struct_fields__ if name not in LEVELS)
