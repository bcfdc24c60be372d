"""What a query's text says: whether it is one query, and which names it reads.

sqlglot parses it in the Databricks dialect. It is imported on first use: 0.4 s.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mdf_magics.errors import closest
from mdf_magics.transformations.template import TemplateFault

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

ARGUMENT = "mdf argument "
"""Starts the quoted name that stands for something read by a parameter."""


@dataclass(frozen=True)
class TableName:
    """A table's name as a query spells it."""

    name: str
    """The parts without quotes, joined by dots."""
    start: int
    """Where it begins in the query's text, in characters from 0."""
    end: int


def argument_name(parameter: str) -> str:
    """The quoted name that stands for a `table`, `stream` or `files` parameter."""
    return f"`{ARGUMENT}{parameter}`"


@lru_cache(maxsize=8192)
def table_names(text: str) -> tuple[TableName, ...]:
    """The tables that one query reads, in the order of its text.

    Names of common table expressions and of parameters are left out.

    Raises:
        TemplateFault: The text isn't one query, or reads in a way that only a
            parameter can.
    """
    from sqlglot import exp

    query = _one_query(text)
    _refuse_reading_functions(query, text)
    shadowed = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    found = []
    for table in query.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        parts = table.parts
        if len(parts) == 1 and _is_known(parts[0].name, shadowed):
            continue
        name = ".".join(part.name for part in parts)
        start, end = _span(parts, text)
        if len(parts) == 1:
            raise _unqualified(name, start, end)
        found.append(TableName(name, start, end))
    return tuple(sorted(found, key=lambda one: one.start))


@lru_cache(maxsize=8192)
def check_expression(text: str, *, row_by_row: bool) -> str | None:
    """Why a text is not one SQL expression; None when it is.

    Args:
        text: The expression.
        row_by_row: It must be true or false for each row by itself: no subquery,
            no aggregate, no window.
    """
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        _, tokens = _tokens(text)
        if any(token.text == ";" for token in tokens):
            return "is more than one expression"
        if text.count("--") or "/*" in text:
            return "must not hold a comment"
        query = _one_query(f"SELECT {text}\n")
    except (SqlglotError, TemplateFault) as error:
        return f"does not parse: {error}"
    select = query if isinstance(query, exp.Select) else None
    others = {key for key, value in query.args.items() if value} - {
        "expressions",
        "kind",
    }
    if select is None or others or len(select.expressions) != 1:
        return "is not one expression"
    expression = select.expressions[0]
    if isinstance(expression, exp.Alias | exp.Star):
        return "is not one expression"
    if row_by_row:
        for kind, word in (
            (exp.Query, "a subquery"),
            (exp.AggFunc, "an aggregate"),
            (exp.Window, "a window"),
        ):
            if expression.find(kind):
                return f"has {word}: it must be decided for each row by itself"
    return None


def _one_query(text: str) -> exp.Query | exp.Values:
    from sqlglot import exp
    from sqlglot.errors import ParseError, TokenError

    dialect, tokens = _tokens(text)
    _refuse_misspelt_start(tokens)
    _refuse_trailing_commas(tokens)
    try:
        statements = [one for one in dialect.parser().parse(tokens, text) if one]
    except ParseError as error:
        raise _syntax_fault(error, text) from error
    except RecursionError:
        message = "the query is nested too deeply"
        raise TemplateFault(
            "sql-syntax", message, "Use WITH to take it apart."
        ) from None
    except TokenError as error:
        raise TemplateFault("sql-syntax", "this does not parse") from error
    if not statements:
        raise TemplateFault("missing-body", "there is no query", "Write a SELECT.")
    if len(statements) > 1:
        semicolon = next(token for token in tokens if token.text == ";")
        message = "a body is one query, this is several statements"
        hint = "Make a table for each of them."
        raise TemplateFault("not-one-query", message, hint, semicolon.start)
    query = statements[0]
    if not isinstance(query, exp.Query | exp.Values):
        word = text.split(maxsplit=1)[0].upper()
        message = f"a body is one query, this is {word}"
        hint = "Write the SELECT alone: what happens to the table says  write: ."
        start = text.index(text.split(maxsplit=1)[0])
        raise TemplateFault("not-one-query", message, hint, start, len(word))
    return query


def _tokens(text: str) -> tuple[Any, list[Token]]:
    from sqlglot import Dialect
    from sqlglot.errors import TokenError

    # What it doesn't know is a problem with a place, not a line of log.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    dialect = Dialect.get_or_raise("databricks")
    try:
        return dialect, dialect.tokenize(text)
    except TokenError as error:
        offset = _unclosed(text)
        message = "a quote or comment is opened here and never closed"
        raise TemplateFault("sql-syntax", message, "Close it.", offset) from error


