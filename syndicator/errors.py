"""What can go wrong, named by who can mend it.

In a batch an error is a value (`model.Problem`); alone it is raised, as one of these. Each carries a
hint: what the person who reads it can do next.
"""

from typing import NamedTuple, Self


class SyndicatorError(Exception):
    """Something a person can mend. `str()` is the message; `hint` says what to do, or is None."""

    #: What went wrong, in a word that strangers may see: it tells no path, host or cause.
    kind = "internal"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(SyndicatorError):
    """The operator's config is wrong. `mistakes` names every one of them, each as `key: what is wrong`."""

    kind = "config"

    def __init__(
        self, message: str, *, mistakes: tuple[str, ...] = (), hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.mistakes = mistakes


class SourceError(SyndicatorError):
    """The folder of posts can't be read as a whole: not there, not readable, empty where it was not."""

    kind = "source"


class OutputError(SyndicatorError):
    """A feed can't be written: disk full, read-only, not ours."""

    kind = "output"


class StateError(SyndicatorError):
    """The state can't be used: not reachable, damaged, or from a newer version."""

    kind = "state"


class MovedStateError(StateError):
    """The state has to be opened anew: its file is no longer the one that was opened, or the lock on it was lost."""


class LockedError(StateError):
    """Another daemon runs on the same state. The message says who."""


class Trouble(NamedTuple):
    """What is remembered of an error: the error itself would keep alive what its traceback refers to."""

    kind: str  #: what strangers may see of it
    message: str

    @classmethod
    def of(cls, error: Exception) -> Self:
        return cls(error.kind if isinstance(error, SyndicatorError) else "internal", str(error))
