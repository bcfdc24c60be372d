"""Freezes what a table makes of some rows, and checks that it still makes the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mdf_magics.definitions.frozen_tests import (
    Expected,
    FreezeCell,
    FrozenRows,
    FrozenTest,
    StoredTest,
)
from mdf_magics.engines.protocol import Engine
from mdf_magics.errors import EngineError, Problem, did_you_mean
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.steps import Planned
from mdf_magics.running.frames import Frames
from mdf_magics.running.frozen_rows import counted, fetched, frame_of

MOST_ROWS = 1000
"""Rows that a test may expect: more can't be reviewed."""


@dataclass(frozen=True)
class FrozenOutcome:
    """What came of one test."""

    name: str
    table: str
    file: str
    missing: FrozenRows | None = None
    """Rows that are expected and aren't there."""
    unexpected: FrozenRows | None = None
    """Rows that are there and not expected."""
    problems: tuple[Problem, ...] = ()
    """Why there are no rows to compare."""
    accepted: bool = False
    """The rows that there are were written down as the expected ones."""

    @property
    def passed(self) -> bool:
        """Whether the table holds what the test expects."""
        return not (self.missing or self.unexpected or self.problems)


def freeze(
    cell: FreezeCell, table: Table, frames: Frames, planned: Planned, engine: Engine
) -> FrozenTest:
    """Take rows of everything that a table reads, and what it makes of them.

    Args:
        cell: Which rows.
        table: The table.
        frames: Reads what the table reads, where the target's rows are.
        planned: The target, worked out.
        engine: Computes what the table makes of the rows, as every run will.

    Raises:
        EngineError: Something can't be read or computed.
    """
    inputs = frames.inputs(table)
    given: dict[str, FrozenRows] = {}
    for name, read in inputs.items():
        written = cell.given.get(name)
        if isinstance(written, FrozenRows):
            given[name] = written
            continue
        with frames.located(table):
            frame = read()
            if written is not None:
                columns = fetched(frames.engine, frame, 0).columns
                given[name] = FrozenRows(columns=columns, rows=written)
            else:
                chosen = cell.where.get(name)
                frame = frame.where(chosen) if chosen else frame
                given[name] = _in_order(fetched(frames.engine, frame, cell.rows))
    if strange := sorted({*cell.given, *cell.where} - inputs.keys()):
        message = f"{table.name} doesn't read {strange[0]}"
        hint = did_you_mean(strange[0], inputs, limit=20)
        raise EngineError(Problem("unknown-input", message, hint))
    first = _made(table, given, planned, engine)
    second = _made(table, given, planned, engine)
    ignore = [
        name for name in first.columns if _column(first, name) != _column(second, name)
    ]
    if len(first.rows) != len(second.rows) or len(ignore) == len(first.columns) > 0:
        message = f"{table.name} makes other rows each time"
        hint = "A test needs a query whose rows depend on what it reads alone."
        raise EngineError(Problem("not-repeatable", message, hint, table.place))
    return FrozenTest(
        table=table.name,
        description=cell.description,
        given=given,
        expect=expected(first, ignore),
    )


def expected(found: FrozenRows, ignore: Sequence[str]) -> Expected:
    """What a table makes as what a test expects: in order, without what is ignored."""
    rows = [
        {name: value for name, value in row.items() if name not in ignore}
        for row in found.rows
    ]
    kept = _in_order(FrozenRows(columns=found.columns, rows=rows))
    return Expected(columns=kept.columns, rows=kept.rows, ignore=list(ignore))


