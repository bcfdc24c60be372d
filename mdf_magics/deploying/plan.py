"""What a deploy would do, in words that a reviewer understands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Action:
    """What happens to one resource, and why."""

    key: str
    kind: str
    action: str
    """`create`, `update`, `rebuild` (its kind changes), `delete`, `forget` (it is gone
    and nothing asks for it), `none`, `unknown` (it can't be told: it is left alone);
    `adopt` and `move` are kept for what binds and moves."""
    reasons: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    """The tables concerned; of a deletion those that stay behind."""
    resource: Resource | None = field(default=None, repr=False)
    """What the definitions want; None when they want nothing of this key."""
    row: JournalRow | None = field(default=None, repr=False)
    """What the state says; None when there is nothing of this key."""

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
        }

    def text(self) -> str:
        """The action as a few lines."""
        remote_id = f" ({self.row.remote_id})" if self.row else ""
        lines = [f"{self.action:<8}{self.kind} {self.key}{remote_id}"]
        lines += [f"          {reason}" for reason in self.reasons]
        if self.tables and self.action in ("create", "rebuild"):
            lines.append(f"          tables: {', '.join(self.tables)}")
        if self.tables and self.action == "delete":
            lines.append(f"          its tables stay: {', '.join(self.tables)}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Plan:
    """What a deploy would do to a target."""

    target: str
    actions: tuple[Action, ...]
    """One for each resource that is wanted or deployed, by key."""
    lineage: str | None = None
    seq: int = 0
    """The state that it was made for: a plan is refused when that has moved on."""

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
        }

    def text(self) -> str:
        """The plan for a person: a line of figures, then what changes and why."""
        counts = Counter(action.action for action in self.actions)
        if set(counts) <= {"none"}:
            number = len(self.actions)
            resources = "1 resource" if number == 1 else f"{number} resources"
            return f"{self.target} is up to date: {resources}"
        figures = [f"{counts[kind]} {verb}" for kind, verb in _VERBS.items()
                   if counts[kind]]  # fmt: skip
        if counts["none"]:
            figures.append(f"{counts['none']} unchanged")
        shown = [action for action in self.actions if action.action != "none"]
        lines = [f"{self.target}: {', '.join(figures)}"]
        for action in shown:
            lines += [f"  {line}" for line in action.text().splitlines()]
        return "\n".join(lines)
