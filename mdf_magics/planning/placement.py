"""Which part of its group each table is in; sticky.

A table that is placed never moves unasked. One that isn't goes into the first part
of its group that has room and closes no circle between parts, else into a new one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from mdf_magics.definitions import models
from mdf_magics.definitions.placement_file import (
    PLACEMENT_FILE,
    REPAIR,
    Placement,
)
from mdf_magics.errors import Problem
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.fitting import UNLISTED, has_quarantine
from mdf_magics.planning.graph import Graph, cycle_in, topological_order
from mdf_magics.planning.limits import LIMITS, REASONS, most_tables

MENDED_BY_SAVING = ("stale-placement", "unknown-part")
"""Problems of a line whose table is saved anew or removed: that writes it, too."""


@dataclass(frozen=True)
class Part:
    """One job or one pipeline."""

    key: str
    """`silver`, `silver-2`, ...; never renumbered."""
    group: str
    runs_on: str
    tables: tuple[str, ...]
    """Those that it runs, sorted: none that is not `enabled`."""
    upstream: tuple[str, ...]
    """Parts that must run before, sorted."""
    renamed_from: str | None = None
    """Its key while its group had an earlier name."""


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
    project: models.Project,
    recorded: Mapping[str, str],
    kept: Iterable[str] = (),
) -> Parts:
    """Place every table in a part.

    Args:
        tables: The tables by name.
        graph: Their dependencies.
        project: Its groups; an unlisted one runs on a job.
        recorded: What `placement.yml` says.
        kept: Recorded names that keep their place although they are not in `tables`,
            because their definitions can't be worked out as they are now.
    """
    placing = _Placing(tables, graph, project)
    recorded = _renamed(recorded, project)
    for name in kept:
        placing.put(name, recorded[name])
    for name, table in tables.items():
        earlier = recorded.get(table.settings.renamed_from or "")
        part = recorded.get(name, earlier)
        if part is not None and group_of(part) == table.group:
            placing.put(name, part)
    if not tables.keys() <= placing.placement.keys():
        for name in graph.order():
            if name not in placing.placement:
                placing.put(name, placing.room(tables[name]))
    placement = dict(sorted(placing.placement.items()))
    parts = _parts(tables, graph, project, placement)
    problems = [*_too_large(parts, tables, project), *_circles(parts, graph, tables)]
    return Parts(parts, placement, tuple(problems))


def check_placement(
    recorded: Placement, tables: Mapping[str, Table], project: models.Project
) -> Iterator[Problem]:
    """Lines of `placement.yml` that name a part or a table which isn't there.

    One that this machine wrote was right then: its definition was changed since, by
    hand, and the next command that writes brings it in order.
    """
    groups = {*project.groups, *(one.group for one in tables.values())}
    groups |= {one.renamed_from or "" for one in project.groups.values()} - {""}
    renamed = {one.settings.renamed_from for one in tables.values()}
    for name, part in recorded.parts.items():
        if name not in tables and name not in renamed:
            was_right = recorded.was_written(name)
            remedy = "The next compile removes the line." if was_right else REPAIR
            message = f"{name} is placed, but no definition makes it"
            hint = (
                f"{remedy}\nIf the table has another name now, write there"
                f"  renamed_from: {name} , so that it keeps its place."
            )
            place = recorded.place(name)
            severity = "warning" if was_right else "error"
            yield Problem("stale-placement", message, hint, place, severity)
        elif (
            name in tables
            and group_of(part) not in {*groups, name.partition(".")[0]}
            and not recorded.was_written(name)
        ):
            message = f'{name} is placed in "{part}", which is no part of any group'
            place = recorded.place(name)
            yield Problem("unknown-part", message, REPAIR, place)


@dataclass
class _Placing:
    """Parts while they are filled."""

    tables: Mapping[str, Table]
    graph: Graph
    project: models.Project
    placement: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Of each group: how many tables each of its parts holds."""
    edges: dict[str, set[str]] = field(default_factory=dict)
    """Of each part: those it reads from."""
    most: dict[str, int] = field(default_factory=dict)
    """Of each group: how many tables a part of it takes."""

    def __post_init__(self) -> None:
        """Turn the graph around, once."""
        self.readers = self.graph.readers()

    def put(self, name: str, part: str) -> None:
        """Put a table into a part."""
        self.placement[name] = part
        sizes = self.sizes.setdefault(group_of(part), {})
        sizes[part] = sizes.get(part, 0) + 1
        edges = self.edges.setdefault(part, set())
        edges |= self._upstream(name, part)
        for reader in self._downstream(name, part):
            self.edges[reader].add(part)

    def room(self, table: Table) -> str:
        """The part that takes a table which has none yet."""
        sizes = self.sizes.get(table.group, {})
        if table.group not in self.most:
            self.most[table.group] = most_tables(self.project, table.group)
        most = self.most[table.group]
        roomy = [part for part, size in sizes.items() if size < most]
        for part in sorted(roomy, key=_number):
            if not self._closes_circle(table.name, part):
                return part
        highest = max(map(_number, sizes), default=0)
        return f"{table.group}-{highest + 1}" if highest else table.group

    def _upstream(self, name: str, part: str) -> set[str]:
        return self._parts_of(self.graph.upstream.get(name, ()), part)

    def _downstream(self, name: str, part: str) -> set[str]:
        return self._parts_of(self.readers.get(name, ()), part)

    def _parts_of(self, names: Iterable[str], own: str) -> set[str]:
        return {self.placement.get(name, own) for name in names} - {own}

    def _closes_circle(self, name: str, part: str) -> bool:
        """Whether this table in this part makes parts wait for each other."""
        ends = {part, *self._downstream(name, part)}
        waiting = [*self._upstream(name, part), *self.edges[part]]
        seen: set[str] = set()
        while waiting:
            key = waiting.pop()
            if key in ends:
                return True
            if key not in seen:
                seen.add(key)
                waiting += self.edges[key]
        return False