def _unclosed(text: str) -> int:
    """The offset of the quote or comment that is never closed."""
    pattern = r"'(?:\\.|''|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`|--[^\n]*|/\*.*?\*/"
    rest = re.sub(pattern, lambda found: " " * len(found[0]), text, flags=re.DOTALL)
    found = re.search(r"['\"`]|/\*", rest)
    return found.start() if found else 0


def _refuse_misspelt_start(tokens: list[Token]) -> None:
    """`SELEC x` parses as something else; say what was meant."""
    first = tokens[0] if tokens else None
    if first is None or first.text.upper() in _STARTS or not first.text.isalpha():
        return
    near = closest(first.text.upper(), _STARTS)
    if near and first.text.upper()[:2] == near[:2]:
        message = f"a query can't start with {first.text}"
        hint = f"Did you mean {near}?"
        raise TemplateFault("sql-syntax", message, hint, first.start, len(first.text))


_AFTER_COMMA = frozenset(
    {"FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "QUALIFY", ")"}
)


def _refuse_trailing_commas(tokens: list[Token]) -> None:
    """Sqlglot lets them pass, no engine does."""
    for token, following in zip(tokens, [*tokens[1:], None], strict=False):
        if token.text != ",":
            continue
        word = following.text.upper().split(" ")[0] if following else "the end"
        if following is None or word in _AFTER_COMMA:
            at = following.start if following else token.start
            length = len(following.text.split(" ")[0]) if following else 1
            message = f"expected a column or an expression, found {word}"
            hint = "Remove the comma at the end of line {line}."
            raise TemplateFault("sql-syntax", message, hint, at, length, token.start)


_STARTS = ("SELECT", "WITH", "FROM", "VALUES", "TABLE")


def _syntax_fault(error: Any, text: str) -> TemplateFault:
    detail = error.errors[0] if error.errors else {}
    line, column = detail.get("line") or 1, detail.get("col") or 1
    word = detail.get("highlight") or ""
    lines = text.splitlines(keepends=True)
    offset = sum(len(one) for one in lines[: line - 1]) + column - len(word)
    said = str(detail.get("description") or "this does not parse")
    required = re.match(
        r"Required keyword: '\w+' missing for <class '[\w.]*\.(\w+)'>", said
    )
    if required:
        said = f"something is missing behind {required[1].upper()}"
    elif said.startswith("Invalid expression"):
        said = f"{word or 'this'} can't stand here"
    elif said.startswith("Expecting"):
        said = f"expected {said.removeprefix('Expecting ').strip()}"
    else:
        said = said[0].lower() + said[1:]
    return TemplateFault("sql-syntax", said, "", max(0, offset), max(1, len(word)))


def _refuse_reading_functions(query: exp.Expr, text: str) -> None:
    from sqlglot import exp

    for pattern, kind in (
        (r"\bSTREAM\s*\(", "stream"),
        (r"\bread_files\s*\(", "files"),
    ):
        for found in re.finditer(pattern, text, re.IGNORECASE):
            if _inside_quotes(text, found.start()):
                continue
            message = f"{found[0].split('(')[0].strip()}(...) can't be written out"
            hint = (
                f"Make it a parameter:  parameters: {{source: {kind}}} , "
                "and read  {{ source }} ."
            )
            raise TemplateFault(
                "written-read", message, hint, found.start(), len(found[0]) - 1
            )
    for command in query.find_all(exp.Command):
        message = f"{command.name or 'this'} has no place in a query"
        raise TemplateFault("not-one-query", message)


def _inside_quotes(text: str, offset: int) -> bool:
    pattern = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`|--[^\n]*|/\*.*?\*/"
    return any(
        found.start() < offset < found.end()
        for found in re.finditer(pattern, text, re.DOTALL)
    )


def _is_known(name: str, shadowed: set[str]) -> bool:
    return name.startswith(ARGUMENT) or name.lower() in shadowed


def _span(parts: Sequence[exp.Expr], text: str) -> tuple[int, int]:
    start = parts[0].meta.get("start", 0)
    end = parts[-1].meta.get("end", start) + 1
    return start, min(end, len(text))


def _unqualified(name: str, start: int, end: int) -> TemplateFault:
    message = f'the table "{name}" has no schema'
    hint = f"Write  schema.{name} , or define {name} in a WITH."
    return TemplateFault("unqualified-table", message, hint, start, end - start)
