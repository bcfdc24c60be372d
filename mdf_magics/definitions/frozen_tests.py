"""Frozen tests: rows that a table was given, and the rows that were accepted for them.

Each is a file of its own, `definitions/tests/<name>.yml`, written by `%%mdf_test` and
read by people in a review: rows stand one to a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from mdf_magics.definitions.checking import checked
from mdf_magics.definitions.files import FOLDER, SUFFIXES
from mdf_magics.definitions.flow_text import flow_text
from mdf_magics.definitions.models import Model
from mdf_magics.definitions.reading import Document, read_document, read_text
from mdf_magics.errors import Place, Problem, Source

TESTS = f"{FOLDER}/tests"


class FrozenRows(Model):
    """Rows with the types of their columns."""

    columns: dict[str, str]
    """Column to type, as engines name it: `decimal(10,2)`."""
    rows: list[dict[str, Any]] = Field(default_factory=list)
    """Each row's values by column; one that is left out is NULL. Times are text."""


class Expected(FrozenRows):
    """Rows that a table is to hold."""

    ignore: list[str] = Field(default_factory=list)
    """Columns that are different each time, such as the time of loading."""


class FrozenTest(Model):
    """One test of one table."""

    table: str
    description: str | None = None
    given: dict[str, FrozenRows]
    """Each table that it reads, by the name it is read by; files by the parameter."""
    expect: Expected


class FreezeCell(Model):
    """What a `%%mdf_test` cell says: which rows are taken, and from where."""

    name: str | None = None
    """The test's name; default: the table's."""
    description: str | None = None
    rows: int = Field(20, ge=1, le=1000)
    """Rows taken of each table that is read."""
    where: dict[str, str] = Field(default_factory=dict)
    """Input to a condition that its rows must meet."""
    given: dict[str, list[dict[str, Any]] | FrozenRows] = Field(default_factory=dict)
    """Input to rows written by hand, instead of a sample."""


@dataclass(frozen=True)
class StoredTest:
    """A test as it stands in its file, or what is wrong with that file."""

    name: str
    file: str
    document: Document
    test: FrozenTest | None
    problems: tuple[Problem, ...] = ()

    @property
    def place(self) -> Place:
        """Where the test names its table."""
        return self.document.place(("table",))


def file_of(name: str) -> str:
    """Where a test of that name is stored, from the project's root."""
    return f"{TESTS}/{name}.yml"


def read_tests(root: Path) -> list[StoredTest]:
    """Every frozen test of a project, by name."""
    folder = root / TESTS
    files = [path for path in folder.glob("*") if path.suffix in SUFFIXES]
    return [_read(path, path.relative_to(root).as_posix()) for path in sorted(files)]


def frozen_text(test: FrozenTest) -> str:
    """The text of a test's file."""
    lines = [f"table: {flow_text(test.table)}"]
    if test.description:
        lines.append(f"description: {flow_text(test.description)}")
    lines.append("given:" if test.given else "given: {}")
    for name, rows in test.given.items():
        lines += [f"  {flow_text(name)}:", *_rows(rows, "    ")]
    lines += ["expect:", *_rows(test.expect, "  ")]
    if test.expect.ignore:
        lines.append(f"  ignore: {flow_text(test.expect.ignore)}")
    return "\n".join([*lines, ""])


def _read(path: Path, file: str) -> StoredTest:
    text, problem = read_text(path, file)
    document = read_document(Source(file, text))
    problems = [problem] if problem else [*document.problems]
    test = None
    if not problems:
        test, problems = checked(
            FrozenTest, document.value, lambda at, key: document.place(at, key=key)
        )
    return StoredTest(path.stem, file, document, test, tuple(problems))


def _rows(frozen: FrozenRows, margin: str) -> list[str]:
    lines = [f"{margin}columns: {flow_text(frozen.columns)}"]
    lines.append(f"{margin}rows:" if frozen.rows else f"{margin}rows: []")
    return lines + [f"{margin}  - {flow_text(row)}" for row in frozen.rows]
