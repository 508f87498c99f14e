"""The one list of what a run found, for `build`, `check` and `status`."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from syndicator.build import held_problems
from syndicator.build.aliases import aliases_without_target
from syndicator.build.assemble import FUTURE_TOLERANCE
from syndicator.model.content import PostHead, Problem
from syndicator.ruby.uris import page_file
from syndicator.store import awaited_pages, kv, post_queries, posts, problems


def found_problems(
    connection: Connection,
    source: Path,
    links: Mapping[str, Mapping[str, str]],
    published: Collection[str],
    now: datetime,
) -> tuple[Problem, ...]:
    """All problems and notes by path and line, each once; those of a path as a whole come first.

    Problems of one document are stored when it is read or rendered. Those of several posts, of time
    and of settings are looked for here. `source`: the site's folder. `links`: of aliases and
    redirects, see `aliases_without_target`. `published`: the paths of the published files.
    """
    shared = post_queries.with_shared_address(connection)
    addressed = {path for _, path in shared}
    reported = problems.subjects(connection, "id")
    found = [
        *problems.all_problems(connection),
        *shared_addresses(shared, reported),
        *copies(post_queries.groups_with_copies(connection), {*reported, *addressed}),
        *future_updates(post_queries.updated_after(connection, now + FUTURE_TOLERANCE)),
        *aliases_without_target(links, published),
        *held_problems.problems_of(awaited_pages.all_pages(connection), now),
    ]
    if kv.get(connection, "now") and posts.has_no_others(connection, ()):  # after the first run
        hint = (
            "check that it is mounted, and that it contains _posts/ or the posts themselves: "
            "links that lead out of it are not followed"
        )
        message = f"{source} contains no posts"
        found.append(Problem(path="source.path", message=message, hint=hint, note=True))
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda problem: (problem.path, problem.line or 0)))


def shared_addresses(
    urls_and_paths: Collection[tuple[str, str]], reported: Collection[str]
) -> list[Problem]:
    """Posts whose page is the file of another's: Jekyll writes one over the other.

    `urls_and_paths`: sorted. `reported`: posts with a problem already, since they share an id too.
    """
    first: dict[str, tuple[str, str]] = {}
    found: list[Problem] = []
    for url, path in urls_and_paths:
        if path in reported:
            continue
        first_url, first_path = first.setdefault(page_file(url), (url, path))
        if first_path == path:
            continue
        message = f"has the same address as {first_path}: {url}"
        if url != first_url:
            message += f" is the same page as {first_url}"
        hint = "give it another permalink or file name"
        found.append(Problem(path=path, message=message, hint=hint))
    return found


def copies(
    groups: Iterable[tuple[Collection[str], Collection[str]]], reported: Collection[str]
) -> list[Problem]:
    """Posts that look like copies of another by their name, their title and their date.

    `groups`: those named as copies, and all of their title and date. `reported`: posts with a
    problem already, since they share an id or an address too.
    """
    found = []
    for named_as_copies, alike in groups:
        original = min(alike, key=lambda path: (path in named_as_copies, path))
        found += [
            Problem(
                path=path,
                message=f"looks like a copy of {original}: it has the same title and date",
                hint="delete one of them, or give it another name",
            )
            for path in named_as_copies
            if path != original and path not in reported
        ]
    return found


def future_updates(heads: Collection[PostHead]) -> list[Problem]:
    """Posts that were changed in the future, and later than they are published."""
    return [
        Problem(
            path=head.path,
            message=f"last_modified_at is in the future: {head.updated:%Y-%m-%d}",
            hint="correct it: until that day its feeds carry this date too",
        )
        for head in heads
        if head.updated and head.updated > head.published + FUTURE_TOLERANCE
    ]
