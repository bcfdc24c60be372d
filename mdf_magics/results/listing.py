"""What `list` returns: every table of a target, with its home."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from mdf_magics.plain_text import aligned
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.fitting import HOMES, fits
from mdf_magics.planning.steps import Planned


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
    rejected: bool = False
    """Whether it holds the rows that expectations keep out of another table."""


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
                "(rejected rows)" if one.rejected else one.transformation or "(own)",
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


def listed(planned: Planned, chosen: Collection[str] | None) -> Listed:
    """The tables of a target.

    Args:
        planned: The target, worked out.
        chosen: Only these tables, with those of their rejected rows; None: all.
    """
    return Listed(
        tuple(
            _listed_table(name, table, planned)
            for name, table in sorted(planned.made.items())
            if chosen is None or table.name in chosen
        ),
        tuple(sorted(planned.expansion.declared)),
    )


def _listed_table(name: str, table: Table, planned: Planned) -> ListedTable:
    part = planned.parts.placement[table.name]
    reasons = fits(table, planned.tables)
    rejected = name == table.quarantine
    return ListedTable(
        name=name,
        group=table.group,
        part=part,
        runs_on=planned.parts.parts[part].runs_on,
        fits=tuple(home for home in HOMES if not reasons[home]),
        write=table.rejected_write if rejected else table.settings.write,
        transformation=table.settings.transformation,
        file=table.place.source.name,
        line=table.place.line,
        upstream=(table.name,) if rejected else planned.graph.upstream[name],
        rejected=rejected,
    )
