"""Compressed siblings: a function of the bytes alone."""

import gzip
import zlib
from collections.abc import Mapping, Sequence

import brotli

#: A sibling that saves less than this isn't worth a second file.
_WORTH = 0.95

# A feed is compressed each time it changes and sent some thousand times; these levels are within a tenth of the
# best sizes at a hundredth of the time (brotli's 11 takes a second for a megabyte).
_GZIP_LEVEL = 6
_BROTLI_QUALITY = 5

_SUFFIXES = {"gzip": ".gz", "br": ".br"}
_UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress}


def suffixes(encodings: Sequence[str]) -> tuple[str, ...]:
    """What the names of the siblings in these encodings end in."""
    return tuple(_SUFFIXES[encoding] for encoding in encodings)


def siblings(data: bytes, encodings: Sequence[str]) -> Mapping[str, bytes]:
    """The compressed forms of some bytes by suffix, without those that don't help."""
    made = {}
    if "gzip" in encodings:
        made[_SUFFIXES["gzip"]] = gzip.compress(data, _GZIP_LEVEL, mtime=0)  # RFC 1952 §2.3.1: 0 is "no time stamp"
    if "br" in encodings:
        made[_SUFFIXES["br"]] = brotli.compress(data, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY)
    return {suffix: packed for suffix, packed in made.items() if len(packed) < len(data) * _WORTH}


def is_packed(packed: bytes, encoding: str, data: bytes) -> bool:
    """Whether some bytes are others, compressed, whoever did it."""
    try:
        return bool(_UNPACK[encoding](packed) == data)
    except (OSError, EOFError, zlib.error, brotli.error):
        return False
