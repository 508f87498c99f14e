"""HTTP to hubs and subscribers: the one place for timeouts, limits and allowed addresses."""

from syndicator.outbound.client import BODY_LIMIT, Client
from syndicator.outbound.hands import Done, Hands
from syndicator.outbound.turns import Turns

__all__ = ["BODY_LIMIT", "Client", "Done", "Hands", "Turns"]
