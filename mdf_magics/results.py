"""What the verbs of a project return, as text and as JSON.

Every result has `text()`, which is what a terminal shows and the `text/plain` twin of
every rich output, and `to_json()`, whose shape is documented and stable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mdf_magics.deploying.generated import Generated
from mdf_magics.deploying.result import DeployResult
from mdf_magics.deploying.status import ResourceStatus
from mdf_magics.deploying.workspaces.protocol import TableRun
from mdf_magics.engines.protocol import Column
from mdf_magics.errors import (
    DefinitionError,
    DeployError,
    MdfError,
    Problem,
    RunError,
)
from mdf_magics.plain_text import aligned, count, json_value, rows_text
from mdf_magics.running.history import LastRun
from mdf_magics.running.preview import ExpectationResult, Preview


class Result(Protocol):
    """What a verb returns."""

    def text(self) -> str:
        """For people, without colour."""

    def to_json(self) -> Any:
        """For programs, one object."""


@dataclass(frozen=True)
class Message:
    """A sentence."""

    sentence: str
    warnings: tuple[Problem, ...] = ()

    def text(self) -> str:
        """The sentence, and warnings below it."""
        return "\n\n".join([self.sentence, *map(str, self.warnings)])

    def to_json(self) -> dict[str, Any]:
        """The sentence as `message`."""
        return {"message": self.sentence}


@dataclass(frozen=True)
class Previewed:
    """The rows that a table would hold."""

    preview: Preview
    warnings: tuple[Problem, ...] = ()

    def text(self) -> str:
        """The rows as a table, then what was read and how expectations fare."""
        lines = [*rows_text(self.preview.rows), "", self.summary()]
        lines += [f"  {line}" for line in self.expectation_lines()]
        lines += ["", *map(str, self.warnings)] if self.warnings else []
        return "\n".join(lines)

    def summary(self) -> str:
        """One line: how many rows, in what time, from what."""
        preview = self.preview
        figure = count(len(preview.rows.rows), "row")
        rows = f"the first {figure}" if preview.rows.more else figure
        parts = [f"{preview.table}: {rows} in {preview.seconds:.2f} s"]
        for how in ("read", "computed"):
            names = [name for name, one in preview.upstream.items() if one == how]
            if names:
                parts.append(f"{how}: {', '.join(names)}")
        return " · ".join(parts)

    def expectation_lines(self) -> list[str]:
        """A line for each expectation, and what it was counted over."""
        lines = []
        for one in self.preview.expectations:
            line = f"{one.name}: {one.passed:,} pass, {one.failed:,} fail"
            fate = self.fate(one)
            lines.append(f"{line} ({fate})" if fate else line)
            if one.examples and one.examples.rows:
                lines += [f"  {line}" for line in rows_text(one.examples)]
        return [*lines, *self.sample()]

    def fate(self, one: ExpectationResult) -> str:
        """What a run does about the rows that fail; empty when none does."""
        fates = {
            "warn": "kept, with a warning",
            "drop": "dropped",
            "quarantine": f"moved to {self.preview.table}_quarantine",
            "fail": "a run would stop here",
        }
        return fates[one.on_failure] if one.failed else ""

    def sample(self) -> list[str]:
        """A line that says so when expectations were not counted over all rows."""
        checked = self.preview.checked_rows
        seen = [one.passed + one.failed for one in self.preview.expectations]
        if not checked or not seen or seen[0] < checked:
            return []
        return [f"counted over the first {checked:,} rows; --full counts all"]

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf preview --json` documents."""
        preview = self.preview
        columns = preview.rows.columns
        return {
            "table": preview.table,
            "columns": [{"name": one.name, "type": one.type} for one in columns],
            "rows": [[json_value(one) for one in row] for row in preview.rows.rows],
            "expectations": [
                {"name": one.name, "passed": one.passed, "failed": one.failed}
                for one in preview.expectations
            ],
            "upstream": dict(preview.upstream),
            "seconds": round(preview.seconds, 3),
        }


