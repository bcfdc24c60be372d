"""What a table would hold if it were built now on nothing. Nothing is written.

An upstream table that exists is read; one that isn't there yet is computed from its
definition, and so on up to the sources.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mdf_magics.definitions.names import quoted
from mdf_magics.definitions.substitution import ROOT
from mdf_magics.engines.protocol import Column, Engine, Rows
from mdf_magics.errors import EngineError, Place, Problem, did_you_mean
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.steps import Planned
from mdf_magics.transformations.arguments import problem_of
from mdf_magics.transformations.parameters import READ_TYPES, in_sql
from mdf_magics.transformations.python import compiled, parse_function
from mdf_magics.transformations.template import Rendered, TemplateFault, Value, parse

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROWS = 20
"""Rows of a preview, unless it is said otherwise."""

SAMPLE = 10_000
"""Rows over which expectations are counted, unless all are asked for."""

EXAMPLES = 3
"""Failing rows shown for each expectation."""


@dataclass(frozen=True)
class ExpectationResult:
    """How a preview's rows fare with one expectation."""

    name: str
    check: str
    on_failure: str
    passed: int
    failed: int
    examples: Rows | None = None
    """The first rows that fail."""


@dataclass(frozen=True)
class Preview:
    """The first rows of what a table would hold."""

    table: str
    rows: Rows
    expectations: tuple[ExpectationResult, ...]
    upstream: dict[str, str]
    """What each table it reads was: `read` or `computed`."""
    seconds: float
    checked_rows: int | None = None
    """Rows over which expectations were counted; None: all, or no expectations."""


