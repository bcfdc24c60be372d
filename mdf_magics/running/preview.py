"""What a table would hold if it were built now on nothing. Nothing is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from mdf_magics.definitions.models import Expectation
from mdf_magics.engines.protocol import Column, Engine, Rows
from mdf_magics.errors import (
    EngineError,
    EngineUnavailable,
    Problem,
    QueryStopped,
    did_you_mean,
)
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.steps import Planned
from mdf_magics.running.frames import Frames
from mdf_magics.running.locating import Located
from mdf_magics.running.rehearsal import NextRun, Rehearsing

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
    """What each table it reads was: `read`, `read from <target>` or `computed`."""
    seconds: float
    checked_rows: int | None = None
    """Rows over which expectations were counted; None: all, or no expectations."""
    problems: tuple[Problem, ...] = ()
    """Warnings about its rows."""
    next_run: NextRun | None = None
    """What the next run would change; None where there is no table yet."""
    streams: bool = False
    """Whether it reads a stream, here as the table that the stream comes from."""


class Previewer:
    """Computes tables of a target from their definitions, on an engine."""

    def __init__(
        self, planned: Planned, engine: Engine, root: str, *, fresh: bool = False
    ) -> None:
        """Prepare to preview; nothing is computed yet.

        Args:
            planned: The target's tables.
            engine: Where they are computed.
            root: What `${project.root}` is here.
            fresh: Compute upstream tables even where they exist.
        """
        self._engine = engine
        # A catalog knows its tables by itself; asking it costs a round trip each.
        assume = engine.warehouse is None
        self._frames = Frames(planned, engine, root, fresh, assume=assume)

    def preview(self, name: str, rows: int, *, all_rows: bool = False) -> Preview:
        """A table's first rows, and how its query's rows fare with expectations.

        Args:
            name: The table, or one of rejected rows.
            rows: How many to fetch.
            all_rows: Count expectations over everything, not a sample.

        Raises:
            EngineError: It can't be computed; its place is in the definition.
        """
        return self._read(lambda: self._preview(name, rows, all_rows=all_rows))

    def _preview(self, name: str, rows: int, *, all_rows: bool) -> Preview:
        began = time.monotonic()
        table = self._frames.maker(name)
        rules = table.settings.expectations if name == table.name else ()
        with self._frames.located(table):
            frame = self._frames.rows(table)
            columns = self._engine.schema(lambda _: frame)
            _check_columns(columns, table)
            _check_roles(columns, table)
            self._check_rules(frame, table)
            shown = self._frames.held(name)
            first = self._engine.preview(lambda _: shown, rows)
            results = self._expectations(frame, rules, all_rows=all_rows)
            seconds = time.monotonic() - began
            rehearsing = Rehearsing(
                self._engine, table, self._frames.root, None if all_rows else SAMPLE
            )
            ours = name == table.name
            problems = rehearsing.key_problems(frame) if ours else []
            next_run = None
            if ours:
                try:
                    next_run = rehearsing.next_run(frame, first.columns)
                except EngineError as error:
                    problems += [_unrehearsed(one) for one in error.problems]
        return Preview(
            table=name,
            rows=first,
            expectations=results,
            upstream=dict(sorted(self._frames.upstream.items())),
            seconds=seconds,
            checked_rows=SAMPLE if rules and not all_rows else None,
            problems=tuple(problems),
            next_run=next_run,
            streams=any(one.type == "stream" for one in table.parameters.values()),
        )

    def schema(self, name: str) -> tuple[Column, ...]:
        """The columns that a table would have."""
        return self._read(lambda: self._schema(name))

    def _read[T](self, work: Callable[[], T]) -> T:
        """What `work` returns; done again if a table that it took to be there isn't."""
        try:
            return self._engine.read(work)
        except (EngineUnavailable, QueryStopped):
            raise
        except EngineError:
            if not self._frames.mistaken():
                raise
            return self._engine.read(work)

    def _schema(self, name: str) -> tuple[Column, ...]:
        table = self._frames.maker(name)
        with self._frames.located(table):
            if any(_roles(table)):
                query = self._frames.rows(table)
                _check_roles(self._engine.schema(lambda _: query), table)
            columns = self._engine.schema(lambda _: self._frames.held(name))
            _check_columns(columns, table)
            return columns

    def _check_rules(self, frame: DataFrame, table: Table) -> None:
        """Let each expectation be resolved alone, so that an error points at it."""
        for index, rule in enumerate(table.settings.expectations):
            path = ("expectations", index, "check")
            with Located(table, table.entry.place(path)):
                checked = frame.selectExpr(rule.check)
                self._engine.schema(partial(_the, checked))

    def _expectations(
        self, frame: DataFrame, rules: Sequence[Expectation], *, all_rows: bool
    ) -> tuple[ExpectationResult, ...]:
        if not rules:
            return ()
        sample = frame if all_rows else frame.limit(SAMPLE)
        counts = [
            f"count_if(coalesce(({rule.check}), false)) AS `{index}`"
            for index, rule in enumerate(rules)
        ]
        counting = sample.selectExpr("count(*) AS `all`", *counts)
        counted = self._engine.preview(lambda _: counting, 1).rows[0]
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
        return self._engine.preview(lambda _: failing, EXAMPLES)


def _unrehearsed(problem: Problem) -> Problem:
    """A warning that the next run can't be told; the rows can."""
    message = f"what the next run would change can't be told: {problem.message}"
    return replace(problem, code="not-rehearsed", message=message, severity="warning")


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


def _roles(table: Table) -> Iterator[tuple[str, str]]:
    """The settings that name columns of a table's query, each with a column."""
    settings = table.settings
    if settings.write in ("append", "merge", "scd2"):
        yield from (("keys", name) for name in settings.keys)
        for role in ("sequence_by", "watermark"):
            if name := getattr(settings, role):
                yield role, name


def _check_roles(columns: tuple[Column, ...], table: Table) -> None:
    """Refuse a table that goes by a column which its query doesn't have."""
    names = [column.name for column in columns]
    known = {name.lower() for name in names}
    missing = [one for one in _roles(table) if one[1].lower() not in known]
    problems = [
        Problem(
            "unknown-column",
            f'the query of {table.name} has no column "{name}", its {role}',
            did_you_mean(name, names),
            table.entry.place((role,)),
        )
        for role, name in missing
    ]
    if problems:
        raise EngineError(*problems)


def _the(frame: DataFrame, _: SparkSession) -> DataFrame:
    """A frame as a query of the engine's."""
    return frame
