"""Which columns each column of a query comes from; what can't be told is said.

sqlglot follows columns through subqueries, common table expressions, unions, pivots and
lateral views. It is imported on first use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mdf_magics.definitions.bodies import Body
from mdf_magics.definitions.names import quoted
from mdf_magics.transformations.parameters import READ_TYPES, Parameter, in_sql
from mdf_magics.transformations.sql import ARGUMENT, argument_name
from mdf_magics.transformations.template import Value, parse

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.lineage import Node
    from sqlglot.optimizer.scope import Scope


@dataclass(frozen=True, order=True)
class ColumnRead:
    """A column that is read."""

    table: str
    """As definitions name it: `schema.table`; of files the parameter, `{{ files }}`."""
    column: str


@dataclass(frozen=True)
class ColumnOrigin:
    """Where one column of a query comes from."""

    column: str
    """Its name; `*` where a query takes all columns of a table that nobody knows."""
    reads: tuple[ColumnRead, ...]
    """What its values are made of, sorted; none for a constant."""
    unresolved: str = ""
    """Why its origin isn't known, or not all of it; empty where it is."""


def column_lineage(
    body: Body,
    parameters: Mapping[str, Parameter],
    arguments: Mapping[str, Any],
    known: Mapping[str, Sequence[str]],
) -> tuple[ColumnOrigin, ...]:
    """Where each column that a body makes comes from, in the query's order.

    Conditions and groups are left out: the values of a column don't come from there.

    Args:
        body: A query. Of a function or a notebook nothing can be told.
        parameters: What the body declares.
        arguments: The values passed for them.
        known: The columns of tables, by their names as definitions write them; of
            files by the parameter's name, `{{ files }}`, unless they say their schema.
            One that isn't there is unknown: what `*` takes of it is said to be
            unresolved.

    Raises:
        TemplateFault: The body can't be rendered.
    """
    if body.kind != "sql":
        kind = {"python": "a Python function", "notebook": "a notebook"}[body.kind]
        return (ColumnOrigin("*", (), f"{kind} makes them"),)
    values: dict[str, Value] = {}
    known = dict(known)
    for name, parameter in parameters.items():
        value = arguments.get(name)
        if parameter.type == "files":
            values[name] = Value(name, argument_name(name))
            if declared := _declared(value):
                known[f"{{{{ {name} }}}}"] = declared
        elif parameter.type in READ_TYPES:
            values[name] = Value(name, quoted(str(value)))
        else:
            values[name] = in_sql(parameter.type, value, quoted)
    return query_lineage(parse(body.text).render(values).text, known)


def _declared(files: Any) -> list[str]:
    """The columns that the schema of files names; none where there is no schema."""
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    schema = files.get("schema") if isinstance(files, Mapping) else None
    if not schema:
        return []
    try:
        table = parse_one(f"CREATE TABLE t ({schema})", dialect="databricks")
    except (SqlglotError, RecursionError):
        return []
    return [
        one.name for one in table.find_all(exp.ColumnDef) if one.parent is table.this
    ]


