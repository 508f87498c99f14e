"""Prints `syndicator preview`: as text, as JSON, and as a page in a browser."""

import json
import tempfile
import webbrowser
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from syndicator.cli.output import printable_lines, problem_lines
from syndicator.formats.html import FORMATS
from syndicator.jekyll.characters import printable
from syndicator.model.report import count

if TYPE_CHECKING:
    from syndicator.ops.preview import Place, PostPreview

_ID_SOURCES = {
    "front matter": "from its front matter",
    "jekyll-feed": "as jekyll-feed makes it",
    "suffix": "with its file's name at the end, since another post has the id without it",
    "state": "kept by the state since the post had another name, permalink or domain",
    "feed files": "as in the published feed files, which readers have",
}


def fields(preview: "PostPreview") -> Mapping[str, Any]:
    """The fields that `--json` prints: all but the entry, which is in `formats`."""
    return {name: value for name, value in asdict(preview).items() if name != "entry"}


def lines(preview: "PostPreview") -> Iterator[str]:
    """The preview as text, without control characters."""
    yield from _printable(_head_lines(preview))
    for noun, found in (("problem", preview.problems), ("note", preview.notes)):
        if found:
            yield ""
            yield f"{count(len(found), noun)}:"
            for problem in found:
                yield from (f"  {line}" for line in problem_lines(problem))
    for suffix, item in preview.formats.items():
        yield ""
        yield f"{FORMATS[suffix].label}:"
        yield from map(printable, _indented(suffix, item).splitlines())


def _head_lines(preview: "PostPreview") -> Iterator[str]:
    yield preview.path if preview.title is None else f"{preview.path}: {preview.title}"
    if preview.id is not None and preview.id_from:
        yield f"  id         {preview.id}"
        yield f"             {_ID_SOURCES[preview.id_from]}"
        yield f"  page       {preview.url}"
        yield f"  published  {preview.published:%Y-%m-%d %H:%M:%S} UTC"
    if preview.updated:
        yield f"  updated    {preview.updated:%Y-%m-%d %H:%M:%S} UTC"
    yield ""
    if preview.withheld:
        yield f"In no feed: {preview.withheld}"
        if preview.feeds:
            yield f"Its feeds then: {', '.join(place.name for place in preview.feeds)}"
        return
    yield "Feeds:"
    width = max((len(place.name) for place in preview.feeds), default=0)
    yield from (f"  {place.name:<{width}}  {_place(place)}" for place in preview.feeds)


def _place(place: "Place") -> str:
    if place.position is None:
        return f"not in it: {place.reason}"
    return f"entry {place.position:,} of {place.entries:,}"


def _indented(suffix: str, item: str) -> str:
    """The entry as its format has it. JSON is compact in the file, and indented here."""
    if suffix == "json":
        return json.dumps(json.loads(item), ensure_ascii=False, indent=2)
    return item


def _printable(several: Iterable[str]) -> Iterator[str]:
    return (printable_lines([line]) for line in several)


def open_page(preview: "PostPreview") -> str:
    """Show the preview in a browser. Returns the line to print.

    The page is a file that only this user can read, since the post may not be published. It is left
    to the system to remove: a browser may read it at any later time.
    """
    from syndicator.formats.preview_page import preview_page

    page = preview_page(
        preview.path,
        preview.entry,
        preview.formats,
        printable_lines(_head_lines(preview)).splitlines(),
        [line for each in (*preview.problems, *preview.notes) for line in problem_lines(each)],
    )
    with tempfile.NamedTemporaryFile(
        "wb", prefix="syndicator-preview-", suffix=".html", delete=False
    ) as file:
        file.write(page)
    address = Path(file.name).as_uri()
    return f"opened {address}" if webbrowser.open(address) else f"found no browser: open {address}"
