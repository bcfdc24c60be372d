"""What a query's text says: whether it is one query, and which names it reads.

sqlglot parses it in the Databricks dialect. It is imported on first use: 0.4 s.
"""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mdf_magics.errors import closest
from mdf_magics.transformations.faults import TemplateFault, line_start

if TYPE_CHECKING:
    from sqlglot import Token, exp

ARGUMENT = "mdf argument "
"""Starts the quoted name that stands for something read by a parameter."""

_STARTS = ("SELECT", "WITH", "FROM", "VALUES", "TABLE")

_READING = {
    "STREAM": "stream",
    "READ_FILES": "files",
    "CLOUD_FILES": "files",
    "IDENTIFIER": "table",
}
"""Functions that read, and the type of the parameter that does it instead."""


@dataclass(frozen=True)
class TableName:
    """A table's name as a query spells it."""

    name: str
    """The parts without quotes, joined by dots, in lower case: Unity Catalog's."""
    start: int
    """Where it begins in the query's text, in characters from 0."""
    end: int


@dataclass(frozen=True)
class _Parsed:
    query: exp.Query | exp.Values
    tokens: list[Token]


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

    parsed = _one_query(text)
    _refuse_reading_functions(parsed)
    query = parsed.query
    shadowed = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    found = []
    for table in query.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier | exp.Dot):
            continue
        parts = table.parts
        if len(parts) == 1 and (
            parts[0].name.startswith(ARGUMENT) or parts[0].name.lower() in shadowed
        ):
            continue
        name = TableName(
            ".".join(part.name.lower() for part in parts), *_span(parts, text)
        )
        _refuse_name(name, len(parts), text)
        found.append(name)
    _refuse_qualified_columns(query, {one.name for one in found}, text)
    return tuple(sorted(found, key=lambda one: one.start))


@lru_cache(maxsize=8192)
def check_expression(text: str, *, row_by_row: bool) -> str | None:
    """Why a text is not one SQL expression; None when it is.

    Args:
        text: The expression. A subquery is none: its tables would not be known.
        row_by_row: It must be true or false for each row by itself: no aggregate, no
            window, no function of a schema.
    """
    from sqlglot import TokenType, exp

    try:
        tokens = _tokens(text)
        if any(token.token_type == TokenType.SEMICOLON for token in tokens):
            return "is more than one expression"
        if any(token.comments for token in tokens):
            return "must not hold a comment"
        query = _one_query(f"SELECT {text}\n").query
    except TemplateFault as error:
        return f"does not parse: {error}"
    others = {key for key, value in query.args.items() if value} - {
        "expressions",
        "kind",
    }
    if not isinstance(query, exp.Select) or others or len(query.expressions) != 1:
        return "is not one expression"
    expression = query.expressions[0]
    if isinstance(expression, exp.Alias) or expression.is_star:
        return "is not one expression"
    if expression.find(exp.Query):
        return "has a subquery: a table is read in a body"
    if row_by_row:
        called = (dot.expression for dot in expression.find_all(exp.Dot))
        for word, there in (
            ("an aggregate", expression.find(exp.AggFunc)),
            ("a window", expression.find(exp.Window)),
            (
                "a function of a schema",
                any(isinstance(one, exp.Func) for one in called),
            ),
        ):
            if there:
                return f"has {word}: it must be decided for each row by itself"
    return None


def _one_query(text: str) -> _Parsed:
    from sqlglot import exp

    tokens = _tokens(text)
    _refuse_misspelt_start(tokens)
    _refuse_braces(tokens)
    _refuse_missing_expressions(tokens)
    statements = _statements(tokens, text)
    if not statements:
        raise TemplateFault("missing-body", "there is no query", "Write a SELECT.")
    _refuse_semicolons(tokens, len(statements))
    query = statements[0]
    into = query.args.get("into")
    if isinstance(query, exp.Query | exp.Values) and not into:
        return _Parsed(query, tokens)
    word = (
        "INTO" if into else query.name if isinstance(query, exp.Command) else query.key
    )
    word = (word or query.key).upper()
    token = next((one for one in tokens if one.text.upper() == word), tokens[0])
    message = f"a body is one query, this is {token.text.upper()}"
    hint = "Write the SELECT alone: what happens to the table says  write: ."
    if _is_python(text):
        message, hint = "this is neither a query nor a function", _PYTHON_HINT
    raise TemplateFault("not-one-query", message, hint, token.start, len(token.text))


