"""The rows of tables as DataFrames, made from their definitions on an engine.

An upstream table that exists is read; one that isn't there yet is computed from its
definition, and so on up to the sources.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from mdf_magics.definitions.names import quoted
from mdf_magics.definitions.substitution import ROOT
from mdf_magics.engines.protocol import Engine
from mdf_magics.errors import EngineError, Problem, did_you_mean
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.graph import reads
from mdf_magics.planning.steps import Planned
from mdf_magics.running.describing import describing
from mdf_magics.running.locating import Located, in_body
from mdf_magics.running.modules import Modules
from mdf_magics.transformations.parameters import READ_TYPES, in_sql
from mdf_magics.transformations.python import compiled, parse_function
from mdf_magics.transformations.template import Value, parse

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass
class Frames:
    """What a target's tables would hold, each computed once."""

    planned: Planned
    engine: Engine
    root: str
    """What `${project.root}` is here."""
    fresh: bool = False
    """Compute upstream tables even where they exist."""
    upstream: dict[str, str] = field(default_factory=dict)
    """What each table that was needed was: `read`, `read from <target>`, `computed`."""
    assume: bool = False
    """Take tables to be there without asking: `mistaken` tells after a failure."""
    given: Mapping[str, DataFrame] = field(default_factory=dict)
    """Rows that stand for a table, by the name it is read by, or for a `files`
    parameter, by its name."""
    _rows: dict[str, DataFrame] = field(default_factory=dict)
    _assumed: set[str] = field(default_factory=set)
    """Homes of tables that were taken to be there."""
    _elsewhere: dict[str, str] = field(default_factory=dict)
    """The homes of tables that another target has built."""
    _session: object = None
    """The session that they were made in; another one can't use them."""

    def __post_init__(self) -> None:
        """Prepare to import the project's modules; forget them when this is gone."""
        self._modules = Modules(None, self.planned.modules)
        weakref.finalize(self, self._modules.forget)

    def rows(self, table: Table) -> DataFrame:
        """All rows that the table's body makes."""
        if table.body.kind == "notebook":
            message = f"{table.name} is written by a notebook, which has no preview"
            hint = "Run it:  %mdf_deploy , then  %mdf_run ."
            raise EngineError(Problem("no-preview", message, hint, table.place))
        if self._session is not (session := self.engine.session):
            self._session = session
            self._rows.clear()
        if table.name not in self._rows:
            make = self._python if table.body.kind == "python" else self._sql
            self._rows[table.name] = make(table)
        return self._rows[table.name]

    def _sql(self, table: Table) -> DataFrame:
        slots: dict[str, Any] = {}
        numbers = itertools.count()

        def slot(frame: DataFrame) -> str:
            name = f"mdf_{next(numbers)}"
            slots[name] = frame
            return f"\x01{name}\x02"

        def resolve(name: str) -> str:
            if self._is_read(name):
                return quoted(self._resolve(name))
            return slot(self.held(name))

        values: dict[str, Value] = {}
        for name, parameter in table.parameters.items():
            value = table.arguments[name]
            if parameter.type == "files":
                values[name] = Value(name, slot(self._files(table, name)))
            elif parameter.type in READ_TYPES:
                with Located(table, table.argument_place(name)):
                    values[name] = Value(name, resolve(value))
            else:
                values[name] = in_sql(parameter.type, value, str)
        replacements = {}
        for one in self.planned.graph.written[table.name]:
            place = table.body.place_at(one.start, one.end - one.start)
            with Located(table, place):
                replacements[one.start, one.end] = resolve(one.name)
        rendered = parse(table.body.text).render(values, replacements)
        text = rendered.text
        if slots:  # spark.sql formats the text: the query's own braces are doubled
            text = text.replace("{", "{{").replace("}", "}}")
            text = text.replace("\x01", "{").replace("\x02", "}")
        try:
            return self.engine.session.sql(text, **slots)
        except Exception as error:
            raise in_body(self.engine.explain(error, text), table, rendered) from error

    def _python(self, table: Table) -> DataFrame:
        from pyspark.sql import DataFrame as AnyDataFrame

        arguments: dict[str, Any] = {}
        for name, value in table.arguments.items():
            kind = table.parameters[name].type
            if kind == "files":
                arguments[name] = self._files(table, name)
            elif kind in READ_TYPES:
                with Located(table, table.argument_place(name)):
                    arguments[name] = self._table(value)
            else:
                arguments[name] = value
        if parse_function(table.body.text).wants_spark:
            arguments["spark"] = self.engine.session
        function = compiled(table.body, self._modules.builtins())
        part = self.planned.parts.parts[self.planned.parts.placement[table.name]]
        in_pipeline = part.runs_on == "pipeline"
        with describing(self.engine.session) if in_pipeline else nullcontext():
            frame = function(**arguments)
        if not isinstance(frame, AnyDataFrame):
            what = "nothing" if frame is None else type(frame).__name__
            message = f"the function returns {what}, not a DataFrame"
            hint = "End it in  return  and a DataFrame."
            place = table.body.place(1)
            raise EngineError(Problem("no-dataframe", message, hint, place))
        return frame

    def inputs(self, table: Table) -> Mapping[str, Callable[[], DataFrame]]:
        """What a table reads: names of tables, and of its `files` parameters."""
        found = {name: partial(self._table, name) for name, _ in reads(table)}
        files = [name for name, one in table.parameters.items() if one.type == "files"]
        return found | {name: partial(self._files, table, name) for name in files}

    def _table(self, name: str) -> DataFrame:
        if self._is_read(name):
            return self.engine.session.table(quoted(self._resolve(name)))
        return self.held(name)

    def _is_read(self, name: str) -> bool:
        """Whether a table is read by its name; else it is given or computed."""
        if name in self.given:
            return False
        home = self._resolve(name)
        ours = self.planned.expansion.homes.made_by(name) is not None
        there = self._is_there(home)
        if not ours and not there:
            raise EngineError(self._missing(name, home))
        if ours and self.fresh:
            there = False
        elif ours and not there:
            there = self._is_elsewhere(name)
        other = self.planned.target.reads_from if name in self._elsewhere else None
        read = f"read from {other}" if other else "read"
        self.upstream[name] = read if there else "computed"
        return there

    def _is_there(self, home: str) -> bool:
        if self.assume:
            self._assumed.add(home)
            return True
        return self.engine.exists(home)

    def mistaken(self) -> bool:
        """Whether a table isn't there that was taken to be; from now on, ask."""
        assumed, self.assume = self._assumed, False
        self._rows.clear()
        self.upstream.clear()
        return not all(map(self.engine.exists, assumed))

    def _is_elsewhere(self, name: str) -> bool:
        """Whether the target that this one `reads_from` has built the table."""
        homes = self.planned.elsewhere
        if homes and self.engine.exists(home := homes.resolve(name)):
            self._elsewhere[name] = home
        return name in self._elsewhere

    def maker(self, name: str) -> Table:
        """The table whose definition makes a table: itself, or whose rejects it is."""
        return self.planned.tables[self.planned.expansion.homes.made_by(name) or name]

    def held(self, name: str) -> DataFrame:
        """All rows that a table would hold, built on nothing."""
        if name in self.given:
            return self.given[name]
        table = self.maker(name)
        with self.located(table):
            rows = self.rows(table)
            made = _kept if table.name == name else _rejected
            try:
                return made(rows, table)
            except Exception as error:
                raise self.engine.explain(error) from error

    def _files(self, table: Table, name: str) -> DataFrame:
        if name in self.given:
            return self.given[name]
        from mdf_magics.runtime import mdf_runtime

        files = table.arguments[name]
        filled = {**files, "path": files["path"].replace(ROOT, self.root)}
        before = mdf_runtime.WAREHOUSE
        # The runtime asks for it where engines differ, here about missing files.
        mdf_runtime.WAREHOUSE = str(self.engine.warehouse or "") or None
        try:
            return mdf_runtime.read(self.engine.session, filled)
        except mdf_runtime.TableError as error:
            place = table.argument_place(name)
            problem = Problem("missing-file", str(error).rstrip("."), "", place)
            raise EngineError(problem) from error
        finally:
            mdf_runtime.WAREHOUSE = before

    def located(self, table: Table) -> Located:
        """What gives errors a place in a table's definition."""
        return Located(table, columns=lambda: self._columns(table))

    def _columns(self, table: Table) -> Iterator[str]:
        """The columns of what a table reads, as far as they can be told."""
        for read in self.inputs(table).values():
            with suppress(Exception):  # it may be what is wrong
                yield from read().columns

    def _resolve(self, name: str) -> str:
        return self._elsewhere.get(name) or self.planned.expansion.homes.resolve(name)

    def _missing(self, name: str, home: str) -> Problem:
        message = f"there is no table {name}"
        hint = did_you_mean(name, self.planned.tables)
        hint = f"{home} is not there, and no definition makes it. {hint}".rstrip()
        return Problem("unknown-table", message, hint)


