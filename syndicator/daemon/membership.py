"""A daemon among those of its state, and what it does when another one changes something."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from syndicator.store.processes import Member

if TYPE_CHECKING:
    from syndicator.daemon.faults import Faults


class Follower(Protocol):
    """What acts on changes that other processes made. Called by the thread of a `Presence`."""

    def follow(self) -> bool:
        """Serve what another process published. False: some of it can't be served yet."""
        ...

    def on_jobs(self) -> None:
        """Another process may have queued jobs, or died and left some."""
        ...

    def on_role(self) -> None:
        """This process builds from now on, or no longer."""
        ...

    def on_request(self) -> None:
        """Another process asks this one, the builder, to look at everything."""
        ...


class DaemonMember(Member):
    """A daemon that is alone on its state, as on SQLite: it builds."""

    def start(self, follower: Follower, faults: "Faults") -> None:
        """Begin to report to `follower`, instead of the one before."""

    def stuck(self) -> Sequence[str]:
        """Its threads that ended by themselves, or that have not worked for too long."""
        return ()
