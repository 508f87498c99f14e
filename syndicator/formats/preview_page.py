"""The page of `syndicator preview --open`: one entry, as a reader might show it.

It loads nothing: its policy allows its own style, and pictures within the page.
"""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from syndicator.formats import html
from syndicator.model.content import Entry


def preview_page(
    path: str,
    entry: Entry | None,
    documents: Mapping[str, str],
    facts: Sequence[str],
    problems: Sequence[str],
) -> bytes:
    """`path`: of the post's file. `entry`: None: it has none. `documents`: the entry by format.

    `facts` and `problems`: lines of text.
    """
    return html.page(
        "preview.html",
        title=entry.title if entry else path,
        entry=entry,
        content=Markup(entry.content) if entry else "",  # noqa: S704 - sanitised
        documents=documents,
        facts=facts,
        problems=problems,
    )
