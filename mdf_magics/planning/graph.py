"""Who reads whom: tables, sources, and the order between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mdf_magics.definitions.names import Homes
from mdf_magics.errors import Place, Problem, closest
from mdf_magics.planning.expansion import Expansion, Table
from mdf_magics.transformations.arguments import problem_of
from mdf_magics.transformations.lineage import written_names
from mdf_magics.transformations.sql import TableName
from mdf_magics.transformations.template import TemplateFault


@dataclass(frozen=True)
class Graph:
    """The tables' dependencies."""

    upstream: dict[str, tuple[str, ...]]
    """Tables of ours that each table reads, sorted."""
    sources: dict[str, tuple[str, ...]]
    """Full names of the tables of others that each table reads, sorted."""
    written: dict[str, tuple[TableName, ...]]
    """Names that stand in each table's own text, as offsets in its body."""
    problems: tuple[Problem, ...]

    def order(self) -> list[str]:
        """All tables, each after what it reads; by name where that leaves a choice."""
        return topological_order(self.upstream)

    def downstream(self, name: str) -> set[str]:
        """Every table that reads `name`, directly or through others."""
        return _reached(name, _reversed(self.upstream))

    def ancestors(self, name: str) -> set[str]:
        """Every table of ours that `name` reads, directly or through others."""
        return _reached(name, self.upstream)


def build_graph(expansion: Expansion) -> Graph:
    """Find what each table reads, and say where that can't be right."""
    problems: list[Problem] = []
    upstream, sources, written = {}, {}, {}
    schemas: dict[str, list[str]] = {}
    for name in expansion.homes.tables:
        schemas.setdefault(name.partition(".")[0], []).append(name)
    for name, table in expansion.tables.items():
        try:
            names = written_names(table.body, table.parameters, table.arguments)
        except TemplateFault as fault:
            problems.append(problem_of(table.body, fault))
            names = ()
        written[name] = names
        ours, others = _reads(table, names, expansion.homes, schemas, problems)
        upstream[name] = tuple(sorted(ours))
        sources[name] = tuple(sorted(others))
    problems += _cycles(upstream, expansion.tables)
    return Graph(upstream, sources, written, tuple(dict.fromkeys(problems)))


def topological_order(upstream: Mapping[str, Iterable[str]]) -> list[str]:
    """The keys so that each stands after its upstream; what is on a cycle is last."""
    waiting = {
        name: {one for one in upstream[name] if one in upstream} for name in upstream
    }
    ready = sorted(name for name, needs in waiting.items() if not needs)
    readers = _reversed(waiting)
    order: list[str] = []
    while ready:
        name = ready.pop(0)
        order.append(name)
        freed = []
        for reader in readers.get(name, ()):
            waiting[reader].discard(name)
            if not waiting[reader]:
                freed.append(reader)
        ready += sorted(freed)
    placed = set(order)
    return order + sorted(name for name in upstream if name not in placed)


def cycle_in(upstream: Mapping[str, Iterable[str]]) -> list[str]:
    """One cycle, its first name again at the end; empty when there is none."""
    state: dict[str, int] = {}
    for start in sorted(upstream):
        path: list[str] = []
        stack = [(start, iter(sorted(upstream[start])))] if start not in state else []
        if stack:
            state[start] = 1
            path.append(start)
        while stack:
            name, following = stack[-1]
            found = next((one for one in following if one in upstream), None)
            if found is None:
                state[name] = 2
                stack.pop()
                path.pop()
            elif state.get(found) == 1:
                return [*path[path.index(found) :], found]
            elif found not in state:
                state[found] = 1
                path.append(found)
                stack.append((found, iter(sorted(upstream[found]))))
    return []


def _reads(
    table: Table,
    names: tuple[TableName, ...],
    homes: Homes,
    schemas: Mapping[str, list[str]],
    problems: list[Problem],
) -> tuple[set[str], set[str]]:
    ours: set[str] = set()
    others: set[str] = set()
    at = (
        "arguments"
        if table.settings.transformation and not table.entry.body
        else "parameters"
    )
    read = [
        (one.name, table.body.place_at(one.start, one.end - one.start)) for one in names
    ]
    read += [
        (table.arguments[name], table.entry.place((at, name)))
        for name, parameter in table.parameters.items()
        if parameter.type in ("table", "stream") and table.arguments.get(name)
    ]
    read += [
        (name, table.entry.place(("depends_on", index)))
        for index, name in enumerate(table.settings.depends_on)
    ]
    for name, place in read:
        if name.lower() in homes.tables:
            ours.add(name.lower())
            continue
        if own := homes.ours(name):
            message = f'"{name}" is the table {own} of this project'
            hint = f"Write  {own} : the target says which catalog that is in."
            problems.append(Problem("own-table-in-full", message, hint, place))
            continue
        others.add(homes.resolve(name))
        problems += _close_names(name, schemas, place)
    return ours, others


def _close_names(
    name: str, schemas: Mapping[str, list[str]], place: Place
) -> list[Problem]:
    near = closest(name, schemas.get(name.partition(".")[0], ()))
    if near is None or name.count(".") != 1:
        return []
    message = f'"{name}" is no table of this project, so it is read as a source'
    hint = f'Did you mean "{near}"?'
    return [Problem("close-source-name", message, hint, place, "warning")]


def _cycles(
    upstream: Mapping[str, tuple[str, ...]], tables: Mapping[str, Table]
) -> list[Problem]:
    found = cycle_in(upstream)
    if not found:
        return []
    reads = " -> ".join(reversed(found))
    message = f"tables read each other in a circle: {reads}"
    hint = "Take one of these steps out; a table can't be built from itself."
    return [Problem("cycle", message, hint, tables[found[0]].place)]


def _reversed(upstream: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    readers: dict[str, list[str]] = {}
    for name, needs in upstream.items():
        for one in needs:
            readers.setdefault(one, []).append(name)
    return readers


def _reached(start: str, edges: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(edges.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += edges.get(name, ())
    return found
