"""Compressed siblings: made of bytes, and compared with them."""

import gzip
import os
import tracemalloc
from contextlib import suppress
from random import Random

import brotli
import pytest

from syndicator.outputs.compress import decompressed, siblings

#: A kilobyte that can't be compressed.
NOISE = Random(1).randbytes(1000)


@pytest.mark.parametrize(
    ("data", "encodings", "expected"),
    [
        (b"x" * 999, ("gzip", "br"), {".gz", ".br"}),
        (b"x" * 999, ("br",), {".br"}),
        (b"x" * 999, (), set()),
        (NOISE, ("gzip", "br"), set()),
        (NOISE + bytes(60), ("gzip", "br"), set()),  # smaller, but by too little
        (NOISE + bytes(200), ("gzip", "br"), {".gz", ".br"}),
        (b"", ("gzip", "br"), set()),
    ],
)
def test_a_sibling_saves_a_twentieth(
    data: bytes, encodings: tuple[str, ...], expected: set[str]
) -> None:
    """Or there is none."""
    assert siblings(data, encodings).keys() == expected


def test_compression_is_a_function_of_the_bytes() -> None:
    """Siblings have no time stamp or name: the same bytes have the same ones."""
    assert siblings(b"x" * 999, ("gzip", "br")) == siblings(b"x" * 999, ("gzip", "br"))


def test_a_gzip_sibling_has_no_time_stamp() -> None:
    """RFC 1952 §2.3.1: an mtime of 0 means that there is none."""
    assert siblings(b"x" * 999, ("gzip",))[".gz"][4:8] == bytes(4)


@pytest.mark.parametrize("encoding", ["gzip", "br"])
@pytest.mark.parametrize("size", [1, 4096, 300_000])
def test_decompressing_has_a_limit(encoding: str, size: int) -> None:
    """Truncated data is refused. Hostile data is not decompressed further."""
    for data in (b"x" * size, os.urandom(size)):
        packed = gzip.compress(data) if encoding == "gzip" else brotli.compress(data)
        assert decompressed(packed, encoding, size + 1) == data
        with pytest.raises(ValueError, match="not complete"):
            decompressed(packed[:-1], encoding, size + 1)
    zeros = bytes(100 * 2**20)
    bomb = gzip.compress(zeros, 1) if encoding == "gzip" else brotli.compress(zeros, quality=1)
    tracemalloc.start()
    with suppress(ValueError):
        assert len(decompressed(bomb, encoding, size)) <= size
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 2**20
