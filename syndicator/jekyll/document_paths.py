"""What a document's path says of it (jekyll/lib/jekyll: document.rb, reader.rb, entry_filter.rb)."""

import re
from typing import NamedTuple

from syndicator.jekyll.site import Site

_DATED = re.compile(
    r"(\d{2,4}-\d{1,2}-\d{1,2})-([^/]*)(\.[^.]+)", re.ASCII
)  # document.rb DATE_FILENAME_MATCHER
_SPECIAL = (".", "_", "#", "~")  # a file or folder that begins so is no part of a site


class DocumentPath(NamedTuple):
    """A document's place in its source."""

    collection: str
    folders: tuple[str, ...]  #: above `_posts`
    relative: str  #: below the folder of collections
    path: str  #: the same without the suffix and without the collection's own folder
    basename: str
    date: str | None  #: the file name's
    slug: str  #: the file name's
    suffix: str


def locate(path: str, site: Site) -> DocumentPath | None:
    """Where a file of the source stands; None where Jekyll would not look for documents."""
    above: tuple[str, ...] = ()
    base = f"{site.collections_dir}/" if site.collections_dir else ""
    relative = path.removeprefix(base)
    *folders, name = relative.split("/")
    stem, dot, suffix = name.rpartition(".")
    if not stem or name.endswith("~") or name.startswith(_SPECIAL):
        return None
    if "" in site.scope.roots:
        collection, special = "posts", ""
        if any(folder.startswith(_SPECIAL) for folder in folders):
            return None
    elif "_posts" in folders and path.startswith(base):
        at = folders.index("_posts")
        collection, special, above = "posts", "_posts", tuple(folders[:at])
        if any(folder.startswith(_SPECIAL) for folder in above):
            return None
    else:
        found = next(
            (one for one in site.collections.values() if path.startswith(f"{one.folder}/")), None
        )
        if found is None:
            return None
        collection, special = found.label, f"_{found.label}"
    dated = _DATED.fullmatch(name)
    return DocumentPath(
        collection=collection,
        folders=above,
        relative=relative,
        path=relative.removesuffix(f"{dot}{suffix}").replace(special, "", 1).rstrip("."),
        basename=stem,
        date=dated[1] if dated else None,
        slug=(dated[2] if dated else stem).rstrip("."),
        suffix=f"{dot}{suffix}",
    )
