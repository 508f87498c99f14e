"""The column `jobs.detail`: what a job needs besides its target and its topic, as JSON.

Rows of earlier versions have the same names. Values that are None, and a lease of 0, are left out.
"""

import json

import msgspec

from syndicator.model.outbox import Delivery, Denial, JobDetail, JobKind, Ping, Verification

_TYPES: dict[JobKind, type[JobDetail]] = {
    each.kind: each for each in (Ping, Verification, Delivery, Denial)
}


def to_json(detail: JobDetail) -> str:
    """The text of a detail. Equal details have equal texts, which statements compare."""
    values = msgspec.structs.asdict(detail)
    if values.get("secret") is not None:
        values["secret"] = values["secret"].hex()
    return json.dumps({name: value for name, value in values.items() if value not in (None, 0)})


def from_json(kind: JobKind, text: str) -> JobDetail:
    """The detail of a job of this kind."""
    values = json.loads(text)
    if "secret" in values:
        values["secret"] = bytes.fromhex(values["secret"])
    return msgspec.convert(values, _TYPES[kind])
