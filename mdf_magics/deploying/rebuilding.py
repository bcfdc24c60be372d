"""A lost state: refusing to go on without it, and restoring it from the markers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mdf_magics.deploying.identity import KEY, LINEAGE, NONCE
from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.workspaces.protocol import (
    NotFound,
    Remote,
    Workspace,
    WorkspaceError,
)
from mdf_magics.errors import Problem, StateError
from mdf_magics.state.protocol import JournalRow, Snapshot, StateStore


def check_known(store: StateStore, state: Snapshot, found: Iterable[Remote]) -> None:
    """Refuse to make anew what was made for this target and the state doesn't know.

    The state was lost, or it is a copy from before.

    Args:
        store: The target's state.
        state: What it says.
        found: Resources of the names that would be made.

    Raises:
        StateError: Some of them carry this target's marks.
    """
    forgotten = [
        remote for remote in _ours(store, found) if not _is_expected(state, remote)
    ]
    if not forgotten:
        return
    what = (
        f"there is no state of {store.target}"
        if state.lineage is None
        else f"the state of {store.target} is older than its workspace"
    )
    lines = _listed(forgotten)
    raise StateError(
        Problem(
            "state-lost",
            f"{what}: it doesn't know {len(lines)} of the resources there",
            "\n".join(
                [
                    *lines,
                    store.lost,
                    "If that can't be done, say  mdf state rebuild : it restores the",
                    "state from the resources' marks. Nothing was changed.",
                ]
            ),
        )
    )


@dataclass(frozen=True)
class Rebuilt:
    """What a workspace's resources say about a target's state, key by key."""

    restored: tuple[str, ...] = ()
    """Found by their marks, and not known so."""
    known: tuple[str, ...] = ()
    """As the state says."""
    forgotten: tuple[str, ...] = ()
    """In the state, and not there any more."""
    left: tuple[str, ...] = ()
    """In the state, and there without our mark, or not to be seen."""


def rebuild(store: StateStore, workspace: Workspace, origin: Origin) -> Rebuilt:
    """Bring a lost or old state to what the marks on the workspace's resources say.

    Args:
        store: The target's state; what it says is kept where it still holds.
        workspace: Where to look; all of its jobs and pipelines are listed.
        origin: Who restores it.

    Returns:
        What was found. Restored resources are sent once more by the next deploy.

    Raises:
        Locked: Somebody deploys.
        StateError: A key is there twice, or the marks are of several lineages, so that
            which are meant can't be told.
    """
    store.accept()
    state = store.snapshot()
    everything = [*workspace.find("job", None), *workspace.find("pipeline", None)]
    ours = _ours(store, everything)
    lineage = _only_lineage(store, state, ours)
    if lineage is None:
        return Rebuilt()
    lease = store.acquire(origin.deployed_by, lineage=lineage)
    try:
        found = {remote.tags[KEY]: remote for remote in ours}
        known = {key for key, remote in found.items() if _is_known(state, remote)}
        missing = sorted(state.resources.keys() - found.keys())
        gone = [key for key in missing if _is_gone(workspace, state.resources[key])]
        restored = sorted(found.keys() - known)
        rows = [_row(found[key], state, workspace, origin) for key in restored]
        rows += [_forget(state.resources[key], origin) for key in gone]
        store.write(lease, rows)
    finally:
        store.release(lease)
    left = tuple(key for key in missing if key not in gone)
    return Rebuilt(tuple(restored), tuple(sorted(known)), tuple(gone), left)


def _only_lineage(
    store: StateStore, state: Snapshot, ours: Sequence[Remote]
) -> str | None:
    """The lineage that state and marks share; None when there is neither."""
    lineages = {remote.tags[LINEAGE] for remote in ours} | {state.lineage} - {None}
    keys = [remote.tags[KEY] for remote in ours]
    if len(lineages) <= 1 and len(set(keys)) == len(keys):
        return next(iter(lineages), None)
    why = (
        f"it is of another lineage ({state.lineage}) than the workspace's resources"
        if state.lineage and len({remote.tags[LINEAGE] for remote in ours}) == 1
        else "the workspace has some of its resources twice"
    )
    hint = (
        f"Move {store.where} away, then say  mdf state rebuild  again."
        if "another" in why
        else "Delete by hand those that aren't used any more."
    )
    raise _refusal(store, why, "\n".join([*_listed(ours), hint]))


def _is_known(state: Snapshot, remote: Remote) -> bool:
    row = state.resources.get(remote.tags[KEY])
    said = (remote.kind, remote.remote_id, remote.tags.get(NONCE))
    return row is not None and (row.kind, row.remote_id, row.nonce) == said


def _is_gone(workspace: Workspace, row: JournalRow) -> bool:
    try:
        workspace.get(row.kind, row.remote_id or "")
    except NotFound:
        return True
    except WorkspaceError:
        return False
    return False


def _ours(store: StateStore, found: Iterable[Remote]) -> list[Remote]:
    ours = {"mdf_project": store.project, "mdf_target": store.target}
    return [
        remote
        for remote in found
        if ours.items() <= remote.tags.items() and {KEY, LINEAGE} <= remote.tags.keys()
    ]


def _is_expected(state: Snapshot, remote: Remote) -> bool:
    """Whether it may be what an interrupted create has made after all."""
    tried = state.creates.get(remote.tags[KEY])
    return bool(
        tried and tried.phase == "failed" and tried.nonce == remote.tags.get(NONCE)
    )


def _listed(remotes: Iterable[Remote]) -> list[str]:
    return [f"- {remote.kind} {remote.name} ({remote.remote_id})" for remote in remotes]


def _row(
    remote: Remote, state: Snapshot, workspace: Workspace, origin: Origin
) -> JournalRow:
    key, nonce = remote.tags[KEY], remote.tags.get(NONCE)
    before = state.creates.get(key)
    generation = (before.generation or 0) if before else 0
    return JournalRow(
        key,
        remote.kind,
        "adopt",
        "done",
        str(uuid.uuid4()),
        nonce=nonce,
        name=remote.name,
        remote_id=remote.remote_id,
        url=workspace.url(remote.kind, remote.remote_id),
        generation=max(1, generation + (not before or before.nonce != nonce)),
        repository=origin.recorded_repository,
        commit=origin.commit,
        deployed_by=origin.deployed_by,
        workspace_id=workspace.workspace_id,
    )


def _forget(row: JournalRow, origin: Origin) -> JournalRow:
    return replace(
        row,
        operation="forget",
        operation_id=str(uuid.uuid4()),
        deployed_by=origin.deployed_by,
        error=None,
    )


def _refusal(store: StateStore, why: str, hint: str) -> StateError:
    message = f"the state of {store.target} can't be rebuilt: {why}"
    return StateError(Problem("no-rebuild", message, hint))
