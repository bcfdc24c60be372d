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
from mdf_magics.deploying.following import forgotten, releases
from mdf_magics.deploying.identity import Marker
from mdf_magics.deploying.kept_lease import KeptLease
from mdf_magics.deploying.looking import duplicates, find_marked
from mdf_magics.deploying.sent import without_permissions
from mdf_magics.deploying.workspaces.protocol import (
    NotFound,
    Workspace,
    WorkspaceError,
)
from mdf_magics.errors import Problem
from mdf_magics.state.protocol import JournalRow, Snapshot

GRACE_STEP_SECONDS = 10.0
"""How long is waited before the lease is looked after."""

type Settled = tuple[list[JournalRow], list[Problem]]
"""The outcome, with what follows from it, and warnings."""


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
        sleep: Waits; for listings that are late, and for calls still under way.

    Returns:
        Warnings about resources that are there twice.
    """
    if state.pending:
        _let_calls_end(lease, sleep)
    rows: list[JournalRow] = []
    warnings: list[Problem] = []

    def ended(_operation_id: str, future: Future[Settled]) -> None:
        if future.cancelled():
            return
        try:
            settled, twice = future.result()
        except WorkspaceError:
            return  # not known yet: it stays pending, and its key is left alone
        rows.extend(settled)
        warnings.extend(twice)

    look = partial(_look, workspace, state, lease.lease.lineage, sleep)
    call_all(
        {intent.operation_id: partial(look, intent) for intent in state.pending},
        concurrency=concurrency,
        ended=ended,
        tick=lease.keep,
    )
    if rows:
        lease.write(sorted(rows, key=lambda row: row.key))
    return warnings


def _let_calls_end(lease: KeptLease, sleep: Callable[[float], None]) -> None:
    """Wait until nothing that the last holder has begun can have an effect any more."""
    left = lease.lease.grace
    while left > 0:
        sleep(min(left, GRACE_STEP_SECONDS))
        left -= GRACE_STEP_SECONDS
        lease.keep()


def _look(
    workspace: Workspace,
    state: Snapshot,
    lineage: str,
    sleep: Callable[[float], None],
    intent: JournalRow,
) -> Settled:
    marker = Marker(lineage, intent.key, intent.nonce or "")
    remote_id = intent.remote_id or ""
    if intent.operation == "create":
        found = find_marked(workspace, intent.kind, intent.name or "", marker, sleep)
        if not found:
            return [_failed(intent, "it was interrupted before anything was made")], []
        remote_id = found[0].remote_id
        url = workspace.url(intent.kind, remote_id)
        made = without_permissions(intent)  # they come after it
        done = replace(made, phase="done", remote_id=remote_id, url=url)
        follow = releases(done, state.resources.values())
        return [done, *follow], duplicates(workspace, remote_id, found)
    if intent.operation == "delete":
        try:
            workspace.get(intent.kind, remote_id)
        except NotFound:
            return [replace(intent, phase="done")], []
        return [_failed(intent, "it was interrupted before anything was deleted")], []
    if intent.operation == "forget":
        return [replace(intent, phase="done")], []
    earlier = _earlier_key(state, intent)
    if intent.operation == "adopt" or earlier:
        # The marker changes with these: whether they arrived can be seen.
        remote = workspace.get(intent.kind, remote_id)
        if not marker.on(remote.tags):
            return [_failed(intent, "it was interrupted before anything changed")], []
        done = replace(intent, phase="done")
        others = [row for row in state.resources.values() if row is not earlier]
        gone = [forgotten(earlier)] if earlier else []
        return [done, *gone, *releases(done, others)], []
    # Whether an update arrived can't be told from every field; sending it again can't
    # do harm, and the plan does so for an update that didn't come to its end.
    return [_failed(intent, "it was interrupted and is sent again")], []


def _earlier_key(state: Snapshot, intent: JournalRow) -> JournalRow | None:
    """What the state still calls the resource that this renames."""
    if intent.operation != "move":
        return None
    same = (intent.kind, intent.remote_id)
    for row in state.resources.values():
        if (row.kind, row.remote_id) == same and row.key != intent.key:
            return row
    return None


def _failed(intent: JournalRow, error: str) -> JournalRow:
    return replace(intent, phase="failed", error=error)
