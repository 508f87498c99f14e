"""Values as JSON: what `--json` prints, and the operator's address answers."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict


def to_json(value: Mapping[str, Any]) -> str:
    """One JSON object, with times as ISO 8601 and structs as objects. Other values are text."""
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=2)


def _plain(value: object) -> object:
    if isinstance(value, Struct):
        return asdict(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)
