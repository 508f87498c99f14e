"""The limit on bad pollers."""

import pytest

from syndicator.web.poll_limit import PollLimiter


def scope(
    peer: str = "192.0.2.1", path: str = "/all.rss", agent: str = "reader"
) -> dict[str, object]:
    return {"client": (peer, 1), "path": path, "headers": [(b"user-agent", agent.encode())]}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_same_bytes_too_often() -> None:
    """A client over its limit waits until an hour has passed since its first full response."""
    clock = Clock()
    limiter = PollLimiter(2, clock=clock)
    assert [limiter.wait(scope(), b'"1"'), limiter.wait(scope(), b'"1"')] == [None, None]
    clock.now += 600
    assert limiter.wait(scope(), b'"1"') == 3000
    clock.now += 3000
    assert limiter.wait(scope(), b'"1"') is None


@pytest.mark.parametrize(
    "other",
    [
        {"peer": "192.0.2.2"},
        {"path": "/all.atom"},
        {"agent": "another reader behind the same address"},
    ],
)
def test_each_client_feed_and_reader_is_counted_alone(other: dict[str, str]) -> None:
    """Several readers behind one address are distinguished by User-Agent."""
    limiter = PollLimiter(1, clock=Clock())
    assert limiter.wait(scope(), b'"1"') is None
    assert limiter.wait(scope(**other), b'"1"') is None
    assert limiter.wait(scope(), b'"1"') is not None


def test_new_bytes_are_never_limited() -> None:
    """A feed that changes may be fetched as often as it changes."""
    limiter = PollLimiter(1, clock=Clock())
    assert [limiter.wait(scope(), b'"%d"' % number) for number in range(5)] == [None] * 5
