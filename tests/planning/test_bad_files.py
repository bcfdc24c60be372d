"""What people get wrong in definition files: each is told, with its code and place.

`tests/data/bad_files.txt` shows it: `==` starts a case and `---` a file of it; below a
line, `!` and a caret say what is wrong there. Nothing else may be told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mdf_magics.definitions.loading import load
from mdf_magics.errors import DefinitionError, Problem
from mdf_magics.planning.steps import Settings, plan_target

CORPUS = Path(__file__).parents[1] / "data" / "bad_files.txt"

USUAL = {
    "mdf.yml": (
        "project: p\ntargets:\n  local: {engine: embedded, catalog: main}\n"
        "groups:\n  lake: {runs_on: pipeline}\n"
    ),
    "transformations/newest.yml": (
        "name: newest\n"
        "parameters: {source: table, keys: columns, most: {type: int, default: 1}}\n"
        "sql: SELECT * FROM {{ source }} ORDER BY {{ keys }} LIMIT {{ most }}\n"
    ),
}
"""What is there unless a case says otherwise."""

USUALLY_TOLD = ("empty-group", "mdf.yml", 5, 3)
"""The usual group is there for cases that need one."""


@dataclass
class Case:
    """Files, and all that is wrong with them."""

    name: str
    files: dict[str, list[str]] = field(default_factory=dict)
    told: set[tuple[str, str, int, int]] = field(default_factory=set)


def cases() -> Iterator[Case]:
    """The cases of the corpus."""
    for block in CORPUS.read_text(encoding="utf-8").split("\n== ")[1:]:
        name, *rest = block.split("\n")
        case, file = Case(name), "tables/a.yml"
        for line in rest:
            if line.startswith("--- "):
                file = line.removeprefix("--- ")
            elif line.startswith("|"):
                case.files.setdefault(file, []).append(line[2:])
            elif found := re.fullmatch(r"! *( *)\^ ([a-z-]+)", line):
                column = line.index("^") - 1
                case.told.add((found[2], file, len(case.files[file]), column))
        yield case


def problems(root: Path) -> list[Problem]:
    """All that validate says."""
    definitions = load(root)
    if definitions.project is None:
        return [*definitions.problems]
    name = definitions.project.default_target
    try:
        settings = Settings(name, {}, lambda: "me")
        return [*plan_target(definitions, settings).problems]
    except DefinitionError as error:
        return [*definitions.problems] or error.problems


def told(problem: Problem) -> tuple[str, str, int, int]:
    """A problem's code and place."""
    assert problem.place, problem
    file = problem.place.source.name.removeprefix("definitions/")
    return problem.code, file, problem.place.line, problem.place.column


def found(case: Case, root: Path) -> list[Problem]:
    """What is told about the files of a case."""
    for name, text in USUAL.items():
        write(root, name, text)
    for name, lines in case.files.items():
        write(root, name, "\n".join([*lines, ""]))
    return problems(root)


def write(root: Path, name: str, text: str) -> None:
    path = root / "definitions" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_what_is_wrong_is_told_where_it_is(case: Case, tmp_path: Path) -> None:
    usual = set() if "mdf.yml" in case.files else {USUALLY_TOLD}

    assert {told(one) for one in found(case, tmp_path)} - usual == case.told - usual
    assert case.told


def test_there_are_many() -> None:
    names = [case.name for case in cases()]

    assert len(names) == len(set(names)) >= 150
