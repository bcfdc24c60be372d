"""What freezing and running tests return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mdf_magics.definitions.frozen_tests import FrozenRows, FrozenTest
from mdf_magics.engines import Column, Rows
from mdf_magics.errors import Problem, RunError
from mdf_magics.plain_text import aligned, count, rows_text
from mdf_magics.running.frozen_tests import FrozenOutcome

SHOWN = 10
"""Rows that are shown of each kind."""


@dataclass(frozen=True)
class Frozen:
    """A test that was written, and the rows that it expects."""

    name: str
    test: FrozenTest
    file: str
    diff: str

    def text(self) -> str:
        """The expected rows, what they were made from, and where they went."""
        lines = rows_text(self.rows)
        if self.test.expect.ignore:
            columns = ", ".join(self.test.expect.ignore)
            lines += ["", f"different each time, so not compared: {columns}"]
        return "\n".join([*lines, "", self.outcome()])

    @property
    def rows(self) -> Rows:
        """The expected rows, as many as are shown."""
        return shown_rows(self.test.expect)

    def outcome(self) -> str:
        """What was frozen and where it is, in one line."""
        given = ", ".join(
            f"{count(len(rows.rows), 'row')} of {name}"
            for name, rows in self.test.given.items()
        )
        expected = count(len(self.test.expect.rows), "row")
        verb = "saved in" if self.diff else "unchanged in"
        given = f" from {given}" if given else ""
        return f"{self.name}: {expected}{given}, {verb} {self.file}"

    def to_json(self) -> dict[str, Any]:
        """The test as its file has it, and where it is."""
        return {"name": self.name, "file": self.file, "test": self.test.model_dump()}


@dataclass(frozen=True)
class RanTests:
    """Tests that were run."""

    outcomes: tuple[FrozenOutcome, ...]

    @property
    def errors(self) -> int:
        """How many tests did not pass."""
        return sum(not one.passed for one in self.outcomes)

    @property
    def failure(self) -> RunError | None:
        """The error that a command ends with."""
        if not self.errors:
            return None
        figure = f"{self.errors} of {count(len(self.outcomes), 'test')}"
        return RunError(Problem("test-failed", f"{figure} failed"))

    def text(self) -> str:
        """A line for each test, and below it why it failed."""
        if not self.outcomes:
            return "No tests yet. Freeze one:  %%mdf_test schema.table"
        lines = aligned(self.table_rows())
        for one in self.outcomes:
            lines += ["", f"{one.name}:", *failure_lines(one)] if not one.passed else []
        return "\n".join([*lines, "", self.summary()])

    def table_rows(self) -> list[tuple[str, str, str]]:
        """Name, outcome and file of each test."""
        return [(one.name, status_of(one), one.file) for one in self.outcomes]

    def summary(self) -> str:
        """How many passed, in one line."""
        passed = len(self.outcomes) - self.errors
        return f"{passed} of {count(len(self.outcomes), 'test')} passed"

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf test --json` documents."""
        return {
            "tests": [
                {
                    "name": one.name,
                    "table": one.table,
                    "file": one.file,
                    "status": status_of(one),
                    "missing": one.missing.rows if one.missing else [],
                    "unexpected": one.unexpected.rows if one.unexpected else [],
                    "problems": [problem.to_json() for problem in one.problems],
                }
                for one in self.outcomes
            ]
        }


def status_of(outcome: FrozenOutcome) -> str:
    """`passed`, `failed` or `accepted`."""
    if outcome.accepted:
        return "accepted"
    return "passed" if outcome.passed else "failed"


def failure_lines(outcome: FrozenOutcome) -> list[str]:
    """Why a test failed: problems, or the rows that differ."""
    lines = [str(problem) for problem in outcome.problems]
    for title, rows in differing(outcome):
        lines += [f"  {title}", *(f"    {line}" for line in rows_text(rows))]
    return lines


def differing(outcome: FrozenOutcome) -> list[tuple[str, Rows]]:
    """The rows that differ, under titles that say how."""
    found = []
    for title, rows in (
        ("expected, but not there", outcome.missing),
        ("there, but not expected", outcome.unexpected),
    ):
        if rows:
            figure = count(len(rows.rows), "row")
            more = f", the first {SHOWN}" if len(rows.rows) > SHOWN else ""
            found.append((f"{figure} {title}{more}:", shown_rows(rows)))
    return found


def shown_rows(frozen: FrozenRows) -> Rows:
    """Frozen rows as a preview shows rows."""
    columns = tuple(Column(name, kind) for name, kind in frozen.columns.items())
    rows = tuple(
        tuple(row.get(column.name) for column in columns) for row in frozen.rows[:SHOWN]
    )
    return Rows(columns, rows, more=len(frozen.rows) > SHOWN)