@dataclass(frozen=True)
class Added:
    """A cell that was defined: what it gives, and where it went."""

    name: str
    kind: str
    """`table`, `tables` or `transformation`."""
    preview: Previewed | None
    schemas: Mapping[str, tuple[Column, ...]]
    """For several tables, the columns of each."""
    file: str
    line: int
    diff: str
    saved: bool
    inherited: Mapping[str, Any] = field(default_factory=dict)
    """What the file's `defaults` add to the entry."""
    warnings: tuple[Problem, ...] = ()

    def text(self) -> str:
        """The preview, the schemas, the file's diff, and where it went."""
        blocks = [self.preview.text()] if self.preview else []
        if self.schemas:
            blocks.append("\n".join(self.schema_lines()))
        if self.diff:
            blocks.append(self.diff)
        if self.inherited:
            said = ", ".join(f"{key}: {value}" for key, value in self.inherited.items())
            blocks.append(f"inherited from the file's defaults: {said}")
        blocks += map(str, self.warnings)
        return "\n\n".join([*blocks, self.outcome()])

    def schema_lines(self) -> list[str]:
        """Each table with its columns."""
        return [
            f"{name}: {', '.join(f'{one.name} {one.type}' for one in columns)}"
            for name, columns in self.schemas.items()
        ]

    def outcome(self) -> str:
        """Where it went, in one line."""
        where = f"{self.file}:{self.line}"
        if not self.saved:
            return f"{self.name} was not saved; it would go to {where}"
        verb = "saved in" if self.diff else "unchanged in"
        return f"{self.name} {verb} {where}"

    def to_json(self) -> dict[str, Any]:
        """What was added and where; its preview as `preview` has it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "file": self.file,
            "line": self.line,
            "saved": self.saved,
            "changed": bool(self.diff),
            "preview": self.preview.to_json() if self.preview else None,
        }


@dataclass(frozen=True)
class AddedAll:
    """The cells of a file, all of them saved."""

    added: tuple[Added, ...]

    def text(self) -> str:
        """A line for each cell; previews are left out where there are many."""
        if len(self.added) == 1:
            return self.added[0].text()
        return "\n".join(one.outcome() for one in self.added)

    def to_json(self) -> dict[str, Any]:
        """Every cell as `added`."""
        return {"added": [one.to_json() for one in self.added]}


@dataclass(frozen=True)
class ListedTable:
    """A table, as a list shows it."""

    name: str
    group: str
    part: str
    runs_on: str
    fits: tuple[str, ...]
    write: str
    transformation: str | None
    file: str
    line: int
    upstream: tuple[str, ...]


@dataclass(frozen=True)
class Listed:
    """All tables of a project."""

    tables: tuple[ListedTable, ...]
    transformations: tuple[str, ...] = ()

    def text(self) -> str:
        """A line for each table."""
        if not self.tables:
            return "No tables yet. Define one:  %%mdf_table schema.table"
        header = ("table", "part", "runs on", "write", "transformation", "where")
        rows = [
            (
                one.name,
                one.part,
                one.runs_on if one.runs_on in one.fits else f"{one.runs_on} (unfit)",
                one.write,
                one.transformation or "(own)",
                f"{one.file}:{one.line}",
            )
            for one in self.tables
        ]
        return "\n".join(aligned([header, *rows], underline=True))

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf list --json` documents."""
        return {
            "tables": [
                {
                    "name": one.name,
                    "group": one.group,
                    "part": one.part,
                    "runs_on": one.runs_on,
                    "fits": list(one.fits),
                    "write": one.write,
                    "transformation": one.transformation,
                    "file": one.file,
                    "line": one.line,
                    "upstream": list(one.upstream),
                }
                for one in self.tables
            ]
        }