@dataclass
class Previewer:
    """Computes tables of a target from their definitions, on an engine."""

    planned: Planned
    engine: Engine
    root: str
    """What `${project.root}` is here."""
    fresh: bool = False
    """Compute upstream tables even where they exist."""
    upstream: dict[str, str] = field(default_factory=dict)
    _frames: dict[str, DataFrame] = field(default_factory=dict)

    def preview(self, name: str, rows: int, *, all_rows: bool = False) -> Preview:
        """The table's first rows, and how they fare with its expectations.

        Args:
            name: The table.
            rows: How many to fetch.
            all_rows: Count expectations over everything, not a sample.

        Raises:
            EngineError: It can't be computed; its place is in the definition.
        """
        began = time.monotonic()
        table = self.planned.tables[name]
        with self._located(table):
            frame = self._frame(table)
            _check_columns(self.engine.schema(lambda _: frame), table)
            self._check_rules(frame, table)
            rules = table.settings.expectations
            held = _held(frame, table)
            first = self.engine.preview(lambda _: held, rows)
            results = self._expectations(frame, table, all_rows=all_rows)
        return Preview(
            table=name,
            rows=first,
            expectations=results,
            upstream=dict(sorted(self.upstream.items())),
            seconds=time.monotonic() - began,
            checked_rows=SAMPLE if rules and not all_rows else None,
        )

    def schema(self, name: str) -> tuple[Column, ...]:
        """The columns that a table would have."""
        table = self.planned.tables[name]
        with self._located(table):
            columns = self.engine.schema(lambda _: _held(self._frame(table), table))
            _check_columns(columns, table)
            return columns

    def _check_rules(self, frame: DataFrame, table: Table) -> None:
        """Let each expectation be resolved alone, so that an error points at it."""
        for index, rule in enumerate(table.settings.expectations):
            path = ("expectations", index, "check")
            with _Located(table, table.entry.place(path)):
                checked = frame.selectExpr(rule.check)
                self.engine.schema(partial(_the, checked))

    def _expectations(
        self, frame: DataFrame, table: Table, *, all_rows: bool
    ) -> tuple[ExpectationResult, ...]:
        rules = table.settings.expectations
        if not rules:
            return ()
        sample = frame if all_rows else frame.limit(SAMPLE)
        counts = [
            f"count_if(coalesce(({rule.check}), false)) AS `{index}`"
            for index, rule in enumerate(rules)
        ]
        counting = sample.selectExpr("count(*) AS `all`", *counts)
        counted = self.engine.preview(lambda _: counting, 1).rows[0]
        results = []
        for index, rule in enumerate(rules):
            failed = counted[0] - counted[index + 1]
            examples = self._failing(sample, rule.check) if failed else None
            results.append(
                ExpectationResult(
                    rule.name,
                    rule.check,
                    rule.on_failure,
                    counted[index + 1],
                    failed,
                    examples,
                )
            )
        return tuple(results)

    def _failing(self, sample: DataFrame, check: str) -> Rows:
        failing = sample.where(f"NOT coalesce(({check}), false)")
        return self.engine.preview(lambda _: failing, EXAMPLES)

    def _frame(self, table: Table) -> DataFrame:
        """All rows that the table's body makes."""
        if table.name not in self._frames:
            make = self._python if table.body.kind == "python" else self._sql
            if table.body.kind == "notebook":
                message = f"{table.name} is written by a notebook, which has no preview"
                hint = "Run it:  %mdf_deploy , then  %mdf_run ."
                raise EngineError(Problem("no-preview", message, hint, table.place))
            self._frames[table.name] = make(table)
        return self._frames[table.name]

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
            return slot(self._computed(name))

        values: dict[str, Value] = {}
        for name, parameter in table.parameters.items():
            value = table.arguments[name]
            if parameter.type == "files":
                values[name] = Value(name, slot(self._files(table, name)))
            elif parameter.type in READ_TYPES:
                with _Located(table, table.argument_place(name)):
                    values[name] = Value(name, resolve(value))
            else:
                values[name] = in_sql(parameter.type, value, str)
        replacements = {}
        for one in self.planned.graph.written[table.name]:
            place = table.body.place_at(one.start, one.end - one.start)
            with _Located(table, place):
                replacements[one.start, one.end] = resolve(one.name)
        rendered = parse(table.body.text).render(values, replacements)
        text = rendered.text
        if slots:  # spark.sql formats the text: the query's own braces are doubled
            text = text.replace("{", "{{").replace("}", "}}")
            text = text.replace("\x01", "{").replace("\x02", "}")
        try:
            return self.engine.session.sql(text, **slots)
        except Exception as error:
            raise _in_body(self.engine.explain(error, text), table, rendered) from error

    def _python(self, table: Table) -> DataFrame:
        from pyspark.sql import DataFrame as AnyDataFrame

        arguments: dict[str, Any] = {}
        for name, value in table.arguments.items():
            kind = table.parameters[name].type
            if kind == "files":
                arguments[name] = self._files(table, name)
            elif kind in READ_TYPES:
                with _Located(table, table.argument_place(name)):
                    arguments[name] = self._table(value)
            else:
                arguments[name] = value
        if parse_function(table.body.text).wants_spark:
            arguments["spark"] = self.engine.session
        frame = compiled(table.body)(**arguments)
        if not isinstance(frame, AnyDataFrame):
            message = f"the function returns {type(frame).__name__}, not a DataFrame"
            place = table.body.place(1)
            raise EngineError(Problem("no-dataframe", message, "Return one.", place))
        return frame

    def _table(self, name: str) -> DataFrame:
        if self._is_read(name):
            return self.engine.session.table(quoted(self._resolve(name)))
        return self._computed(name)

    def _is_read(self, name: str) -> bool:
        """Whether a table is read by its name; else it is computed."""
        home = self._resolve(name)
        ours = self.planned.expansion.homes.made_by(name) is not None
        there = self.engine.exists(home)
        if not ours and not there:
            raise EngineError(self._missing(name, home))
        read = there and not (ours and self.fresh)
        self.upstream[name] = "read" if read else "computed"
        return read

    def _computed(self, name: str) -> DataFrame:
        maker = self.planned.expansion.homes.made_by(name) or name
        table = self.planned.tables[maker]
        with self._located(table):
            rows = self._frame(table)
            return _held(rows, table) if maker == name else _rejected(rows, table)

    def _files(self, table: Table, name: str) -> DataFrame:
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

    def _located(self, table: Table) -> _Located:
        return _Located(table, columns=lambda: self._columns(table))

    def _columns(self, table: Table) -> Iterator[str]:
        """The columns of what a table reads, as far as they can be told."""
        graph = self.planned.graph
        reads = [
            partial(self._table, name)
            for name in (*graph.upstream[table.name], *graph.sources[table.name])
        ]
        reads += [
            partial(self._files, table, name)
            for name, one in table.parameters.items()
            if one.type == "files"
        ]
        for read in reads:
            with suppress(Exception):  # it may be what is wrong
                yield from read().columns

    def _resolve(self, name: str) -> str:
        return self.planned.expansion.homes.resolve(name)

    def _missing(self, name: str, home: str) -> Problem:
        message = f"there is no table {name}"
        hint = did_you_mean(name, self.planned.tables)
        hint = f"{home} is not there, and no definition makes it. {hint}".rstrip()
        return Problem("unknown-table", message, hint)


