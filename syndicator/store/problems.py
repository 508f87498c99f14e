"""What is wrong, until it is mended."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, select

from syndicator.model.content import Problem
from syndicator.store.schema import problems
from syndicator.store.sql import among, batches, those


def replace(connection: Connection, stage: str, found: Mapping[str, Sequence[Problem]]) -> None:
    """What one stage found, by subject, in place of what it found before. An empty sequence: it is mended."""
    remove(connection, stage, found)
    rows = [
        {
            "stage": stage,
            "subject": subject,
            "position": position,
            "path": problem.path,
            "line": problem.line,
            "message": problem.message,
            "hint": problem.hint,
            "fatal": problem.fatal,
        }
        for subject, several in found.items()
        for position, problem in enumerate(several)
    ]
    if rows:
        connection.execute(problems.insert(), rows)


_REMOVE = delete(problems).where(problems.c.stage == bindparam("of"), among(problems.c.subject))


def remove(connection: Connection, stage: str, subjects: Iterable[str]) -> None:
    for batch in batches(subjects):
        connection.execute(_REMOVE, {"of": stage, **those(batch)})


def subjects(connection: Connection, stage: str) -> set[str]:
    """Whose reading found what this stage found."""
    return set(connection.scalars(select(problems.c.subject).where(problems.c.stage == stage)))


_EVERY = select(problems).order_by(
    problems.c.path, problems.c.line.nulls_first(), problems.c.stage, problems.c.position
)


def all_problems(connection: Connection) -> tuple[Problem, ...]:
    """All of them, by path and line; what is wrong with a path as a whole comes first."""
    rows = connection.execute(_EVERY)
    return tuple(
        Problem(path=row.path, line=row.line, message=row.message, hint=row.hint, fatal=row.fatal)
        for row in rows
    )
