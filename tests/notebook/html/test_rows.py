"""Rows as HTML and as text: what doesn't fit is counted, and it stays small."""

from __future__ import annotations

import pytest

from mdf_magics.engines.protocol import Column, Rows
from mdf_magics.notebook.html.rows import rows_table
from mdf_magics.plain_text import rows_text


def wide(rows: int, columns: int, value: object = "x") -> Rows:
    named = tuple(Column(f"c{index}", "string") for index in range(columns))
    return Rows(named, ((value,) * columns,) * rows, more=False)


def test_what_fits_is_shown_whole() -> None:
    assert "more" not in rows_table(wide(800, 20))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("x", id="short"),
        pytest.param("<&\N{EURO SIGN}" * 3000, id="long, and longer when escaped"),
    ],
)
def test_output_of_a_big_preview_is_below_a_megabyte(value: str) -> None:
    rows = wide(1000, 200, value)

    shown = rows_table(rows), "\n".join(rows_text(rows))

    assert sum(len(one.encode()) for one in shown) < 1_000_000


def test_html_and_text_say_how_much_is_left_out() -> None:
    rows = wide(1000, 200)

    assert "... and 715 more rows and 140 more columns" in rows_table(rows)
    assert rows_text(rows)[-1] == "... and 180 more columns"
    assert rows_text(wide(1001, 2))[-1] == "... and 1 more row"


def test_names_types_and_values_are_escaped() -> None:
    hostile = "<script>alert(1)</script>"
    shown = rows_table(Rows((Column(hostile, hostile),), ((hostile,),), more=False))

    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 3
