"""Problems that were found and are not fixed yet."""

from collections.abc import Mapping, Sequence

from msgspec.structs import asdict
from sqlalchemy import Connection, bindparam, delete, select

from syndicator.model.content import Problem
from syndicator.store.schema import problems
from syndicator.store.sql import among, execute_among

_REMOVE = delete(problems).where(problems.c.stage == bindparam("of"), among(problems.c.subject))


def replace(connection: Connection, stage: str, new: Mapping[str, Sequence[Problem]]) -> None:
    """Replace the problems that one stage found with new ones, by subject; empty: fixed."""
    execute_among(connection, _REMOVE, new, of=stage)
    rows = [
        {"stage": stage, "subject": subject, "position": position, **asdict(problem)}
        for subject, new_problems in new.items()
        for position, problem in enumerate(new_problems)
    ]
    if rows:
        connection.execute(problems.insert(), rows)


def subjects(connection: Connection, stage: str) -> set[str]:
    """The subjects in which a stage found problems: posts or feeds."""
    return set(connection.scalars(select(problems.c.subject).where(problems.c.stage == stage)))


_ALL = select(*(problems.c[name] for name in Problem.__struct_fields__)).order_by(
    problems.c.path, problems.c.line.nulls_first(), problems.c.stage, problems.c.position
)


def all_problems(connection: Connection) -> tuple[Problem, ...]:
    """All problems and notes by path and line; those of a path as a whole come first."""
    return tuple(Problem(**row) for row in connection.execute(_ALL).mappings())
