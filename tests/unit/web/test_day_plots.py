"""From the numbers of a day to the figures of the operator's page."""

from datetime import UTC, datetime, timedelta

from syndicator.model.activity import Activity
from syndicator.web.day_plots import HEIGHT, Figure, figures

INTERVAL = timedelta(hours=4)  # six a day
LAST = datetime(2026, 3, 1, 12, tzinfo=UTC)


def figures_of(*day: Activity | None, minutes: int = 120) -> dict[str, Figure]:
    """By title. `day`: the intervals, the present one last. `minutes`: since that began."""
    backwards = enumerate(reversed(day))
    known = {LAST - INTERVAL * back: done for back, done in backwards if done is not None}
    now = LAST + timedelta(minutes=minutes)
    found = figures(known, now, INTERVAL, queued=0, subscribers=0)
    return {figure.title: figure for figure in found}


def test_a_plot_has_a_step_for_each_value_and_a_gap_where_no_daemon_ran() -> None:
    """Equal values share a step. The largest one reaches the top."""
    queue = [Activity(queued=number) for number in (2, 2, 8)]
    plot = figures_of(*queue, None, Activity(), Activity(queued=4))["Queued jobs"]
    assert (plot.width, HEIGHT) == (6, 40)
    assert plot.area == "M0 40V30H2V0H3V40ZM5 40V20H6V40Z"
    assert plot.base == "M0 40H3M4 40H6"


def test_one_event_is_seen_beside_thousands() -> None:
    """It has a least height. Nothing has none."""
    plot = figures_of(Activity(pings=1), Activity(), Activity(pings=9000))["Pings"]
    assert plot.area == "M3 40V38H4V40ZM5 40V0H6V40Z"


def test_failures_have_the_scale_of_all_attempts() -> None:
    """They stand in front of them."""
    plot = figures_of(Activity(deliveries=3, failed_deliveries=1), Activity())["Deliveries"]
    assert (plot.area, plot.failures) == ("M4 40V0H5V40Z", "M4 40V30H5V40Z")
    assert plot.failed == 1


def test_a_rate_is_of_the_last_whole_interval_and_the_present_one() -> None:
    """The present one may have just begun. If no daemon ran before it, it counts alone."""
    requests = [Activity(requests=number) for number in (9999, 600, 120)]
    for day, value, most in ((requests, "2.0", "42"), ((None, requests[2]), "1.0", "1.0")):
        figure = figures_of(*day)["Requests"]
        assert (figure.value, figure.unit) == (value, "a minute")
        assert figure.note == f"at most {most} a minute"


def test_a_day_without_anything() -> None:
    """A daemon that has just started has flat plots."""
    for figure in figures_of(Activity(), minutes=0).values():
        assert (figure.value, figure.area, figure.failures) == ("0", "", "")
        assert figure.base == "M5 40H6"
        assert figure.text == f"{figure.title} in the last day: {figure.note}"
