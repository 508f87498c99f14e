"""Lanes: each has threads and queues of its own, in which hosts take turns.

So strangers never delay the operator's hubs, and callbacks that are being verified never delay
subscribers.
"""

from collections.abc import Callable
from typing import TypeVar

from syndicator.model.outbox import JobKind
from syndicator.outbound.fair_queue import FairQueue
from syndicator.outbound.hold import Hold
from syndicator.outbound.pool import SenderPool

T = TypeVar("T")
R = TypeVar("R")

#: Claimed jobs of one lane that wait for a thread. At this number no more of its kinds are claimed.
LANE_LIMIT = 2048

#: By lane: requests that run at once, and requests in all, of which most wait for a slow host.
LANES = {"hubs": (64, 640), "deliveries": (64, 320), "verifications": (32, 256)}

#: The lane of each kind of job.
LANE = {
    JobKind.PING: "hubs",
    JobKind.DELIVER: "deliveries",
    JobKind.VERIFY: "verifications",
    JobKind.DENY: "verifications",
}

#: What is sent before all deliveries: it is little, and somebody waits for it.
URGENT = (JobKind.PING, JobKind.VERIFY, JobKind.DENY)


def new_pool(send: Callable[[T], R], hold: Hold) -> SenderPool[T, R]:
    """`hold`: during it, nothing but pings starts."""
    lanes = {
        name: FairQueue[T](at_once=at_once, in_all=in_all)
        for name, (at_once, in_all) in LANES.items()
    }
    return SenderPool(send, lanes, hold)


def kinds_with_room(waiting_in: Callable[[str], int]) -> list[JobKind]:
    """The kinds whose lane may get more jobs. `waiting_in`: the jobs that wait in a lane."""
    return [kind for kind, lane in LANE.items() if waiting_in(lane) < LANE_LIMIT]
