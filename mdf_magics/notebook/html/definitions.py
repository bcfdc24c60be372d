"""Definitions: what a cell came to, lists, problems, changes of files."""

from __future__ import annotations

from mdf_magics.notebook.html.elements import (
    diff,
    folded,
    grid,
    page,
    paragraph,
    preformatted,
    problem_block,
)
from mdf_magics.notebook.html.previews import preview_blocks
from mdf_magics.notebook.html.rendering import render
from mdf_magics.results import (
    Added,
    AddedAll,
    Changed,
    Definition,
    Graphed,
    GraphedColumns,
    Listed,
    Message,
    Validated,
)


@render.register
def _(result: Added) -> str:
    return page(_added(result))


@render.register
def _(result: AddedAll) -> str:
    return page(*map(_added, result.added))


@render.register
def _(result: Message) -> str:
    alone = "\n" not in result.sentence
    told = paragraph(result.sentence) if alone else preformatted(result.sentence)
    return page(told, *map(problem_block, result.warnings))


@render.register
def _(result: Changed) -> str:
    blocks = [folded(result.sentence, diff(result.diff))]
    if result.left:
        blocks.append(paragraph("Look at these yourself:", "note"))
        blocks.append(preformatted("\n".join(result.left)))
    return page(*blocks)


@render.register
def _(result: Definition) -> str:
    place = paragraph(f"{result.file}:{result.line}", "soft")
    return page(preformatted(result.source), place)


@render.register
def _(result: Listed) -> str:
    if not result.tables:
        return page(paragraph(result.text()))
    rows = [
        (
            one.name,
            one.part,
            one.runs_on if one.runs_on in one.fits else f"{one.runs_on} (unfit)",
            one.write,
            one.transformation or "(own)",
            ", ".join(one.upstream),
            f"{one.file}:{one.line}",
        )
        for one in result.tables
    ]
    header = ("table", "part", "runs on", "write", "transformation", "reads", "where")
    return page(grid(header, rows, wrap=(5,)))


@render.register(Graphed)
@render.register(GraphedColumns)
def _(result: Graphed | GraphedColumns) -> str:
    if isinstance(result, Graphed) and not result.nodes:
        return page(paragraph(result.text()))
    return page(result.svg(), folded("as a list", preformatted(result.text())))


@render.register
def _(result: Validated) -> str:
    if not result.problems:
        return page(paragraph(result.text(), "good"))
    return page(*map(problem_block, result.problems))


def _added(result: Added) -> str:
    blocks = [preview_blocks(result.preview)] if result.preview else []
    if result.schemas:
        rows = [
            (name, ", ".join(f"{one.name} {one.type}" for one in columns))
            for name, columns in result.schemas.items()
        ]
        blocks.append(grid(("table", "columns"), rows, wrap=(1,)))
    if result.diff:
        blocks.append(folded(result.outcome(), diff(result.diff)))
    else:
        blocks.append(paragraph(result.outcome(), "soft"))
    if result.inherited:
        said = ", ".join(f"{key}: {value}" for key, value in result.inherited.items())
        blocks.append(paragraph(f"inherited from the file's defaults: {said}", "soft"))
    return "".join([*blocks, *map(problem_block, result.warnings)])
