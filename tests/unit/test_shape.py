"""Limits on the shape of the code that ruff does not have."""

import ast
from pathlib import Path

SYNDICATOR = Path(__file__).parents[2] / "syndicator"

MAX_METHODS = 15

#: A visitor has a method for each kind of node, and a protocol one for each event.
VISITORS = {"kramdown/render.py Html", "web/protocol.py BoundedProtocol"}


def test_no_class_has_too_many_methods() -> None:
    """A class with more has two reasons to change."""
    large = {
        f"{path.relative_to(SYNDICATOR)} {node.name}"
        for path in SYNDICATOR.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and _methods(node) > MAX_METHODS
    }
    assert large == VISITORS


def _methods(node: ast.ClassDef) -> int:
    return sum(isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in node.body)
