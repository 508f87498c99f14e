"""What lets a subscriber trust a delivery."""

import hmac


def signature(secret: bytes, body: bytes) -> str:
    """The value of `X-Hub-Signature` (W3C WebSub §7.1), with SHA-256, the least §8.3 recommends."""
    return f"sha256={hmac.digest(secret, body, 'sha256').hex()}"
