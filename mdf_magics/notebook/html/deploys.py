"""Plans, deploys, runs, status."""

from __future__ import annotations

from mdf_magics.deploying.plan import Action, Plan
from mdf_magics.deploying.result import DeployResult
from mdf_magics.deploying.workspaces.protocol import TableRun
from mdf_magics.notebook.html.elements import (
    folded,
    grid,
    page,
    paragraph,
    preformatted,
    problem_block,
)
from mdf_magics.notebook.html.rendering import render
from mdf_magics.plain_text import count
from mdf_magics.results import Ran, Status, TableStatus, failures

FEW = 6
"""Actions of a plan that are all shown open; of more, those that want a look."""

_WANTS_A_LOOK = {
    "delete": "bad",
    "rebuild": "bad",
    "unknown": "bad",
    "move": "note",
    "adopt": "note",
}
"""Actions that a reader must not overlook, and how they are coloured."""


@render.register
def _(result: Plan) -> str:
    shown = result.shown()
    blocks = [_action(one, few=len(shown) <= FEW) for one in shown]
    notes = [paragraph(note, "note") for note in result.notes]
    return page(paragraph(result.summary()), *notes, *blocks)


def _action(action: Action, *, few: bool) -> str:
    """One action as a line that opens: why, which tables, what of their rows."""
    colour = _WANTS_A_LOOK.get(action.action, "")
    remote_id = action.row.remote_id if action.row else None
    head = f"{action.action} {action.kind} {action.key}"
    if remote_id:
        head += f" ({remote_id})"
    inside = preformatted("\n".join(action.details()))
    return folded(head, inside, colour, is_open=few or bool(colour))


@render.register
def _(result: DeployResult) -> str:
    rows = [
        *((one.action, one.kind, one.key, one.remote_id) for one in result.done),
        *((one.action, one.kind, one.key, "failed") for one in result.failed),
        *((one.action, one.kind, one.key, "blocked") for one in result.blocked),
    ]
    table = grid(("action", "kind", "resource", "id"), rows) if rows else ""
    problems = [problem_block(one.problem) for one in result.failed]
    problems += map(problem_block, result.warnings)
    problems += [paragraph(note, "note") for note in result.notes]
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


def _failure(failed: tuple[TableRun | TableStatus, str]) -> str:
    table, why = failed
    return paragraph(table.name, "bad") + preformatted(why)
