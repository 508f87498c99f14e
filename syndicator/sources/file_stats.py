"""What `stat` says of a file, and whether it would show a later change."""

import os

from syndicator.model.content import Stat

#: A file changed this recently may change again with the same times: FAT has the coarsest clock.
#: https://git-scm.com/docs/racy-git
CLOCK_RESOLUTION_NS = 2_000_000_000

#: The same where a ctime has parts of a second: some ticks of a kernel. Linux has 10 ms or less,
#: Windows (SMB) 16 ms.
FINE_RESOLUTION_NS = 50_000_000

#: The latest time that a column of a database holds, in the year 2262, and negative the earliest.
LATEST_NS = 2**63 - 1


def stat_of(path: str, seen: os.stat_result, *, inodes: bool) -> Stat:
    """`inodes`: whether files keep their numbers, see `inode_numbers`."""
    return Stat(
        path=path,
        size=seen.st_size,
        mtime_ns=nearest_ns(seen.st_mtime_ns),
        ctime_ns=nearest_ns(seen.st_ctime_ns),
        inode=seen.st_ino if inodes else 0,
    )


def nearest_ns(time_ns: int) -> int:
    """The nearest time that a database holds: `touch` gives a file any year."""
    return max(-LATEST_NS, min(time_ns, LATEST_NS))


def is_settled(seen: Stat, now_ns: int) -> bool:
    """Whether the file's times were so old that any later change has others.

    `now_ns`: the time before it was read.
    """
    # Programs set an mtime as they like, but no ctime: its digits show the clock's resolution.
    is_fine = seen.ctime_ns % 1_000_000_000
    resolution = FINE_RESOLUTION_NS if is_fine else CLOCK_RESOLUTION_NS
    return (
        abs(now_ns - seen.mtime_ns) > CLOCK_RESOLUTION_NS
        and abs(now_ns - seen.ctime_ns) > resolution
    )
