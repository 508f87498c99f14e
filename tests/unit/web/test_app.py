"""The app's counter."""

import pytest
from prometheus_client import CollectorRegistry, Counter

from syndicator.web.app import counter


@pytest.mark.parametrize(
    ("status", "format", "labels"),
    [
        (200, "rss", ("200", "rss")),
        (304, "atom", ("304", "atom")),
        (404, "", ("404", "other")),
    ],
)
def test_requests_are_counted_by_status_and_format(
    status: int, format: str, labels: tuple[str, str]
) -> None:
    """Or "other": strangers choose paths, but never a label."""
    registry = CollectorRegistry()
    count = counter(Counter("requests", "", ["status", "format"], registry=registry))
    for _ in range(2):
        count(status, format, {})
    totals = {
        (sample.labels["status"], sample.labels["format"]): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "requests_total"
    }
    assert totals == {labels: 2}
