"""The report of a run."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from syndicator.model.content import Problem


class Report(Struct, frozen=True, kw_only=True):
    """The result of a run: printed, logged, counted and stored."""

    started: datetime
    seconds: float
    posts: int  #: in the index
    new: int = 0
    changed: int = 0
    gone: int = 0
    feeds: int = 0  #: that exist, each with several files; 0 also when nothing was built
    feeds_changed: int = 0
    files_written: int = 0
    repaired: int = 0  #: of these, files that someone else had changed or removed
    pings: int = 0  #: queued by this run
    archived: int = 0  #: pages of archives that were made after this run
    held: int = 0  #: new posts that wait for their page
    next_due: datetime | None = None  #: when the next future post appears; None: no post waits
    problems: tuple[Problem, ...] = ()
    put_off: tuple[str, ...] = ()  #: posts left to the next run because something was urgent
    notes: tuple[Problem, ...] = ()  #: see `Problem.note`

    @property
    def has_changes(self) -> bool:
        """Whether the run found a changed post, wrote a file or queued a ping."""
        return bool(self.new or self.changed or self.gone or self.files_written or self.pings)

    def without_changes(self) -> "Report":
        """The report of a run that finds everything as this one left it."""
        return Report(
            started=self.started,
            seconds=self.seconds,
            posts=self.posts,
            feeds=self.feeds,
            held=self.held,
            next_due=self.next_due,
            problems=self.problems,
            notes=self.notes,
        )

    def followed_by(self, other: "Report") -> "Report":
        """The report of this run and another one right after it."""
        return replace(
            other,
            started=self.started,
            seconds=self.seconds + other.seconds,
            new=self.new + other.new,
            changed=self.changed + other.changed,
            gone=self.gone + other.gone,
            feeds_changed=self.feeds_changed + other.feeds_changed,
            files_written=self.files_written + other.files_written,
            repaired=self.repaired + other.repaired,
            pings=self.pings + other.pings,
        )

    def summary(self) -> str:
        """One line for people, with only the parts that apply.

        `20,000 posts (3 new, 1 changed), 2 problems; 4 of 14 feeds changed; 8 pings queued`
        """
        numbers = ((self.new, "new"), (self.changed, "changed"), (self.gone, "gone"))
        changes = ", ".join(f"{number:,} {word}" for number, word in numbers if number)
        posts = f"{count(self.posts, 'post')}{f' ({changes})' if changes else ''}"
        problems = f", {count(len(self.problems), 'problem')}" if self.problems else ""
        pings = f"; {count(self.pings, 'ping')} queued" if self.pings else ""
        feeds = (
            f"; {self.feeds_changed:,} of {count(self.feeds, 'feed')} changed" if self.feeds else ""
        )
        repaired = f"; {count(self.repaired, 'file')} repaired" if self.repaired else ""
        held = f"; {count(self.held, 'new post')} held until live" if self.held else ""
        archived = f"; {count(self.archived, 'archive page')} made" if self.archived else ""
        return f"{posts}{problems}{feeds}{repaired}{held}{pings}{archived}"


def count(number: int, noun: str) -> str:
    """`1 post`, `2,000 posts`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
