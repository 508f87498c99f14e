"""The page at the operator's address: what `status` finds, and the last day in plots.

Nothing on it changes anything. It has no secret: of a hub's address neither user name nor query,
and of callbacks only numbers. Jinja2 escapes all text. Long lists and texts are cut, so that the
page stays small with a site of any size.

Style and script are inline, and the Content-Security-Policy allows them by their digests. The
script fetches the page every five seconds and changes what differs. Without it the page is
complete.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from syndicator.errors import SyndicatorError
from syndicator.formats.compiled_templates import CompiledTemplates
from syndicator.formats.html import sri
from syndicator.model.content import Problem
from syndicator.model.readable import ago, due, job_counts, size
from syndicator.model.report import count
from syndicator.store.activity import INTERVAL
from syndicator.web.day_plots import HEIGHT, figures

if TYPE_CHECKING:
    from syndicator.inspection import Overview
    from syndicator.ops.status import Status
    from syndicator.store.hubs import HubState

#: Rows of a list. `syndicator status` prints all.
MAX_ROWS = 50

#: Characters of a text from a post or a hub.
MAX_TEXT = 300

#: Files whose problems are shown at first. The others are unfolded.
OPEN_FILES = 8

#: New posts that are shown while they wait for their page.
HELD_POSTS = 10

T = TypeVar("T")


class Shown(NamedTuple, Generic[T]):
    """The first rows of a list."""

    rows: Sequence[T]
    more: int  #: how many are left out


class FileProblems(NamedTuple):
    """The problems of one file."""

    path: str
    problems: Sequence[Problem]


def page(overview: "Overview") -> bytes:
    """The page of an overview."""
    status = overview.status
    concerns = [_without_secrets(line, status.hubs) for line in overview.concerns]
    return _render(
        overview.now,
        headline=_headline(status, len(concerns)),
        concerns=concerns,
        status=status,
        figures=figures(
            overview.day,
            overview.now,
            INTERVAL,
            queued=sum(status.queued.values()),
            subscribers=status.subscribers,
        ),
        problems=_by_file(status.problems),
        notes=_by_file(status.notes),
        feeds=_first(status.feeds),
        largest=max((feed.bytes for feed in status.feeds), default=0),
        topics=_first(sorted(status.audiences.items(), key=lambda item: -item[1].subscribers)),
        hubs=_first(status.hubs),
        held=_first(status.held, HELD_POSTS),
    )


def failure_page(error: SyndicatorError) -> bytes:
    """The page while the state can't be read."""
    concerns = [f"{error}: {error.hint}" if error.hint else str(error)]
    return _render(
        datetime.now(UTC), headline="The state can’t be read", concerns=concerns, status=None
    )


def _render(now: datetime, **values: Any) -> bytes:
    return _pages.get_template("operator.html").render(csp=_POLICY, now=now, **values).encode()


def _headline(status: "Status", concerns: int) -> str:
    if concerns:
        return "1 thing needs attention" if concerns == 1 else f"{concerns} things need attention"
    return "All is well" if status.runs else "Nothing is published yet"


def _first(rows: Sequence[T], most: int = MAX_ROWS) -> Shown[T]:
    return Shown(rows[:most], max(len(rows) - most, 0))


def _by_file(problems: Sequence[Problem]) -> Shown[FileProblems]:
    """Problems of one file together. Files that are not published as saved come first.

    `problems`: sorted by path.
    """
    unpublished = {problem.path for problem in problems if problem.fatal}
    urgent = sorted(problems, key=lambda problem: problem.path not in unpublished)
    shown = _first(urgent)
    grouped = groupby(shown.rows, key=lambda problem: problem.path)
    return Shown([FileProblems(path, list(found)) for path, found in grouped], shown.more)


def _address(url: str) -> str:
    """A hub's host and path. Its user name and query may be secrets."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def _without_secrets(text: str, hubs: "Iterable[HubState]") -> str:
    # The longest first: one address may be the beginning of another.
    for url in sorted((hub.url for hub in hubs), key=len, reverse=True):
        text = text.replace(url, _address(url))
    return text


def _read(package: str, name: str) -> str:
    return files(package).joinpath("templates", name).read_text(encoding="utf-8")


_STYLE = _read("syndicator.formats", "style.css") + _read("syndicator.web", "operator.css")
_SCRIPT = _read("syndicator.web", "operator.js")

#: https://www.w3.org/TR/CSP3/
_POLICY = (
    f"default-src 'none'; img-src data:; style-src '{sri(_STYLE)}'; "
    f"script-src '{sri(_SCRIPT)}'; connect-src 'self'; base-uri 'none'; form-action 'none'"
)

#: Headers of the page. No page of another origin may show it in a frame or load it.
HEADERS: Mapping[str, str] = {
    # A policy in the page itself can't forbid frames (https://www.w3.org/TR/CSP3/#meta-element).
    "content-security-policy": f"{_POLICY}; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}

_pages = Environment(
    loader=ChoiceLoader([PackageLoader("syndicator.web"), PackageLoader("syndicator.formats")]),
    bytecode_cache=CompiledTemplates("syndicator.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    auto_reload=False,
)
_pages.filters.update(address=_address, cut=_cut, size=size)
_pages.globals.update(
    ago=ago,
    count=count,
    due=due,
    open_files=OPEN_FILES,
    job_counts=job_counts,
    height=HEIGHT,
    style=Markup(_STYLE),  # noqa: S704 - ours
    script=Markup(_SCRIPT),  # noqa: S704 - ours
)
