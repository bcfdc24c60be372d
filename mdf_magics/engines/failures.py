"""Turns whatever a client or a server raises into one EngineError that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from mdf_magics.engines.python_failures import failure_here, failure_on_rows
from mdf_magics.engines.sail_messages import Finding, understand
from mdf_magics.engines.sql_text import (
    columns_named,
    find_name,
    offset_of_byte,
    place_at,
    plain,
    queries_named,
    tables_read,
    visible,
)
from mdf_magics.engines.worker import install_command
from mdf_magics.errors import EngineError, Place, Problem, closest, did_you_mean


class Known(Protocol):
    """What there is, for "did you mean". Asked only when something went wrong."""

    def tables(self) -> Iterable[str]:
        """The homes of all tables and views."""

    def columns(self, tables: Iterable[str]) -> Iterable[str]:
        """The columns of those of the tables that can be read."""

    def functions(self) -> Iterable[str]:
        """The names of all functions."""


def engine_error(error: Exception, sql: str, known: Known) -> EngineError:
    """What went wrong, as one problem.

    Args:
        error: What a call of pyspark, or a user's function, raised.
        sql: The statement, if it was one.
        known: What there is.
    """
    if isinstance(error, EngineError):
        return error
    note = " ".join(getattr(error, "__notes__", []))
    return EngineError(_problem(error, sql, known), note=note)


def _problem(error: Exception, sql: str, known: Known) -> Problem:
    text = _server_text(error)
    if text is None:
        return failure_here(error)
    if "'pyspark' is not a package" in text:
        return Problem(
            "missing-worker",
            "Python functions on rows need pyspark-client, which isn't installed",
            f"Run this in a shell, then restart the kernel:  {install_command()}",
        )
    if "exception was thrown from the Python worker" in text:
        return failure_on_rows(text)
    finding = understand(text)
    for recognised in (_nothing_before_from, _unsupported):
        if problem := recognised(finding, sql):
            return problem
    if finding.code == "unknown-table" and (found := find_name(sql, finding.name)):
        # Sail says the last part only.
        written = plain(found[1])
        message = finding.message.replace(f'"{finding.name}"', f'"{written}"')
        finding = replace(finding, name=written, message=message)
    return Problem(
        finding.code,
        finding.message,
        _hint(finding, sql, known),
        _place(finding, sql),
    )


def _server_text(error: Exception) -> str | None:
    """What the server said; None when it wasn't the server."""
    from pyspark.errors.exceptions.connect import SparkConnectException

    if not isinstance(error, SparkConnectException):
        return None
    details = re.search(r'details = "(.*)"', str(error))  # of a gRPC error
    return details[1] if details else str(error)


# What Databricks has and Sail hasn't: how it is written, with a group around what Sail
# complains about, what it is called, and what to do instead.
_CONSTRUCTS = (
    (r"\b(qualify)\b", "QUALIFY", "Filter in an outer query."),
    (r"\b(pivot)\b", "PIVOT over VALUES", "Put the VALUES into a subquery."),
    (r"(:)", "column:path", "Use get_json_object."),
    (r"\*\s*except\s*\(\s*(\w+|`)", "* EXCEPT (...)", "List the columns."),
    (r"\bgroup\s+by\s+(all)\b", "GROUP BY ALL", "List the columns."),
    (r"\bdescribe\s+(history)\b", "DESCRIBE HISTORY", ""),
    (r"^\s*(truncate)\b", "TRUNCATE", "Use DELETE FROM."),
    (r"^\s*(optimize|vacuum|copy|grant|revoke)\b", "this statement", ""),
)


def _unsupported(finding: Finding, sql: str) -> Problem | None:
    """The problem, if what is complained about belongs to one of these constructs."""
    said = (finding.token or finding.name).lower()
    start = finding.span and offset_of_byte(sql, finding.span[0])
    for pattern, name, instead in _CONSTRUCTS:
        for match in re.finditer(pattern, visible(sql), re.IGNORECASE):
            if match[1].lower() == said and start in {None, match.start(1)}:
                hint = f"{instead} The engines that can: spark, databricks."
                return Problem(
                    "not-supported",
                    f"the embedded engine can't run {name}",
                    hint.strip(),
                    place_at(sql, match.start(1), len(match[1])),
                )
    return None


def _nothing_before_from(finding: Finding, sql: str) -> Problem | None:
    """The problem of `SELECT a, FROM t`, where Sail takes FROM for a column."""
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
            names = [*known.tables(), *queries_named(sql)]
            if "." not in finding.name:
                names = [name.rpartition(".")[2] for name in names]
            return did_you_mean(finding.name, names)
        case "unknown-column":
            before, _, last = finding.name.rpartition(".")
            columns = {*known.columns(tables_read(sql)), *columns_named(sql)}
            if before and last in columns:
                return f'"{before}" is no table, alias or struct here that has it.'
            return did_you_mean(last, columns)
        case "unknown-function":
            near = closest(finding.name, known.functions())
            return f'Did you mean "{near}"?' if near else ""
        case _:
            return finding.hint
