"""What runs and the status of a target return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mdf_magics.deploying.status import ResourceStatus
from mdf_magics.deploying.workspaces.protocol import TableRun
from mdf_magics.errors import Place, Problem, RunError
from mdf_magics.plain_text import aligned, count
from mdf_magics.running.history import LastRun


@dataclass(frozen=True)
class Ran:
    """A run, table by table."""

    run_id: str
    tables: tuple[TableRun, ...]
    note: str = ""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Where the tables are defined."""

    @property
    def errors(self) -> int:
        """How many tables did not succeed."""
        return sum(one.status != "succeeded" for one in self.tables)

    @property
    def failure(self) -> RunError | None:
        """The error that a command ends with."""
        if not self.errors:
            return None
        figure = f"{self.errors} of {count(len(self.tables), 'table')}"
        return RunError(Problem("run-failed", f"{figure} did not succeed"))

    def text(self) -> str:
        """A line for each table, and a last one for all."""
        if not self.tables and self.note:
            return self.note
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
        lines += [self._failed(one, why) for one, why in failures(self.tables)]
        done = len(self.tables) - self.errors
        lines += ["", f"{done} of {count(len(self.tables), 'table')} succeeded"]
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def _failed(self, one: TableRun, why: str) -> str:
        """Why a table failed, where it is defined, and where to look."""
        place = self.places.get(one.name)
        where = f"{place.source.name}:{place.line}" if place else None
        known = [f"  {at}" for at in (where, one.url) if at]
        return "\n".join([f"\n{one.name}: {why}", *known])

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
    def left_out(self) -> str:
        """How many rows expectations kept out of it in its last run, in words."""
        kinds = ("dropped", "quarantined")
        figures = {kind: getattr(self.run, kind, None) for kind in kinds}
        return ", ".join(f"{rows:,} {kind}" for kind, rows in figures.items() if rows)

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
        """A header, and a row for each table; who left rows out has a last column."""
        rows = [
            (
                one.name,
                one.part or "",
                one.status,
                "" if one.rows is None else f"{one.rows:,}",
                one.finished or "",
                one.left_out,
            )
            for one in self.tables
        ]
        titles = ("table", "part", "last run", "rows", "finished (UTC)", "left out")
        columns = 6 if any(one.left_out for one in self.tables) else 5
        return [row[:columns] for row in (titles, *rows)]

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
                    "dropped": one.run.dropped if one.run else None,
                    "quarantined": one.run.quarantined if one.run else None,
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