def _check_columns(columns: tuple[Column, ...], table: Table) -> None:
    """Columns that no table can have: none at all, or one name twice."""
    place = table.body.place(1)
    if not columns:
        message = f"the query of {table.name} has no columns"
        hint = "Is a file that it reads empty? A file's first line names its columns."
        raise EngineError(Problem("no-columns", message, hint, place))
    names = [column.name.lower() for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"the query of {table.name} has two columns {', '.join(twice)}"
        hint = "Give one of them another name:  ... AS other ."
        raise EngineError(Problem("duplicate-column", message, hint, place))


def _held(rows: DataFrame, table: Table) -> DataFrame:
    """What the table holds of its query's rows, built on nothing.

    Rows that a rule sends elsewhere are left out; merge keeps the last change of each
    key, scd2 makes their history.
    """
    settings = table.settings
    for rule in settings.expectations:
        if rule.on_failure in ("drop", "quarantine"):
            rows = rows.where(f"coalesce(({rule.check}), false)")
    if settings.write not in ("merge", "scd2") or not settings.sequence_by:
        return rows
    from mdf_magics.runtime import mdf_runtime

    said = settings.model_dump(include=_CHANGES, exclude_none=True)
    events = mdf_runtime.events(rows, said)
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


def _in_body(error: EngineError, table: Table, rendered: Rendered) -> EngineError:
    """An error of a rendered query with its place in the table's body.

    DataFrames in slots move what stands behind them, by an unknown number of columns;
    their place is found by the names that the message quotes.
    """
    lines = rendered.text.splitlines(keepends=True)
    found = []
    for problem in error.problems:
        place = None
        if problem.place is not None and "\x01" not in rendered.text:
            before = sum(map(len, lines[: problem.place.line - 1]))
            offset = rendered.origin(before + problem.place.column - 1)
            place = table.body.place_at(offset, problem.place.length)
        found.append(replace(problem, place=place))
    return type(error)(*found)


class _Located:
    """Gives the errors of an engine, and of the user's own code, a place."""

    def __init__(
        self,
        table: Table,
        place: Place | None = None,
        columns: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._table = table
        self._place = place
        self._columns = columns

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: object, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, EngineError):
            located = [self._located(problem) for problem in error.problems]
            raise type(error)(*located) from error
        if isinstance(error, TemplateFault):
            raise EngineError(problem_of(self._table.body, error)) from error
        if isinstance(error, Exception) and self._table.body.kind == "python":
            raise EngineError(self._user_problem(error)) from error

    def _located(self, problem: Problem) -> Problem:
        if problem.place is not None and problem.place.source.name:
            return problem
        if problem.place is not None and problem.place.source is self._cell:
            return problem
        place = self._place or self._named_place(problem) or self._table.body.place(1)
        return replace(problem, hint=self._hint(problem), place=place)

    def _hint(self, problem: Problem) -> str:
        """The problem's hint; for a column that is not there, those that are."""
        quoted_name = re.search(r'"([^"]+)"', problem.message)
        if problem.hint or problem.code != "unknown-column" or not quoted_name:
            return problem.hint
        return did_you_mean(quoted_name[1].rpartition(".")[2], {*self._columns()})

    @property
    def _cell(self) -> object:
        return self._table.body.source

    def _named_place(self, problem: Problem) -> Place | None:
        """Where a name that the message quotes stands in the body."""
        for name in re.findall(r'"([^"]+)"', problem.message):
            for word in (name, name.rpartition(".")[2]):
                found = re.search(rf"\b{re.escape(word)}\b", self._table.body.text)
                if found:
                    return self._table.body.place_at(found.start(), len(word))
        return None

    def _user_problem(self, error: Exception) -> Problem:
        """An exception of the user's function, at its line."""
        body, line = self._table.body, 1
        trace = error.__traceback__
        file = body.source.name or "<cell>"
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == file:
                line = trace.tb_lineno - body.first_line + 1
            trace = trace.tb_next
        text = str(error).strip().splitlines()
        message = f"{type(error).__name__}: {text[0] if text else 'no message'}"
        lines = body.text.splitlines()
        code = lines[line - 1] if 0 < line <= len(lines) else ""
        column = len(code) - len(code.lstrip()) + 1
        place = body.place(line, column, max(1, len(code.strip())))
        return Problem("python-error", message, "", place)


def _the(frame: DataFrame, _: SparkSession) -> DataFrame:
    """A frame as a query of the engine's."""
    return frame