_PYTHON_HINT = "Python goes into a function:  def name(source: DataFrame) -> DataFrame:"


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _tokens(text: str) -> list[Token]:
    from sqlglot import Dialect
    from sqlglot.errors import TokenError

    # What it doesn't know is a problem with a place, not a line of log.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        return Dialect.get_or_raise("databricks").tokenize(text)
    except TokenError as error:
        message = "a quote or comment is opened here and never closed"
        offset = _unclosed(text)
        raise TemplateFault("sql-syntax", message, "Close it.", offset) from error


def _statements(tokens: list[Token], text: str) -> list[exp.Expr]:
    from sqlglot import Dialect, exp
    from sqlglot.errors import ParseError

    parser = Dialect.get_or_raise("databricks").parser()
    try:
        parsed = [one for one in parser.parse(tokens, text) if one]
    except ParseError as error:
        raise _syntax_fault(error, text) from error
    except RecursionError:
        message, hint = "the query is nested too deeply", "Use WITH to take it apart."
        raise TemplateFault("sql-syntax", message, hint) from None
    # A comment behind a semicolon is a statement to sqlglot.
    return [one for one in parsed if not isinstance(one, exp.Semicolon)]


def _unclosed(text: str) -> int:
    """The offset of the quote or comment that is never closed."""
    pattern = r"'(?:\\.|''|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`|--[^\n]*|/\*.*?\*/"
    rest = re.sub(pattern, lambda found: " " * len(found[0]), text, flags=re.DOTALL)
    found = re.search(r"['\"`]|/\*", rest)
    return found.start() if found else 0


def _refuse_misspelt_start(tokens: list[Token]) -> None:
    """`SELEC x` parses as something else; say what was meant."""
    first = tokens[0] if tokens else None
    word = first.text.upper() if first else ""
    if first is None or word in (*_STARTS, "SET") or not word.isalpha():
        return
    near = closest(word, _STARTS)
    if near and word[:2] == near[:2]:
        message = f"a query can't start with {first.text}"
        hint = f"Did you mean {near}?"
        raise TemplateFault("sql-syntax", message, hint, first.start, len(first.text))


def _refuse_braces(tokens: list[Token]) -> None:
    """Spark SQL has none; sqlglot takes them for a struct."""
    from sqlglot import TokenType

    for token in tokens:
        if token.token_type == TokenType.L_BRACE:
            hint = "A parameter is written {{ name }}, without quotes around it."
            raise TemplateFault("sql-syntax", "{ can't stand here", hint, token.start)


def _refuse_missing_expressions(tokens: list[Token]) -> None:
    """Sqlglot lets `SELECT a, FROM b` and `SELECT FROM b` pass, no engine does."""
    from sqlglot import TokenType

    before = {TokenType.COMMA, TokenType.SELECT, TokenType.DISTINCT}
    behind = {
        TokenType.FROM,
        TokenType.WHERE,
        TokenType.GROUP_BY,
        TokenType.ORDER_BY,
        TokenType.HAVING,
        TokenType.UNION,
        TokenType.QUALIFY,
        TokenType.R_PAREN,
    }
    for token, following in zip(tokens, [*tokens[1:], None], strict=False):
        if token.token_type not in before:
            continue
        if following is None or following.token_type in behind:
            word = following.text.upper().split(" ")[0] if following else "the end"
            message = f"expected a column or an expression, found {word}"
            hint = "Name what is selected."
            if token.token_type == TokenType.COMMA:
                hint = "Remove the comma at the end of line {line}."
            at, length = (following.start, len(word)) if following else (token.start, 1)
            raise TemplateFault("sql-syntax", message, hint, at, length, token.start)


