"""Rows of a preview as a table, as far as a notebook can hold them."""

from __future__ import annotations

import html
from typing import Any

from mdf_magics.engines.protocol import Rows
from mdf_magics.notebook.html.elements import paragraph, side
from mdf_magics.plain_text import is_number, left_out, value_text

MOST_COLUMNS = 60
"""Columns that are shown; the rest is counted."""

MOST_CELLS, MOST_BYTES = 20_000, 600_000
"""Cells and bytes that are shown: a saved notebook stays small enough to open."""

LONGEST_VALUE, LONGEST_TITLE = 200, 2000
"""Characters of a value in a cell, and where the pointer rests on it."""

WIDEST_VALUE = 50
"""Characters that a cell certainly has room for."""


def rows_table(rows: Rows) -> str:
    """Rows of a preview: types under the names, NULL and numbers told apart."""
    shown = rows.columns[:MOST_COLUMNS]
    right = [is_number(column.type) for column in shown]
    head = "".join(
        f"<th{side(aside)}>{html.escape(value_text(column.name, LONGEST_VALUE))}<br>"
        f"<small>{html.escape(value_text(column.type, 40))}</small></th>"
        for column, aside in zip(shown, right, strict=True)
    )
    lines, size = [], 0
    for row in rows.rows[: MOST_CELLS // max(1, len(shown))]:
        line = "".join(_value(row[index], aside) for index, aside in enumerate(right))
        size += len(line.encode())
        if size > MOST_BYTES:
            break
        lines.append(f"<tr>{line}</tr>")
    body = "".join(lines)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    note = left_out(len(rows.rows) - len(lines), len(rows.columns) - len(shown))
    return table + (paragraph(note, "soft") if note else "")


def _value(value: Any, right: bool) -> str:  # noqa: FBT001 (one of many cells)
    if value is None:
        return f'<td{side(right)}><span class="null">NULL</span></td>'
    text = value_text(value, LONGEST_TITLE)
    if len(text) <= WIDEST_VALUE:
        return f"<td{side(right)}>{html.escape(text)}</td>"
    title = f' title="{html.escape(text)}"'
    return (
        f"<td{side(right)}{title}>{html.escape(value_text(text, LONGEST_VALUE))}</td>"
    )
