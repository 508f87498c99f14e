"""Copies of feed files under other paths, which readers followed before."""

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from syndicator.model.content import FeedFile, Problem


def aliased(files: Sequence[FeedFile], aliases: Mapping[str, str]) -> list[FeedFile]:
    """The files, and copies of them under the paths of aliases that readers already follow.

    An alias has the address of its original as rel=self (RFC 4287 §4.2.7.2), so that readers and
    hubs know one topic. `aliases`: from the path of the alias to that of the file.
    """
    by_path = {file.path: file for file in files}
    copies = [
        replace(by_path[path], path=alias) for alias, path in aliases.items() if path in by_path
    ]
    return [*files, *copies]


def aliases_without_target(
    settings: Mapping[str, Mapping[str, str]], paths: Collection[str]
) -> tuple[Problem, ...]:
    """Aliases and redirects in the config whose feed file doesn't exist, or not yet.

    `settings`: by key, from a path to that of a feed file. `paths`: of the published files.
    """
    known = sorted(path for path in paths if path.endswith((".rss", ".atom", ".json")))
    problems = []
    for key, pairs in settings.items():
        for path, target in pairs.items():
            if target not in paths:
                from difflib import get_close_matches

                near = get_close_matches(target, known, n=1, cutoff=0.9)
                hint = "if the name is right, it appears with its first post"
                hint = f"did you mean {near[0]}? {hint}" if near else hint
                message = f'"{path}" leads to "{target}", which is not a feed'
                problems.append(Problem(path=key, message=message, hint=hint, note=True))
    return tuple(problems)
