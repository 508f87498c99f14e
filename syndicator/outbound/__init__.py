"""HTTP requests to hubs and subscribers: timeouts, limits and allowed addresses."""

from syndicator.outbound.client import BODY_LIMIT, Client
from syndicator.outbound.fair_queue import FairQueue
from syndicator.outbound.pool import SenderPool, SendResult

__all__ = ["BODY_LIMIT", "Client", "FairQueue", "SendResult", "SenderPool"]
