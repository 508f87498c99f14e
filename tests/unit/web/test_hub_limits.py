"""The limits on requests of strangers to the hub."""

from datetime import timedelta

import pytest

from syndicator.store.outbox import PendingJobs
from syndicator.web.hub_limits import HubLimits
from syndicator.websub.hub_requests import LeaseBounds, Refused

LEASE = LeaseBounds(min=timedelta(1), default=timedelta(10), max=timedelta(30))

#: Each host has a tenth of the pending verifications: 20, and 50 subscriptions.
LIMITS = HubLimits(
    client=1, host=1, pending=200, subscriptions=1000, host_subscriptions=50, lease=LEASE
)


def pending(total: int = 0, host: int = 0, client: int = 0) -> PendingJobs:
    return PendingJobs(total=total, host=host, client=client)


def answer(refused: Refused | None) -> tuple[int, int | None, str] | None:
    return refused and (refused.status, refused.wait, refused.text)


TOO_MANY = (503, 60, "Too many pending verifications")
OF_HOST = (429, 60, "Too many pending verifications for this callback's host")
OF_CLIENT = (429, 60, "Too many pending verifications from your address")


@pytest.mark.parametrize(
    ("jobs", "of_others", "of_subscribers"),
    [
        (pending(199, 19, 19), None, None),
        (pending(200), TOO_MANY, TOO_MANY),
        (pending(200, 20, 20), TOO_MANY, TOO_MANY),
        (pending(199, 20, 19), OF_HOST, None),
        (pending(199, 19, 20), OF_CLIENT, None),
        (pending(199, 20, 20), OF_HOST, None),
    ],
)
def test_pending_verifications_are_limited(
    jobs: PendingJobs, of_others: object, of_subscribers: object
) -> None:
    """In all, by host and by client. Renewals and ends are limited by the total alone."""
    assert answer(LIMITS.refuse_verification(jobs, subscribed=False)) == of_others
    assert answer(LIMITS.refuse_verification(jobs, subscribed=True)) == of_subscribers


FULL = (503, 3600, "This hub has reached its limit of subscriptions")
HOST_FULL = (429, 3600, "This callback's host has reached its limit of subscriptions")


@pytest.mark.parametrize(
    ("jobs", "in_all", "of_host", "expected"),
    [
        (pending(), 999, 49, None),
        (pending(), 1000, 0, FULL),
        (pending(), 1000, 50, FULL),
        (pending(), 999, 50, HOST_FULL),
        (pending(total=1), 999, 0, FULL),  # a pending one counts
        (pending(total=1, host=1), 900, 49, HOST_FULL),
        (pending(total=99, client=19), 900, 49, None),  # a client's do not count
    ],
)
def test_subscriptions_are_limited(
    jobs: PendingJobs, in_all: int, of_host: int, expected: object
) -> None:
    """In all and by host. Verifications that are pending may become subscriptions."""
    refused = LIMITS.refuse_subscription(jobs, in_all=in_all, of_host=of_host)
    assert answer(refused) == expected


@pytest.mark.parametrize(
    ("setting", "in_all", "limit"),
    [(50, 1000, 50), (5000, 1000, 500), (5000, 12, 10)],
)
def test_one_host_has_at_most_half_of_all(setting: int, in_all: int, limit: int) -> None:
    """Whatever its own limit says, but ten in any case."""
    limits = HubLimits(
        client=1,
        host=1,
        pending=200,
        subscriptions=in_all,
        host_subscriptions=setting,
        lease=LEASE,
    )
    assert limits.of_host == limit


@pytest.mark.parametrize(("total", "limit"), [(1000, 100), (13, 10)])
def test_one_host_has_a_tenth_of_the_pending_verifications(total: int, limit: int) -> None:
    """But ten in any case."""
    limits = HubLimits(client=1, host=1, pending=total, subscriptions=1, lease=LEASE)
    assert limits.pending_of_host == limit
