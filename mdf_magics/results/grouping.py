"""What is said of groups and their parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mdf_magics.plain_text import aligned, count
from mdf_magics.planning.regrouping import Proposal

HANDING_OVER = (
    "On Databricks a table keeps its rows and is not computed anew if it is handed",
    "over between the deploy and the next update of the pipeline that takes it:",
    "  ALTER ... SET TBLPROPERTIES ('pipelines.pipelineId' = '<id>')",
    "The plan prints this statement for each table.",
)
"""How a table goes from one pipeline to another (Databricks documentation, "Move tables
between pipelines")."""


@dataclass(frozen=True)
class ShownPart:
    """A part, and why it is there."""

    key: str
    tables: tuple[str, ...]
    waits_for: tuple[str, ...]
    why: str = ""
    """Why it isn't one with an earlier part; empty for the first."""


@dataclass(frozen=True)
class ShownGroup:
    """A group, its parts, and why there are several."""

    name: str
    runs_on: str
    most: int
    """Tables that a part takes before another is begun."""
    why: str
    parts: tuple[ShownPart, ...]

    def text(self) -> str:
        """A line for each part, then the reasons."""
        tables = sum(len(one.tables) for one in self.parts)
        parts = count(len(self.parts), self.runs_on)
        lines = [f"group {self.name}: {count(tables, 'table')} in {parts}", ""]
        lines += aligned(self.rows(), underline=True)
        reasons = [f"{one.key}: {one.why}." for one in self.parts if one.why]
        lines += ["", f"A part takes {self.most}: {self.why}.", *reasons]
        lines.append("A placed table stays;  mdf regroup  proposes other parts.")
        return "\n".join(lines)

    def rows(self) -> list[tuple[str, ...]]:
        """A header, and a row for each part."""
        rows = [
            (
                one.key,
                count(len(one.tables), "table"),
                ", ".join(one.waits_for),
                f"{one.tables[0]} ... {one.tables[-1]}"
                if len(one.tables) > 2
                else ", ".join(one.tables),
            )
            for one in self.parts
        ]
        return [("part", "holds", "waits for", "tables"), *rows]

    def to_json(self) -> dict[str, Any]:
        """The group as `mdf show --json` documents it."""
        return {
            "group": self.name,
            "runs_on": self.runs_on,
            "max_tables": self.most,
            "why": self.why,
            "parts": [
                {
                    "key": one.key,
                    "tables": list(one.tables),
                    "waits_for": list(one.waits_for),
                    "why": one.why,
                }
                for one in self.parts
            ],
        }


@dataclass(frozen=True)
class Regrouped:
    """A proposal, and whether it was accepted."""

    proposal: Proposal
    accepted: bool

    def text(self) -> str:
        """What would move and what that costs; what was or wasn't done."""
        proposal = self.proposal
        tables = sum(proposal.after.values())
        before, after = (count(len(one), "part") for one in
                         (proposal.before, proposal.after))  # fmt: skip
        size = f"of at most {count(proposal.size, 'table')}"
        if not proposal.moves:
            return (
                f"{proposal.group}: {count(tables, 'table')} in {before} {size};"
                " nothing has to move"
            )
        moves = count(len(proposal.moves), "move")
        lines = [
            f"{proposal.group}: {before} -> {after} {size}, by {moves}",
            "",
            *(f"  {line}" for line in aligned(self.rows())),
            "",
        ]
        if any(one.can_be_handed_over for one in proposal.moves):
            lines += [*HANDING_OVER, ""]
        if self.accepted:
            lines.append(
                "definitions/placement.yml is written; the next deploy moves them."
            )
        else:
            lines.append(f"Nothing was changed. Accept it:  {self.accepting()}")
        return "\n".join(lines)

    def rows(self) -> list[tuple[str, ...]]:
        """A row for each move."""
        return [
            (one.table, f"{one.before} -> {one.after}", one.cost)
            for one in self.proposal.moves
        ]

    def accepting(self) -> str:
        """The command that accepts the proposal."""
        return f"mdf regroup {self.proposal.group} --size {self.proposal.size} --yes"

    def to_json(self) -> dict[str, Any]:
        """The proposal as `mdf regroup --json` documents it."""
        return {
            "group": self.proposal.group,
            "size": self.proposal.size,
            "before": dict(self.proposal.before),
            "after": dict(self.proposal.after),
            "moves": [
                {
                    "table": one.table,
                    "from": one.before,
                    "to": one.after,
                    "cost": one.cost,
                }
                for one in self.proposal.moves
            ],
            "accepted": self.accepted,
        }
