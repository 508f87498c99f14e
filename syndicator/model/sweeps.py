"""A sweep: one round of deliveries of a topic through the subscribers of a shard. Values only.

The subscribers of a topic are divided into shards by the host of their callback. Within a shard
each has a place, a fixed random number, so that hosts take turns. A sweep goes from place to place
in a circle: it begins where the last one ended, and is over when it is there again. The topic has a
wave number, which each change raises. What a subscriber has follows from its place and the sweep.
"""

from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from syndicator.model.client_keys import host_name

#: The number of shards of each topic. Another number would need other places: a migration.
SHARDS = 16

#: Places of one shard. All together fit into 63 bits.
SHARD_SIZE = 1 << 58


def place_of(callback: str) -> int:
    """The place of a callback: shard `n` has those from `n * SHARD_SIZE + 1`.

    Two callbacks of one host may share a place only by 2^29 attempts. One of them may then miss a
    delivery; the other subscribers get theirs.
    """
    shard = sha256(host_name(callback).encode()).digest()[0] % SHARDS
    number = int.from_bytes(sha256(callback.encode()).digest()[:8], "big")
    return shard * SHARD_SIZE + 1 + number % (SHARD_SIZE - 1)


def shard_of(place: int) -> int:
    return place // SHARD_SIZE


class Sweep(Struct, frozen=True, kw_only=True):
    """Where the deliveries of a topic to a shard stand.

    Subscribers behind the cursor were *reached*: from where the sweep ends (`stop`, or `again`), to
    the cursor. They have `wave`, the others still have `old_wave`. An older one is never sent
    after a newer one: a sweep always sends the newest bytes, and each place once.
    """

    wave: int  #: which the sweep delivers; at rest: which all subscribers have
    digest: str | None  #: of the bytes that were sent for it; None: unknown, or not the same to all
    old_wave: int  #: the newest that any of the others has
    old_digest: str | None  #: as `digest`
    cursor: int  #: the last place that was reached
    stop: int | None  #: where the sweep ends; None: none is under way
    #: Where the next sweep ends: the topic changed when this one was here. None: none has to follow
    again: int | None
    sent: int | None = None  #: when those that were reached were sent something last; None: never
    old_sent: int | None = None  #: when the others were

    @property
    def start(self) -> int:
        """Before the first place of the shard."""
        return shard_of(self.cursor) * SHARD_SIZE

    @property
    def limit(self) -> int:
        """The last place that the next page may have. The circle closes at the shard's end."""
        if self.stop is not None and self.stop > self.cursor:
            return self.stop
        return self.start + SHARD_SIZE - 1

    @property
    def rests(self) -> bool:
        """Whether it has reached every subscriber."""
        return self.stop is None and self.again is None

    def is_reached(self, place: int) -> bool:
        end = self.stop if self.again is None else self.again
        if end is None:
            return True
        if end <= self.cursor:
            return end < place <= self.cursor
        return place > end or place <= self.cursor

    def has(self, place: int) -> tuple[int, str | None]:
        """The wave and the digest that a subscriber has, unless its own record is newer."""
        if self.is_reached(place):
            return self.wave, self.digest
        return self.old_wave, self.old_digest

    def last_sent(self, place: int) -> int | None:
        """When the subscribers of its part of the shard were sent something last; None: never."""
        return self.sent if self.is_reached(place) else self.old_sent


def resting(shard: int, wave: int) -> Sweep:
    """A shard without subscribers so far."""
    return Sweep(
        wave=wave,
        digest=None,
        old_wave=wave,
        old_digest=None,
        cursor=shard * SHARD_SIZE,
        stop=None,
        again=None,
    )


def prepared(sweep: Sweep, wave: int, changed: int) -> Sweep | None:
    """The sweep whose next page is to be sent now; None: all subscribers have the topic's wave.

    `changed`: the topic's last wave with a change. Later ones only look for subscribers that lack
    the bytes, and need not interrupt a sweep.
    """
    if changed > sweep.wave:
        return _raised(sweep, wave)
    if sweep.stop is not None:
        return sweep
    if sweep.again is not None:
        return replace(sweep, stop=sweep.again, again=None)
    return _raised(sweep, wave) if wave > sweep.wave else None


def _raised(sweep: Sweep, wave: int) -> Sweep:
    """The sweep after its topic changed: every subscriber needs the new wave."""
    if sweep.stop == sweep.cursor:  # it has reached nobody yet
        return replace(sweep, wave=wave)
    same = sweep.digest == sweep.old_digest
    # A sweep that looked for subscribers without these bytes has not come to all: of those that
    # lack them, their own records say so still.
    old_wave = sweep.old_wave if same and sweep.digest and not sweep.rests else sweep.wave
    return replace(
        sweep,
        wave=wave,
        digest=None,
        old_wave=old_wave,
        old_sent=sweep.old_sent if old_wave == sweep.old_wave else sweep.sent,
        # Of a sweep that is interrupted, some have one version and some another.
        old_digest=sweep.digest if sweep.rests or same else None,
        # Those that this sweep has not reached come first: the others were sent something just now.
        stop=sweep.cursor if sweep.stop is None else sweep.stop,
        again=None if sweep.stop is None else sweep.cursor,
    )


def advanced(sweep: Sweep, end: int, digest: str | None) -> Sweep:
    """The sweep after a page up to the place `end`, whose subscribers have bytes of a digest."""
    first = (sweep.stop if sweep.again is None else sweep.again) == sweep.cursor
    cursor = sweep.start if end == sweep.start + SHARD_SIZE - 1 else end
    return replace(
        sweep,
        cursor=cursor,
        digest=digest if first or digest == sweep.digest else None,
        stop=None if cursor == sweep.stop else sweep.stop,
    )


def interrupted(sweep: Sweep, changed: int) -> Sweep:
    """The sweep after a page whose process died: it is unknown which of its deliveries arrived.

    `changed`: as in `prepared`. A sweep that only looked for subscribers sent no other bytes.
    """
    return replace(sweep, old_digest=None) if changed > sweep.old_wave else sweep
