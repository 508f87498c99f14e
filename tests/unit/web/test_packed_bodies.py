"""A body is kept as its gzip, and unpacked for clients that accept no compression."""

import gc
from weakref import ref

import pytest
from zlib_ng import zlib_ng

from syndicator.outputs.compress import encoded
from syndicator.web.packed_bodies import PackedBody, packed

FEED = b"<entry>Text.</entry>" * 1000
GZIP = encoded(FEED, ["gzip"])["gzip"]


def test_it_unpacks_to_the_same_bytes() -> None:
    body = packed(FEED, GZIP)
    assert isinstance(body, PackedBody)
    assert body.unpacked() == FEED


@pytest.mark.parametrize(
    "gzip", [None, b"", GZIP[:-1], GZIP + b"\0", encoded(FEED[20:], ["gzip"])["gzip"]]
)
def test_a_gzip_of_other_bytes_is_not_used(gzip: bytes | None) -> None:
    """It would be sent with the headers of these."""
    assert packed(FEED, gzip) is FEED


def test_damage_is_an_error() -> None:
    """No client is sent half a feed."""
    damaged = GZIP[:20] + bytes(8) + GZIP[28:]
    body = packed(FEED, damaged)
    assert isinstance(body, PackedBody)
    with pytest.raises(zlib_ng.error):
        body.unpacked()


def test_clients_share_one_copy() -> None:
    """Also if others were unpacked meanwhile, and only while somebody uses it."""
    body = PackedBody(GZIP)
    rest = body.unpacked()[1000:]
    _unpack_others()
    assert body.unpacked().obj is rest.obj
    last_use = ref(rest.obj)
    del rest
    _unpack_others()
    gc.collect()
    assert last_use() is None


def _unpack_others() -> None:
    """More than are kept for the next response."""
    large = bytes(2**20)
    for _ in range(8):
        PackedBody(encoded(large, ["gzip"])["gzip"]).unpacked()
