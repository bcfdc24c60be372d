"""Previews: rows, expectations, and what a run would change."""

from __future__ import annotations

from mdf_magics.notebook.html.elements import (
    folded,
    grid,
    page,
    paragraph,
    problem_block,
)
from mdf_magics.notebook.html.rendering import render
from mdf_magics.notebook.html.rows import rows_table
from mdf_magics.results import Previewed


@render.register
def _(result: Previewed) -> str:
    return page(preview_blocks(result))


def preview_blocks(result: Previewed) -> str:
    """A preview as part of an output."""
    return "".join(
        [
            rows_table(result.preview.rows),
            paragraph(result.summary(), "soft"),
            _expectations(result),
            _next_run(result),
            paragraph(result.since, "soft") if result.since else "",
            *map(problem_block, result.warnings),
        ]
    )


def _next_run(result: Previewed) -> str:
    """What the next run would change; examples open."""
    told = result.preview.next_run
    if told is None:
        return ""
    sentence = result.next_run_sentence()
    return "".join(
        [
            paragraph(sentence) if sentence else "",
            *(
                folded(f"{one.kind}: examples", rows_table(one.examples))
                for one in told.changes
            ),
            *(paragraph(line, "note") for line in result.drift()),
        ]
    )


def _expectations(result: Previewed) -> str:
    told = result.preview.expectations
    if not told:
        return ""
    header = ("expectation", "pass", "fail", "rows that fail")
    rows = [
        (one.name, f"{one.passed:,}", f"{one.failed:,}", result.fate(one))
        for one in told
    ]
    examples = [
        folded(f"{one.name}: examples that fail", rows_table(one.examples))
        for one in told
        if one.examples and one.examples.rows
    ]
    sample = [paragraph(line, "soft") for line in result.sample()]
    return "".join([grid(header, rows, right=(1, 2)), *examples, *sample])
