"""What strangers may request of the hub, and why a request beyond a limit is refused."""

from msgspec import Struct

from syndicator.store.outbox import PendingJobs
from syndicator.websub.hub_requests import LeaseBounds, Refused, host_quota, subscription_quota

#: One host, or one client, may have a tenth of all pending verifications: it takes ten of them to
#: use all.
PENDING_PART = 10


class HubLimits(Struct, frozen=True, kw_only=True):
    """Limits on requests of strangers."""

    client: int  #: requests a minute from one client's address
    host: int  #: requests a minute for one callback host
    pending: int  #: pending verifications
    subscriptions: int  #: subscriptions in all
    host_subscriptions: int = 5000  #: subscriptions of one callback host, or of one network
    lease: LeaseBounds

    @property
    def of_host(self) -> int:
        """The limit of subscriptions of one host, or one network."""
        return subscription_quota(self.host_subscriptions, self.subscriptions)

    @property
    def pending_of_host(self) -> int:
        """The limit of pending verifications of one host, or by one client."""
        return host_quota(self.pending, self.pending, PENDING_PART)

    def refuse_verification(self, pending: PendingJobs, *, subscribed: bool) -> Refused | None:
        """The refusal of one more verification beside those `pending`; None if it is allowed.

        The total alone limits the verifications of callbacks that are `subscribed`: they can be
        renewed and ended whatever others have requested.
        """
        if pending.total >= self.pending:
            return _refused(503, "Too many pending verifications", 60)
        if subscribed:
            return None
        if pending.host >= self.pending_of_host:
            return _refused(429, "Too many pending verifications for this callback's host", 60)
        if pending.client >= self.pending_of_host:
            return _refused(429, "Too many pending verifications from your address", 60)
        return None

    def refuse_subscription(
        self, pending: PendingJobs, *, in_all: int, of_host: int
    ) -> Refused | None:
        """The refusal of a new subscription; None if it is allowed.

        `in_all` and `of_host` are subscriptions so far: all, and those of the callback's host or
        network. Pending verifications count as subscriptions.
        """
        if in_all + pending.total >= self.subscriptions:
            return _refused(503, "This hub has reached its limit of subscriptions", 3600)
        if of_host + pending.host >= self.of_host:
            text = "This callback's host has reached its limit of subscriptions"
            return _refused(429, text, 3600)
        return None


def _refused(status: int, text: str, wait: int) -> Refused:
    return Refused(status=status, text=text, wait=wait)
