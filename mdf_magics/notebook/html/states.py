"""A target's state, and what happened to it."""

from __future__ import annotations

from mdf_magics.notebook.html.elements import grid, page, paragraph, preformatted
from mdf_magics.notebook.html.rendering import render
from mdf_magics.results import History, StateShown


@render.register
def _(result: StateShown) -> str:
    text = result.text().split("\n\n")
    if not result.state.resources:
        return page(*map(preformatted, text))
    header, *rows = result.rows()
    return page(preformatted(text[0]), grid(header, rows), *map(preformatted, text[2:]))


@render.register
def _(result: History) -> str:
    if not result.operations:
        return page(paragraph(result.text()))
    header, *rows = result.rows()
    below = result.text().split("\n\n")[1:]
    return page(grid(header, rows), *map(preformatted, below))
