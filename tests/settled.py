"""Files whose times would show any later change."""

import os
import time
from pathlib import Path

from syndicator.sources.file_stats import FINE_RESOLUTION_NS


def age(*places: Path) -> None:
    """Wait until the ctimes of files, or of all in a folder, are old: some hundredths of a second.

    No program can set a ctime.
    """
    paths = [path for place in places for path in (place, *place.rglob("*"))]
    newest = max(os.lstat(path).st_ctime_ns for path in paths)
    while time.time_ns() - newest <= FINE_RESOLUTION_NS:
        time.sleep(0.01)
