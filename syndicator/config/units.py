"""Durations and sizes: a number with its unit, such as "30s" or "1MiB"."""

import re
from collections.abc import Mapping
from datetime import timedelta

from syndicator.config.quote import quote

_SECONDS = {"ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {
    "B": 1,
    "kB": 10**3,
    "KiB": 2**10,
    "MB": 10**6,
    "MiB": 2**20,
    "GB": 10**9,
    "GiB": 2**30,
}


_LONGEST_SECONDS = 10 * 365 * 86400


def parse_duration(value: object) -> timedelta:
    duration = parse_pace(value)
    if not duration:
        raise ValueError(f"{quote(value)} must be more than zero and at most ten years")
    return duration


def parse_pace(value: object) -> timedelta:
    """A duration that may be zero."""
    seconds = _parse(value, _SECONDS, "a duration", "30s")
    if seconds > _LONGEST_SECONDS:
        raise ValueError(f"{quote(value)} must be at most ten years")
    duration = timedelta(seconds=seconds)
    # timedelta rounds to microseconds, and float() to zero what is far shorter.
    if not duration and re.search("[1-9]", str(value)):
        raise ValueError(f"{quote(value)} is too short: write at least 0.001ms")
    return duration


def parse_seconds(value: object) -> timedelta:
    """A duration that a protocol has in whole seconds."""
    duration = parse_duration(value)
    if duration < timedelta(seconds=1):
        raise ValueError(f"{quote(value)} must be 1s or more: it is announced in whole seconds")
    return duration


def parse_interval(value: object) -> timedelta:
    """A duration between two polls."""
    interval = parse_duration(value)
    if interval < timedelta(milliseconds=50):
        raise ValueError("must be 50ms or more: each poll checks every file")
    return interval


def parse_size(value: object) -> int:
    size = _parse(value, _BYTES, "a size", "1MiB")
    if size < 1024:
        raise ValueError(f"{quote(value)} is too small: no feed fits into less than 1KiB")
    if size > 2**40:
        raise ValueError(f"{quote(value)} is too large: write at most 1024GiB")
    return int(size)


def _parse(value: object, units: Mapping[str, float], kind: str, example: str) -> float:
    text = value.strip() if isinstance(value, str) else ""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", text, re.ASCII)
    if match is None or match[2] not in units:
        raise ValueError(
            f"{quote(value)} is not {kind}: write a number with a unit "
            f'({", ".join(units)}), such as "{example}"'
        )
    return float(match[1]) * units[match[2]]
