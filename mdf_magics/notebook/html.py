"""Results as HTML: one small design, colours from where it is shown.

Text takes the colour of its surroundings; lines are that colour made faint, and red,
green and yellow are mixed with it. So light, dark and high contrast all come out right
without knowing the front end. There is no script and nothing is loaded. Everything is
escaped: table data is hostile.

JupyterLab styles all tables itself (`.jp-RenderedHTMLCommon`): `.mdf.mdf.mdf` outdoes
it. It drops `<style>` from a notebook that isn't trusted, so what must hold even there
(which side a cell stands at, line breaks) is in the elements.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Any

from mdf_magics.deploying.plan import Plan
from mdf_magics.deploying.result import DeployResult
from mdf_magics.deploying.workspaces.protocol import TableRun
from mdf_magics.engines.protocol import Rows
from mdf_magics.errors import Problem
from mdf_magics.plain_text import count, is_number, value_text
from mdf_magics.results import (
    Added,
    AddedAll,
    Changed,
    Definition,
    Listed,
    Message,
    Previewed,
    Ran,
    Status,
    TableStatus,
    Validated,
    failures,
)

MOST_COLUMNS = 60
"""Columns of a preview that are shown; the rest is counted."""

LONGEST_VALUE, LONGEST_TITLE = 200, 2000
"""Characters of a value in a cell, and where the pointer rests on it."""

WIDEST_VALUE = 50
"""Characters that a cell certainly has room for."""

_FAINT = "color-mix(in srgb, currentColor 22%, transparent)"


def _tone(colour: str) -> str:
    """A colour that can be read on white and on black."""
    return f"color-mix(in srgb, {colour} 62%, currentColor)"


_STYLE = f"""<style>
.mdf {{font-size: 13px; line-height: 1.45; color: inherit; overflow-x: auto;
  padding-left: 5px;}}
.mdf.mdf.mdf p {{margin: 4px 0;}}
.mdf .soft {{opacity: .68;}}
.mdf .bad {{color: {_tone("#e5202c")};}}
.mdf .good {{color: {_tone("#13a13f")};}}
.mdf .note {{color: {_tone("#c98300")};}}
.mdf.mdf.mdf table {{border-collapse: collapse; margin: 6px 0; font-size: 12.5px;
  font-variant-numeric: tabular-nums; color: inherit; background: none; border: 0;}}
.mdf.mdf.mdf tr {{background: none;}}
.mdf.mdf.mdf tbody tr:hover {{background: {_FAINT.replace("22%", "7%")};}}
.mdf.mdf.mdf th, .mdf.mdf.mdf td {{padding: 3px 18px 3px 0; vertical-align: top;
  white-space: pre; border: 0; border-bottom: 1px solid {_FAINT}; line-height: 1.4;
  background: none; color: inherit; max-width: 420px; overflow: hidden;
  text-overflow: ellipsis;}}
.mdf.mdf.mdf th {{font-weight: 600; border-bottom: 1px solid currentColor;}}
.mdf.mdf.mdf td.wrap {{white-space: pre-wrap; max-width: 760px;}}
.mdf small {{font-size: 11px; font-weight: 400; opacity: .68;}}
.mdf .null {{opacity: .5; font-style: italic;}}
.mdf.mdf.mdf pre {{margin: 6px 0; padding: 2px 10px; border: 0;
  border-left: 2px solid {_FAINT}; background: none; color: inherit; white-space: pre;
  font-size: 12px; line-height: 1.4;}}
.mdf.mdf.mdf details {{margin: 4px 0;}}
.mdf summary {{cursor: pointer;}}
</style>"""

_TONES = {
    "succeeded": "good",
    "failed": "bad",
    "upstream_failed": "note",
    "cancelled": "note",
    "changed by hand": "note",
    "missing": "bad",
    "unfinished": "note",
}
"""How a status is coloured; the others aren't."""


def page(*blocks: str) -> str:
    """A whole output: the style, and the blocks below each other."""
    return f'{_STYLE}<div class="mdf">{"".join(blocks)}</div>'


def paragraph(text: str, kind: str = "") -> str:
    """A line of text; `soft`, `bad`, `good` or `note`."""
    name = f' class="{kind}"' if kind else ""
    return f"<p{name}>{html.escape(text)}</p>"


def preformatted(text: str) -> str:
    """Text whose lines and blanks matter."""
    return f"<pre>{html.escape(text)}</pre>"


def diff(text: str) -> str:
    """What files gain and lose. A single file's name stands elsewhere."""
    tones = {"+": "good", "-": "bad", "@": "soft"}
    several = text.count("\n+++ ") > 1
    lines = []
    for line in text.splitlines():
        if line.startswith("--- ") or (line.startswith("+++ ") and not several):
            continue
        tone = "soft" if line.startswith("+++ ") else tones.get(line[:1])
        told = html.escape(line)
        lines.append(f'<span class="{tone}">{told}</span>' if tone else told)
    return f"<pre>{'\n'.join(lines)}</pre>"


def folded(summary: str, inside: str) -> str:
    """A line that opens."""
    return f"<details><summary>{html.escape(summary)}</summary>{inside}</details>"


