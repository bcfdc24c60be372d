"""Turns whatever a client or a server raises into one EngineError that can be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol

from mdf_magics.engines.findings import Finding
from mdf_magics.engines.python_failures import failure_here
from mdf_magics.engines.sql_text import (
    columns_named,
    find_name,
    offset_of_byte,
    place_at,
    queries_named,
    tables_read,
    visible,
)
from mdf_magics.errors import EngineError, Place, Problem, closest, did_you_mean


class Known(Protocol):
    """What there is, for "did you mean". Asked only when something went wrong."""

    def tables(self, name: str) -> Iterable[str]:
        """The homes of tables and views that a name may have meant."""

    def columns(self, tables: Iterable[str]) -> Iterable[str]:
        """The columns of those of the tables that can be read."""

    def functions(self) -> Iterable[str]:
        """The names of all functions."""


type Reader = Callable[[Exception, str, str], Finding | Problem]
"""Says what an error of a server means: called with the error, its text and the
statement. Servers of one kind share a reader."""


def engine_error(error: Exception, sql: str, known: Known, read: Reader) -> EngineError:
    """What went wrong, as one problem.

    Args:
        error: What a call of pyspark, or a user's function, raised.
        sql: The statement, if it was one.
        known: What there is.
        read: Reads the server's messages.
    """
    if isinstance(error, EngineError):
        return error
    note = " ".join(getattr(error, "__notes__", []))
    return EngineError(_problem(error, sql, known, read), note=note)


def _problem(error: Exception, sql: str, known: Known, read: Reader) -> Problem:
    text = _server_text(error)
    if text is None:
        return failure_here(error)
    finding = read(error, text, sql)
    if isinstance(finding, Problem):
        return finding
    if problem := _nothing_before_from(finding, sql):
        return problem
    return Problem(
        finding.code,
        finding.message,
        _hint(finding, sql, known),
        _place(finding, sql),
    )


_SERVERS = ("exceptions.connect", "exceptions.captured")
"""Modules of the exceptions that come from a server, by Spark Connect or Py4J."""


def _server_text(error: Exception) -> str | None:
    """What the server said; None when it wasn't the server."""
    from pyspark.errors.exceptions.base import PySparkException

    # What pyspark itself finds wrong is raised by its own modules' classes.
    module = type(error).__module__
    if not isinstance(error, PySparkException) or not module.endswith(_SERVERS):
        return None
    details = re.search(r'details = "(.*)"', str(error))  # of a gRPC error
    return details[1] if details else str(error)


def _nothing_before_from(finding: Finding, sql: str) -> Problem | None:
    """The problem of `SELECT a, FROM t`, where FROM is taken for a column."""
    if finding.code not in {"sql-syntax", "unknown-column"}:
        return None
    match = re.search(r"(,|\bselect)\s+(from)\b", visible(sql), re.IGNORECASE)
    if match is None:
        return None
    if finding.span and offset_of_byte(sql, finding.span[0]) < match.start(2):
        return None
    return Problem(
        "sql-syntax",
        f"expected a column or an expression, found {match[2]}",
        "Remove the comma before it." if match[1] == "," else "",
        place_at(sql, match.start(2), len(match[2]), lines_before=1),
    )


def _place(finding: Finding, sql: str) -> Place | None:
    if finding.at_end and sql.strip():
        return place_at(sql, len(sql.rstrip()), 1, lines_before=1)
    if finding.span:
        start, end = (offset_of_byte(sql, position) for position in finding.span)
        # The span may belong to a literal or an expression that was parsed alone.
        if sql[start:end] != finding.token:
            return None
        return place_at(sql, start, end - start, lines_before=1)
    if finding.name and (found := find_name(sql, finding.name)):
        return place_at(sql, found[0], len(found[1]))
    return None


def _hint(finding: Finding, sql: str, known: Known) -> str:
    match finding.code:
        case "unknown-table":
            names = [*known.tables(finding.name), *queries_named(sql)]
            if "." not in finding.name:
                names = [name.rpartition(".")[2] for name in names]
            return did_you_mean(finding.name, names)
        case "unknown-column":
            before, _, last = finding.name.rpartition(".")
            columns = set(finding.candidates)
            columns = columns or {*known.columns(tables_read(sql)), *columns_named(sql)}
            if before and last in columns:
                return f'"{before}" is no table, alias or struct here that has it.'
            return did_you_mean(last, columns)
        case "unknown-function":
            near = closest(finding.name, known.functions())
            return f'Did you mean "{near}"?' if near else ""
        case _:
            return finding.hint
