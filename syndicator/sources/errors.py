"""The errors of a source that can't be read."""

import os
from pathlib import Path

from syndicator.errors import SourceError


def source_error(root: Path, message: str, hint: str) -> SourceError:
    """The error of a source. If its root is gone, it is always the same error."""
    return SourceError(message, hint=hint) if os.path.isdir(root) else not_a_directory(root)


def not_a_directory(root: Path) -> SourceError:
    hint = "check [source] path, and that it is mounted"
    return SourceError(f"{root} is not a readable directory", hint=hint)