def unrejected(rows: DataFrame, table: Table) -> DataFrame:
    """A query's rows without those that a rule sends elsewhere."""
    for rule in table.settings.expectations:
        if rule.on_failure in ("drop", "quarantine"):
            rows = rows.where(f"coalesce(({rule.check}), false)")
    return rows


def changes_of(rows: DataFrame, table: Table) -> tuple[DataFrame, dict[str, Any]]:
    """Rows as the changes that they are for merge and scd2.

    A run stops at a row that lacks its key; here they are left out, and told elsewhere.

    Returns:
        The rows with `mdf_delete`, and what the runtime wants to know of the table.
    """
    from mdf_magics.runtime import mdf_runtime

    said = table.settings.model_dump(include=_CHANGES, exclude_none=True)
    needed = [*said["keys"], *filter(None, [said.get("sequence_by")])]
    there = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in needed)
    return mdf_runtime.events(rows.where(there), said), said


def _kept(rows: DataFrame, table: Table) -> DataFrame:
    """What the table holds of its query's rows, built on nothing.

    Rows that a rule sends elsewhere are left out; merge keeps the last change of each
    key, scd2 makes their history.
    """
    settings = table.settings
    rows = unrejected(rows, table)
    if settings.write not in ("merge", "scd2") or not settings.sequence_by:
        return rows
    from mdf_magics.runtime import mdf_runtime

    events, said = changes_of(rows, table)
    if settings.write == "scd2":
        return mdf_runtime.history(events, said)
    last = mdf_runtime.last_of(events, settings.keys, settings.sequence_by)
    return last.where("NOT mdf_delete").drop("mdf_delete")


def _rejected(rows: DataFrame, table: Table) -> DataFrame:
    """What the table's quarantine holds, built on nothing."""
    from mdf_magics.runtime import mdf_runtime

    rules = [rule.model_dump() for rule in table.settings.expectations]
    return mdf_runtime.failing(rows, rules)


_CHANGES = {"keys", "sequence_by", "apply_as_deletes"}
