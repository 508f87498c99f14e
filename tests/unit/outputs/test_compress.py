"""Compressed siblings: made of bytes, and compared with them."""

import gzip
import os
import tracemalloc
from random import Random

import brotli
import pytest

from syndicator.outputs.compress import is_compressed, siblings

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


@pytest.mark.parametrize("encoding", ["gzip", "br"])
@pytest.mark.parametrize("size", [1, 4096, 300_000])
def test_is_compressed_compares_all_bytes(encoding: str, size: int) -> None:
    """Other lengths and truncated data don't match. Hostile data is not decompressed further."""
    for data in (b"x" * size, os.urandom(size)):
        packed = gzip.compress(data) if encoding == "gzip" else brotli.compress(data)
        assert is_compressed(packed, encoding, data)
        assert not is_compressed(packed, encoding, data + b"x")
        assert not is_compressed(packed, encoding, data[:-1])
        assert not is_compressed(packed[:-1], encoding, data)
        assert not is_compressed(b"", encoding, data)
    zeros = bytes(100 * 2**20)
    bomb = gzip.compress(zeros, 1) if encoding == "gzip" else brotli.compress(zeros, quality=1)
    tracemalloc.start()
    assert not is_compressed(bomb, encoding, b"x" * size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 2**20
