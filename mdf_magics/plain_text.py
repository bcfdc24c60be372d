"""Tables of plain text: what a terminal shows, and every rich output's twin."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mdf_magics.engines.protocol import Rows

LONGEST_VALUE = 60
"""Characters of a value in a printed table."""

LINE_WIDTH = 160
"""Characters of a printed table's line; columns beyond are counted, not shown."""

MOST_ROWS = 1000
"""Rows of a printed table; rows beyond are counted, not shown."""


def rows_text(rows: Rows) -> list[str]:
    """Rows as an aligned table: names, types, values."""
    if not rows.columns:
        return ["(no columns)"]
    shown = rows.rows[:MOST_ROWS]
    cells: list[list[str]] = []
    used = 0
    for index, column in enumerate(rows.columns):
        texts = [value_text(column.name), value_text(column.type)]
        texts += [value_text(row[index]) for row in shown]
        used += max(map(_width, texts)) + 2
        if used > LINE_WIDTH and cells:
            break
        cells.append(texts)
    fitting = len(cells)
    right = [index for index in range(fitting) if is_number(rows.columns[index].type)]
    grid = list(zip(*cells, strict=True))
    lines = aligned(grid, underline=True, right=tuple(right), header=2)
    note = left_out(len(rows.rows) - len(shown), len(rows.columns) - fitting)
    return [*lines, note] if note else lines


def left_out(rows: int, columns: int) -> str:
    """How much of a table is not shown; empty when all is."""
    parts = [
        count(number, f"more {word}")
        for number, word in ((rows, "row"), (columns, "column"))
        if number
    ]
    return f"... and {' and '.join(parts)}" if parts else ""


def aligned(
    rows: Sequence[Sequence[str]],
    *,
    underline: bool = False,
    right: tuple[int, ...] = (),
    header: int = 1,
) -> list[str]:
    """Rows of text in columns.

    Args:
        rows: The cells.
        underline: Put a line of dashes below the header.
        right: Columns whose cells stand at the right.
        header: How many rows the header has.
    """
    if not rows:
        return []
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            _padded(cell, width, right=index in right)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    if underline:
        lines.insert(header, "  ".join("-" * width for width in widths))
    return lines


def value_text(value: Any, longest: int = LONGEST_VALUE) -> str:
    """A value as one short line: NULL, numbers, times, nested values."""
    text = _plain(value)
    if not text.isprintable():
        text = "".join(one if one.isprintable() else _visible(one) for one in text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def is_number(kind: str) -> bool:
    """Whether values of this type are aligned at the right."""
    numbers = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")
    return kind.split("(", maxsplit=1)[0] in numbers


def json_value(value: Any) -> Any:
    """A value as JSON has it: numbers as numbers, all else as text or nested."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {str(key): json_value(one) for key, one in value.items()}
    if isinstance(value, Iterable):
        return [json_value(one) for one in value]
    return _plain(value)


def _plain(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ").replace("+00:00", "Z")
    if isinstance(value, bytes | bytearray):
        return f"X'{bytes(value).hex().upper()}'"
    if isinstance(value, Mapping):
        pairs = (f"{_plain(key)}: {_plain(one)}" for key, one in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return str(value)


def _visible(character: str) -> str:
    """A control character that can't do anything to a terminal."""
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return named.get(character) or f"\\u{ord(character):04x}"


def _width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _padded(text: str, width: int, *, right: bool) -> str:
    gap = " " * (width - _width(text))
    return gap + text if right else text + gap


def count(number: int, word: str) -> str:
    """A figure with its noun: `1 table`, `2 tables`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
