"""Several processes on one PostgreSQL state under faults, while they deliver to 20,000 subscribers.

    python -m benchmarks.failover [--output folder] [--processes 3] [--subscribers 20000]
                                  [--rounds 12] [--seed 42] [--faults WORD] [--logs FOLDER]

A round saves a post, and while its deliveries are under way something happens: a process is killed
and started again, suspended for longer than its lease, or cut off from its network for 15 s (as
root only); PostgreSQL is stopped and started; the bucket fails or hangs. Meanwhile the post is
saved again. Ends with 1 if

- that version is not pinged, and served by every other process, within 20 s of its save;
- a process that was away does not serve it within 20 s of its return;
- the output or a server shows an older version after a newer one, or half a feed;
- a subscriber does not end with the newest version, or gets an older one after a newer one, but
  for requests that were under way when a process was suspended or cut off: nobody stops these;
- a job is left a minute after it could have been done, and longer with many subscribers;
- a version is sent again to more subscribers than a page has;
- anything is pinged or delivered in the ten seconds after the last round.

The seed decides the faults and their times, not how threads and processes take turns.
"""

import argparse
import random
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from command import until
from running_processes import TAKEOVER

from benchmarks.failover_faults import Kind, schedule
from benchmarks.failover_watch import Watch
from benchmarks.failover_world import World, made
from syndicator.push.lanes import LANES
from syndicator.push.pages import PAGE

