"""A plan that was looked at, kept in a file until it is carried out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdf_magics.deploying.plan import Plan
from mdf_magics.errors import DeployError, Problem

FORMAT = 1
"""Version of the file. Another one is refused."""


@dataclass(frozen=True)
class SavedPlan:
    """What a plan said, and what it was made for."""

    project: str
    target: str
    lineage: str | None
    seq: int
    digest: str
    select: str | None
    """What was selected."""
    plan: dict[str, Any]
    """The shape that `mdf plan --json` documents."""

    @classmethod
    def of(cls, plan: Plan, project: str, select: str | None) -> SavedPlan:
        """Keep a plan."""
        return cls(
            project,
            plan.target,
            plan.lineage,
            plan.seq,
            plan.digest,
            select,
            plan.to_json(),
        )

    @classmethod
    def read(cls, path: Path) -> SavedPlan:
        """Read a file that `write` wrote.

        Raises:
            DeployError: It isn't such a file, or one of another version.
        """
        try:
            found = json.loads(path.read_text("utf-8"))
            if found.pop("format") != FORMAT:
                message = f"{path.name} was saved by another version of mdf_magics"
                raise DeployError(Problem("bad-plan", message, "Plan again."))
            return cls(**found)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or "it isn't a saved plan"
            message = f"{path.name} can't be read: {reason}"
            hint = "Make one with  mdf plan --out FILE ."
            raise DeployError(Problem("bad-plan", message, hint)) from error

    def write(self, path: Path) -> None:
        """Write the file. Raises DeployError when that can't be done."""
        text = json.dumps({"format": FORMAT, **self.__dict__}, indent=2)
        try:
            path.write_text(f"{text}\n", "utf-8")
        except OSError as error:
            message = f"{path} can't be written: {error.strerror}"
            raise DeployError(Problem("bad-plan", message)) from error

    def check_target(self, project: str, target: str) -> None:
        """Refuse a plan of another project or target. Raises DeployError."""
        if (self.project, self.target) != (project, target):
            message = f"this plan is for {self.target} of {self.project}"
            hint = f"This is {target} of {project}. Nothing was changed."
            raise DeployError(Problem("other-plan", message, hint))

    def check(self, plan: Plan) -> None:
        """Refuse when a plan made now isn't the one that was looked at.

        Raises:
            DeployError: State, workspace or definitions have changed since.
        """
        if (plan.lineage, plan.seq) != (self.lineage, self.seq):
            what = f"the state has moved on from row {self.seq} to {plan.seq}"
        elif plan.digest != self.digest:
            what = "the definitions have changed"
        elif plan.to_json() != self.plan:
            what = "the workspace has changed"
        else:
            return
        message = f"{plan.target} has changed since this plan was made: {what}"
        hint = "Plan again and look at it. Nothing was changed."
        raise DeployError(Problem("stale-plan", message, hint))