def _renamed(recorded: Mapping[str, str], project: models.Project) -> Mapping[str, str]:
    """What is recorded, with the parts of groups that have another name now."""
    new = {
        one.renamed_from: name
        for name, one in project.groups.items()
        if one.renamed_from and one.renamed_from not in project.groups
    }
    if not new:
        return recorded
    return {
        name: new.get(group := group_of(part), group) + part.removeprefix(group)
        for name, part in recorded.items()
    }


@lru_cache(maxsize=4096)
def group_of(part: str) -> str:
    """The group that a part belongs to: `silver` for `silver-2`."""
    found = re.fullmatch(r"(.+)-[1-9]\d*", part)
    return found[1] if found else part


def _number(part: str) -> int:
    return int(part.removeprefix(f"{group_of(part)}-") if "-" in part else 1)


def _parts(
    tables: Mapping[str, Table],
    graph: Graph,
    project: models.Project,
    placement: Mapping[str, str],
) -> dict[str, Part]:
    run = {name for name, table in tables.items() if table.settings.enabled}
    upstream = {name: run.intersection(graph.upstream[name]) for name in run}
    members: dict[str, list[str]] = {}
    for name, key in placement.items():
        if name in tables:
            members.setdefault(key, []).extend({name} & run)
    parts = {}
    for key, names in sorted(members.items()):
        group = group_of(key)
        runs_on = project.groups.get(group, UNLISTED).runs_on
        read = {placement[one] for name in names for one in upstream[name]} - {key}
        earlier = project.groups.get(group, UNLISTED).renamed_from
        parts[key] = Part(
            key,
            group,
            runs_on,
            tuple(names),
            tuple(sorted(read)),
            renamed_from=earlier and earlier + key.removeprefix(group),
        )
    return parts


def _too_large(
    parts: Mapping[str, Part],
    tables: Mapping[str, Table],
    project: models.Project,
) -> Iterator[Problem]:
    for part in parts.values():
        most, size = LIMITS[part.runs_on], len(part.tables)
        if part.runs_on == "pipeline":
            size += sum(has_quarantine(tables[name]) for name in part.tables)
        what = f"the {part.runs_on} {part.key} holds {size:,} tables"
        if size > most:
            hint = f"At most: {REASONS[part.runs_on]}. {REPAIR}"
            place = tables[part.tables[-1]].place
            yield Problem("too-many-tables", what, hint, place)
        elif len(part.tables) > (wanted := most_tables(project, part.group)):
            message = f"{what}, and max_tables is {wanted:,}"
            hint = f"Nothing moves by itself:  mdf regroup {part.group}  proposes how."
            place = tables[part.tables[-1]].place
            yield Problem("crowded-part", message, hint, place, "warning")


def waiting_tables(reader: Part, read: Part, graph: Graph) -> set[str]:
    """The tables of a part for which it waits for another, directly or behind them."""
    own, there = set(reader.tables), set(read.tables)
    waiting = {one for one in own if there & set(graph.upstream[one])}
    behind = (graph.downstream(one) for one in waiting)
    return waiting.union(*behind) & own


def _divisible(circle: list[str], parts: Mapping[str, Part], graph: Graph) -> Part:
    """A part of a circle that ends it by giving up the tables that wait for the next.

    That is one of which the part before reads others. There may be none: then more than
    one part has to be divided.
    """
    around = [parts[key] for key in (circle[-2], *circle)]
    for before, part, behind in zip(around, around[1:], around[2:], strict=False):
        kept = set(part.tables) - waiting_tables(part, behind, graph)
        read = {name for one in before.tables for name in graph.upstream[one]}
        if read & set(part.tables) <= kept:
            return part
    return around[0]


def _circles(
    parts: Mapping[str, Part], graph: Graph, tables: Mapping[str, Table]
) -> list[Problem]:
    circle = cycle_in({key: part.upstream for key, part in parts.items()})
    if not circle:
        return []
    lines = []
    for reader, read in pairwise(circle):
        inside = set(parts[read].tables)
        name, one = next(
            (name, one)
            for name in parts[reader].tables
            for one in graph.upstream[name]
            if one in inside
        )
        lines.append(f"{reader} waits for {read}: {name} reads {one}")
    message = f"parts wait for each other: {' -> '.join(reversed(circle))}"
    group = _divisible(circle, parts, graph).group
    lines.append(f"Say  mdf regroup {group} , or move one in {PLACEMENT_FILE}.")
    hint = "\n".join(lines)
    first = parts[circle[0]].tables[0]
    return [Problem("part-cycle", message, hint, tables[first].place)]
