"""Freezing rows as tests, and running the tests of a project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mdf_magics.definitions.checking import checked
from mdf_magics.definitions.frozen_tests import (
    TESTS,
    FreezeCell,
    FrozenTest,
    StoredTest,
    file_of,
    frozen_text,
    read_tests,
)
from mdf_magics.definitions.names import table_fault, word_fault
from mdf_magics.definitions.reading import read_document
from mdf_magics.definitions.secrets import check_secrets
from mdf_magics.definitions.storing import NOTHING_SAVED, Change, locked, write
from mdf_magics.engines import Engine
from mdf_magics.errors import DefinitionError, Problem, Source, did_you_mean
from mdf_magics.planning.steps import Planned
from mdf_magics.results import Frozen, RanTests
from mdf_magics.running.frames import Frames
from mdf_magics.running.frozen_tests import FrozenOutcome, check, expected, freeze, made


def frozen(
    root: Path,
    name: str,
    text: str,
    planned: Planned,
    *,
    reading: Engine,
    computing: Engine,
) -> Frozen:
    """Freeze what a table makes of some rows, and save it.

    Args:
        root: The project's root.
        name: The table.
        text: What the cell says, as YAML.
        planned: The target, worked out.
        reading: Where the rows are.
        computing: Where tests run.

    Raises:
        DefinitionError: The cell is wrong, or there is no such table.
        EngineError: Something can't be read or computed. Nothing was saved.
    """
    cell = _read_cell(name, text)
    table = planned.tables.get(name)
    if table is None:
        hint = did_you_mean(name, planned.tables) or "Define it:  %%mdf_table ."
        problem = Problem("unknown-table", f'there is no table "{name}"', hint)
        raise DefinitionError(problem, note=NOTHING_SAVED)
    frames = Frames(planned, reading, str(root))
    test = freeze(cell, table, frames, planned, computing)
    file, after = file_of(cell.name or name), frozen_text(test)
    if problems := check_secrets(Source(file, after)):
        raise DefinitionError(*problems, note=NOTHING_SAVED)
    change = _saved(root, file, after)
    return Frozen(cell.name or name, test, file, change.diff())


def tested(
    root: Path,
    names: Sequence[str],
    planned: Planned,
    engine: Callable[[], Engine],
    progress: Callable[[str], None],
    *,
    accept: bool,
) -> RanTests:
    """Run frozen tests.

    Args:
        root: The project's root.
        names: Tests or tables; none: all.
        planned: The target, worked out.
        engine: Gives where tests run; not asked when there is none.
        progress: Told which test runs.
        accept: Write down what a failing test finds as what it expects.

    Raises:
        DefinitionError: There is no such test.
    """
    outcomes = []
    for stored in _chosen(read_tests(root), names):
        progress(f"testing {stored.name}")
        outcome = check(stored, planned, engine())
        if accept and stored.test and not outcome.passed:
            outcome = _accepted(root, stored, stored.test, outcome, planned, engine())
        outcomes.append(outcome)
    return RanTests(tuple(outcomes))


def _read_cell(table: str, text: str) -> FreezeCell:
    source = Source("", f"%%mdf_test {table}\n{text}")
    document = read_document(source, f"\n{text}")
    problems = list(document.problems)
    cell = None
    if not problems:
        cell, problems = checked(
            FreezeCell,
            document.value or {},
            lambda at, key: document.place(at, key=key),
        )
    if cell and cell.name and (fault := word_fault(cell.name)):
        place, message = document.place(("name",)), f'the name "{cell.name}" {fault}'
        problems = [Problem("bad-name", message, "", place)]
    if cell is None or problems:
        raise DefinitionError(*problems, note=NOTHING_SAVED)
    return cell


def _chosen(stored: Iterable[StoredTest], names: Sequence[str]) -> list[StoredTest]:
    tests = list(stored)
    if not names:
        return tests
    known = {one.name for one in tests} | {one.test.table for one in tests if one.test}
    if strange := next((name for name in names if name not in known), None):
        message = f'there is no test "{strange}" in {TESTS}'
        hint = did_you_mean(strange, known)
        if not table_fault(strange):
            hint = f"{hint} Freeze one:  %%mdf_test {strange}".strip()
        raise DefinitionError(Problem("unknown-test", message, hint))
    return [
        one
        for one in tests
        if one.name in names or (one.test and one.test.table in names)
    ]


def _accepted(
    root: Path,
    stored: StoredTest,
    test: FrozenTest,
    outcome: FrozenOutcome,
    planned: Planned,
    engine: Engine,
) -> FrozenOutcome:
    """The outcome once the rows that there are have become the expected ones."""
    if any(one.code != "other-columns" for one in outcome.problems):
        return outcome
    found = made(stored, planned, engine)
    ignore = [name for name in test.expect.ignore if name in found.columns]
    expect = expected(found, ignore)
    _saved(root, stored.file, frozen_text(test.model_copy(update={"expect": expect})))
    return replace(outcome, missing=None, unexpected=None, problems=(), accepted=True)


def _saved(root: Path, file: str, after: str) -> Change:
    path = root / file
    with locked(root):
        before = path.read_text(encoding="utf-8") if path.exists() else None
        change = Change(file, before, after)
        write(root, [change])
    return change
