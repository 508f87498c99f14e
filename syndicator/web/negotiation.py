"""Chooses the content encoding of a response from `Accept-Encoding` (RFC 9110 §12.5.3).

And between a text and a page, from `Accept`.
"""

from collections.abc import Sequence
from functools import lru_cache

IDENTITY = "identity"

#: Bytes of a field that are read. Browsers send about 150; a head may have 32 KiB.
_MAX_FIELD = 1000


# Clients send a handful of values. The server's limit on headers bounds the size of each.
@lru_cache(maxsize=256)
def choose(accept_encoding: bytes | None, offered: Sequence[str]) -> str | None:
    """The offered coding with the highest weight; of equal ones the first, which is the smallest.

    `offered` is sorted by size. `identity` is always offered. Without the header (None) it is
    chosen, since the client may not know any other. Returns None if the client refuses every
    coding, `identity` too.
    """
    if accept_encoding is None:
        return IDENTITY
    weights = _weights(accept_encoding)
    rest = weights.get("*", 0.0)
    best, best_weight = None, 0.0
    for coding in offered:
        if coding != IDENTITY and (weight := weights.get(coding, rest)) > best_weight:
            best, best_weight = coding, weight
    # Without a weight, identity is acceptable, and comes last.
    identity = weights.get(IDENTITY, weights.get("*"))
    if identity is None:
        return best or IDENTITY
    return IDENTITY if identity > best_weight else best


def accepts_html(accept: bytes) -> bool:
    """Whether `Accept` lists HTML, as browsers do; `*/*` alone does not (RFC 9110 §12.5.1)."""
    return _weights(accept).get("text/html", 0.0) > 0


def _weights(field: bytes) -> dict[str, float]:
    weights = {}
    for element in field[:_MAX_FIELD].decode("latin-1").lower().split(","):
        coding, *parameters = (part.strip() for part in element.split(";"))
        if coding:
            # §8.4.1.3: x-gzip is gzip.
            weights["gzip" if coding == "x-gzip" else coding] = _weight(parameters)
    return weights


def _weight(parameters: Sequence[str]) -> float:
    """The `q` parameter; 1 without one.

    Invalid weights count as 0: sending a coding that may be refused is the worse mistake.
    """
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0.0 <= weight <= 1.0 else 0.0
    return 1.0
