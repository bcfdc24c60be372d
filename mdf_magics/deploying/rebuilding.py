"""A lost state: refusing to go on without it, and restoring it from the markers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from mdf_magics.deploying.identity import KEY, LINEAGE, NONCE
from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.workspaces.protocol import Remote, Workspace
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
                    "Bring the right state back. If there is none, move this",
                    "one away and say  mdf state rebuild .",
                ]
            ),
        )
    )


def rebuild(store: StateStore, workspace: Workspace, origin: Origin) -> list[str]:
    """Restore a lost state from the marks on the workspace's resources.

    Args:
        store: The target's state, which must be empty.
        workspace: Where to look; all of its jobs and pipelines are listed.
        origin: Who restores it.

    Returns:
        The keys that are known again.

    Raises:
        StateError: There is a state; or a key is there twice, or the marks are of
            several lineages, so that which are meant can't be told.
    """
    state = store.snapshot()
    if state.resources:
        raise _refusal(store, "it has one already", "Only a lost state is rebuilt.")
    everything = [*workspace.find("job", None), *workspace.find("pipeline", None)]
    ours = _ours(store, everything)
    lineages = {remote.tags[LINEAGE] for remote in ours} | {state.lineage} - {None}
    keys = [remote.tags[KEY] for remote in ours]
    if len(lineages) > 1 or len(set(keys)) < len(keys):
        lines = [
            f"- {remote.kind} {remote.name} ({remote.remote_id})" for remote in ours
        ]
        hint = "\n".join([*lines, "Delete by hand those that aren't used any more."])
        raise _refusal(store, "the workspace has some of its resources twice", hint)
    if not ours:
        return []
    lease = store.acquire(origin.deployed_by, lineage=lineages.pop())
    try:
        store.write(lease, [_row(remote, workspace, origin) for remote in ours])
    finally:
        store.release(lease)
    return sorted(keys)


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


def _row(remote: Remote, workspace: Workspace, origin: Origin) -> JournalRow:
    return JournalRow(
        remote.tags[KEY],
        remote.kind,
        "adopt",
        "done",
        str(uuid.uuid4()),
        nonce=remote.tags.get(NONCE),
        name=remote.name,
        remote_id=remote.remote_id,
        url=workspace.url(remote.kind, remote.remote_id),
        generation=1,
        repository=origin.recorded_repository,
        commit=origin.commit,
        deployed_by=origin.deployed_by,
        workspace_id=workspace.workspace_id,
    )


def _refusal(store: StateStore, why: str, hint: str) -> StateError:
    message = f"the state of {store.target} can't be rebuilt: {why}"
    return StateError(Problem("no-rebuild", message, hint))
