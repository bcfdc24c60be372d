"""Plan, deploy, destroy, status: what a target should have against what it has.

A deploy in one look: read state and workspace, plan; nothing to do: done, without a
write. Else take the lease, settle what an earlier deploy left open, check consent,
carry the plan out, give the lease back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from mdf_magics.deploying.applying import Application, left_alone
from mdf_magics.deploying.calling import call_all
from mdf_magics.deploying.consent import NO_CONSENT, Consent, check_consent
from mdf_magics.deploying.kept_lease import CLOCKS, Clocks, KeptLease
from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.plan import Plan
from mdf_magics.deploying.planner import Found, make_plan
from mdf_magics.deploying.rebuilding import check_known, rebuild
from mdf_magics.deploying.result import DeployResult, OnProgress
from mdf_magics.deploying.sending import Sender
from mdf_magics.deploying.settling import settle
from mdf_magics.deploying.status import ResourceStatus, resource_statuses
from mdf_magics.deploying.workspaces.protocol import (
    Remote,
    RunRequest,
    TableRun,
    Workspace,
    WorkspaceError,
)
from mdf_magics.errors import DeployError, Locked, Problem, StateError
from mdf_magics.planning.resources import Compiled
from mdf_magics.state.protocol import Lease, Snapshot, StateStore

POLL_SECONDS = 2.0
"""How often somebody else's lease is asked for again."""


@dataclass(frozen=True)
class _View:
    """State, workspace and plan as of one moment."""

    state: Snapshot
    found: Found
    plan: Plan


