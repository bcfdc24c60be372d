"""Which part of its group each table is in; sticky.

A table that is placed never moves unasked. One that isn't goes into the first part
of its group that has room and closes no circle between parts, else into a new one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mdf_magics.definitions import models
from mdf_magics.definitions.loading import PLACEMENT_FILE
from mdf_magics.errors import Problem
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.graph import Graph, cycle_in, topological_order

MOST_TABLES = {"job": 500, "pipeline": 30}
"""Default tables in a part: the jobs page slows beyond 500 tasks, a pipeline's driver
becomes a bottleneck beyond 30 to 40 streaming tables (Databricks documentation,
"Fix high initialization times in pipelines")."""

LIMITS = {"job": 1000, "pipeline": 1000}
"""What the platform allows (Databricks documentation, "Resource limits")."""

HEADER = "# written by mdf: which part each table is in\n"


@dataclass(frozen=True)
class Part:
    """One job or one pipeline."""

    key: str
    """`silver`, `silver-2`, ...; never renumbered."""
    group: str
    runs_on: str
    tables: tuple[str, ...]
    """Sorted."""
    upstream: tuple[str, ...]
    """Parts that must run before, sorted."""


@dataclass(frozen=True)
class Parts:
    """All parts of a project, by key, and where each table is."""

    parts: dict[str, Part]
    placement: dict[str, str]
    problems: tuple[Problem, ...]

    def order(self) -> list[str]:
        """All parts, each after those it reads from."""
        return topological_order(
            {key: part.upstream for key, part in self.parts.items()}
        )


def place(
    tables: Mapping[str, Table],
    graph: Graph,
    groups: Mapping[str, models.Group],
    recorded: Mapping[str, str],
) -> Parts:
    """Place every table in a part.

    Args:
        tables: The tables by name.
        graph: Their dependencies.
        groups: The listed groups; an unlisted one runs on a job.
        recorded: What `placement.yml` says.
    """
    placed = {
        name: recorded[name]
        for name in tables
        if name in recorded and _belongs(recorded[name], tables[name].group)
    }
    members: dict[str, int] = {}
    for part in placed.values():
        members[part] = members.get(part, 0) + 1
    edges = _part_edges(placed, graph)
    for name in graph.order():
        if name not in placed:
            table = tables[name]
            key = _room(table, groups, placed, members, edges, graph)
            placed[name] = key
            members[key] = members.get(key, 0) + 1
            _add_edges(name, placed, graph, edges)
    return _parts(tables, graph, groups, placed, edges)


def placement_text(placement: Mapping[str, str]) -> str:
    """The text of `placement.yml`: one sorted line for each table."""
    lines = [f"{name}: {part}\n" for name, part in sorted(placement.items())]
    return HEADER + "".join(lines)


def _belongs(part: str, group: str) -> bool:
    return (
        part == group or re.fullmatch(rf"{re.escape(group)}-[1-9]\d*", part) is not None
    )


def _number(part: str) -> int:
    _, _, number = part.rpartition("-")
    return int(number) if number.isdigit() else 1


def _room(
    table: Table,
    groups: Mapping[str, models.Group],
    placed: Mapping[str, str],
    members: Mapping[str, int],
    edges: Mapping[str, set[str]],
    graph: Graph,
) -> str:
    """The part that takes a table which has none yet."""
    group = groups.get(table.group, models.Group())
    most = min(group.max_tables or MOST_TABLES[group.runs_on], LIMITS[group.runs_on])
    known = sorted((key for key in members if _belongs(key, table.group)), key=_number)
    for key in known:
        if members[key] < most and not _closes_circle(
            table.name, key, placed, edges, graph
        ):
            return key
    highest = max((_number(key) for key in known), default=0)
    return f"{table.group}-{highest + 1}" if highest else table.group


def _part_edges(placed: Mapping[str, str], graph: Graph) -> dict[str, set[str]]:
    edges: dict[str, set[str]] = {}
    for name in placed:
        _add_edges(name, placed, graph, edges)
    return edges


def _add_edges(
    name: str, placed: Mapping[str, str], graph: Graph, edges: dict[str, set[str]]
) -> None:
    """Record that a table's part reads from its upstream tables' parts."""
    part = placed[name]
    edges.setdefault(part, set())
    for upstream in graph.upstream[name]:
        other = placed.get(upstream)
        if other is not None and other != part:
            edges[part].add(other)


def _closes_circle(
    name: str,
    part: str,
    placed: Mapping[str, str],
    edges: Mapping[str, set[str]],
    graph: Graph,
) -> bool:
    """Whether a table in this part makes parts wait for each other."""
    waiting = [
        placed[one] for one in graph.upstream[name] if placed.get(one, part) != part
    ]
    seen: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key == part:
            return True
        if key not in seen:
            seen.add(key)
            waiting += edges.get(key, ())
    return False


def _parts(
    tables: Mapping[str, Table],
    graph: Graph,
    groups: Mapping[str, models.Group],
    placed: dict[str, str],
    edges: Mapping[str, set[str]],
) -> Parts:
    problems: list[Problem] = []
    members: dict[str, list[str]] = {}
    for name, key in placed.items():
        members.setdefault(key, []).append(name)
    parts = {}
    for key, names in sorted(members.items()):
        group = tables[names[0]].group
        runs_on = groups[group].runs_on if group in groups else "job"
        parts[key] = Part(
            key, group, runs_on, tuple(sorted(names)), tuple(sorted(edges.get(key, ())))
        )
        if len(names) > LIMITS[runs_on]:
            message = f"the {runs_on} {key} holds {len(names)} tables"
            hint = f"The platform allows {LIMITS[runs_on]}."
            problems.append(Problem("too-many-tables", message, hint))
    if circle := cycle_in({key: part.upstream for key, part in parts.items()}):
        problems.append(_circle(circle, parts, graph, tables))
    return Parts(parts, dict(sorted(placed.items())), tuple(problems))


def _circle(
    circle: list[str],
    parts: Mapping[str, Part],
    graph: Graph,
    tables: Mapping[str, Table],
) -> Problem:
    lines = []
    for reader, read in zip(circle, circle[1:], strict=False):
        inside = set(parts[read].tables)
        pair = next(
            (name, one)
            for name in parts[reader].tables
            for one in graph.upstream[name]
            if one in inside
        )
        lines.append(f"{reader} waits for {read}: {pair[0]} reads {pair[1]}")
    message = f"parts wait for each other: {' -> '.join(reversed(circle))}"
    hint = "\n".join([*lines, f"Move one of these tables in {PLACEMENT_FILE}."])
    first = parts[circle[0]].tables[0]
    return Problem("part-cycle", message, hint, tables[first].place)
