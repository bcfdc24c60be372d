"""Which columns of which tables each column of a project's tables comes from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from mdf_magics.definitions.names import QUARANTINE, Homes
from mdf_magics.planning.expansion import Expansion, Table
from mdf_magics.planning.graph import Graph, reads
from mdf_magics.transformations.column_lineage import (
    ColumnOrigin,
    ColumnRead,
    column_lineage,
)


def column_graph(
    expansion: Expansion,
    graph: Graph,
    ask: Callable[[str], Sequence[str] | None] = lambda _: None,
    tables: Collection[str] = (),
) -> dict[str, tuple[ColumnOrigin, ...]]:
    """The columns of tables and where they come from, upstream tables first.

    Tables of the project are named `schema.table` in what is read, sources in full, as
    in the graph; files as the parameter that reads them, `{{ files }}`.

    Args:
        expansion: The tables.
        graph: Who reads whom.
        ask: The columns of a source by its full name, and by its home of a table whose
            body doesn't tell them all; None where they aren't known.
        tables: These, and all that they read; none: all.
    """
    wanted = {*tables}.union(*map(graph.ancestors, tables)) or expansion.tables.keys()
    found: dict[str, tuple[ColumnOrigin, ...]] = {}
    columns: dict[str, list[str]] = {}
    for name in filter(wanted.__contains__, graph.order()):
        table = expansion.tables[name]
        known = dict(_known(table, expansion.homes, columns, ask))
        origins = column_lineage(table.body, table.parameters, table.arguments, known)
        if table.body.kind != "sql" and (there := ask(table.home)):
            origins = tuple(replace(origins[0], column=one) for one in there)
        kept = _kept(table, origins)
        found[name] = tuple(_named(one, expansion.homes) for one in kept)
        columns[name] = [one.column for one in kept]
        if table.body.kind == "sql" and "*" in columns[name]:
            columns[name] = list(ask(table.home) or columns[name])
        rejected = [*(one.column for one in origins), "mdf_failed"]
        columns[f"{name}{QUARANTINE}"] = rejected
    return found


def _known(
    table: Table,
    homes: Homes,
    made: dict[str, list[str]],
    ask: Callable[[str], Sequence[str] | None],
) -> list[tuple[str, list[str]]]:
    """The columns of what a table reads, as far as they are known."""
    known = []
    for written, _ in reads(table):
        name = written.lower() if homes.made_by(written) else homes.resolve(written)
        columns = made.get(name) or ask(name)
        if columns and "*" not in columns:
            known.append((written, list(columns)))
    return known


def _kept(table: Table, origins: tuple[ColumnOrigin, ...]) -> list[ColumnOrigin]:
    """The columns that the table has of its query's: a history ends in its period."""
    settings = table.settings
    if settings.write != "scd2" or settings.sequence_by is None:
        return list(origins)
    sequence = settings.sequence_by.lower()
    told = [one for one in origins if one.column.lower() == sequence]
    origin = told[0] if told else ColumnOrigin("", (), f"{sequence} isn't there")
    period = [replace(origin, column=name) for name in ("__START_AT", "__END_AT")]
    return [*(one for one in origins if one.column.lower() != sequence), *period]


def _named(origin: ColumnOrigin, homes: Homes) -> ColumnOrigin:
    """An origin whose tables are named as in the graph."""

    def named(read: ColumnRead) -> ColumnRead:
        as_it_is = read.table.startswith("{{") or homes.made_by(read.table)
        table = read.table if as_it_is else homes.resolve(read.table)
        return replace(read, table=table)

    return replace(origin, reads=tuple(sorted({*map(named, origin.reads)})))
