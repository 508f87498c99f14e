"""Which encoding a client is sent (RFC 9110 §12.5.3)."""

from collections.abc import Sequence
from functools import lru_cache

IDENTITY = "identity"


@lru_cache(
    maxsize=256
)  # clients say a handful of things; the server's bound on headers bounds each key
def choose(accept_encoding: bytes | None, offered: Sequence[str]) -> str | None:
    """The coding of `offered` that the client likes best; of equals the first, so offer the smallest first.

    `identity` is always on offer and needs not be named. None as the field: the client didn't say, and gets no
    coding it may not know. None as the answer: it refuses everything there is, `identity` too.
    """
    if accept_encoding is None:
        return IDENTITY
    weights = _weights(accept_encoding)
    rest = weights.get("*", 0.0)
    best, best_weight = None, 0.0
    for coding in offered:
        if coding != IDENTITY and (weight := weights.get(coding, rest)) > best_weight:
            best, best_weight = coding, weight
    # What nobody spoke of: identity is acceptable even so, and wanted least.
    identity = weights.get(IDENTITY, weights.get("*"))
    if identity is None:
        return best or IDENTITY
    return IDENTITY if identity > best_weight else best


def _weights(field: bytes) -> dict[str, float]:
    weights = {}
    for element in field.decode("latin-1").lower().split(","):
        coding, *parameters = (part.strip() for part in element.split(";"))
        if coding:
            # §8.4.1.3: x-gzip is gzip.
            weights["gzip" if coding == "x-gzip" else coding] = _weight(parameters)
    return weights


def _weight(parameters: Sequence[str]) -> float:
    """A weight that is none takes the coding out: to send what may have been refused is the worse mistake."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0.0 <= weight <= 1.0 else 0.0
    return 1.0