@dataclass(frozen=True)
class Deployer:
    """Brings one target's workspace to what its definitions want."""

    store: StateStore
    workspace: Workspace
    concurrency: int = 10
    """How many calls run at once at most."""
    sleep: Callable[[float], None] = time.sleep
    clocks: Clocks = CLOCKS

    def plan(self, desired: Compiled) -> Plan:
        """What a deploy would do; reads only.

        Raises:
            DeployError: The state is of another workspace; a reference leads nowhere.
            StateError: The state can't be read or trusted.
        """
        return self._look(desired).plan

    def deploy(
        self,
        desired: Compiled,
        origin: Origin,
        *,
        consent: Consent = NO_CONSENT,
        plan: Plan | None = None,
        wait_seconds: float = 0,
        progress: OnProgress = lambda _: None,
    ) -> DeployResult:
        """Bring the workspace to what is wanted.

        Args:
            desired: What the definitions come to.
            origin: Where it comes from, for the journal.
            consent: What the user has agreed to.
            plan: A plan that was looked at; refused when it isn't true any more.
            wait_seconds: How long to wait for somebody else's deploy.
            progress: Told of every resource and file, in the caller's thread.

        Returns:
            What was done, what failed and what that blocked. Nothing to do: empty.

        Raises:
            ConsentMissing: The plan does more than was agreed to. Nothing was changed.
            Locked: Somebody else deploys. Nothing was changed.
            LeaseLost: Somebody else has taken over meanwhile.
            StateError: The state can't be read, written or trusted.
            DeployError: The plan isn't true any more, or the state is of another
                workspace.
        """
        view = self._look(desired)
        _check_expected(plan, view)
        if not view.state.pending:
            if not view.plan.changes:
                return _nothing_to_do(view.plan)
            check_consent(view.plan, view.state, origin, consent)
        warnings: list[Problem] = []
        with self._lease(origin.deployed_by, wait_seconds) as lease:
            if not _is_current(view.state, lease.lease):
                warnings = self._settle(lease)
                view = self._look(desired)
                _check_expected(plan, view, settled=True)
                if not view.plan.changes:
                    result = _nothing_to_do(view.plan)
                    return replace(result, warnings=tuple(warnings))
                check_consent(view.plan, view.state, origin, consent)
            application = Application(
                view.plan,
                view.state,
                self.workspace,
                lease,
                Sender(self.workspace, lease, self.sleep),
                concurrency=self.concurrency,
                progress=progress,
            )
            result = application.run(desired.uploads, view.found.uploaded, origin)
        return replace(result, warnings=(*warnings, *result.warnings))

    def destroy(
        self,
        target: str,
        origin: Origin,
        *,
        consent: Consent = NO_CONSENT,
        wait_seconds: float = 0,
        progress: OnProgress = lambda _: None,
    ) -> DeployResult:
        """Delete every resource of the target; the tables stay. Else like `deploy`."""
        return self.deploy(
            Compiled(target, (), {}),
            origin,
            consent=replace(consent, command="destroy"),
            wait_seconds=wait_seconds,
            progress=progress,
        )

    def status(self) -> list[ResourceStatus]:
        """How every deployed resource is; reads only."""
        state = self.store.snapshot()
        return resource_statuses(state, self._resources(state), self.workspace.path_of)

    def run(
        self,
        request: RunRequest,
        *,
        keys: Sequence[str] = (),
        progress: Callable[[TableRun], None] = lambda _: None,
    ) -> list[TableRun]:
        """Run what is deployed, and wait for its end.

        Args:
            request: What to do; it may narrow the run down to some tables.
            keys: The resources to run, in this order; none: `all`, which runs the
                parts in theirs, else every one.
            progress: Told whenever a table's status changes.

        Raises:
            DeployError: One of them isn't deployed, or the workspace can't run it.
        """
        rows = self.store.snapshot().resources
        chosen = keys or (["all"] if "all" in rows else sorted(rows))
        missing = [key for key in chosen if key not in rows]
        if missing or not chosen:
            what = f"{', '.join(missing)} is not" if missing else "nothing is"
            message = f"{what} deployed to {self.store.target}"
            hint = "Deploy first:  mdf deploy  or  %mdf_deploy ."
            raise DeployError(Problem("not-deployed", message, hint))
        outcomes: list[TableRun] = []
        for key in chosen:
            row = rows[key]
            outcomes += self.workspace.run(
                row.kind, row.remote_id or "", request, progress
            )
        return outcomes

    def rebuild(self, origin: Origin) -> list[str]:
        """Restore a lost state from the marks on the workspace's resources.

        Returns:
            The keys that were found and are known again. The next deploy sends each
            of them once more, because what was sent last can't be told.

        Raises:
            StateError: There is a state, or the marks are of several lineages.
        """
        return rebuild(self.store, self.workspace, origin)

    def _look(self, desired: Compiled) -> _View:
        state = self.store.snapshot()
        self._check_workspace(state)
        resources = self._resources(state)
        uploaded = self.workspace.uploaded()
        found = Found(resources, uploaded, self.workspace.path_of)
        plan = make_plan(desired, state, found)
        self._check_known(plan, state)
        return _View(state, found, plan)

    def _resources(self, state: Snapshot) -> dict[str, Remote | WorkspaceError]:
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
            },
            concurrency=self.concurrency,
            ended=ended,
        )
        return found

    def _settle(self, lease: KeptLease) -> list[Problem]:
        return settle(
            self.store.snapshot(),
            self.workspace,
            lease,
            concurrency=self.concurrency,
            sleep=self.sleep,
        )

    @contextmanager
    def _lease(self, deployed_by: str, wait_seconds: float) -> Iterator[KeptLease]:
        lease = self._take(deployed_by, wait_seconds)
        try:
            yield lease
        finally:
            # A lease that can't be given back ends by itself.
            with suppress(StateError):
                lease.release()

    def _take(self, deployed_by: str, wait_seconds: float) -> KeptLease:
        waited = 0.0
        while True:
            try:
                return KeptLease(self.store, deployed_by, self.clocks)
            except Locked:
                if waited >= wait_seconds:
                    raise
            self.sleep(POLL_SECONDS)
            waited += POLL_SECONDS

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
                resource.key: partial(find, resource.kind, resource.spec["name"])
                for action in plan.of("create")
                if (resource := action.resource)
            },
            concurrency=self.concurrency,
            ended=ended,
        )
        check_known(self.store, state, found)


def _check_expected(plan: Plan | None, view: _View, *, settled: bool = False) -> None:
    if plan is None:
        return
    moved = (plan.lineage, plan.seq) != (view.plan.lineage, view.plan.seq)
    if (moved and not settled) or plan.to_json() != view.plan.to_json():
        raise DeployError(
            Problem(
                "stale-plan",
                f"{plan.target} has changed since this plan was made",
                "Plan again and look at it. Nothing was changed.",
            )
        )


def _is_current(state: Snapshot, lease: Lease) -> bool:
    """Whether nobody has written between reading the state and taking the lease."""
    seen = (state.fence + 1, state.seq)
    return not state.pending and seen == (lease.fence, lease.seq)


def _nothing_to_do(plan: Plan) -> DeployResult:
    failed = tuple(left_alone(action) for action in plan.of("unknown"))
    return DeployResult(plan.target, failed=failed)
