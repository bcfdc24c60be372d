"""Who reads whom: tables, sources, and the order between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from mdf_magics.definitions.loading import Body, Entry
from mdf_magics.definitions.names import Homes
from mdf_magics.errors import Place, Problem
from mdf_magics.planning.expansion import Expansion, Table
from mdf_magics.transformations.arguments import problem_of
from mdf_magics.transformations.lineage import written_names
from mdf_magics.transformations.parameters import Parameter
from mdf_magics.transformations.sql import TableName
from mdf_magics.transformations.template import TemplateFault, parse

_DIGITS = re.compile(r"\d+")
"""What may differ between two names that are both right: `orders_1`, `orders_2`."""


type Read = tuple[str, Callable[[], Place]]
"""A name that a table reads, as it is spelt, and what finds where that stands."""


@dataclass(frozen=True)
class Graph:
    """The tables' dependencies."""

    upstream: dict[str, tuple[str, ...]]
    """Tables of ours that each table reads, sorted."""
    sources: dict[str, tuple[str, ...]]
    """Full names of the tables of others that each table reads, sorted."""
    written: dict[str, tuple[TableName, ...]]
    """Names that stand in each table's own text, as offsets in its body."""
    reads: dict[str, tuple[Read, ...]]
    """Every name that each table reads."""
    problems: tuple[Problem, ...]

    def order(self) -> list[str]:
        """All tables, each after what it reads; by name where that leaves a choice."""
        return topological_order(self.upstream)

    def readers(self) -> dict[str, list[str]]:
        """The tables that read each table."""
        return _reversed(self.upstream)

    def downstream(self, name: str) -> set[str]:
        """Every table that reads `name`, directly or through others."""
        return _reached(name, self.readers())

    def ancestors(self, name: str) -> set[str]:
        """Every table of ours that `name` reads, directly or through others."""
        return _reached(name, self.upstream)


def build_graph(expansion: Expansion) -> Graph:
    """Find what each table reads, and say where that can't be right."""
    problems: list[Problem] = []
    upstream, sources, written, reads = {}, {}, {}, {}
    foreign: dict[str, list[Callable[[], Place]]] = {}
    for name, table in expansion.tables.items():
        try:
            names = _written(table.body, table.parameters, table.arguments)
        except TemplateFault as fault:
            problems.append(problem_of(table.body, fault))
            names = ()
        written[name] = names
        reads[name] = tuple(_reads(table, names))
        problems += _without_rejected_rows(reads[name], expansion)
        ours, others = _resolved(reads[name], expansion.homes, problems)
        upstream[name] = tuple(sorted(ours))
        sources[name] = tuple(sorted(map(expansion.homes.resolve, others)))
        for one, place in others.items():
            foreign.setdefault(one, []).append(place)
    problems += _close_names(foreign, expansion.homes)
    problems += _cycles(upstream, expansion.tables)
    return Graph(upstream, sources, written, reads, tuple(dict.fromkeys(problems)))


def check_queries(
    transformations: Mapping[str, Entry],
    declared: Mapping[str, Mapping[str, Parameter]],
) -> Iterator[Problem]:
    """What is wrong with transformations' queries, also where no table uses them."""
    for name, transformation in transformations.items():
        body = transformation.body
        if body is None or body.kind != "sql":
            continue
        try:
            # A body with `{% if %}` is a query for some arguments only.
            if not parse(body.text).branches:
                _written(body, declared[name], {})
        except TemplateFault as fault:
            yield problem_of(body, fault)


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


def _written(
    body: Body, parameters: Mapping[str, Parameter], arguments: Mapping[str, Any]
) -> tuple[TableName, ...]:
    """The names in a body; none while it uses parameters that nobody declares."""
    if body.kind == "sql" and parse(body.text).names.keys() - parameters.keys():
        return ()
    return written_names(body, parameters, arguments)


def _reads(table: Table, names: tuple[TableName, ...]) -> Iterator[Read]:
    """The names in a table's text, in its arguments and in `depends_on`."""
    for one in names:
        length = one.end - one.start
        yield one.name, partial(table.body.place_at, one.start, length)
    for name, parameter in table.parameters.items():
        if parameter.type in ("table", "stream") and table.arguments.get(name):
            yield table.arguments[name], partial(table.argument_place, name)
    for index, name in enumerate(table.settings.depends_on):
        yield name, partial(table.entry.place, ("depends_on", index))


def _resolved(
    read: Iterable[Read], homes: Homes, problems: list[Problem]
) -> tuple[set[str], dict[str, Callable[[], Place]]]:
    """The tables of ours that these names lead to, and the names of others."""
    ours: set[str] = set()
    others: dict[str, Callable[[], Place]] = {}
    for name, place in read:
        if maker := homes.made_by(name):
            ours.add(maker)
        elif own := homes.ours(name):
            message = f'"{name}" is the table {own} of this project'
            hint = f"Write  {own} : the target says which catalog that is in."
            problems.append(Problem("own-table-in-full", message, hint, place()))
        else:
            others.setdefault(name, place)
    return ours, others


def _without_rejected_rows(
    read: Iterable[Read], expansion: Expansion
) -> Iterator[Problem]:
    """Names of tables of rejected rows that no expectation fills."""
    for name, place in read:
        maker = expansion.tables.get(expansion.homes.made_by(name) or "")
        if maker and name.lower() not in (maker.name, maker.quarantine):
            message = f"no expectation sends rows to {name}, so it is never made"
            hint = f"Give an expectation of {maker.name}  on_failure: quarantine ."
            yield Problem("no-rejected-rows", message, hint, place())


def _close_names(
    foreign: Mapping[str, Iterable[Callable[[], Place]]], homes: Homes
) -> Iterator[Problem]:
    """Sources whose names are those of our tables but for one letter."""
    spelt = _by_spelling(tuple(sorted(foreign)))
    meant: dict[str, str] = {}
    for table in sorted(homes.tables) if spelt else ():
        for spelling in spelt.keys() & _spellings(table):
            for source in spelt[spelling]:
                if _DIGITS.sub("", source) != _DIGITS.sub("", table):
                    meant.setdefault(source, table)
    for source, table in meant.items():
        message = f'"{source}" is no table of this project, so it is read as a source'
        hint = f'Did you mean "{table}"?'
        for place in foreign[source]:
            yield Problem("close-source-name", message, hint, place(), "warning")


@lru_cache(maxsize=4)
def _by_spelling(names: tuple[str, ...]) -> dict[str, list[str]]:
    """Names by each of their spellings."""
    spelt: dict[str, list[str]] = {}
    for name in names:
        for spelling in _spellings(name):
            spelt.setdefault(spelling, []).append(name)
    return spelt


@lru_cache(maxsize=32_768)
def _spellings(name: str) -> frozenset[str]:
    """A name with each of its letters left out: two that share one are close."""
    return frozenset({name, *(name[:at] + name[at + 1 :] for at in range(len(name)))})


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
