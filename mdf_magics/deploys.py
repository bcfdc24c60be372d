"""What the verbs about a target's resources do: plan, deploy, destroy, adopt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mdf_magics.deploying.adopting import Adopted
from mdf_magics.deploying.consent import Consent
from mdf_magics.deploying.deployer import Deployer, Terms
from mdf_magics.deploying.plan import Plan
from mdf_magics.deploying.result import DeployResult, Progress
from mdf_magics.deploying.saved_plan import SavedPlan
from mdf_magics.deploying.survey import Wish
from mdf_magics.errors import DefinitionError, Problem
from mdf_magics.planning.resources import Compiled
from mdf_magics.planning.selection import Selection, Selector
from mdf_magics.planning.steps import Planned
from mdf_magics.progress import Board
from mdf_magics.targets import origin_of

WAIT = 3600.0
"""Seconds to wait for somebody else's deploy, when asked to."""


@dataclass(frozen=True)
class Deploys:
    """One target, worked out and compiled, and what deploys it."""

    root: Path
    planned: Planned
    compiled: Compiled
    deployer: Deployer
    progress: Callable[[str], None]
    """Told in a few words what is going on."""

    def plan(self, select: str | None, out: str | None) -> Plan:
        """What a deploy would do; kept in a file if one is named."""
        plan = self.deployer.plan(self.compiled, self.selection(select))
        if out:
            saved = SavedPlan.of(plan, self.planned.project.project, select)
            saved.write(Path(out))
        return plan

    def saved(self, file: str, select: str | None) -> SavedPlan:
        """A saved plan that is about this target.

        Raises:
            DeployError: It can't be read, or is about another one.
            DefinitionError: A selection is given too, which the plan has its own of.
        """
        if select:
            message = "a saved plan has its selection: --plan and --select exclude"
            raise DefinitionError(Problem("wrong-usage", f"{message} each other"))
        saved = SavedPlan.read(Path(file))
        saved.check_target(self.planned.project.project, self.compiled.target)
        return saved

    def deploy(
        self, select: str | None, saved: SavedPlan | None, terms: Terms
    ) -> DeployResult:
        """Bring the target to what is wanted."""
        selection = self.selection(saved.select if saved else select)
        if saved:
            terms = replace(terms, check=saved.check)
        return self.deployer.deploy(Wish(self.compiled, selection), terms)

    def destroy(self, terms: Terms) -> DeployResult:
        """Delete every resource of the target."""
        return self.deployer.destroy(self.compiled.target, terms)

    def adopt(self, found: Adopted, terms: Terms) -> Plan | DeployResult:
        """Show what binding a resource would change; with consent, do it."""
        if found.kind not in ("job", "pipeline"):
            message = f"adopt takes  job ID KEY  or  pipeline ID KEY, not {found.kind}"
            raise DefinitionError(Problem("wrong-usage", message))
        return self.deployer.adopt(self.compiled, found, terms)

    def terms(self, consent: Consent, *, wait: bool = False) -> Terms:
        """What a deploy of this project may do, and who hears of it."""
        board = Board(self.progress)

        def watch(one: Progress) -> None:
            board(f"{one.action} {one.kind} {one.key}", one.status)

        return Terms(
            origin_of(self.root, self.planned),
            consent,
            wait_seconds=WAIT if wait else 0,
            progress=watch,
        )

    def selection(self, select: str | Sequence[str] | None) -> Selection | None:
        """What words name, deployed resources among it; None: everything."""
        if not select:
            return None
        deployed = {row.key for row in self.deployer.store.state()}
        keys = {resource.key for resource in self.compiled.resources} | deployed
        return Selector(self.planned, keys, self._modified).select(select)

    def _modified(self) -> set[str]:
        plan = self.deployer.plan(self.compiled)
        return {action.key for action in plan.actions if action.is_change}


def consent_of(
    *, yes: bool = False, delete: str | None = None, rebuild: str | None = None
) -> Consent:
    """A consent as it is said.

    Args:
        yes: Agree to rebuilds and moves.
        delete: Agree to deletions: "" to all, a number to exactly so many.
        rebuild: Tables that may begin anew, with commas between them.

    Raises:
        DefinitionError: That is no number.
    """
    agreed: bool | int = _number(delete) if delete else delete is not None
    return Consent(agreed, yes, frozenset(_names(rebuild or "")))


def _names(words: str) -> Iterable[str]:
    return words.replace(",", " ").split()


def _number(word: str) -> int:
    if not word.isdigit():
        message = f'--delete takes a number, not "{word}"'
        raise DefinitionError(Problem("wrong-usage", message))
    return int(word)