def query_lineage(
    query: str, known: Mapping[str, Sequence[str]]
) -> tuple[ColumnOrigin, ...]:
    """Where each column of one query comes from; `known` as in `column_lineage`."""
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope
    from sqlglot.schema import MappingSchema

    columns = {name.lower(): tuple(many) for name, many in known.items()}
    try:
        tree = parse_one(query, dialect="databricks")
        _give_names(tree)
        schema = MappingSchema(_nested(tree, columns), dialect="databricks")
        tree = qualify(
            tree,
            dialect="databricks",
            schema=schema,
            validate_qualify_columns=False,
            quote_identifiers=False,
        )
        scope = build_scope(tree)
    except (SqlglotError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        return (ColumnOrigin("*", (), f"the query isn't understood: {reason}"),)
    if scope is None or not isinstance(tree, exp.Query):
        return (ColumnOrigin("*", (), "the query isn't understood"),)
    origins = []
    for select in tree.selects:
        name = select.alias_or_name
        if select.is_star:
            origins.append(_star(select, scope, columns))
            continue
        try:
            node = lineage(
                name,
                tree,
                schema,
                scope=scope,
                dialect="databricks",
                trim_selects=False,
                copy=False,
            )
            origins.append(_origin(name, node, columns))
        except SqlglotError as error:
            reason = str(error).partition("\n")[0]
            origins.append(ColumnOrigin(name, (), f"it isn't understood: {reason}"))
    return tuple(origins)


def _give_names(tree: exp.Expr) -> None:
    """Name columns as Spark does, where sqlglot would count them: `sum(n)`."""
    from sqlglot import exp

    for select in tree.find_all(exp.Select):
        for one in list(select.expressions):
            if not one.alias_or_name and not one.is_star:
                name = one.sql(dialect="spark").lower()
                one.replace(exp.alias_(one.copy(), name, quoted=True))


def _nested(tree: exp.Expr, columns: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The columns of the tables that a query names, as sqlglot wants them.

    All of them need as many parts as the longest name has: before shorter ones stands
    a name that no query has.
    """
    from sqlglot import exp

    tables = list(tree.find_all(exp.Table))
    depth = max((len(table.parts) for table in tables), default=1)
    schema: dict[str, Any] = {}
    for table in tables:
        parts = [part.name.lower() for part in table.parts]
        there = columns.get(_name(table))
        if there is None:
            continue
        level = schema
        for part in [*[""] * (depth - len(parts)), *parts[:-1]]:
            level = level.setdefault(part, {})
        level[parts[-1]] = dict.fromkeys(there, "string")
    return schema


def _origin(
    name: str, node: Node, columns: Mapping[str, tuple[str, ...]]
) -> ColumnOrigin:
    reads: set[ColumnRead] = set()
    lost: list[str] = []
    for leaf in _leaves(node):
        read, why = _read(leaf, columns)
        reads.update(read)
        lost += why
    return ColumnOrigin(name, tuple(sorted(reads)), "; ".join(dict.fromkeys(lost)))


def _leaves(node: Node) -> Iterator[Node]:
    if not node.downstream:
        yield node
    for one in node.downstream:
        yield from _leaves(one)


def _read(
    leaf: Node, columns: Mapping[str, tuple[str, ...]]
) -> tuple[list[ColumnRead], list[str]]:
    """What a leaf of sqlglot's lineage reads, and what can't be told of it."""
    from sqlglot import exp

    column = leaf.name.rpartition(".")[2].strip('`"')
    if isinstance(leaf.expression, exp.Table):
        table = _name(leaf.expression)
        there = columns.get(table)
        if column == "*":
            return [ColumnRead(table, "*")], [f"the columns of {table} are not known"]
        spelt = {one.lower(): one for one in there or (column,)}
        if column.lower() not in spelt:
            return [], [f"{table} has no column {column}"]
        return [ColumnRead(table, spelt[column.lower()])], []
    if isinstance(leaf.expression, exp.Placeholder) or leaf.expression.find(exp.Column):
        return [], [f"it isn't known which table has {column}"]
    return [], []


def _star(
    select: exp.Expr, scope: Scope, columns: Mapping[str, tuple[str, ...]]
) -> ColumnOrigin:
    """All columns of tables of which at least one is unknown."""
    from sqlglot import exp

    wanted = select.table if isinstance(select, exp.Column) else None
    tables = sorted(
        _name(source)
        for alias, (_, source) in scope.selected_sources.items()
        if isinstance(source, exp.Table) and wanted in (None, alias)
    )
    unknown = [table for table in tables if table not in columns] or ["a subquery"]
    reads = tuple(ColumnRead(table, "*") for table in tables)
    return ColumnOrigin(
        "*", reads, f"the columns of {', '.join(unknown)} are not known"
    )


def _name(table: exp.Table) -> str:
    name = ".".join(part.name.lower() for part in table.parts)
    read_by = name.removeprefix(ARGUMENT)
    return name if read_by == name else f"{{{{ {read_by} }}}}"