@dataclass(frozen=True)
class Changed:
    """Definitions that were removed or renamed."""

    sentence: str
    diff: str
    left: tuple[str, ...] = ()
    """Places that name it in a way which can't be changed by itself."""

    def text(self) -> str:
        """The diff, what was left alone, and what was done."""
        blocks = [self.diff, self.sentence]
        if self.left:
            places = "\n".join(f"  {place}" for place in self.left)
            blocks.insert(1, f"Look at these yourself:\n{places}")
        return "\n\n".join(blocks)

    def to_json(self) -> dict[str, Any]:
        """What was done, and the places that were left alone."""
        return {"message": self.sentence, "left": list(self.left)}


@dataclass(frozen=True)
class Definition:
    """What is stored for a name."""

    name: str
    file: str
    line: int
    source: str

    def text(self) -> str:
        """The stored text, and where it stands."""
        return f"{self.source}\n\n{self.file}:{self.line}"

    def to_json(self) -> dict[str, Any]:
        """Name, place and text."""
        return {
            "name": self.name,
            "file": self.file,
            "line": self.line,
            "text": self.source,
        }


@dataclass(frozen=True)
class Validated:
    """Every problem of a project."""

    problems: tuple[Problem, ...]
    tables: int
    target: str

    @property
    def errors(self) -> int:
        """How many problems are errors."""
        return sum(one.severity == "error" for one in self.problems)

    def text(self) -> str:
        """Every problem, and how many there are."""
        if not self.problems:
            return f"No problems: {self.tables} tables for {self.target}."
        warnings = len(self.problems) - self.errors
        figures = [count(self.errors, "error")] if self.errors else []
        figures += [count(warnings, "warning")] if warnings else []
        return "\n\n".join([*map(str, self.problems), " and ".join(figures)])

    def github(self) -> str:
        """Problems as annotations of a pull request (GitHub, "Workflow commands")."""
        return "\n".join(map(_annotation, self.problems))

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf validate --json` documents."""
        return {"problems": [one.to_json() for one in self.problems]}


@dataclass(frozen=True)
class CompiledFiles:
    """What a compile wrote, or (`--check`) would write."""

    files: Generated
    checked: bool = False

    @property
    def stale(self) -> bool:
        """Whether files are not what the definitions come to."""
        return bool(self.files.written or self.files.removed)

    def text(self) -> str:
        """A line for each file that changes."""
        if not self.stale:
            figure = count(self.files.unchanged, "file")
            return f"{self.files.folder} is up to date: {figure}"
        verbs = ("is stale", "is left over") if self.checked else ("written", "removed")
        lines = [f"{path} {verbs[0]}" for path in self.files.written]
        lines += [f"{path} {verbs[1]}" for path in self.files.removed]
        if self.checked:
            lines.append("Run  mdf compile  and commit what it writes.")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Folder, and the files written and removed."""
        return {
            "folder": self.files.folder,
            "written": list(self.files.written),
            "removed": list(self.files.removed),
            "unchanged": self.files.unchanged,
        }


@dataclass(frozen=True)
class Ran:
    """A run, table by table."""

    run_id: str
    tables: tuple[TableRun, ...]
    note: str = ""

    @property
    def errors(self) -> int:
        """How many tables did not succeed."""
        return sum(one.status != "succeeded" for one in self.tables)

    def text(self) -> str:
        """A line for each table, and a last one for all."""
        rows = [
            (
                one.name,
                one.status,
                "" if one.rows is None else count(one.rows, "row"),
                "" if one.seconds is None else f"{one.seconds:.1f} s",
            )
            for one in self.tables
        ]
        lines = aligned(rows, right=(2, 3))
        lines += [f"\n{one.name}: {why}" for one, why in failures(self.tables)]
        done = len(self.tables) - self.errors
        lines += ["", f"{done} of {count(len(self.tables), 'table')} succeeded"]
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf run --json` documents."""
        return {
            "run_id": self.run_id,
            "tables": [one.to_json() for one in self.tables],
        }


@dataclass(frozen=True)
class TableStatus:
    """A table, where it is deployed, and its last run."""

    name: str
    part: str | None
    """The part that is deployed; None: it isn't."""
    run: LastRun | None
    by_notebook: bool = False
    """A user's own notebook writes it, and leaves no row about that."""

    @property
    def status(self) -> str:
        """How its last run ended, or why there is none."""
        if self.run is not None:
            return self.run.status
        if self.part and self.by_notebook:
            return "not recorded"
        return "never run" if self.part else "not deployed"

    @property
    def rows(self) -> int | None:
        """Rows that its last run wrote."""
        return self.run.rows if self.run else None

    @property
    def finished(self) -> str | None:
        """When its last run ended."""
        return self.run.finished if self.run else None

    @property
    def error(self) -> str | None:
        """What its last run failed with."""
        return self.run.error if self.run else None


