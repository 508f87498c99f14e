"""When Python's garbage collector begins to work. `__main__` turns it off for the imports."""

import gc

#: New objects after which the youngest are looked at. At Python's 700 that took 5 % of a build, at
#: 10,000 it took 3 % of `check`: most of the new objects are modules, and hardly any are garbage.
_EVERY = 200_000

#: The same in a daemon, where requests wait meanwhile.
EVERY_IN_DAEMON = 10_000


def collect_from_now(every: int = _EVERY) -> None:
    """Turn the collector on. It never looks at what there is now: imported modules stay.

    Scanning them takes 10 % of a start
    (https://docs.python.org/3.11/library/gc.html#gc.freeze).
    """
    gc.freeze()
    gc.set_threshold(every, *gc.get_threshold()[1:])
    gc.enable()
