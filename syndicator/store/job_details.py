"""The column `jobs.detail`: what a job needs besides its target and its topic, as JSON.

Rows of earlier versions have the same names. Values that are None, and a lease of 0, are left out.
"""

import json
from typing import Any

from syndicator.model.outbox import (
    Delivery,
    Denial,
    JobDetail,
    JobKind,
    Mode,
    Ping,
    Verification,
)


def to_json(detail: JobDetail) -> str:
    """The text of a detail. Equal details have equal texts, which statements compare."""
    match detail:
        case Ping():
            values: dict[str, Any] = {}
        case Verification():
            values = {
                "mode": detail.mode.value,
                "topic": detail.topic,
                "lease": detail.lease or None,
                "secret": None if detail.secret is None else detail.secret.hex(),
                "had": detail.had,
            }
        case Delivery():
            values = {"had": detail.had}
        case Denial():
            values = {"topic": detail.topic, "reason": detail.reason}
    return json.dumps({name: value for name, value in values.items() if value is not None})


def from_json(kind: JobKind, text: str) -> JobDetail:
    """The detail of a job of this kind."""
    values: dict[str, Any] = json.loads(text)
    match kind:
        case JobKind.PING:
            return Ping()
        case JobKind.VERIFY:
            secret = values.get("secret")
            return Verification(
                mode=Mode(values["mode"]),
                topic=values["topic"],
                lease=values.get("lease", 0),
                secret=None if secret is None else bytes.fromhex(secret),
                had=values.get("had"),
            )
        case JobKind.DELIVER:
            return Delivery(had=values.get("had"))
        case JobKind.DENY:
            return Denial(topic=values.get("topic"), reason=values.get("reason"))