@dataclass(frozen=True)
class Status:
    """Tables and resources of a target."""

    target: str
    resources: tuple[ResourceStatus, ...]
    tables: tuple[TableStatus, ...]
    commit: str | None = None

    def text(self) -> str:
        """Resources, then tables with their last run."""
        lines = [*aligned(self.resource_rows(), underline=True), ""]
        if not self.resources:
            lines = [f"Nothing is deployed to {self.target} yet:  %mdf_deploy", ""]
        lines += aligned(self.table_rows(), underline=True, right=(3,))
        lines += [f"\n{one.name}: {why}" for one, why in failures(self.tables)]
        if self.commit:
            lines += ["", f"deployed commit: {self.commit}"]
        return "\n".join(lines)

    def resource_rows(self) -> list[tuple[str, ...]]:
        """A header, and a row for each resource."""
        rows = [
            (
                one.key,
                one.kind,
                one.remote_id or "",
                one.status,
                one.deployed_at.replace("T", " ").removesuffix("Z"),
            )
            for one in self.resources
        ]
        return [("resource", "kind", "id", "status", "deployed (UTC)"), *rows]

    def table_rows(self) -> list[tuple[str, ...]]:
        """A header, and a row for each table."""
        rows = [
            (
                one.name,
                one.part or "",
                one.status,
                "" if one.rows is None else f"{one.rows:,}",
                one.finished or "",
            )
            for one in self.tables
        ]
        return [("table", "part", "last run", "rows", "finished (UTC)"), *rows]

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf status --json` documents."""
        return {
            "target": self.target,
            "resources": [one.to_json() for one in self.resources],
            "tables": [
                {
                    "name": one.name,
                    "part": one.part,
                    "status": one.status,
                    "rows": one.rows,
                    "finished": one.finished,
                }
                for one in self.tables
            ],
        }


def failures[T: (TableRun, TableStatus)](tables: Iterable[T]) -> list[tuple[T, str]]:
    """The tables that failed, with why; the table's name is not part of it."""
    return [
        (one, one.error.removeprefix(f"{one.name}: ")) for one in tables if one.error
    ]


def failure_of(result: Any) -> MdfError | None:
    """The error that a shown result still is: a cell or a command must fail with it."""
    if isinstance(result, DeployResult) and not result.succeeded:
        return DeployError(*(item.problem for item in result.failed))
    if isinstance(result, Validated) and result.errors:
        figure = count(result.errors, "error")
        return DefinitionError(Problem("not-valid", f"the definitions have {figure}"))
    if isinstance(result, Ran) and result.errors:
        figure = f"{result.errors} of {count(len(result.tables), 'table')}"
        return RunError(Problem("run-failed", f"{figure} did not succeed"))
    return None


def _annotation(problem: Problem) -> str:
    where = f"title={problem.code}"
    if problem.place and problem.place.source.name:
        place = problem.place
        where = f"file={place.source.name},line={place.line},col={place.column},{where}"
    text = f"{problem.message}. {problem.hint}" if problem.hint else problem.message
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{problem.severity} {where}::{escaped}"
