"""Frozen tests: what was frozen, and which tests fail by which rows."""

from __future__ import annotations

from mdf_magics.notebook.html.elements import (
    diff,
    folded,
    grid,
    page,
    paragraph,
    problem_block,
)
from mdf_magics.notebook.html.rendering import render
from mdf_magics.notebook.html.rows import rows_table
from mdf_magics.results import Frozen, RanTests
from mdf_magics.results.testing import differing


@render.register
def _(result: Frozen) -> str:
    ignored = ", ".join(result.test.expect.ignore)
    return page(
        rows_table(result.rows),
        paragraph(f"different each time, so not compared: {ignored}", "soft")
        if ignored
        else "",
        folded(result.outcome(), diff(result.diff))
        if result.diff
        else paragraph(result.outcome(), "soft"),
    )


@render.register
def _(result: RanTests) -> str:
    if not result.outcomes:
        return page(paragraph(result.text()))
    blocks = [grid(("test", "outcome", "where"), result.table_rows())]
    for one in result.outcomes:
        if not one.passed:
            blocks.append(paragraph(one.name, "bad"))
            blocks += map(problem_block, one.problems)
            for title, rows in differing(one):
                blocks += [paragraph(title), rows_table(rows)]
    return page(
        *blocks, paragraph(result.summary(), "bad" if result.errors else "good")
    )
