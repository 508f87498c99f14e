"""A delivery is signed with the subscriber's secret."""

from syndicator.websub.signatures import signature


def test_a_signature() -> None:
    """HMAC-SHA256 in lower-case hexadecimal; the case is RFC 4231 §4.3."""
    expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert expected == signature(b"Jefe", b"what do ya want for nothing?")
