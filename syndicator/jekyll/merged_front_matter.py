"""A document's front matter over the defaults of its site, and the problems found in it."""

from collections.abc import Mapping
from typing import Any

from syndicator.jekyll.defaults import merge
from syndicator.jekyll.front_matter import SplitDocument
from syndicator.model.content import Problem


class MergedFrontMatter:
    """The front matter of one document. Problems are collected in `problems`."""

    def __init__(
        self, path: str, parts: SplitDocument, own: Mapping[str, Any], defaults: Mapping[str, Any]
    ) -> None:
        """`own` is what the document itself says; `defaults` are the site's for it."""
        self.problems: list[Problem] = []
        self.own = own
        self.defaults = defaults
        #: `own` over the defaults.
        self.values = merge(defaults, own) if defaults else dict(own)
        self._path = path
        self._parts = parts

    def problem(
        self,
        key: str | None,
        message: str,
        hint: str,
        *,
        line: int | None = None,
        fatal: bool = False,
    ) -> None:
        """Report a problem at the line of `key`, or else at `line`."""
        at = self._parts.lines.line_of(key) if key else line
        self.problems.append(
            Problem(path=self._path, line=at, message=message, hint=hint, fatal=fatal)
        )
