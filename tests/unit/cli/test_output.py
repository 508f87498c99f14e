"""How problems are printed."""

import pytest

from syndicator.cli.output import print_error, printable_lines, problem_lines
from syndicator.errors import SourceError
from syndicator.model.content import Problem


def test_a_problem_can_not_command_a_terminal() -> None:
    """Nor pretend to be another one. Its texts may be a post's."""
    problem = Problem(
        path="_posts/\x1b[2J.md", line=3, message="a\x1b]0;x\x07\x9b31m\nb.md: c", hint="d\r\ne"
    )
    assert problem_lines(problem) == ["_posts/[2J.md:3: a]0;x31m b.md: c", "    d  e"]


def test_no_text_turns_the_direction_of_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With U+202E `txt.exe` is shown as another name. The text of right-to-left titles stays."""
    problem = Problem(path="a\u202etxt.md", message="\u2067שלום\u2069\u200f\u061c")
    assert problem_lines(problem) == ["a\\u202etxt.md: \\u2067שלום\\u2069\\u200f\\u061c"]
    assert printable_lines(["\u2066a", "\u200eb"]) == "\\u2066a\n\\u200eb"
    print_error(SourceError("\u202da", hint="\u202cb"))
    assert capsys.readouterr().err == "syndicator: \\u202da\n  hint: \\u202cb\n"