def check(stored: StoredTest, planned: Planned, engine: Engine) -> FrozenOutcome:
    """Compare what a table makes of a test's rows with what the test expects."""
    test = stored.test
    if test is None:
        return FrozenOutcome(stored.name, "", stored.file, problems=stored.problems)
    outcome = FrozenOutcome(stored.name, test.table, stored.file)
    try:
        found = made(stored, planned, engine)
    except EngineError as error:
        return replace(outcome, problems=tuple(error.problems))
    wanted = counted(test.expect, test.expect.ignore)
    actual = counted(found, test.expect.ignore)
    columns = {
        name: kind
        for name, kind in test.expect.columns.items()
        if name not in test.expect.ignore
    }
    if lost := _other_columns(test.expect, found):
        problem = Problem("other-columns", lost, _ACCEPT, stored.place)
        return replace(outcome, problems=(problem,))
    return replace(
        outcome,
        missing=_rows(wanted - actual, test.expect, columns),
        unexpected=_rows(actual - wanted, found, columns),
    )


def made(stored: StoredTest, planned: Planned, engine: Engine) -> FrozenRows:
    """What a test's table makes of the test's rows.

    Raises:
        EngineError: There is no such table, it reads something that the test gives no
            rows for, or it can't be computed.
    """
    test = stored.test
    if test is None:
        raise EngineError(*stored.problems)
    table = planned.tables.get(test.table)
    if table is None:
        message = f'there is no table "{test.table}"'
        hint = did_you_mean(test.table, planned.tables)
        raise EngineError(Problem("unknown-table", message, hint, stored.place))
    return _made(table, test.given, planned, engine)


_ACCEPT = "If that is meant, accept it:  mdf test --accept  or  %mdf_test --accept ."


def _made(
    table: Table, given: Mapping[str, FrozenRows], planned: Planned, engine: Engine
) -> FrozenRows:
    frames = Frames(
        planned,
        engine,
        "",
        given={name: frame_of(engine.session, one) for name, one in given.items()},
    )
    if missing := sorted(frames.inputs(table).keys() - given.keys()):
        message = f"{table.name} reads {missing[0]}, and the test gives no rows for it"
        hint = f"Freeze it again:  %%mdf_test {table.name}"
        raise EngineError(Problem("missing-input", message, hint, table.place))
    with frames.located(table):
        return _limited(fetched(engine, frames.held(table.name), MOST_ROWS + 1), table)


def _limited(rows: FrozenRows, table: Table) -> FrozenRows:
    if len(rows.rows) > MOST_ROWS:
        message = f"{table.name} makes more than {MOST_ROWS:,} rows of what it is given"
        hint = "Take fewer rows:  rows: 5"
        raise EngineError(Problem("too-many-rows", message, hint, table.place))
    return rows


def _in_order(frozen: FrozenRows) -> FrozenRows:
    """The same rows in an order that depends on nothing but them."""
    key = [*frozen.columns]
    rows = sorted(frozen.rows, key=lambda row: [str(row.get(name)) for name in key])
    return FrozenRows(columns=frozen.columns, rows=rows)


def _column(rows: FrozenRows, name: str) -> Counter[str]:
    return counted(rows, rows.columns.keys() - {name})


def _other_columns(expected: FrozenRows, found: FrozenRows) -> str:
    said = [
        f"{name} {kind}"
        for name, kind in expected.columns.items()
        if found.columns.get(name) != kind
    ]
    new = [
        f"{name} {kind}"
        for name, kind in found.columns.items()
        if expected.columns.get(name) != kind
    ]
    parts = [f"expected {', '.join(said)}"] if said else []
    parts += [f"found {', '.join(new)}"] if new else []
    return f"the columns are others: {'; '.join(parts)}" if parts else ""


def _rows(
    keys: Counter[str], source: FrozenRows, columns: Mapping[str, str]
) -> FrozenRows | None:
    """The rows of a frozen set that these comparable texts stand for."""
    if not keys:
        return None
    left, rows = Counter(keys), []
    for row in source.rows:
        own = {name: value for name, value in row.items() if name in columns}
        key = next(iter(counted(FrozenRows(columns=dict(columns), rows=[own]))))
        if left[key] > 0:
            left[key] -= 1
            rows.append(own)
    return FrozenRows(columns=dict(columns), rows=rows)
