"""How problems are printed."""

from syndicator.cli.output import problem_lines
from syndicator.model.content import Problem


def test_a_problem_can_not_command_a_terminal() -> None:
    """Nor pretend to be another one. Its texts may be a post's."""
    problem = Problem(
        path="_posts/\x1b[2J.md", line=3, message="a\x1b]0;x\x07\x9b31m\nb.md: c", hint="d\r\ne"
    )
    assert problem_lines(problem) == ["_posts/[2J.md:3: a]0;x31m b.md: c", "    d  e"]
