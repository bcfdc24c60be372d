"""Gives what fails while a table is computed its place in the table's definition."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from mdf_magics.errors import EngineError, Place, Problem, did_you_mean
from mdf_magics.planning.expansion import Table
from mdf_magics.running.describing import ActionError
from mdf_magics.transformations.arguments import problem_of
from mdf_magics.transformations.template import Rendered, TemplateFault


def in_body(error: EngineError, table: Table, rendered: Rendered) -> EngineError:
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


class Located:
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
        message = text[0] if text else "no message"
        if not isinstance(error, ActionError):
            message = f"{type(error).__name__}: {message}"
        lines = body.text.splitlines()
        code = lines[line - 1] if 0 < line <= len(lines) else ""
        column = len(code) - len(code.lstrip()) + 1
        place = body.place(line, column, max(1, len(code.strip())))
        return Problem("python-error", message, "", place)
