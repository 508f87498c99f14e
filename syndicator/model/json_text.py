"""Values as JSON: what `--json` prints, and the operator's address answers."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def to_json(value: Mapping[str, Any]) -> str:
    """One JSON object, with times as ISO 8601. What JSON does not have is its text."""
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=2)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)
