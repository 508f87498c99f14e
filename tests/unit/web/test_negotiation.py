"""Content codings by RFC 9110 §12.5.3. On offer: br (the smallest), gzip, identity."""

import pytest

from syndicator.web.negotiation import choose

OFFERED = ("br", "gzip", "identity")


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (None, "identity"),  # no header: the client may not know any coding
        (b"", "identity"),  # an empty header: none is accepted
        (b"gzip", "gzip"),
        (b"x-gzip", "gzip"),  # §8.4.1.3
        (b"GZIP", "gzip"),
        (b"gzip, deflate, br, zstd", "br"),  # equal weights: the smallest body
        (b"gzip;q=1.0, br;q=0.5", "gzip"),
        (b"gzip ; q=0.2 , br;q=0.1", "gzip"),
        (b"gzip;q=0, br", "br"),
        (b"gzip;q=0", "identity"),
        (b"gzip;Q=0", "identity"),
        (b"gzip;q=0.000", "identity"),
        (b"deflate", "identity"),  # not offered: unencoded
        (b"*", "br"),
        (b"*;q=0.5, gzip", "gzip"),
        (b"*;q=0, gzip;q=0.1", "gzip"),
        (b"br;q=0, *", "gzip"),
        (b"identity", "identity"),
        (b"identity, gzip;q=0.5", "identity"),
        (b"identity;q=0.5, gzip;q=0.5", "gzip"),
        (b"identity;q=0, gzip", "gzip"),
        (b"identity;q=0", None),  # identity is refused, and no other coding accepted
        (b"*;q=0", None),
        (b"identity;q=0, *;q=0", None),
        (b"*;q=0, identity", "identity"),
        (b"gzip;q=nonsense", "identity"),  # an invalid weight
        (b"gzip;q=7, br;q=-1", "identity"),
        (b"gzip;q=nan", "identity"),
        (b";;,,q=1", "identity"),
        (b"\xff\xfe", "identity"),
    ],
)
def test_the_coding_the_client_likes_best(field: bytes | None, expected: str | None) -> None:
    """The highest weight wins, then the smallest body. Identity is last unless it has a weight."""
    assert expected == choose(field, OFFERED)


def test_only_offered_codings_are_chosen() -> None:
    """A file too small to be compressed is sent unencoded."""
    assert choose(b"br, gzip", ("identity",)) == "identity"


def test_the_first_thousand_bytes_are_read() -> None:
    """A head may have thousands of codings."""
    filling = b"x," * 495
    assert choose(filling + b"gzip", OFFERED) == "gzip"
    assert choose(filling * 2 + b"gzip", OFFERED) == "identity"
