"""What the next run would change in a table that is there already. Nothing is written.

It is the arithmetic of the runtime's merge, with a join in place of the MERGE.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mdf_magics.definitions.names import quoted
from mdf_magics.definitions.substitution import ROOT
from mdf_magics.engines.protocol import Column, Engine, Rows
from mdf_magics.errors import Problem
from mdf_magics.plain_text import count
from mdf_magics.planning.expansion import Table
from mdf_magics.running.frames import changes_of, unrejected

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

EXAMPLES = 3
"""Rows shown for each kind of change."""

KINDS = ("inserted", "updated", "closed", "deleted")
"""What happens to rows, in the order it is told; `closed` is a version that ends."""


@dataclass(frozen=True)
class Change:
    """Rows of one kind that the next run would change."""

    kind: str
    rows: int
    examples: Rows


@dataclass(frozen=True)
class NextRun:
    """What a table's next run would change."""

    changes: tuple[Change, ...] = ()
    counted: bool = False
    """Whether changes of rows were looked for."""
    sampled: str = ""
    """What was compared, where that wasn't all."""
    files: str = ""
    """Which files it takes, where it reads new ones."""
    columns: tuple[str, ...] = ()
    """How the query's columns differ from the table's, a sentence each."""


@dataclass(frozen=True)
class Rehearsing:
    """Compares what a table's query gives with what the table holds."""

    engine: Engine
    table: Table
    root: str
    """What `${project.root}` is here."""
    limit: int | None
    """Rows of the query that are looked at; None: all."""

    def key_problems(self, rows: DataFrame) -> list[Problem]:
        """Warnings for rows that lack a key, and for those that can't be told apart."""
        settings = self.table.settings
        if settings.write not in ("merge", "scd2"):
            return []
        rows = self._sample(unrejected(rows, self.table))
        names = [*settings.keys, *filter(None, [settings.sequence_by])]
        told = ", ".join(names)
        problems = []
        some_null = " OR ".join(f"{_ticked(name)} IS NULL" for name in names)
        lacking = self._first(rows.where(some_null).selectExpr(*map(_ticked, names)))
        if lacking.rows:
            message = f"rows of {self.table.name} have NULL in {told}"
            hint = f"A run would stop here. {_shown(lacking)}"
            problems.append(self._warning("null-key", message, hint))
        grouped = rows.where(f"NOT ({some_null})").groupBy(*map(_ticked, names))
        twice = self._first(grouped.count().where("count > 1"))
        if twice.rows:
            message = f"{told} is there more than once in {self.table.name}"
            fate = "either row counts" if settings.sequence_by else "a run would stop"
            hint = f"Of two such rows {fate}. {_shown(twice)}"
            if not settings.sequence_by:
                hint = f"A run would stop here. {_shown(twice)}"
            problems.append(self._warning("key-twice", message, hint))
        return problems

    def next_run(self, rows: DataFrame, columns: Iterable[Column]) -> NextRun | None:
        """What the next run would change; None where there is no table yet.

        Args:
            rows: What the query gives, rejected rows included.
            columns: The columns that the table would have.
        """
        settings, home = self.table.settings, self.table.home
        there = None if settings.write == "view" else self.engine.columns(home)
        if there is None:
            return None
        drift = tuple(_drift(columns, there))
        if settings.write == "overwrite":
            return NextRun(columns=drift)
        if settings.write == "append" and (files := self._files()):
            return NextRun(files=files, columns=drift)
        good = unrejected(rows, self.table)
        compared, sampled = self._compared(good)
        classified = self._classified(compared, {one.name for one in there})
        changes = self._counted(classified, columns)
        return NextRun(changes, counted=True, sampled=sampled, columns=drift)

    def _compared(self, rows: DataFrame) -> tuple[DataFrame, str]:
        """The rows to compare, and what they are when that isn't all.

        A sample has all rows of its keys: what happens to a key depends on all of them.
        """
        if self.limit is None or not self._goes_on(rows, self.limit):
            return rows, ""
        sample, told = self._sample(rows), f"the first {self.limit:,} rows of the query"
        if not self.table.settings.keys:
            return sample, told
        keys = [*self.table.settings.keys]
        some = sample.select(*map(_ticked, keys)).distinct()
        return rows.join(some, on=keys, how="left_semi"), f"the keys of {told}"

    def _files(self) -> str:
        """Which files an append takes; empty where it takes none."""
        from mdf_magics.runtime import mdf_runtime

        paths = [
            self.table.arguments[name]["path"].replace(ROOT, self.root)
            for name, parameter in self.table.parameters.items()
            if parameter.type == "files"
        ]
        if not paths:
            return ""
        if self.engine.warehouse is None:
            return "takes the files that it hasn't taken yet"
        folder = self.engine.warehouse.joinpath(*self.table.home.split(".")[1:])
        there = {file for path in paths for file in mdf_runtime.files_at(path)}
        new = there - {*mdf_runtime.Manifest(folder).taken}
        return f"takes {count(len(new), 'new file')}"

    def _classified(self, rows: DataFrame, there: set[str]) -> DataFrame:
        """Rows of the next run, with `mdf_change` saying what happens to each."""
        from mdf_magics.runtime import mdf_runtime

        settings = self.table.settings
        if settings.write == "append":
            return self._appended(rows)
        new, said = changes_of(rows, self.table)
        keys, newer = list(settings.keys), "true"
        if settings.write == "scd2":
            new = mdf_runtime.history(new, said).selectExpr("*", "false AS mdf_delete")
            keys.append("__START_AT")
        elif sequence := settings.sequence_by:
            new = mdf_runtime.last_of(new, settings.keys, sequence)
            newer = f"new.{_ticked(sequence)} >= old.{_ticked(sequence)}"
        columns = [one for one in new.columns if one != "mdf_delete"]
        return self.engine.session.sql(
            _comparison(columns, keys, there, newer, scd2=settings.write == "scd2"),
            new=new,
            old=self.engine.session.table(quoted(self.table.home)),
        )

    def _appended(self, rows: DataFrame) -> DataFrame:
        """The rows above the table's maximum of its watermark; without one all."""
        column = _ticked(self.table.settings.watermark or "")
        if not self.table.settings.watermark:
            return rows.selectExpr("'inserted' AS mdf_change", "*")
        home = quoted(self.table.home)
        last = f"(SELECT max({column}) FROM {home})"
        return self.engine.session.sql(
            "SELECT 'inserted' AS mdf_change, * FROM {rows} "
            f"WHERE coalesce({column} > {last}, {last} IS NULL)",
            rows=rows,
        )

    def _counted(
        self, classified: DataFrame, columns: Iterable[Column]
    ) -> tuple[Change, ...]:
        kinds = {one.name: one for one in columns}
        counting = classified.where("mdf_change IS NOT NULL").groupBy("mdf_change")
        counted = self.engine.preview(lambda _: counting.count(), len(KINDS))
        numbers = dict(counted.rows)
        return tuple(
            Change(
                kind,
                numbers[kind],
                _kept(self._first(_of_kind(classified, kind)), kinds),
            )
            for kind in KINDS
            if numbers.get(kind)
        )

    def _sample(self, rows: DataFrame) -> DataFrame:
        return rows if self.limit is None else rows.limit(self.limit)

    def _goes_on(self, rows: DataFrame, limit: int) -> bool:
        """Whether there are more rows than that."""
        counting = rows.limit(limit + 1).selectExpr("count(*)")
        number: int = self.engine.preview(lambda _: counting, 1).rows[0][0]
        return number > limit

    def _first(self, rows: DataFrame) -> Rows:
        return self.engine.preview(lambda _: rows, EXAMPLES)

    def _warning(self, code: str, message: str, hint: str) -> Problem:
        place = self.table.entry.place(("keys",))
        return Problem(code, message, hint, place, "warning")


