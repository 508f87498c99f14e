"""Compressed siblings: a function of the bytes alone."""

import gzip
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO

import brotli

#: A sibling that saves less than this isn't worth a second file.
_WORTH = 0.95

# A feed is compressed each time it changes and sent some thousand times; these levels are within a tenth of the
# best sizes at a hundredth of the time (brotli's 11 takes a second for a megabyte).
_GZIP_LEVEL = 6
_BROTLI_QUALITY = 5

_SUFFIXES = {"gzip": ".gz", "br": ".br"}


def suffixes(encodings: Sequence[str]) -> tuple[str, ...]:
    """What the names of the siblings in these encodings end in."""
    return tuple(_SUFFIXES[encoding] for encoding in encodings)


def siblings(data: bytes, encodings: Sequence[str]) -> Mapping[str, bytes]:
    """The compressed forms of some bytes by suffix, without those that don't help."""
    made = {}
    if "gzip" in encodings:
        made[_SUFFIXES["gzip"]] = gzip.compress(
            data, _GZIP_LEVEL, mtime=0
        )  # RFC 1952 §2.3.1: 0 is "no time stamp"
    if "br" in encodings:
        made[_SUFFIXES["br"]] = brotli.compress(
            data, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY
        )
    return {suffix: packed for suffix, packed in made.items() if len(packed) < len(data) * _WORTH}


def is_packed(packed: bytes, encoding: str, data: bytes) -> bool:
    """Whether some bytes are others, compressed, whoever did it. No more is unpacked than there should be."""
    try:
        return _unpacked(packed, encoding, len(data) + 1) == data
    except (OSError, EOFError, zlib.error, brotli.error):
        return False


def _unpacked(packed: bytes, encoding: str, most: int) -> bytes:
    """At most so many of the bytes that were compressed: a kilobyte may hold a gigabyte of zeros.

    Raises EOFError, and what the libraries raise, for what has no end.
    """
    if encoding == "gzip":
        with gzip.GzipFile(fileobj=BytesIO(packed)) as unpacking:
            return unpacking.read(most)
    decoder = brotli.Decompressor()
    parts = [decoder.process(packed, output_buffer_limit=most)]
    while not decoder.is_finished() and sum(map(len, parts)) < most and parts[-1]:
        parts.append(decoder.process(b"", output_buffer_limit=most))
    if not decoder.is_finished():
        raise EOFError
    return b"".join(parts)
