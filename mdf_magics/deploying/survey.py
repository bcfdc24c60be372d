"""State, workspace and plan as of one moment; reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial

from mdf_magics.deploying.calling import call_all
from mdf_magics.deploying.ownership import Ownership
from mdf_magics.deploying.plan import Plan
from mdf_magics.deploying.planner import Found, make_plan
from mdf_magics.deploying.rebuilding import check_known
from mdf_magics.deploying.references import referred
from mdf_magics.deploying.selecting import Scope, scope_of
from mdf_magics.deploying.workspaces.protocol import (
    Remote,
    Workspace,
    WorkspaceError,
)
from mdf_magics.errors import DeployError, Problem, StateError
from mdf_magics.planning.resources import Compiled
from mdf_magics.planning.selection import Selection
from mdf_magics.state.protocol import Snapshot, StateStore


@dataclass(frozen=True)
class Wish:
    """What a deploy is to bring about."""

    desired: Compiled
    """What the definitions come to."""
    selection: Selection | None = None
    """What is deployed of it; None: everything."""
    adopted: Mapping[str, Remote] = field(default_factory=dict)
    """Keys to resources that somebody else made and that are to be theirs."""


@dataclass(frozen=True)
class View:
    """What was seen, and the plan that comes of it."""

    state: Snapshot
    found: Found
    ownership: Ownership
    plan: Plan


@dataclass(frozen=True)
class Surveyor:
    """Looks at one target."""

    store: StateStore
    workspace: Workspace
    pipelines_own_tables: bool
    concurrency: int

    def survey(self, wish: Wish) -> View:
        """Read state and workspace, and plan.

        Raises:
            DeployError: The state is of another workspace; a reference leads nowhere.
            StateError: The state can't be read or trusted.
        """
        state = self.store.snapshot()
        self._check_workspace(state)
        desired = wish.desired
        ownership = Ownership(
            desired, state, pipelines_own_tables=self.pipelines_own_tables
        )
        scope = _scope(wish, state, ownership)
        keys = None if scope is None else _concerned(scope, desired, ownership)
        resources = self.resources(state, keys)
        found = Found(
            resources, self.workspace.uploaded(), self.workspace.path_of, wish.adopted
        )
        chosen = scope.keys if scope else None
        plan = make_plan(desired, state, found, ownership, chosen)
        plan = replace(plan, notes=scope.notes if scope else ())
        try:
            self._check_known(plan, state)
        except StateError:
            now = self.store.snapshot()
            if (now.fence, now.seq) == (state.fence, state.seq):
                raise
            return self.survey(wish)  # somebody deployed while we looked
        return View(state, found, ownership, plan)

    def resources(
        self, state: Snapshot, keys: Collection[str] | None = None
    ) -> dict[str, Remote | WorkspaceError]:
        """What the workspace has of each key of the state, or of some."""
        found: dict[str, Remote | WorkspaceError] = {}

        def ended(key: str, future: Future[Remote]) -> None:
            if future.cancelled():
                return
            try:
                found[key] = future.result()
            except WorkspaceError as error:
                found[key] = error

        get = self.workspace.get
        call_all(
            {
                key: partial(get, row.kind, row.remote_id or "")
                for key, row in state.resources.items()
                if keys is None or key in keys
            },
            concurrency=self.concurrency,
            ended=ended,
        )
        return found

    def _check_workspace(self, state: Snapshot) -> None:
        here = self.workspace.workspace_id
        others = {row.workspace_id for row in state.resources.values()} - {here, None}
        if others:
            raise DeployError(
                Problem(
                    "other-workspace",
                    f"{self.store.target} is deployed to workspace "
                    f"{', '.join(sorted(map(str, others)))}, and this is {here}",
                    "Check the target's host and profile in definitions/mdf.yml.",
                )
            )

    def _check_known(self, plan: Plan, state: Snapshot) -> None:
        """Refuse to make what the workspace has already, though the state forgot it."""
        found: list[Remote] = []

        def ended(_key: str, future: Future[list[Remote]]) -> None:
            if not future.cancelled():
                found.extend(future.result())

        find = self.workspace.find
        call_all(
            {
                action.key: partial(find, action.kind, action.resource.spec["name"])
                for action in plan.actions
                if action.operation == "create" and action.resource
            },
            concurrency=self.concurrency,
            ended=ended,
        )
        check_known(self.store, state, found)


def _scope(wish: Wish, state: Snapshot, ownership: Ownership) -> Scope | None:
    if wish.selection is None:
        return None
    return scope_of(wish.selection, wish.desired, state, ownership)


def _concerned(scope: Scope, desired: Compiled, ownership: Ownership) -> set[str]:
    """The keys to read: those in scope, under their old names too, and their needs."""
    keys = set(scope.keys)
    for resource in desired.resources:
        if resource.key in scope.keys:
            keys |= referred(resource.spec)
    return keys | {
        before for key, before in ownership.earlier_keys.items() if key in keys
    }
