"""Finds the codes of all problems in the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "mdf_magics"


def problem_codes() -> dict[str, str]:
    """Every code with a place where it is made.

    A code is what is passed for a parameter or field called `code`, and what is assigned
    to such a name. The varying part of an f-string is `*`.
    """
    trees = {path: ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}
    takers = {
        name: position for tree in trees.values() for name, position in _takers(tree)
    }
    return {
        _text(value): f"{path.relative_to(PACKAGE)}:{value.lineno}"
        for path, tree in trees.items()
        for value in _codes(tree, takers)
        if isinstance(value, ast.Constant | ast.JoinedStr)
    }


def _takers(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Functions and classes that take a code, and as which argument."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            names = [
                one.target.id
                for one in node.body
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
            ]
            for one in node.body:
                if isinstance(one, ast.FunctionDef) and one.name == "__init__":
                    names = [argument.arg for argument in one.args.args[1:]]
        elif isinstance(node, ast.FunctionDef) and node.name != "__init__":
            names = [one.arg for one in node.args.args if one.arg != "self"]
        else:
            continue
        if "code" in names:
            yield node.name, names.index("code")


def _codes(tree: ast.Module, takers: dict[str, int]) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            position = takers.get(called, len(node.args))
            yield from node.args[position : position + 1]
            yield from (one.value for one in node.keywords if one.arg == "code")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if getattr(targets[0], "id", "").lower() == "code" and node.value:
                yield node.value


def _text(value: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(value, ast.Constant):
        return str(value.value)
    parts = (
        one.value if isinstance(one, ast.Constant) else "*" for one in value.values
    )
    return "".join(map(str, parts))