def _comparison(
    columns: list[str], keys: list[str], there: set[str], newer: str, *, scd2: bool
) -> str:
    """The query that says of each new row what it does; updates show old and new."""
    known = {name.lower() for name in there}
    same = " AND ".join(f"old.{_ticked(key)} = new.{_ticked(key)}" for key in keys)
    # A table without the column gets it: what it holds now is NULL.
    old = {
        name: f"old.{_ticked(name)}" if name.lower() in known else "NULL"
        for name in columns
    }
    equal = " AND ".join(f"{old[name]} <=> new.{_ticked(name)}" for name in columns)
    is_there = f"old.{_ticked(keys[0])} IS NOT NULL"
    closes = "old.__END_AT IS NULL AND new.__END_AT IS NOT NULL" if scd2 else "false"
    shown = [
        f"CASE WHEN {is_there} AND NOT ({old[name]} <=> new.{_ticked(name)}) "
        f"THEN concat(coalesce(cast({old[name]} AS STRING), 'NULL'), ' \u2192 ', "
        f"coalesce(cast(new.{_ticked(name)} AS STRING), 'NULL')) "
        f"ELSE cast(new.{_ticked(name)} AS STRING) END AS {_ticked(name)}"
        for name in columns
    ]
    return (
        f"SELECT CASE WHEN NOT ({is_there}) AND NOT new.mdf_delete THEN 'inserted' "
        f"WHEN NOT ({is_there}) THEN NULL "
        f"WHEN new.mdf_delete AND {newer} THEN 'deleted' "
        f"WHEN ({equal}) OR NOT ({newer}) THEN NULL "
        f"WHEN {closes} THEN 'closed' ELSE 'updated' END AS mdf_change, "
        f"{', '.join(shown)} FROM {{new}} AS new LEFT JOIN {{old}} AS old ON {same}"
    )


def _of_kind(classified: DataFrame, kind: str) -> DataFrame:
    return classified.where(f"mdf_change = '{kind}'").drop("mdf_change")


def _kept(compared: Rows, columns: Mapping[str, Column]) -> Rows:
    """Compared rows are texts, `old \u2192 new`; their columns keep their types."""
    kept = (columns.get(one.name, one) for one in compared.columns)
    return replace(compared, columns=tuple(kept))


def _drift(query: Iterable[Column], table: Iterable[Column]) -> Iterable[str]:
    """How a query's columns differ from those of its table."""
    ours = {one.name.lower(): one for one in query}
    theirs = {one.name.lower(): one for one in table}
    for name in ours.keys() - theirs.keys():
        yield f"{ours[name].name} {ours[name].type} is new"
    for name in theirs.keys() - ours.keys():
        yield f"{theirs[name].name} is in the table, but not in the query"
    for name in ours.keys() & theirs.keys():
        if ours[name].type != theirs[name].type:
            yield f"{name} is {theirs[name].type} in the table, {ours[name].type} here"


def _shown(rows: Rows) -> str:
    """Examples in a sentence."""
    lines = [
        ", ".join(
            f"{column.name}={'NULL' if value is None else value}"
            for column, value in zip(rows.columns, row, strict=True)
        )
        for row in rows.rows
    ]
    more = " and more" if rows.more else ""
    return f"{count(len(lines), 'example')}{more}: {'; '.join(lines)}"


def _ticked(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
