"""Signatures, by which a subscriber can trust a delivery."""

import hmac


def signature(secret: bytes, body: bytes) -> str:
    """The value of `X-Hub-Signature` (W3C WebSub §7.1), with the SHA-256 that §8.3 recommends."""
    return f"sha256={hmac.digest(secret, body, 'sha256').hex()}"
