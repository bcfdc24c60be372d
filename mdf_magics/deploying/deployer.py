"""Plan, deploy, destroy, status: what a target should have against what it has.

A deploy in one look: read state and workspace, plan; nothing to do: done, without a
write. Else take the lease, settle what an earlier deploy left open, check consent,
carry the plan out, give the lease back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from mdf_magics.deploying.adopting import Adopted
from mdf_magics.deploying.applying import Application, left_alone
from mdf_magics.deploying.consent import (
    NO_CONSENT,
    Consent,
    check_consent,
    commit_warnings,
)
from mdf_magics.deploying.keeping import NoTables, TableKeeper
from mdf_magics.deploying.kept_lease import CLOCKS, Clocks, KeptLease
from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.plan import Plan
from mdf_magics.deploying.rebuilding import Rebuilt, rebuild
from mdf_magics.deploying.result import DeployResult, OnProgress
from mdf_magics.deploying.sending import Sender
from mdf_magics.deploying.settling import settle
from mdf_magics.deploying.status import ResourceStatus, resource_statuses
from mdf_magics.deploying.survey import Surveyor, View, Wish
from mdf_magics.deploying.workspaces.protocol import Workspace
from mdf_magics.errors import Locked, Problem, StateError
from mdf_magics.planning.resources import Compiled
from mdf_magics.planning.selection import Selection
from mdf_magics.state.protocol import Lease, Snapshot, StateStore

POLL_SECONDS = 2.0
"""How often somebody else's lease is asked for again."""


@dataclass(frozen=True)
class Terms:
    """What a deploy may do, and who hears of it."""

    origin: Origin
    """Where it comes from, for the journal."""
    consent: Consent = NO_CONSENT
    """What the user has agreed to."""
    check: Callable[[Plan], None] = lambda _: None
    """Looks at the plan before anything is done, and raises when it isn't the one that
    was agreed to."""
    agreed: Callable[[], object] = lambda: None
    """Called when nothing is left to agree to, before anything is done."""
    wait_seconds: float = 0
    """How long to wait for somebody else's deploy."""
    progress: OnProgress = lambda _: None
    """Told of every resource and file, in the caller's thread."""


@dataclass(frozen=True)
class Deployer:
    """Brings one target's workspace to what its definitions want."""

    store: StateStore
    workspace: Workspace
    concurrency: int = 10
    """How many calls run at once at most."""
    sleep: Callable[[float], None] = time.sleep
    clocks: Clocks = CLOCKS
    tables: TableKeeper = field(default_factory=NoTables)
    """Moves contents of tables that get another builder or name."""

    def plan(self, desired: Compiled, selection: Selection | None = None) -> Plan:
        """What a deploy would do; reads only.

        Args:
            desired: What the definitions come to.
            selection: What is planned of it; None: everything.

        Raises:
            DeployError: The state is of another workspace; a reference leads nowhere.
            StateError: The state can't be read or trusted.
        """
        return self._look(Wish(desired, selection)).plan

    def deploy(self, wish: Wish, terms: Terms) -> DeployResult:
        """Bring the workspace to what is wanted.

        Args:
            wish: What the definitions come to, and what is deployed of it.
            terms: What may be done.

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
        view, warnings = self._agreed(wish, terms), list[Problem]()
        if not view.plan.changes and not view.state.pending:
            terms.agreed()
            return _nothing_to_do(view.plan)
        with self._lease(terms.origin.deployed_by, terms.wait_seconds) as lease:
            if not _is_current(view.state, lease.lease):
                warnings = self._settle(lease)
                view = self._agreed(wish, terms, settled=True)
            terms.agreed()
            application = Application(
                view,
                self.workspace,
                lease,
                Sender(self.workspace, lease, self.tables, self.sleep),
                concurrency=self.concurrency,
                progress=terms.progress,
            )
            result = application.run(wish.desired.uploads, terms.origin)
        warnings += commit_warnings(view.state, terms.origin)
        return replace(result, warnings=(*warnings, *result.warnings))

    def destroy(self, target: str, terms: Terms) -> DeployResult:
        """Delete every resource of the target; the tables stay. Else like `deploy`."""
        consent = replace(terms.consent, command="destroy")
        nothing = Compiled(target, (), {})
        return self.deploy(Wish(nothing), replace(terms, consent=consent))

    def adopt(
        self, desired: Compiled, found: Adopted, terms: Terms
    ) -> Plan | DeployResult:
        """Bind a resource that somebody else made, and send what it should look like.

        Args:
            desired: What the definitions come to.
            found: Which resource, and the key that it gets.
            terms: Without consent by `yes` nothing is changed.

        Returns:
            Without consent the plan, which shows the differences.

        Raises:
            DeployError: It is another target's, or the key has a resource already.
        """
        found.check_unbound(self.store.snapshot())
        wish = found.wish(self.workspace, desired)
        if not terms.consent.yes:
            return self._look(wish).plan
        return self.deploy(wish, terms)

    def status(self) -> list[ResourceStatus]:
        """How every deployed resource is; reads only."""
        state = self.store.snapshot()
        resources = self._surveyor().resources(state)
        return resource_statuses(state, resources, self.workspace.path_of)

    def rebuild(self, origin: Origin) -> Rebuilt:
        """Bring a lost or old state to what the marks on the resources say.

        Raises:
            StateError: The marks are of several lineages, or a key is there twice.
        """
        return rebuild(self.store, self.workspace, origin)

    def _agreed(self, wish: Wish, terms: Terms, *, settled: bool = False) -> View:
        """The plan, when nothing in it wants another word.

        What an interrupted deploy left open is settled before consent is asked for.
        """
        view = self._look(wish)
        terms.check(view.plan)
        if view.plan.changes and (settled or not view.state.pending):
            plan, state, origin = view.plan, view.state, terms.origin
            check_consent(plan, state, view.ownership, origin, terms.consent)
        return view

    def _look(self, wish: Wish) -> View:
        return self._surveyor().survey(wish)

    def _surveyor(self) -> Surveyor:
        own = self.tables.pipelines_own_tables
        return Surveyor(self.store, self.workspace, own, self.concurrency)

    def _settle(self, lease: KeptLease) -> list[Problem]:
        """Look what came of what was left open, once it can be known."""
        if lease.lease.grace:
            self.sleep(lease.lease.grace)
            lease.write(())
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
            self.workspace.guard(lambda: None)
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


def _is_current(state: Snapshot, lease: Lease) -> bool:
    """Whether nobody has written between reading the state and taking the lease."""
    seen = (state.fence + 1, state.seq)
    return not state.pending and seen == (lease.fence, lease.seq)


def _nothing_to_do(plan: Plan) -> DeployResult:
    failed = tuple(left_alone(action) for action in plan.of("unknown"))
    return DeployResult(plan.target, failed=failed)
