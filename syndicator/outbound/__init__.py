"""HTTP to hubs and subscribers: the one place for timeouts, limits and allowed addresses."""

from syndicator.outbound.client import BODY_LIMIT, Client
from syndicator.outbound.fair_queue import Turns
from syndicator.outbound.pool import Done, Hands

__all__ = ["BODY_LIMIT", "Client", "Done", "Hands", "Turns"]
