"""Binding a resource that somebody else made to a key of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mdf_magics.deploying.survey import Wish
from mdf_magics.deploying.workspaces.protocol import NotFound, Workspace
from mdf_magics.errors import DeployError, Problem, did_you_mean
from mdf_magics.planning.resources import Compiled
from mdf_magics.planning.selection import Selection
from mdf_magics.state.protocol import Snapshot


@dataclass(frozen=True)
class Adopted:
    """A resource in the workspace that is to be one of ours."""

    kind: str
    """`job` or `pipeline`."""
    remote_id: str
    key: str
    """What it is to be."""

    def wish(self, workspace: Workspace, desired: Compiled) -> Wish:
        """The wish that it is ours from now on.

        Raises:
            DeployError: There is no such resource or key, they don't fit each other,
                or the resource is somebody else's.
        """
        resources = {resource.key: resource for resource in desired.resources}
        wanted = resources.get(self.key)
        if wanted is None:
            hint = did_you_mean(self.key, resources)
            raise _not_adopted(f"no definition asks for {self.key}", hint)
        if wanted.kind != self.kind:
            raise _not_adopted(f"{self.key} is a {wanted.kind}, not a {self.kind}")
        try:
            remote = workspace.get(self.kind, self.remote_id)
        except NotFound as error:
            raise _not_adopted(error.message) from error
        marks, ours = _marks(remote.tags), _marks(wanted.spec.get("tags") or {})
        others = [name for name in ours if marks.get(name, ours[name]) != ours[name]]
        if others:
            whose = ", ".join(f"{name} {marks[name]}" for name in others)
            message = f"the {self.kind} {self.remote_id} carries the marks {whose}"
            hint = "Destroy it from the project that made it, or remove its mdf_ tags."
            raise _not_adopted(message, hint)
        selection = Selection(frozenset(), frozenset({self.key}))
        return Wish(desired, selection, {self.key: remote})

    def check_unbound(self, state: Snapshot) -> None:
        """Refuse when key or resource are bound already. Raises DeployError."""
        for row in state.resources.values():
            if row.key == self.key:
                what = f"{row.key} is deployed, as the {row.kind} {row.remote_id}"
                raise _not_adopted(what, "Keep that one, or remove it first.")
            if (row.kind, row.remote_id) == (self.kind, self.remote_id):
                raise _not_adopted(
                    f"the {row.kind} {row.remote_id} is {row.key} already"
                )


def _marks(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: tag for name, tag in tags.items() if name.startswith("mdf_")}


def _not_adopted(why: str, hint: str = "") -> DeployError:
    return DeployError(Problem("no-adoption", f"nothing was adopted: {why}", hint))