def _refuse_semicolons(tokens: list[Token], statements: int) -> None:
    from sqlglot import TokenType

    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            message = "a body is one query, without a semicolon"
            hint = "Remove it."
            if statements > 1:
                message = "a body is one query, this is several statements"
                hint = "Make a table for each of them."
            raise TemplateFault("not-one-query", message, hint, token.start)


def _syntax_fault(error: Any, text: str) -> TemplateFault:
    detail = error.errors[0] if error.errors else {}
    line, column = detail.get("line") or 1, detail.get("col") or 1
    word = detail.get("highlight") or ""
    offset = line_start(text, line) + column - len(word)
    said = str(detail.get("description") or "this does not parse")
    required = re.match(
        r"Required keyword: .* missing for <class '[\w.]*\.(\w+)'>", said
    )
    if required:
        behind = "(" if required[1] == "Paren" else required[1].upper()
        said = f"something is missing behind {behind}"
    elif said.startswith("Invalid expression"):
        said = f"{word or 'this'} can't stand here"
    else:
        said = said.replace("Expecting ", "Expected ").partition(" but got <")[0]
        said = said[0].lower() + said[1:]
    hint = _PYTHON_HINT if _is_python(text) else ""
    return TemplateFault("sql-syntax", said, hint, max(0, offset), max(1, len(word)))


def _refuse_reading_functions(parsed: _Parsed) -> None:
    from sqlglot import TokenType, exp

    streams = parsed.query.find(exp.Stream) is not None
    for token, following in pairwise(parsed.tokens):
        word = token.text.upper()
        quoted = token.token_type in (TokenType.STRING, TokenType.IDENTIFIER)
        called = following.token_type == TokenType.L_PAREN
        if (
            word in _READING
            and not quoted
            and (called or (streams and word == "STREAM"))
        ):
            message = f"{token.text}(...) can't be written out"
            raise _written_read(message, _READING[word], token.start, len(word))


def _refuse_name(name: TableName, parts: int, text: str) -> None:
    """Refuse what isn't `schema.table`, perhaps with a catalog."""
    start, length = name.start, name.end - name.start
    if parts == 1:
        message = f'the table "{name.name}" has no schema'
        hint = f"Write  schema.{name.name} , or define {name.name} in a WITH."
        if text[start : start + 1] in ("'", '"'):
            message = "a text can't be read as a table"
            hint = "Write the name without quotes, or make it a table parameter."
        raise TemplateFault("unqualified-table", message, hint, start, length)
    if "/" in name.name:
        message = "a path can't be written out"
        raise _written_read(message, "files", start, length)
    if parts > 3:
        message = f'"{name.name}" is no table\'s name'
        hint = "Write  schema.table , or  catalog.schema.table  for one elsewhere."
        raise TemplateFault("bad-name", message, hint, start, length)


def _refuse_qualified_columns(query: exp.Expr, tables: set[str], text: str) -> None:
    """`schema.table.column` would not follow its table to another target."""
    from sqlglot import exp

    for column in query.find_all(exp.Column):
        parts = column.parts[:-1]
        name = ".".join(part.name.lower() for part in parts)
        if len(parts) > 1 and name in tables:
            start, end = _span(parts, text)
            message = f"the column {column.name} is named with its table's schema"
            hint = "Write  FROM schema.table AS t , and  t.column ."
            raise TemplateFault("qualified-column", message, hint, start, end - start)


def _written_read(message: str, kind: str, start: int, length: int) -> TemplateFault:
    hint = (
        f"Make it a parameter:  parameters: {{source: {kind}}} , "
        "and read  {{ source }} ."
    )
    return TemplateFault("written-read", message, hint, start, length)


def _span(parts: Sequence[exp.Expr], text: str) -> tuple[int, int]:
    start = parts[0].meta.get("start", 0)
    end = parts[-1].meta.get("end", start) + 1
    return start, min(end, len(text))
