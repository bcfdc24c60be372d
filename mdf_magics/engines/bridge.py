"""Rewrites what Databricks' SQL has and Sail hasn't, where that is faithful.

QUALIFY, `* EXCEPT`, GROUP BY ALL, PIVOT, `column:path`, FROM first, columns of a USING
join named with their table, a column's alias used by the next one, LIKE ANY, pipes
(`|>`) and functions under another name. sqlglot parses the query; the columns of what
it reads are asked of the engine. A query without any of these is passed on as it
stands, and so is one that can't be rewritten: then the engine's own message says what
it doesn't take.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mdf_magics.engines.rewriting import Columns, Rewriting
from mdf_magics.engines.sql_text import columns_named, visible

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SUSPICIOUS = re.compile(
    r"\bqualify\b|\bpivot\b|\bby\s+all\b|\*\s*(?:except|exclude)\b|(?<!:):(?!:)|^\s*from\b"
    r"|\bas\s*\(\s*from\b|\(\s*from\b|\busing\s*\(|\blike\s+(?:any|all|some)\b"
    r"|\b(?:iff|getdate|charindex)\s*\(|\|>",
    re.IGNORECASE,
)

_QUERY = re.compile(r"[\s(]*(?:select|with|from|create|--|/\*)", re.IGNORECASE)

_HEAD = re.compile(
    r"\s*create\b.*?\bas\s+(?=select\b|with\b|from\b|\()", re.IGNORECASE | re.DOTALL
)
"""What stands before the query of a view."""

_WRITTEN_ANEW = re.compile(
    r"(?:^|\(|\bas\b)\s*from\b|\b(?:iff|getdate|charindex)\s*\(|\|>", re.IGNORECASE
)
"""What sqlglot writes as both engines know it."""

_FRAME = re.compile(r"\{\{|\}\}|\{(\w+)\}")


def bridge(session: SparkSession) -> None:
    """Let a session's `sql` take Databricks' SQL."""
    run = session.sql

    def sql(query: str, args: Any = None, **frames: DataFrame) -> DataFrame:
        if not _is_suspicious(query):
            return run(query, args, **frames)
        plain = _without_braces(query) if frames else query

        def columns(text: str) -> list[str]:
            return sql(_with_braces(text) if frames else text, args, **frames).columns

        text = bridged(plain, columns)
        if text == plain:
            return run(query, args, **frames)
        return run(_with_braces(text) if frames else text, args, **frames)

    vars(session)["sql"] = sql


def bridged(text: str, columns: Columns) -> str:
    """A statement as Sail takes it; the same text where there is nothing to do.

    Args:
        text: A query, or the statement that creates a view.
        columns: Gives the columns of a query over the same tables.
    """
    if not _is_suspicious(text):
        return text
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    head = _HEAD.match(text)
    start = head.end() if head else 0
    try:
        tree = parse_one(text[start:], dialect="databricks")
    except SqlglotError:
        return text
    if not isinstance(tree, exp.Query):
        return text
    written_anew = _WRITTEN_ANEW.search(visible(text), start)
    rewriting = Rewriting(columns)
    try:
        tree = rewriting.rewrite(tree)
    except Exception:  # noqa: BLE001 - what it reads can't be resolved: the query says it
        return text
    if not (rewriting.changed or written_anew):
        return text
    return text[:start] + tree.sql(dialect="databricks", comments=False)


def _is_suspicious(text: str) -> bool:
    if not _QUERY.match(text):
        return False
    seen = visible(text)
    if _SUSPICIOUS.search(seen):
        return True
    words = [word.lower() for word in re.findall(r"\w+", seen)]
    return any(words.count(name.lower()) > 1 for name in columns_named(text))


def _without_braces(text: str) -> str:
    """A text in which frames are names that sqlglot can parse."""

    def name(found: re.Match[str]) -> str:
        return f"`mdf frame {found[1]}`" if found[1] else found[0][0]

    return _FRAME.sub(name, text)


def _with_braces(text: str) -> str:
    doubled = text.replace("{", "{{").replace("}", "}}")
    return re.sub(r"`mdf frame (\w+)`", r"{\1}", doubled)
