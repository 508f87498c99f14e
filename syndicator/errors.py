"""What can go wrong, named by who can mend it.

In a batch an error is a value (`model.Problem`); alone it is raised, as one of these. Each carries a
hint: what the person who reads it can do next.
"""


class SyndicatorError(Exception):
    """Something a person can mend. `str()` is the message; `hint` says what to do, or is None."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(SyndicatorError):
    """The operator's config is wrong. `mistakes` names every one of them, each as `key: what is wrong`."""

    def __init__(self, message: str, *, mistakes: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.mistakes = mistakes


class SourceError(SyndicatorError):
    """The folder of posts can't be read as a whole: not there, not readable, empty where it was not."""


class OutputError(SyndicatorError):
    """A feed can't be written: disk full, read-only, not ours."""


class StateError(SyndicatorError):
    """The state can't be used: not reachable, damaged, or from a newer version."""


class MovedStateError(StateError):
    """The state has to be opened anew: its file is no longer the one that was opened, or the lock on it was lost."""


class LockedError(StateError):
    """Another daemon runs on the same state. The message says who."""
