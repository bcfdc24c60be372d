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
    upstream, sources, written = {}, {}, {}
    foreign: dict[str, list[Table]] = {}
    homes = expansion.homes
    for name, table in expansion.tables.items():
        try:
            written[name] = table.once(_written_in)
        except TemplateFault as fault:
            problems.append(problem_of(table.body, fault))
            written[name] = ()
        ours, in_full, others = _resolved(table.once(_names_read), homes)
        if ours:
            problems += _without_rejected_rows(table, ours, expansion)
        if in_full:
            problems += _written_in_full(table, in_full)
        upstream[name] = tuple(sorted({*ours.values()}))
        sources[name] = tuple(sorted(map(homes.source, others)))
        for one in others:
            foreign.setdefault(one, []).append(table)
    problems += _close_names(foreign, homes)
    problems += _cycles(upstream, expansion.tables)
    return Graph(upstream, sources, written, tuple(dict.fromkeys(problems)))


def reads(table: Table) -> Iterator[Read]:
    """Every name that a table reads: in its text, its arguments and `depends_on`."""
    try:
        names = table.once(_written_in)
    except TemplateFault:  # a problem of the graph
        names = ()
    for one in names:
        length = one.end - one.start
        yield one.name, partial(table.body.place_at, one.start, length)
    for name, parameter in table.parameters.items():
        if parameter.type in ("table", "stream") and table.arguments.get(name):
            yield table.arguments[name], partial(table.argument_place, name)
    for index, name in enumerate(table.settings.depends_on):
        yield name, partial(table.entry.place, ("depends_on", index))


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


def _written_in(table: Table) -> tuple[TableName, ...]:
    return _written(table.body, table.parameters, table.arguments)


def _names_read(table: Table) -> tuple[str, ...]:
    """Every name that a table reads, once."""
    return tuple(dict.fromkeys(name for name, _ in reads(table)))


def _places(table: Table, spelt: str) -> list[Place]:
    """Where a table reads a name."""
    return [place() for name, place in reads(table) if name == spelt]


def _resolved(
    names: Iterable[str], homes: Homes
) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Names with the table of ours that makes each, those in full, names of others."""
    ours: dict[str, str] = {}
    in_full: dict[str, str] = {}
    others: list[str] = []
    for name in names:
        if maker := homes.made_by(name):
            ours[name] = maker
        elif own := homes.ours(name):
            in_full[name] = own
        else:
            others.append(name)
    return ours, in_full, others


def _written_in_full(table: Table, in_full: Mapping[str, str]) -> Iterator[Problem]:
    """Names of three parts that are homes of ours."""
    for name, own in in_full.items():
        message = f'"{name}" is the table {own} of this project'
        hint = f"Write  {own} : the target says which catalog that is in."
        for place in _places(table, name):
            yield Problem("own-table-in-full", message, hint, place)


def _without_rejected_rows(
    table: Table, ours: Mapping[str, str], expansion: Expansion
) -> Iterator[Problem]:
    """Names of tables of rejected rows that no expectation fills."""
    for name, made_by in ours.items():
        maker = expansion.tables.get(made_by)
        if maker and name.lower() not in (made_by, maker.quarantine):
            message = f"no expectation sends rows to {name}, so it is never made"
            hint = f"Give an expectation of {maker.name}  on_failure: quarantine ."
            for place in _places(table, name):
                yield Problem("no-rejected-rows", message, hint, place)


def _close_names(
    foreign: Mapping[str, Iterable[Table]], homes: Homes
) -> Iterator[Problem]:
    """Sources whose names are those of our tables but for one letter."""
    spelt = _by_spelling(tuple(sorted(foreign)))
    meant: dict[str, str] = {}
    for table in sorted(homes.tables) if spelt else ():
        if spelt.keys().isdisjoint(_spellings(table)):
            continue
        for spelling in spelt.keys() & _spellings(table):
            for source in spelt[spelling]:
                if _DIGITS.sub("", source) != _DIGITS.sub("", table):
                    meant.setdefault(source, table)
    for source, table in meant.items():
        message = f'"{source}" is no table of this project, so it is read as a source'
        hint = f'Did you mean "{table}"?'
        for reader in foreign[source]:
            place = _places(reader, source)[0]
            yield Problem("close-source-name", message, hint, place, "warning")


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
