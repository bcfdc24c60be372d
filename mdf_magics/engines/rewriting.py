"""Rewrites a parsed query into one that Sail takes and that gives the same rows.

The columns of what a query reads are asked of the engine, where a rule needs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp

type Columns = Callable[[str], Sequence[str]]
"""The columns of a query."""

_AGGREGATES = re.compile(
    r"try_sum|try_avg|bit_(?:and|or|xor)|every|some|any|bool_(?:and|or)|collect_\w+"
    r"|percentile\w*|approx_\w+|regr_\w+|covar_\w+|(?:max|min)_by|mode|median|listagg"
    r"|string_agg|any_value|kurtosis|skewness|histogram_numeric|grouping(?:_id)?"
    r"|\w+_agg",
    re.IGNORECASE,
)
"""Aggregates that sqlglot takes for functions like any other."""


class Rewriting:
    """The rewriting of one query."""

    def __init__(self, columns: Columns) -> None:
        """Change nothing yet.

        Args:
            columns: Gives the columns of a query over the same tables.
        """
        self.changed = False
        self._columns = columns

    def rewrite(self, tree: exp.Query) -> exp.Query:
        """Rewrite every part of a query, the inner ones first."""
        from sqlglot import exp

        holder = exp.Subquery(this=tree)
        self._plain(holder)
        for node in reversed(list(holder.find_all(exp.Pivot))):
            if not node.args.get("unpivot"):
                self._pivot(node)
        for select in reversed(list(holder.find_all(exp.Select))):
            self._stars(select)
            self._using(select)
            self._aliases(select)
            self._group_by_all(select)
            if select.args.get("qualify"):
                self._qualify(select)
        query: exp.Query = holder.this
        return query.pop()

    def _plain(self, tree: exp.Expr) -> None:
        """`column:path` and LIKE ANY as functions and conditions."""
        from sqlglot import exp

        for extract in list(tree.find_all(exp.JSONExtract)):
            if extract.args.get("variant_extract"):
                text = extract.expression.sql(dialect="databricks").strip("'")
                text = text if text.startswith("$") else f"$.{text}"
                path = exp.Literal.string(text)
                self._put(extract, exp.func("get_json_object", extract.this, path))
        for node in list(tree.find_all(exp.Like, exp.ILike)):
            many = node.expression
            if isinstance(many, exp.Any | exp.All) and isinstance(many.this, exp.Tuple):
                if isinstance(node.parent, exp.Not):
                    continue
                either = exp.or_ if isinstance(many, exp.Any) else exp.and_
                each: list[exp.Expr] = [
                    type(node)(this=node.this.copy(), expression=one.copy())
                    for one in many.this.expressions
                ]
                self._put(node, exp.paren(either(*each)))

    def _pivot(self, pivot: exp.Pivot) -> None:
        """PIVOT as aggregates of the rows that have each value."""
        from sqlglot import exp

        source = pivot.parent
        if source is None or len(pivot.args["fields"]) != 1:
            return
        field = pivot.args["fields"][0]
        alias = source.args.get("alias")
        inner = source.copy()
        inner.set("pivots", None)
        inner.set("alias", None)
        used = {one.name.lower() for one in pivot.find_all(exp.Column)}
        selects = source.find_ancestor(exp.Select)
        if selects is None:
            return
        probe = exp.select("*").from_(inner.copy())
        groups = [
            exp.column(name, quoted=True)
            for name in self._ask(probe, selects)
            if name.lower() not in used
        ]
        made: list[exp.Expr] = [*groups]
        for value in field.expressions:
            wanted = value.this if isinstance(value, exp.PivotAlias) else value
            label = value.alias if isinstance(value, exp.PivotAlias) else _label(value)
            keys = field.this.expressions or [field.this]
            values = wanted.expressions or [wanted]
            same = exp.and_(
                *(
                    exp.EQ(this=key.copy(), expression=one.copy())
                    for key, one in zip(keys, values, strict=True)
                )
            )
            for aggregate in pivot.expressions:
                name = label
                if len(pivot.expressions) > 1:
                    name = (
                        f"{label}_{aggregate.alias or aggregate.sql('spark').lower()}"
                    )
                made.append(exp.alias_(_only(aggregate, same), name, quoted=True))
        query = exp.select(*made).from_(inner)
        query = query.group_by(*(one.copy() for one in groups)) if groups else query
        self._put(source, exp.Subquery(this=query, alias=alias))

    def _stars(self, select: exp.Select) -> None:
        """`* EXCEPT (...)` as the columns that are left."""
        from sqlglot import exp

        made: list[exp.Expr] = []
        for one in select.expressions:
            star = one.this if isinstance(one, exp.Column) else one
            left_out = star.args.get("except_") if isinstance(star, exp.Star) else None
            whole = bool(select.args.get("qualify") or _groups_by_all(select))
            if not isinstance(star, exp.Star) or not (left_out or whole):
                made.append(one)
                continue
            table = one.args.get("table") if isinstance(one, exp.Column) else None
            gone = {column.name.lower() for column in left_out or ()}
            made += [
                column
                for column in self._source(select, table)
                if column.name.lower() not in gone
            ]
            self.changed = True
        select.set("expressions", made)

    def _using(self, select: exp.Select) -> None:
        """A column of USING named with its table, which Sail can't find."""
        from sqlglot import exp

        left = (
            {select.args["from_"].alias_or_name} if select.args.get("from_") else set()
        )
        for join in select.args.get("joins") or ():
            keys = {one.name.lower() for one in join.args.get("using") or ()}
            right = join.alias_or_name
            named = [
                column
                for column in _own(select, exp.Column)
                if column.table in {*left, right} and column.name.lower() in keys
            ]
            both = not join.side
            same = {"LEFT": left, "RIGHT": {right}}.get(join.side.upper(), set())
            if all(both or column.table in same for column in named):
                for column in named:
                    column.set("table", None)
                    self.changed = True
            elif join.side.upper() == "LEFT" and len(left) == 1 and not select.is_star:
                self._on(select, join, next(iter(left)), keys)
            left.add(right)

    def _on(
        self, select: exp.Select, join: exp.Join, left: str, keys: set[str]
    ) -> None:
        """USING of a left join as ON; a key without a table is the left one's."""
        from sqlglot import exp

        for column in _own(select, exp.Column):
            if column.name.lower() in keys and not column.table:
                column.set("table", exp.to_identifier(left))
        equal = [
            exp.EQ(
                this=exp.column(one.copy(), left),
                expression=exp.column(one.copy(), join.alias_or_name),
            )
            for one in join.args["using"]
        ]
        join.set("using", None)
        join.set("on", exp.and_(*equal))
        self.changed = True

    def _aliases(self, select: exp.Select) -> None:
        """A column's alias in another column: its expression stands there instead."""
        from sqlglot import exp

        known: dict[str, exp.Expr] = {}
        there: set[str] | None = None
        for one in select.expressions:
            for column in list(_own(one, exp.Column)):
                instead = known.get(column.name.lower())
                if instead is None or column.table:
                    continue
                if there is None:
                    there = {it.name.lower() for it in self._source(select, None)}
                if column.name.lower() not in there:
                    self._put(column, exp.paren(instead.copy()))
            if isinstance(one, exp.Alias):
                known[one.alias.lower()] = one.this

    def _group_by_all(self, select: exp.Select) -> None:
        from sqlglot import exp

        if _groups_by_all(select):
            groups = [
                one
                for one in (it.unalias() for it in select.expressions)
                if not (_aggregates(one) or one.find(exp.Window))
                and not isinstance(one, exp.Literal)
            ]
            unique = {one.sql(): one.copy() for one in groups}
            group = exp.Group(expressions=list(unique.values()))
            select.set("group", group if unique else None)
            self.changed = True
        order = select.args.get("order")
        if order and len(order.expressions) == 1:
            first = order.expressions[0]
            if isinstance(first.this, exp.Var) and first.this.name.upper() == "ALL":
                each: list[exp.Expr] = []
                for number in range(1, len(select.expressions) + 1):
                    each.append(first.copy())
                    each[-1].set("this", exp.Literal.number(number))
                order.set("expressions", each)
                self.changed = True

    def _qualify(self, select: exp.Select) -> None:
        """QUALIFY as a column that an outer query filters by."""
        from sqlglot import exp

        condition = select.args["qualify"].this
        holder = exp.Paren(this=condition.copy())
        known = {one.alias.lower(): one.this for one in select.expressions if one.alias}
        for column in list(holder.find_all(exp.Column)):
            instead = known.get(column.name.lower())
            if instead is not None and not column.table:
                self._put(column, exp.paren(instead.copy()))
        inner = select.copy()
        inner.set("qualify", None)
        outer = exp.Select(distinct=inner.args.get("distinct"))
        names = []
        for number, one in enumerate(inner.expressions):
            name = one.alias_or_name
            if not name:
                name = one.sql("spark").lower()
                inner.expressions[number] = exp.alias_(one, name, quoted=True)
            names.append(exp.column(name, quoted=True))
        outer.set("expressions", names)
        hidden = [exp.alias_(holder, "mdf_qualifies")]
        if order := inner.args.get("order"):
            for number, one in enumerate(order.expressions):
                name = f"mdf_order_{number}"
                if one.this.name.lower() not in known:
                    hidden.append(exp.alias_(one.this.copy(), name))
                    one.set("this", exp.column(name))
        inner.set("expressions", [*inner.expressions, *hidden])
        for key in ("order", "limit", "offset", "with_"):
            outer.set(key, inner.args.get(key))
        for key in ("order", "limit", "offset", "with_", "distinct"):
            inner.set(key, None)
        outer = outer.from_(inner.subquery("mdf_qualified")).where("mdf_qualifies")
        self._put(select, outer)

    def _put(self, node: exp.Expr, instead: exp.Expr) -> None:
        node.replace(instead)
        self.changed = True

    def _source(self, select: exp.Select, table: exp.Expr | None) -> list[exp.Column]:
        """The columns of what a SELECT reads, or of one of its tables."""
        from sqlglot import exp

        probe = exp.Select()
        copied = select.copy()
        for key in ("from_", "joins", "laterals"):
            probe.set(key, copied.args.get(key))
        star = exp.Column(this=exp.Star(), table=table.copy()) if table else exp.Star()
        probe.set("expressions", [star])
        names = self._ask(probe, select)
        qualified = table.name if table else None
        return [exp.column(name, qualified, quoted=True) for name in names]

    def _ask(self, probe: exp.Select, within: exp.Expr) -> Sequence[str]:
        """The columns of a query that stands where another one does."""
        from sqlglot import exp

        visible_ctes = list(_ctes_before(within))
        if visible_ctes:
            probe.set(
                "with_", exp.With(expressions=[one.copy() for one in visible_ctes])
            )
        return self._columns(probe.sql(dialect="databricks", comments=False))


