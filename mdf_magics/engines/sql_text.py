"""Where in a statement something stands, found without parsing it.

A statement that failed may not parse, and what is looked for is a name that an engine
complained about: patterns are enough. Strings and comments are never looked into.
"""

from __future__ import annotations

import re

from mdf_magics.errors import Place, Source

_HIDDEN = re.compile(
    r"--[^\n]*|/\*[\s\S]*?\*/|'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\""
)

_NAME = r"(?:`[^`]+`|\w+)"
_DOTTED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"

_TABLES = re.compile(rf"\b(?:from|join|into|update)\s+({_DOTTED})", re.IGNORECASE)
_COLUMNS = re.compile(rf"\bas\s+({_NAME})", re.IGNORECASE)
_QUERIES = re.compile(rf"({_NAME})\s+as\s*\(", re.IGNORECASE)


def visible(sql: str) -> str:
    """The text, as long as before, with blanks for strings and comments."""
    return _HIDDEN.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), sql)


def tables_read(sql: str) -> list[str]:
    """The dotted names after FROM, JOIN and the like."""
    return [plain(name) for name in _TABLES.findall(visible(sql))]


def columns_named(sql: str) -> list[str]:
    """The names that the statement gives to columns or tables."""
    return [plain(name) for name in _COLUMNS.findall(visible(sql))]


def queries_named(sql: str) -> list[str]:
    """The names of the common table expressions."""
    return [plain(name) for name in _QUERIES.findall(visible(sql))]


def find_name(sql: str, name: str) -> tuple[int, str] | None:
    """Where a dotted name is written first, and how.

    Args:
        sql: The statement.
        name: The name or its last parts, as engines leave the first ones out.

    Returns:
        The offset and the whole name as written, with its first parts.
    """
    parts = r"\s*\.\s*".join(f"`?{re.escape(part)}`?" for part in name.split("."))
    pattern = rf"(?<![\w`.])(?:{_NAME}\s*\.\s*)*{parts}(?![\w`])"
    match = re.search(pattern, visible(sql), re.IGNORECASE)
    return (match.start(), match[0]) if match else None


def offset_of_byte(sql: str, position: int) -> int:
    """The offset of a character from its position in UTF-8."""
    return len(sql.encode()[:position].decode(errors="ignore"))


def place_at(sql: str, offset: int, length: int, lines_before: int = 0) -> Place:
    """The place of a part of the statement."""
    line_start = sql.rfind("\n", 0, offset) + 1
    return Place(
        Source("", sql),
        sql.count("\n", 0, offset) + 1,
        offset - line_start + 1,
        max(1, length),
        lines_before,
    )


def plain(name: str) -> str:
    """A dotted name without quotes, and without blanks around its dots."""
    return re.sub(r"\s*\.\s*", ".", name).replace("`", "")


def quoted(*parts: str) -> str:
    """A name of several parts, each in backticks."""
    return ".".join(f"`{part.replace('`', '``')}`" for part in parts)
