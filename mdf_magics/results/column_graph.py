"""Where columns come from, over all tables: as text, as JSON and as a picture."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mdf_magics.plain_text import aligned
from mdf_magics.planning.steps import Planned
from mdf_magics.results.graph import Graphed, Node
from mdf_magics.transformations.column_lineage import ColumnOrigin, ColumnRead


@dataclass(frozen=True)
class GraphedColumns:
    """Columns of tables, each after what it is made of."""

    origins: tuple[tuple[str, ColumnOrigin], ...]
    """Table and column; columns of sources stand only in what others read."""
    graphed: Graphed
    """The same as nodes and edges."""

    def text(self) -> str:
        """A line for each column, with what it is made of."""
        rows = [
            (
                f"{table}.{origin.column}",
                ", ".join(map(_written, origin.reads)),
                origin.unresolved,
            )
            for table, origin in self.origins
        ]
        header = ("column", "made of", "not known")
        if not any(note for *_, note in rows):
            return _lines([row[:2] for row in (header, *rows)])
        return _lines([header, *rows])

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf graph --columns --json` documents."""
        return {
            "columns": [
                {
                    "table": table,
                    "column": origin.column,
                    "reads": [
                        {"table": one.table, "column": one.column}
                        for one in origin.reads
                    ],
                    "unresolved": origin.unresolved or None,
                }
                for table, origin in self.origins
            ]
        }

    def mermaid(self) -> str:
        """A flowchart for Markdown, with the columns inside their tables."""
        return self.graphed.mermaid()

    def svg(self) -> str:
        """A picture that takes its colours from where it is shown."""
        return self.graphed.svg()


def columns_of(
    planned: Planned,
    found: Mapping[str, tuple[ColumnOrigin, ...]],
    named: Collection[str],
    chosen: Collection[str],
) -> GraphedColumns:
    """The columns of some tables, with all that these are made of or go into.

    Args:
        planned: The target, worked out.
        found: Where each column of each table comes from, upstream tables first.
        named: The tables whose columns are all shown.
        chosen: The tables whose columns are shown where they have to do with those.
    """
    origins = [
        (table, one) for table, all_of in found.items() if table in chosen
        for one in all_of
    ]  # fmt: skip
    kept = {(table, one.column) for table, one in origins if table in named}
    for table, one in reversed(origins):
        if (table, one.column) in kept:
            kept |= {(read.table, read.column) for read in one.reads}
    for table, one in origins:
        if any(
            (read.table, read.column) in kept and read.table in chosen
            for read in one.reads
        ):
            kept.add((table, one.column))
    shown = tuple(pair for pair in origins if (pair[0], pair[1].column) in kept)
    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []
    for table, one in shown:
        column = _node(planned, table, one.column, one.unresolved)
        for read in one.reads:
            node = _node(planned, read.table, read.column)
            nodes.setdefault(node.name, node)
            edges.append((node.name, column.name))
        nodes[column.name] = column
    return GraphedColumns(shown, Graphed(tuple(nodes.values()), tuple(edges)))


def _node(planned: Planned, table: str, column: str, unresolved: str = "") -> Node:
    name = f"{table}.{column}"
    if table not in planned.tables:
        return Node(name, "source")
    part = planned.parts.parts[planned.parts.placement[table]]
    note = f"not known: {unresolved}" if unresolved else ""
    return Node(name, "column", table, part.runs_on, said_below=note)


def _written(read: ColumnRead) -> str:
    return f"{read.table}.{read.column}"


def _lines(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(aligned(list(rows), underline=True))
