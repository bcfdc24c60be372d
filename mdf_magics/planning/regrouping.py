"""Proposes how the tables of a group could be spread over fewer or smaller parts.

Nothing here happens by itself: a person looks at the proposal and accepts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from mdf_magics.definitions import models
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.fitting import UNLISTED
from mdf_magics.planning.graph import Graph, cycle_in
from mdf_magics.planning.limits import LIMITS
from mdf_magics.planning.placement import Parts, place, waiting_tables

_COSTS = {
    "job": "its data stays; its runs so far stay with the job it leaves",
    "view": "a view holds no rows: nothing is computed",
    "overwrite": "a materialized view: computed anew from all it reads",
    "append": "a streaming table: it begins anew with what its source still holds",
    "merge": "AUTO CDC: it begins anew with what its source still holds",
    "scd2": "AUTO CDC: its history begins anew with what its source still holds",
}
"""What a move costs, by home and, on a pipeline, by write; cheapest first."""

_COSTS_NOTHING = ("job", "view")

_CHEAPEST = list(_COSTS)


@dataclass(frozen=True)
class Move:
    """One table that goes to another part."""

    table: str
    before: str
    after: str
    cost: str
    """What that means for its data, as a clause."""
    can_be_handed_over: bool = False
    """Whether a statement lets the other pipeline have the table with its rows."""


@dataclass(frozen=True)
class Proposal:
    """Where a group's tables would be."""

    group: str
    size: int
    """Tables that a part is to hold, at most."""
    before: Mapping[str, int]
    """Part to number of tables, as it is."""
    after: Mapping[str, int]
    moves: tuple[Move, ...]
    placement: Mapping[str, str]
    """All tables of the project, as `placement.yml` would have them."""


def propose(
    name: str,
    size: int,
    tables: Mapping[str, Table],
    graph: Graph,
    project: models.Project,
    parts: Parts,
) -> Proposal:
    """Spread a group's tables over as few parts as hold them, with the fewest moves.

    The largest parts stay; what is above the size in them, and all of the others, moves
    to where there is room. Of a part that is too large the tables move that cost least.
    Parts that wait for each other are taken apart.

    Args:
        name: The group.
        size: Tables that a part is to hold, at most.
        tables: All tables.
        graph: Their dependencies.
        project: Its groups.
        parts: Where the tables are now.
    """
    limited = _limited(project, name, size)
    own = {
        one: key
        for one, key in parts.placement.items()
        if one in tables and tables[one].group == name
    }
    moving = _surplus(own, size, tables, project)
    while True:
        recorded = {
            one: key for one, key in parts.placement.items() if one not in moving
        }
        placed = place(tables, graph, limited, recorded)
        more = _on_a_circle(placed, name, graph) - moving
        if not more:
            break
        moving |= more
    moves = [
        Move(one, key, placed.placement[one], _COSTS[kind], kind not in _COSTS_NOTHING)
        for one, key in own.items()
        if placed.placement[one] != key
        for kind in [_kind(tables[one], project)]
    ]
    after = {one: placed.placement[one] for one in own}
    return Proposal(
        name, size, _sizes(own), _sizes(after), tuple(moves), placed.placement
    )


def within_limits(
    tables: Mapping[str, Table], graph: Graph, project: models.Project, parts: Parts
) -> Mapping[str, str]:
    """The placement with parts that the platform would refuse taken apart."""
    placement: Mapping[str, str] = parts.placement
    for key, part in parts.parts.items():
        if len(part.tables) > LIMITS[part.runs_on]:
            size = LIMITS[part.runs_on]
            own = dict.fromkeys(part.tables, key)
            surplus = _surplus(own, size, tables, project)
            kept = {one: at for one, at in placement.items() if one not in surplus}
            placement = place(tables, graph, project, kept).placement
    return placement


def _limited(project: models.Project, name: str, size: int) -> models.Project:
    group = project.groups.get(name, UNLISTED).model_copy(update={"max_tables": size})
    return project.model_copy(update={"groups": {**project.groups, name: group}})


def _surplus(
    own: Mapping[str, str],
    size: int,
    tables: Mapping[str, Table],
    project: models.Project,
) -> set[str]:
    """The tables that have to leave their part for the fewest parts of this size."""
    members: dict[str, list[str]] = {}
    for table, key in own.items():
        members.setdefault(key, []).append(table)
    needed = -(-len(own) // size)
    largest = sorted(members, key=lambda key: (-len(members[key]), len(key), key))
    surplus: set[str] = set()
    for rank, key in enumerate(largest):
        cheapest = sorted(
            members[key], key=lambda one: (_rank(tables[one], project), one)
        )
        keeps = size if rank < needed else 0
        surplus |= set(cheapest[: max(0, len(cheapest) - keeps)])
    return surplus


def _on_a_circle(parts: Parts, group: str, graph: Graph) -> set[str]:
    """Tables of the group that make its part wait for one that waits for it."""
    circle = cycle_in({key: part.upstream for key, part in parts.parts.items()})
    for reader, read in pairwise(circle):
        if parts.parts[reader].group == group:
            return waiting_tables(parts.parts[reader], parts.parts[read], graph)
    return set()


def _rank(table: Table, project: models.Project) -> int:
    return _CHEAPEST.index(_kind(table, project))


def _kind(table: Table, project: models.Project) -> str:
    group = project.groups.get(table.group, UNLISTED)
    return "job" if group.runs_on == "job" else table.settings.write


def _sizes(placement: Mapping[str, str]) -> dict[str, int]:
    held = Counter(placement.values())
    return {key: held[key] for key in sorted(held, key=lambda one: (len(one), one))}
