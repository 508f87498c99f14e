"""What a job needs besides its target and topic, as JSON that each version reads and writes."""

import json

import pytest

from syndicator.model.outbox import Delivery, Denial, JobDetail, JobKind, Mode, Ping, Verification
from syndicator.store.job_details import from_json, to_json


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        (Ping(), "{}"),
        (
            Verification(mode=Mode.SUBSCRIBE, topic="https://a.example/ü", lease=864_000, had="d"),
            '{"mode": "subscribe", "topic": "https://a.example/\\u00fc", "lease": 864000,'
            ' "had": "d"}',
        ),
        (
            Verification(mode=Mode.SUBSCRIBE, topic="t", lease=60, secret=b"\0h\xff", had="d"),
            '{"mode": "subscribe", "topic": "t", "lease": 60, "secret": "0068ff", "had": "d"}',
        ),
        (
            Verification(mode=Mode.UNSUBSCRIBE, topic="t", had="d"),
            '{"mode": "unsubscribe", "topic": "t", "had": "d"}',
        ),
        (Delivery(), "{}"),
        (Delivery(had="any"), '{"had": "any"}'),
        (Denial(), "{}"),
        (Denial(topic="t", reason="it ended"), '{"topic": "t", "reason": "it ended"}'),
    ],
)
def test_a_detail_is_stored_as_ever(detail: JobDetail, text: str) -> None:
    """Byte for byte: an earlier version may have queued the job, or may have to send it."""
    assert to_json(detail) == text
    assert from_json(detail.kind, text) == detail


@pytest.mark.parametrize(
    ("kind", "values", "detail"),
    [
        (
            JobKind.VERIFY,
            {"mode": "unsubscribe", "topic": "t", "later": 1},
            Verification(mode=Mode.UNSUBSCRIBE, topic="t"),
        ),
        (JobKind.DENY, {"reason": "it ended"}, Denial(reason="it ended")),
        (JobKind.DELIVER, {"later": 1}, Delivery()),
    ],
)
def test_unknown_values_are_ignored_and_missing_ones_are_none(
    kind: JobKind, values: dict[str, object], detail: JobDetail
) -> None:
    """A later version may store more."""
    assert from_json(kind, json.dumps(values)) == detail
