"""The project's own Python files that bodies import (`modules:`)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path, PurePosixPath

from mdf_magics.definitions.models import Project
from mdf_magics.definitions.reading import Document, read_text
from mdf_magics.definitions.secrets import check_secrets
from mdf_magics.errors import Place, Problem, Source, did_you_mean

NOTEBOOK = "# Databricks notebook source"
"""First line of a file that the workspace takes for a notebook."""

HIDDEN = sys.stdlib_module_names | {"pyspark", "mdf_runtime"}
"""Names that no file beside a part's source may have: it would be imported instead."""


def read_modules(
    root: Path, project: Project, document: Document
) -> tuple[dict[str, Source], list[Problem]]:
    """The files of `modules:`, by the name they are imported by.

    Args:
        root: The project's root, which their paths start from.
        project: Names them.
        document: `mdf.yml`, for the places of problems.

    Returns:
        Those that can be uploaded, and what is wrong with the others.
    """
    modules: dict[str, Source] = {}
    problems: list[Problem] = []
    for index, path in enumerate(project.modules):
        place = document.place(("modules", index))
        name = PurePosixPath(path).stem
        found = _source(root, path, place)
        if isinstance(found, Problem):
            problems.append(found)
        elif name in modules:
            message = f"two modules are called {name}: {modules[name].name} and {path}"
            hint = "They are uploaded into one folder: give one another name."
            problems.append(Problem("two-modules", message, hint, place))
        else:
            modules[name] = found
            problems += [*check_secrets(found), *_check_syntax(found)]
    return modules, problems


def _source(root: Path, path: str, place: Place) -> Source | Problem:
    file, name = root / path, PurePosixPath(path).stem
    if file.suffix != ".py" or not name.isidentifier():
        message = f"{path} is no module: it is imported by its name"
        hint = "Name a .py file of letters, digits and _, such as  lib/cleaning.py ."
        return Problem("bad-file", message, hint, place)
    if name in HIDDEN:
        message = f"the module {name} would hide one that is imported by that name"
        return Problem("bad-name", message, "Give the file another name.", place)
    if not file.resolve().is_relative_to(root.resolve()):
        message = f"{path} lies outside of the project"
        hint = "Its path starts from the project's folder."
        return Problem("bad-file", message, hint, place)
    if not file.is_file():
        there = [one.name for one in file.parent.glob("*.py")]
        hint = did_you_mean(file.name, there) or "Its path starts from the project's."
        return Problem("missing-file", f"there is no file {path}", hint, place)
    text, problem = read_text(file, path)
    if problem:
        return problem
    if text.startswith(NOTEBOOK):
        message = f"{path} is a notebook, which nothing can import"
        hint = f"Remove its first line, {NOTEBOOK} ."
        return Problem("bad-file", message, hint, place)
    return Source(path, text)


def _check_syntax(source: Source) -> list[Problem]:
    try:
        ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = getattr(error, "msg", None) or str(error)
        line, column = getattr(error, "lineno", None), getattr(error, "offset", None)
        place = Place(source, line or 1, max(1, column or 1))
        message = f"this is not valid Python: {said}"
        return [Problem("python-syntax", message, "", place)]
    return []
