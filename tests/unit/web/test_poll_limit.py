"""The limit on bad pollers."""

from ipaddress import ip_network

import pytest

from syndicator.web.poll_limit import PollLimiter, client


def scope(
    peer: str = "192.0.2.1", path: str = "/all.rss", agent: str = "reader", forwarded: str = ""
) -> dict:
    headers = [(b"user-agent", agent.encode())]
    headers += [(b"x-forwarded-for", line.encode()) for line in forwarded.split("|") if line]
    return {"client": (peer, 1), "path": path, "headers": headers}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_same_bytes_too_often() -> None:
    """So many full answers an hour, then a wait until the hour that began with the first is over."""
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
def test_nobody_pays_for_another(other: dict[str, str]) -> None:
    """Another client, another feed and another reader of one household are counted each for itself."""
    limiter = PollLimiter(1, clock=Clock())
    assert limiter.wait(scope(), b'"1"') is None
    assert limiter.wait(scope(**other), b'"1"') is None
    assert limiter.wait(scope(), b'"1"') is not None


def test_new_bytes_are_always_given() -> None:
    """A feed that changes is fetched as often as it changes."""
    limiter = PollLimiter(1, clock=Clock())
    assert [limiter.wait(scope(), b'"%d"' % number) for number in range(5)] == [None] * 5


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was not seen for longest is forgotten first."""
    monkeypatch.setattr("syndicator.web.poll_limit._REMEMBERED", 2)
    limiter = PollLimiter(1, clock=Clock())
    for peer in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        limiter.wait(scope(peer), b'"1"')
    assert limiter.wait(scope("192.0.2.3"), b'"1"') is not None
    assert limiter.wait(scope("192.0.2.1"), b'"1"') is None


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        (
            "198.51.100.7",
            "203.0.113.9",
            "198.51.100.7",
        ),  # not a trusted proxy: its word counts for nothing
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (
            "10.0.0.1",
            "203.0.113.1, 203.0.113.9, 10.0.0.2",
            "203.0.113.9",
        ),  # the client wrote the first itself
        ("10.0.0.1", "203.0.113.1|203.0.113.9", "203.0.113.9"),  # two lines are one list
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", ""),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", "", "198.51.100.7"),
    ],
)
def test_who_asks(peer: str, forwarded: str, expected: str) -> None:
    """A trusted proxy's word on its client counts, read from the end; an IPv6 client is its /64."""
    assert expected == client(scope(peer, forwarded=forwarded), [ip_network("10.0.0.0/8")])
