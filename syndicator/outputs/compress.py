"""Compresses files with gzip and brotli. The same bytes have the same siblings."""

import gzip
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO

import brotli
from zlib_ng import zlib_ng

#: Of the original size; a larger sibling isn't worth a second file.
_MAX_RATIO = 0.95

# A feed is compressed at each change and sent some thousand times. These levels are within a tenth
# of the best sizes, in a hundredth of the time (brotli's 11 takes a second for a megabyte).
_GZIP_LEVEL = 6
_GZIP_FORMAT = 31  # https://docs.python.org/3/library/zlib.html#zlib.compress
_BROTLI_QUALITY = 5

_SUFFIXES = {"gzip": ".gz", "br": ".br"}


def suffixes(encodings: Sequence[str]) -> tuple[str, ...]:
    """The file name suffixes of siblings in these encodings."""
    return tuple(_SUFFIXES[encoding] for encoding in encodings)


def siblings(data: bytes, encodings: Sequence[str]) -> Mapping[str, bytes]:
    """The compressed forms of some bytes by suffix, without those that save too little."""
    made = {}
    if "gzip" in encodings:
        # Without a time stamp. zlib-ng takes three quarters of zlib's time for the same size.
        made[_SUFFIXES["gzip"]] = zlib_ng.compress(data, _GZIP_LEVEL, wbits=_GZIP_FORMAT)
    if "br" in encodings:
        made[_SUFFIXES["br"]] = brotli.compress(
            data, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY
        )
    limit = len(data) * _MAX_RATIO
    return {suffix: compressed for suffix, compressed in made.items() if len(compressed) < limit}


def encoded(data: bytes, encodings: Sequence[str]) -> dict[str, bytes]:
    """The compressed forms of some bytes by encoding, without those that save too little."""
    made = siblings(data, encodings)
    return {each: made[_SUFFIXES[each]] for each in encodings if _SUFFIXES[each] in made}


def decompressed(compressed: bytes, encoding: str, most: int) -> bytes:
    """The first `most` bytes of the content: a kilobyte may expand to a gigabyte.

    `encoding`: "gzip" or "br". Raises ValueError for truncated and damaged data.
    """
    try:
        return _decompressed(compressed, encoding, most)
    except (OSError, EOFError, zlib.error, brotli.error) as error:
        raise ValueError(f"not complete {encoding}") from error


def _decompressed(compressed: bytes, encoding: str, most: int) -> bytes:
    if encoding == "gzip":
        with gzip.GzipFile(fileobj=BytesIO(compressed)) as file:
            return file.read(most)
    decoder = brotli.Decompressor()
    parts = [decoder.process(compressed, output_buffer_limit=most)]
    while not decoder.is_finished() and sum(map(len, parts)) < most and parts[-1]:
        parts.append(decoder.process(b"", output_buffer_limit=most))
    if not decoder.is_finished():
        raise EOFError
    return b"".join(parts)
