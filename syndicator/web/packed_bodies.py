"""Bodies that are kept as their gzip alone. Most clients are sent that one or brotli's.

An unpacked feed is three quarters of what all its encodings would take in memory.
"""

import struct
import zlib
from weakref import ReferenceType, ref

from zlib_ng import zlib_ng

from syndicator.cache import LruCache

#: Bytes of unpacked bodies that are kept after a response, for the next one.
_KEPT = 4 * 2**20

_GZIP_FORMAT = 31  # https://docs.python.org/3/library/zlib.html#zlib.decompress


class _Unpacked(bytearray):
    """Bytes that can be referred to weakly. What is still being sent of them refers to them."""


class PackedBody:
    """A body that is unpacked for clients that accept no compression.

    All that are sent it share one copy, however slowly they read.
    """

    __slots__ = ("__weakref__", "_gzip", "_unpacked")

    def __init__(self, gzip: bytes) -> None:
        self._gzip = gzip
        self._unpacked: ReferenceType[_Unpacked] | None = None  #: while somebody uses it

    def unpacked(self) -> memoryview:
        """The bytes. Raises zlib_ng.error if those on disk were damaged."""
        body = self._unpacked() if self._unpacked else None
        if body is None:
            body = _Unpacked(zlib_ng.decompress(self._gzip, wbits=_GZIP_FORMAT))
            self._unpacked = ref(body)
        _recent.put(self, None, body, len(body))
        return memoryview(body)


_recent: LruCache[PackedBody, None, _Unpacked] = LruCache(_KEPT)


def packed(body: bytes, gzip: bytes | None) -> bytes | PackedBody:
    """A body, packed if `gzip` is its gzip: that ends with the content's checksum and size.

    RFC 1952 §2.3.1
    """
    if gzip is None:
        return body
    end = struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFFFFFF)
    return PackedBody(gzip) if gzip.endswith(end) else body