def grid(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[int] = (),
    wrap: Sequence[int] = (),
) -> str:
    """A table of texts.

    Args:
        header: The columns' names.
        rows: The cells.
        right: Columns that stand at the right.
        wrap: Columns of long texts, which are broken into lines.
    """
    head = "".join(
        f"<th{_side(index in right)}>{html.escape(one)}</th>"
        for index, one in enumerate(header)
    )
    body = "".join(
        "<tr>"
        + "".join(
            _cell(one, right=index in right, wrap=index in wrap)
            for index, one in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def rows_table(rows: Rows) -> str:
    """Rows of a preview: types under the names, NULL and numbers told apart."""
    shown = rows.columns[:MOST_COLUMNS]
    right = [is_number(column.type) for column in shown]
    head = "".join(
        f"<th{_side(aside)}>{html.escape(column.name)}<br>"
        f"<small>{html.escape(value_text(column.type, 40))}</small></th>"
        for column, aside in zip(shown, right, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(_value(row[index], aside) for index, aside in enumerate(right))
        + "</tr>"
        for row in rows.rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    left_out = len(rows.columns) - len(shown)
    if left_out:
        table += paragraph(f"... and {count(left_out, 'more column')}", "soft")
    return table


@singledispatch
def render(result: Any) -> str:
    """A result as HTML; by default its text."""
    return page(preformatted(result.text()))


@render.register
def _(result: Previewed) -> str:
    return page(_preview(result))


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
    return page(told, *map(_problem, result.warnings))


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


@render.register
def _(result: Validated) -> str:
    if not result.problems:
        return page(paragraph(result.text(), "good"))
    return page(*map(_problem, result.problems))


@render.register
def _(result: Plan) -> str:
    first = paragraph(result.text().splitlines()[0])
    shown = [one for one in result.actions if one.action != "none"]
    if not shown:
        return page(first)
    rows = [
        (
            one.action,
            one.kind,
            one.key,
            "\n".join(one.reasons),
            ("stay: " if one.action == "delete" else "") + ", ".join(one.tables),
        )
        for one in shown
    ]
    header = ("action", "kind", "resource", "why", "tables")
    return page(grid(header, rows, wrap=(3, 4)), first)


@render.register
def _(result: DeployResult) -> str:
    rows = [
        *((one.action, one.kind, one.key, one.remote_id) for one in result.done),
        *((one.action, one.kind, one.key, "failed") for one in result.failed),
        *((one.action, one.kind, one.key, "blocked") for one in result.blocked),
    ]
    table = grid(("action", "kind", "resource", "id"), rows) if rows else ""
    problems = [_problem(one.problem) for one in result.failed]
    problems += map(_problem, result.warnings)
    kind = "good" if result.succeeded else "bad"
    return page(table, *problems, paragraph(result.text().splitlines()[-1], kind))


@render.register
def _(result: Ran) -> str:
    rows = [
        (
            one.name,
            one.status,
            "" if one.rows is None else f"{one.rows:,}",
            "" if one.seconds is None else f"{one.seconds:.1f} s",
        )
        for one in result.tables
    ]
    table = grid(("table", "status", "rows", "time"), rows, right=(2, 3))
    last = f"{len(rows) - result.errors} of {count(len(rows), 'table')} succeeded"
    kind = "bad" if result.errors else "good"
    note = paragraph(result.note, "note") if result.note else ""
    return page(
        table, *map(_failure, failures(result.tables)), paragraph(last, kind), note
    )


@render.register
def _(result: Status) -> str:
    header, *resources = result.resource_rows()
    titles, *tables = result.table_rows()
    none_yet = paragraph(result.text().splitlines()[0])
    commit = f"deployed commit: {result.commit}" if result.commit else ""
    return page(
        grid(header, resources) if resources else none_yet,
        grid(titles, tables, right=(3,)) if tables else "",
        *map(_failure, failures(result.tables)),
        paragraph(commit, "soft") if commit else "",
    )


def _preview(result: Previewed) -> str:
    return "".join(
        [
            rows_table(result.preview.rows),
            paragraph(result.summary(), "soft"),
            _expectations(result),
            *map(_problem, result.warnings),
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


def _added(result: Added) -> str:
    blocks = [_preview(result.preview)] if result.preview else []
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
    return "".join([*blocks, *map(_problem, result.warnings)])


def _failure(failed: tuple[TableRun | TableStatus, str]) -> str:
    table, why = failed
    return paragraph(table.name, "bad") + preformatted(why)


def _problem(problem: Problem) -> str:
    kind = "note" if problem.severity == "warning" else "bad"
    first, *rest = str(problem).splitlines()
    details = preformatted("\n".join(rest)) if rest else ""
    return paragraph(first, kind) + details


def _cell(text: str, *, right: bool, wrap: bool) -> str:
    tone = _TONES.get(text)
    told = html.escape(text)
    if tone:
        told = f'<span class="{tone}">{told}</span>'
    kind = ' class="wrap"' if wrap else ""
    return f"<td{kind}{_side(right)}>{told}</td>"


def _value(value: Any, right: bool) -> str:  # noqa: FBT001 (one of many cells)
    if value is None:
        return f'<td{_side(right)}><span class="null">NULL</span></td>'
    text = value_text(value, LONGEST_VALUE)
    whole = value_text(value, LONGEST_TITLE)
    title = f' title="{html.escape(whole)}"' if len(whole) > WIDEST_VALUE else ""
    return f"<td{_side(right)}{title}>{html.escape(text)}</td>"


def _side(right: bool) -> str:  # noqa: FBT001 (as above)
    return f' style="text-align: {"right" if right else "left"}"'
