"""What a deploy would do, in words that a reviewer understands."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Literal

from mdf_magics.planning.resources import Resource
from mdf_magics.state.protocol import JournalRow

_NO_CHANGE = ("none", "unknown")
_VERBS = {
    "create": "to create",
    "update": "to update",
    "rebuild": "to rebuild",
    "adopt": "to adopt",
    "move": "to move",
    "delete": "to delete",
    "forget": "gone already",
    "unknown": "unknown",
}

type Operation = Literal[
    "create", "update", "replace", "rename", "adopt", "delete", "forget", "nothing"
]
"""What is done to the workspace: `replace` deletes and creates, because kinds differ;
`rename` updates a resource and gives it another key."""


@dataclass(frozen=True)
class Impact:
    """What a deploy means for the rows of one table."""

    table: str
    effect: str
    """`retained`, `rebuilt` (it begins anew), or `full refresh` (it does, unless the
    statement in the detail is said). Nothing is ever dropped by a deploy."""
    detail: str = ""

    def __str__(self) -> str:
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.table} {self.effect}{detail}"


@dataclass(frozen=True)
class Action:
    """What happens to one resource, and why."""

    key: str
    kind: str
    action: str
    """`create`, `update`, `move` (it is renamed, or tables come or go), `rebuild`
    (tables begin anew, because a pipeline can't take over a job's table, nor the
    reverse), `adopt`, `delete`, `forget` (it is gone and nothing asks for it), `none`,
    `unknown` (it can't be told: it is left alone)."""
    operation: Operation = "nothing"
    reasons: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    """The tables concerned; of a deletion those that stay behind."""
    impact: tuple[Impact, ...] = ()
    """What it means for tables whose rows are concerned."""
    resource: Resource | None = field(default=None, repr=False)
    """What the definitions want; None when they want nothing of this key."""
    row: JournalRow | None = field(default=None, repr=False)
    """What the state says, of a rename under the key before; None when nothing."""

    @property
    def is_change(self) -> bool:
        """Whether a deploy would do something."""
        return self.action not in _NO_CHANGE

    def to_json(self) -> dict[str, object]:
        """The action in the shape that `mdf plan --json` documents."""
        return {
            "key": self.key,
            "kind": self.kind,
            "action": self.action,
            "reasons": list(self.reasons),
            "tables": list(self.tables),
            "impact": [asdict(one) for one in self.impact],
        }

    def text(self) -> str:
        """The action as a few lines."""
        remote_id = f" ({self.row.remote_id})" if self.row else ""
        lines = [f"{self.action:<8}{self.kind} {self.key}{remote_id}"]
        lines += [f"          {reason}" for reason in self.details()]
        return "\n".join(lines)

    def details(self) -> list[str]:
        """Why, which tables, and what it means for their rows."""
        lines = list(self.reasons)
        if self.tables and self.operation == "create":
            lines.append(f"tables: {', '.join(self.tables)}")
        if self.tables and self.action == "delete":
            lines.append(f"its tables stay: {', '.join(self.tables)}")
        else:
            lines += map(str, self.impact)
        return lines


@dataclass(frozen=True)
class Plan:
    """What a deploy would do to a target."""

    target: str
    actions: tuple[Action, ...]
    """One for each resource that is wanted or deployed, by key; those that were
    selected, if some were."""
    lineage: str | None = None
    seq: int = 0
    """The state that it was made for: a plan is refused when that has moved on."""
    digest: str = ""
    """Of all that the definitions want of these resources, their files included."""
    notes: tuple[str, ...] = ()
    """What a selection takes along and leaves out."""

    @property
    def changes(self) -> int:
        """How many resources a deploy would change."""
        return sum(action.is_change for action in self.actions)

    def of(self, *kinds: str) -> list[Action]:
        """The actions of these kinds."""
        return [action for action in self.actions if action.action in kinds]

    def to_json(self) -> dict[str, object]:
        """The plan in the shape that `mdf plan --json` documents."""
        return {
            "target": self.target,
            "actions": [action.to_json() for action in self.actions],
            "changes": self.changes,
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """The plan for a person: a line of figures, then what changes and why."""
        lines = [self.summary(), *self.notes]
        for action in self.shown():
            lines += [f"  {line}" for line in action.text().splitlines()]
        return "\n".join(lines)

    def shown(self) -> list[Action]:
        """The actions that a reader cares about."""
        return [action for action in self.actions if action.action != "none"]

    def summary(self) -> str:
        """One line of figures."""
        counts = Counter(action.action for action in self.actions)
        if set(counts) <= {"none"}:
            number = len(self.actions)
            resources = "1 resource" if number == 1 else f"{number} resources"
            return f"{self.target} is up to date: {resources}"
        figures = [f"{counts[kind]} {verb}" for kind, verb in _VERBS.items()
                   if counts[kind]]  # fmt: skip
        if counts["none"]:
            figures.append(f"{counts['none']} unchanged")
        return f"{self.target}: {', '.join(figures)}"
