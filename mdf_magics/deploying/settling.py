"""What came of operations that were begun and whose outcome nobody wrote down.

A deploy that died, or whose replies were lost, leaves intents without an outcome. The
workspace knows: a create is looked up by the display name and the marker in the intent.
Nobody is asked, and nothing is sent again before it is known.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

from mdf_magics.deploying.calling import call_all
from mdf_magics.deploying.identity import Marker
from mdf_magics.deploying.kept_lease import KeptLease
from mdf_magics.deploying.looking import duplicates, find_marked
from mdf_magics.deploying.workspaces.protocol import (
    NotFound,
    Workspace,
    WorkspaceError,
)
from mdf_magics.errors import Problem
from mdf_magics.state.protocol import JournalRow, Snapshot

type Settled = tuple[JournalRow, list[Problem]]


def settle(
    state: Snapshot,
    workspace: Workspace,
    lease: KeptLease,
    *,
    concurrency: int,
    sleep: Callable[[float], None],
) -> list[Problem]:
    """Write the outcome of every pending intent, as far as the workspace tells it.

    Args:
        state: The state, read while the lease was held.
        workspace: Where to look.
        lease: What to write under.
        concurrency: How many calls run at once.
        sleep: Waits; for listings that are late.

    Returns:
        Warnings about resources that are there twice.
    """
    rows: list[JournalRow] = []
    warnings: list[Problem] = []

    def ended(_operation_id: str, future: Future[Settled]) -> None:
        if future.cancelled():
            return
        try:
            row, twice = future.result()
        except WorkspaceError:
            return  # not known yet: it stays pending, and its key is left alone
        rows.append(row)
        warnings.extend(twice)

    look = partial(_look, workspace, lease.lease.lineage, sleep)
    call_all(
        {intent.operation_id: partial(look, intent) for intent in state.pending},
        concurrency=concurrency,
        ended=ended,
        tick=lease.keep,
    )
    if rows:
        lease.write(sorted(rows, key=lambda row: row.key))
    return warnings


def _look(
    workspace: Workspace,
    lineage: str,
    sleep: Callable[[float], None],
    intent: JournalRow,
) -> Settled:
    if intent.operation == "create":
        marker = Marker(lineage, intent.key, intent.nonce or "")
        found = find_marked(workspace, intent.kind, intent.name or "", marker, sleep)
        if not found:
            return _failed(intent, "it was interrupted before anything was made"), []
        remote_id = found[0].remote_id
        url = workspace.url(intent.kind, remote_id)
        done = replace(intent, phase="done", remote_id=remote_id, url=url)
        return done, duplicates(workspace, remote_id, found)
    if intent.operation == "delete":
        try:
            workspace.get(intent.kind, intent.remote_id or "")
        except NotFound:
            return replace(intent, phase="done"), []
        return _failed(intent, "it was interrupted before anything was deleted"), []
    if intent.operation == "forget":
        return replace(intent, phase="done"), []
    # Whether an update arrived can't be told from every field; sending it again can't
    # do harm, and the plan does so for an update that didn't come to its end.
    return _failed(intent, "it was interrupted and is sent again"), []


def _failed(intent: JournalRow, error: str) -> JournalRow:
    return replace(intent, phase="failed", error=error)
