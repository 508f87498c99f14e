"""The errors of syndicator, one class for each part that a person can fix: config, source, …

An error of one post among many is a value (`model.content.Problem`); one that ends the work is
raised. Each has a hint: what to do next.
"""

from typing import NamedTuple, Self


class SyndicatorError(Exception):
    """An error that a person can fix. `str()` is the message; `hint` says how, or is None."""

    #: The kind of error, safe to show in public: without path, host and cause.
    kind = "internal"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(SyndicatorError):
    """The config is wrong. `mistakes` has all of its mistakes, each as `key: what is wrong`."""

    kind = "config"

    def __init__(
        self, message: str, *, mistakes: tuple[str, ...] = (), hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.mistakes = mistakes


class SourceError(SyndicatorError):
    """The folder of posts can't be used: missing, unreadable, or suddenly empty."""

    kind = "source"


class OutputError(SyndicatorError):
    """A feed can't be written: the disk is full or read-only, or a path is not ours."""

    kind = "output"


class UnavailableError(OutputError):
    """A bucket can't be used now: it can't be reached, or refuses requests. It is asked again."""


class ReplacedError(OutputError):
    """Another program wrote an object since this process last saw it. Nothing was written."""

    @classmethod
    def of(cls, path: str, place: str) -> Self:
        hint = "the next run looks at it anew; if this goes on, find out what else writes there"
        return cls(f"another program has written {path} in {place} meanwhile", hint=hint)


class StateError(SyndicatorError):
    """The state can't be used: unreachable, damaged, or from a newer version."""

    kind = "state"


class MovedStateError(StateError):
    """The state must be opened again: its file was replaced, or its lock was lost."""


class LockedError(StateError):
    """Another daemon uses the same state. The message names its process."""


class LostLeaseError(StateError):
    """This process held a lease too long ago, and must no longer write: another may have it."""


class Trouble(NamedTuple):
    """Kind and message of an error. The error's traceback would keep its objects in memory."""

    kind: str  #: safe to show in public
    message: str

    @classmethod
    def of(cls, error: Exception) -> Self:
        return cls(error.kind if isinstance(error, SyndicatorError) else "internal", str(error))
