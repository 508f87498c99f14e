"""A hold on requests: how long it lasts, and how soon the next one may begin."""

from syndicator.outbound.hold import PAUSE, Hold


def test_a_hold_ends_by_itself() -> None:
    """After its time, if nothing ends it before."""
    hold = Hold()
    hold.begin(100.0, 2.0)
    assert [hold.left(now) for now in (100.0, 101.5, 102.0, 103.0)] == [2.0, 0.5, 0.0, 0.0]


def test_holds_take_up_a_fifth_of_the_time() -> None:
    """One that ended early lets the next one begin sooner."""
    hold = Hold()
    hold.begin(100.0, 2.0)
    hold.end(101.0)
    assert hold.left(101.0) == 0
    hold.begin(101.0 + PAUSE - 0.1, 2.0)
    assert hold.left(101.0 + PAUSE) == 0
    hold.begin(101.0 + PAUSE, 2.0)
    hold.begin(101.5 + PAUSE, 2.0)
    assert hold.left(101.5 + PAUSE) == 1.5
    end = 103.0 + PAUSE
    hold.end(end)
    hold.begin(end + 2 * PAUSE - 0.1, 2.0)
    assert hold.left(end + 2 * PAUSE) == 0