def _groups_by_all(select: exp.Select) -> bool:
    group = select.args.get("group")
    return bool(group and group.args.get("all"))


def _own(tree: exp.Expr, *kinds: type[exp.Expr]) -> Iterator[Any]:
    """The nodes of a SELECT, or of a part of it, without those of queries inside."""
    from sqlglot import exp

    select = tree if isinstance(tree, exp.Select) else tree.parent_select
    for node in tree.find_all(*kinds):
        if node.parent_select is select:
            yield node


def _is_aggregate(node: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.AggFunc) or (
        isinstance(node, exp.Anonymous) and bool(_AGGREGATES.fullmatch(node.name))
    )


def _aggregates(tree: exp.Expr) -> list[exp.Expr]:
    """The aggregates of an expression; one with OVER is none."""
    from sqlglot import exp

    found = [node for node in tree.walk() if _is_aggregate(node)]
    return [node for node in found if not isinstance(node.parent, exp.Window)]


def _only(aggregate: exp.Expr, condition: exp.Expr) -> exp.Expr:
    """An aggregate over the rows with a condition; NULL where there is none."""
    from sqlglot import exp

    holder = exp.Paren(this=aggregate.unalias().copy())
    for node in _aggregates(holder):
        where = exp.Where(this=condition.copy())
        node.replace(exp.Filter(this=node.copy(), expression=where))
    there = exp.GT(
        this=exp.func("count_if", condition.copy()), expression=exp.Literal.number(0)
    )
    return exp.Case().when(there, holder.this)


def _label(value: exp.Expr) -> str:
    """What PIVOT calls the column of a value."""
    if value.expressions:
        return "_".join(map(_label, value.expressions))
    return value.name if value.is_string else value.sql("spark")


def _ctes_before(node: exp.Expr) -> Iterable[exp.CTE]:
    """The common table expressions that a query can name, in their order."""
    from sqlglot import exp

    found: list[exp.CTE] = []
    below: exp.Expr = node
    above: exp.Expr | None = node
    while above is not None:
        written = above.args.get("with_")
        if isinstance(written, exp.With) and below is not written:
            found = [*written.expressions, *found]
        elif isinstance(above, exp.With):
            own = [one for one in above.expressions if one is not below]
            at = (
                above.expressions.index(below)
                if len(own) < len(above.expressions)
                else 0
            )
            found = [*above.expressions[:at], *found]
        below, above = above, above.parent
    return found
