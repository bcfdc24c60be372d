"""The graph of tables: as text, as JSON, for Mermaid, and as a picture."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from mdf_magics.definitions.substitution import ROOT
from mdf_magics.plain_text import aligned, count
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.steps import Planned
from mdf_magics.results.graph_picture import Box, picture

MOST_BOXES = 60
"""Tables that are drawn one by one; more are drawn as one box for each part."""


@dataclass(frozen=True)
class Node:
    """A table, a source that a table reads, a whole part, or a column."""

    name: str
    kind: Literal["table", "source", "files", "part", "column"]
    part: str = ""
    """What it is drawn in: its part, or a column's table."""
    runs_on: str = ""
    write: str = ""
    place: str = ""
    """File and line of its definition."""
    status: str = ""
    """How its last run ended, where that was asked for."""
    tables: int = 1
    said_below: str = ""
    """What stands below the name of a column."""

    @property
    def title(self) -> str:
        """What a pointer that rests on it is told."""
        facts = (self.name, self.said, self.place, self.status)
        return "\n".join(fact for fact in facts if fact)

    @property
    def said(self) -> str:
        """What stands below its name."""
        if self.kind == "part":
            return f"{self.runs_on} · {count(self.tables, 'table')}"
        if self.kind == "table":
            return f"{self.part} · {self.write}"
        if self.kind == "column":
            return self.said_below
        return "files" if self.kind == "files" else "source"

    def to_json(self) -> dict[str, Any]:
        """The node as `mdf graph --json` documents it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "part": self.part or None,
            "runs_on": self.runs_on or None,
            "write": self.write or None,
            "status": self.status or None,
        }


@dataclass(frozen=True)
class Graphed:
    """Tables and what they read, each after what it reads."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]
    """Who is read, and who reads."""

    def text(self) -> str:
        """A line for each table, with what it reads."""
        tables = [one for one in self.nodes if one.kind == "table"]
        if not tables:
            return "No tables yet. Define one:  %%mdf_table schema.table"
        reads: dict[str, list[str]] = {}
        for read, reader in self.edges:
            reads.setdefault(reader, []).append(read)
        rows: list[tuple[str, ...]] = [
            (one.name, one.part, one.status, ", ".join(reads.get(one.name, ())))
            for one in tables
        ]
        header: tuple[str, ...] = ("table", "part", "last run", "reads")
        if not any(one.status for one in tables):
            header, rows = _without(header, 2), [_without(row, 2) for row in rows]
        return "\n".join(aligned([header, *rows], underline=True))

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf graph --json` documents."""
        return {
            "nodes": [one.to_json() for one in self.nodes],
            "edges": [{"from": read, "to": reader} for read, reader in self.edges],
        }

    def mermaid(self) -> str:
        """A flowchart for Markdown (Mermaid, "Flowcharts - Basic Syntax")."""
        ids = {one.name: f"n{number}" for number, one in enumerate(self.nodes)}
        shapes = {"source": '[("{}")]', "files": '[/"{}"/]'}
        lines = ["flowchart LR"]
        for part in dict.fromkeys(one.part for one in self.nodes):
            inside = [one for one in self.nodes if one.part == part]
            drawn = [
                f"{ids[one.name]}{shapes.get(one.kind, '["{}"]')}".format(
                    one.name.replace('"', "#quot;")
                )
                for one in inside
            ]
            if part:
                told = f"{part} ({inside[0].runs_on})"
                lines.append(f'  subgraph {part}["{told}"]')
                lines += [f"    {line}" for line in drawn]
                lines.append("  end")
            else:
                lines += [f"  {line}" for line in drawn]
        lines += [f"  {ids[read]} --> {ids[reader]}" for read, reader in self.edges]
        return "\n".join(lines)

    def svg(self) -> str:
        """A picture that takes its colours from where it is shown."""
        many = len(self.nodes) > MOST_BOXES
        columns = any(one.kind == "column" for one in self.nodes)
        shown = self.by_part() if many and not columns else self
        boxes = [
            Box(one.name, one.said, one.title, one.runs_on or one.kind, one.status)
            for one in shown.nodes
        ]
        return picture(boxes, shown.edges)

    def by_part(self) -> Graphed:
        """The same with one node for each part, and one for all sources of a schema."""
        inside = {one.name: _collapsed(one) for one in self.nodes}
        counts: dict[str, int] = {}
        for node in inside.values():
            counts[node.name] = counts.get(node.name, 0) + 1
        nodes = {
            node.name: replace(node, tables=counts[node.name])
            for node in inside.values()
        }
        edges = {
            (inside[read].name, inside[reader].name) for read, reader in self.edges
        }
        kept = tuple(sorted(edge for edge in edges if edge[0] != edge[1]))
        return Graphed(tuple(nodes.values()), kept)


def graph_of(
    planned: Planned, chosen: Collection[str] | None, statuses: Mapping[str, str]
) -> Graphed:
    """The graph of a target's tables.

    Args:
        planned: The target, worked out.
        chosen: Only these tables, with what they read; None: all.
        statuses: How the last run of a table ended, as far as that was asked for.
    """
    names = [name for name in planned.graph.order() if chosen is None or name in chosen]
    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []
    for name in names:
        table = planned.tables[name]
        outside = [Node(one, "source") for one in planned.graph.sources[name]]
        outside += [Node(path, "files") for path in _files(table)]
        nodes |= {one.name: one for one in outside}
        read = [one for one in planned.graph.upstream[name] if one in nodes]
        edges += [(one, name) for one in (*(node.name for node in outside), *read)]
        part = planned.parts.parts[planned.parts.placement[name]]
        nodes[name] = Node(
            name,
            "table",
            part.key,
            part.runs_on,
            table.settings.write,
            str(table.place),
            statuses.get(name, ""),
        )
    return Graphed(tuple(nodes.values()), tuple(edges))


def _files(table: Table) -> list[str]:
    """The paths of the files that a table reads, from the project's root."""
    paths = [
        str(table.arguments[name].get("path", ""))
        for name, parameter in table.parameters.items()
        if parameter.type == "files" and isinstance(table.arguments.get(name), dict)
    ]
    return [path.removeprefix(f"{ROOT}/") for path in paths]


def _collapsed(node: Node) -> Node:
    """The part of a table; for a source its schema, for files their folder."""
    if node.kind == "table":
        return Node(node.part, "part", node.part, node.runs_on)
    separator = "/" if node.kind == "files" else "."
    return Node(f"{node.name.rpartition(separator)[0]}{separator}*", node.kind)


def _without(row: Iterable[str], index: int) -> tuple[str, ...]:
    return tuple(cell for at, cell in enumerate(row) if at != index)
