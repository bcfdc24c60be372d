"""Binding a resource that somebody else made to a key of ours."""

from __future__ import annotations

from mdf_magics.deploying.survey import Wish
from mdf_magics.deploying.workspaces.protocol import NotFound, Workspace
from mdf_magics.errors import DeployError, Problem
from mdf_magics.planning.selection import Selection
from mdf_magics.state.protocol import Snapshot


def find_adopted(
    workspace: Workspace, kind: str, remote_id: str, key: str, wish: Wish
) -> Wish:
    """The wish that an existing resource is one of ours from now on.

    Raises:
        DeployError: There is no such resource or key, they don't fit each other, or
            the resource is somebody else's.
    """
    resources = {resource.key: resource for resource in wish.desired.resources}
    wanted = resources.get(key)
    if wanted is None:
        known = ", ".join(sorted(resources))
        raise _no_adoption(f"no definition asks for {key}", f"There are: {known}.")
    if wanted.kind != kind:
        raise _no_adoption(
            f"{key} is a {wanted.kind}, and {remote_id} would be a {kind}"
        )
    try:
        remote = workspace.get(kind, remote_id)
    except NotFound as error:
        raise _no_adoption(error.message) from error
    marks = {name: tag for name, tag in remote.tags.items() if name.startswith("mdf_")}
    ours = {
        name: tag
        for name, tag in (wanted.spec.get("tags") or {}).items()
        if name.startswith("mdf_")
    }
    others = {name for name in marks.keys() & ours.keys() if marks[name] != ours[name]}
    if others:
        whose = ", ".join(f"{name} {marks[name]}" for name in sorted(others))
        hint = "Destroy it from the project that made it, or remove its mdf_ tags."
        raise _no_adoption(f"the {kind} {remote_id} carries the marks of {whose}", hint)
    selection = Selection(frozenset(), frozenset({key}))
    return Wish(wish.desired, selection, {key: remote})


def check_unbound(state: Snapshot, key: str, remote_id: str) -> None:
    """Refuse to adopt for a key that has a resource already. Raises DeployError."""
    for row in state.resources.values():
        if row.key == key:
            what = f"{key} is deployed already, as the {row.kind} {row.remote_id}"
            raise _no_adoption(what, "Destroy that one first, or keep it.")
        if row.remote_id == remote_id:
            raise _no_adoption(f"the {row.kind} {remote_id} is {row.key} already")


def _no_adoption(why: str, hint: str = "") -> DeployError:
    return DeployError(Problem("no-adoption", f"nothing was adopted: {why}", hint))