#: Seconds without a change at the end.
IDLE = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What was seen of a round. Seconds are those since the save during the fault.

    None: it did not happen.
    """

    kind: Kind
    victim: str  #: the process it happened to; "": none
    lasted: float  #: seconds of the fault
    saved: float  #: seconds from its begin to the save
    served: float | None  #: until every other process served the version
    pinged: float | None
    back: float | None  #: seconds from the end of the fault until the victim served the version
    reached: float | None  #: until the last subscriber had it
    deliveries: int
    repeats: int
    older: int
    left: int  #: jobs that were not done in time

    def failures(self) -> list[str]:
        what = []
        for name, seconds in (("served", self.served), ("pinged", self.pinged)):
            if seconds is None or seconds > TAKEOVER:
                what.append(f"{name} after {_seconds(seconds)} s")
        if self.victim and (self.back is None or self.back > TAKEOVER):
            what.append(f"served by the process that was away after {_seconds(self.back)} s")
        if self.reached is None:
            what.append("subscribers without the newest version")
        if self.left:
            what.append(f"{self.left} jobs are left")
        if self.repeats > PAGE:
            what.append(f"{self.repeats} deliveries of what the subscriber had")
        if self.older > (LANES["deliveries"][0] if self.victim else 0):
            what.append(f"{self.older} deliveries of an older version after a newer one")
        return [f"{self.kind.name}: {each}" for each in what]

    def line(self) -> str:
        back = _seconds(self.back) if self.victim else "-"
        times = (_seconds(self.served), _seconds(self.pinged), back, _seconds(self.reached))
        return (
            f"{self.kind.name:20} {self.victim:3} {self.saved:5.1f} {self.lasted:6.1f}"
            + "".join(f"{each:>8}" for each in times)
            + f"{self.deliveries:11,} {self.repeats:8,} {self.older:6,}"
        )


HEAD = f"{'fault':20} to  saved  ended  served  pinged    back reached deliveries  repeats  older"


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f}"


def run_round(world: World, watch: Watch, kind: Kind, rng: random.Random, number: int) -> Round:
    """`number`: of subscribers."""
    share = rng.uniform(0.02, 0.4)
    length = rng.uniform(kind.least, kind.most)
    moment = rng.uniform(0, length)
    before = world.sink.tally()
    first = world.save()
    until(lambda: world.sink.tally().last[first] >= share * number, seconds=120, what="deliveries")
    victim = "" if kind.builder is None else world.choose(builder=kind.builder, rng=rng)
    began = time.monotonic()
    with kind.act(world, victim):
        time.sleep(max(began + moment - time.monotonic(), 0))
        saved = time.monotonic()
        version = world.save()
        time.sleep(max(began + length - time.monotonic(), 0))
    ended = time.monotonic()
    others = sorted(set(world.processes.running) - {victim})

    def is_settled() -> bool:
        time.sleep(0.1)  # the processors are for the deliveries
        shown = all(watch.first(name, version) for name in world.processes.running)
        return bool(
            shown
            and world.pinged(version)
            and world.sink.tally().last[version] == number
            and not world.processes.queued()
        )

    with suppress(AssertionError):
        until(is_settled, seconds=60 + number / 50, what="the end of the round")
    after = world.sink.tally()
    shown_at = [watch.first(name, version) for name in others]
    return Round(
        kind=kind,
        victim=victim,
        saved=saved - began,
        lasted=ended - began,
        served=_since(saved, None if None in shown_at else max(filter(None, shown_at))),
        pinged=_since(saved, world.pinged(version)),
        back=_since(ended, watch.first(victim, version)) if victim else None,
        reached=_since(saved, after.arrived[version]) if after.last[version] == number else None,
        deliveries=after.deliveries - before.deliveries,
        repeats=after.repeats - before.repeats,
        older=len(after.older) - len(before.older),
        left=world.processes.queued(),
    )


def _since(begin: float, end: float | None) -> float | None:
    return None if end is None else max(end - begin, 0)


def idle(world: World, number: int) -> list[str]:
    """What is sent while nothing changes, and who lacks the newest version."""
    before, pings = world.sink.tally(), len(world.pings)
    time.sleep(IDLE)
    after = world.sink.tally()
    newest = max(after.arrived)
    counts = {
        "pings while idle": len(world.pings) - pings,
        "deliveries while idle": after.deliveries - before.deliveries,
        "subscribers without the newest version": number - after.last[newest],
    }
    return [f"at the end: {count} {what}" for what, count in counts.items() if count]


def measure(world: World, watch: Watch, options: argparse.Namespace) -> list[str]:
    """Run all rounds, print each, and return what failed."""
    rng, number = random.Random(options.seed), options.subscribers
    failures, rounds = list[str](), list[Round]()
    if not world.network.links:
        print("No link is cut: this user may not make network namespaces.")
    print(HEAD)
    for kind in schedule(world, options.faults, options.rounds, rng):
        try:
            rounds.append(run_round(world, watch, kind, rng, number))
        except AssertionError as error:  # a wait was too long
            return [*failures, f"{kind.name}: {error}"]
        print(rounds[-1].line(), flush=True)
        failures += rounds[-1].failures()
        if ended := world.ended():
            return [*failures, f"{kind.name}: processes {ended} ended"]
        if rounds[-1].reached is None or rounds[-1].left:
            return failures
    failures += idle(world, number) + watch.faults
    longest = {
        name: max((getattr(each, name) or 0 for each in rounds), default=0)
        for name in ("served", "pinged", "back", "reached")
    }
    print(
        f"{len(rounds)} rounds, seed {options.seed}, {options.processes} processes,"
        f" {options.output}: longest "
        + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in longest.items())
        + f"; {sum(each.deliveries for each in rounds):,} deliveries,"
        f" {sum(each.repeats for each in rounds)} repeats,"
        f" {sum(each.older for each in rounds)} older, {len(world.pings)} pings,"
        f" {watch.reads:,} reads"
    )
    return failures


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="benchmarks.failover",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--output", choices=("folder", "bucket"), default="folder")
    parser.add_argument("--processes", type=int, choices=(2, 3), default=3)
    parser.add_argument("--subscribers", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--faults", default="", help="only those whose name has this word")
    parser.add_argument("--logs", type=Path, help="a folder for the log of each process")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # processes and links are removed
    names = "abc"[: options.processes]
    with made(names, options.subscribers, in_bucket=options.output == "bucket") as (world, watch):
        try:
            failures = measure(world, watch, options)
        finally:
            if options.logs:
                world.write_logs(options.logs)
    print("\n".join(failures) or "Nothing failed.")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
