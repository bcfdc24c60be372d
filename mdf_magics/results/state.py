"""What looking into a target's state returns: what it holds, and what happened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mdf_magics.deploying.rebuilding import Rebuilt
from mdf_magics.plain_text import aligned, count
from mdf_magics.state.protocol import HistoryRow, Holder, JournalRow, Snapshot


@dataclass(frozen=True)
class StateShown:
    """A target's state, and who is changing it."""

    target: str
    where: str
    """The file or table."""
    state: Snapshot
    holder: Holder | None
    unwritten: tuple[JournalRow, ...] = ()
    """Outcomes that wait on this machine."""

    @property
    def locked(self) -> bool:
        """Whether somebody holds the lease, alive or not."""
        return bool(self.holder and self.holder.operation_id)

    def text(self) -> str:
        """Where it is, who holds it, what is deployed, what is unfinished."""
        state = self.state
        lines = [f"state of {self.target} in {self.where}"]
        if state.lineage is None:
            lines.append("empty: nothing was ever deployed")
            return "\n".join(lines)
        lines[0] += f"\nrow {state.seq}, fence {state.fence}, lineage {state.lineage}\n"
        lines[0] += "\n".join(self.lock_lines())
        if state.resources:
            lines += ["", *aligned(self.rows(), underline=True)]
        if state.pending:
            lines += ["", "unfinished; the next deploy looks what came of it:"]
            lines += [
                f"  {operation(row)}, begun {utc(row.at)}" for row in state.pending
            ]
        if self.unwritten:
            lines += ["", "waiting here for the next deploy to write it:"]
            lines += [f"  {operation(row)} {row.phase}" for row in self.unwritten]
        return "\n".join(lines)

    def lock_lines(self) -> list[str]:
        """Who holds the lock, and how it ends."""
        holder = self.holder
        if holder is None or not self.locked:
            freed_by = holder.freed_by if holder else None
            return [
                f"lock: free ({freed_by} took it away)" if freed_by else "lock: free"
            ]
        return [
            f"lock: held by {holder.deployed_by} since {utc(holder.since)}",
            f"      last sign of life {holder.silent_seconds} s ago, "
            + (
                f"ends by itself in {holder.seconds_left} s"
                if holder.seconds_left
                else "it has ended: the next deploy takes it"
            ),
            f"      by force:  mdf state unlock {holder.operation_id}",
        ]

    def rows(self) -> list[list[str]]:
        """A header, and a row for each resource."""
        return [
            ["resource", "kind", "id", "generation", "deployed", "by", "commit"],
            *(
                [
                    key,
                    row.kind,
                    row.remote_id or "",
                    str(row.generation or ""),
                    utc(row.at),
                    row.deployed_by or "",
                    row.commit or "",
                ]
                for key, row in self.state.resources.items()
            ),
        ]

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf state show --json` documents."""
        state = self.state
        return {
            "target": self.target,
            "where": self.where,
            "lineage": state.lineage,
            "fence": state.fence,
            "seq": state.seq,
            "lock": asdict(self.holder) if self.holder and self.locked else None,
            "resources": [
                {
                    "key": key,
                    "kind": row.kind,
                    "remote_id": row.remote_id,
                    "generation": row.generation,
                    "name": row.name,
                    "url": row.url,
                    "tables": json.loads(row.tables or "[]"),
                    "deployed_at": row.at,
                    "deployed_by": row.deployed_by,
                    "commit": row.commit,
                }
                for key, row in state.resources.items()
            ],
            "pending": [_step(row) for row in state.pending],
            "unwritten": [_step(row) for row in self.unwritten],
        }


@dataclass(frozen=True)
class History:
    """What happened to a target's resources, newest first."""

    target: str
    operations: tuple[HistoryRow, ...]
    more: bool = False
    """Whether there are older ones."""
    key: str = ""
    """The only resource that is meant, if one was named."""

    def text(self) -> str:
        """A line for each operation; below it why it failed."""
        if not self.operations:
            to = f" to {self.key}" if self.key else ""
            return f"Nothing has happened{to} in {self.target} yet."
        lines = aligned(self.rows(), underline=True)
        lines += [
            f"\n{one.operation} {one.key} ({utc(one.started)}): {one.error}"
            for one in self.operations
            if one.error
        ]
        if self.more:
            lines += ["", "There are older ones:  --limit N  shows more."]
        return "\n".join(lines)

    def rows(self) -> list[list[str]]:
        """A header, and a row for each operation."""
        return [
            [
                "started",
                "operation",
                "resource",
                "kind",
                "id",
                "outcome",
                "by",
                "commit",
            ],
            *(
                [
                    utc(one.started),
                    one.operation,
                    one.key,
                    one.kind,
                    one.remote_id or "",
                    one.outcome,
                    one.deployed_by or "",
                    one.commit or "",
                ]
                for one in self.operations
            ),
        ]

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf history --json` documents."""
        operations = [asdict(one) for one in self.operations]
        return {"target": self.target, "operations": operations}


@dataclass(frozen=True)
class Exported:
    """Every row of a target's journal as it is stored."""

    project: str
    target: str
    rows: Sequence[dict[str, object]]

    def text(self) -> str:
        """The same as JSON: this is for programs."""
        return json.dumps(self.to_json(), indent=2, default=str)

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf state export` documents."""
        return {"project": self.project, "target": self.target, "rows": list(self.rows)}


@dataclass(frozen=True)
class StateRebuilt:
    """What the marks on a workspace's resources say about a target's state."""

    target: str
    found: Rebuilt

    def text(self) -> str:
        """A line for each kind of finding."""
        found = self.found
        findings = (
            (found.known, "as the state says"),
            (found.restored, "restored from their marks, to be sent once more"),
            (found.forgotten, "forgotten: not in the workspace any more"),
            (found.left, "left alone: there without our mark, or not to be seen"),
        )
        lines = [
            f"{count(len(keys), 'resource')} {what}: {', '.join(keys)}"
            for keys, what in findings
            if keys
        ]
        if not lines:
            return f"Nothing in the workspace carries the marks of {self.target}."
        return "\n".join([*lines, "Look at  mdf plan , then deploy."])

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf state rebuild --json` documents."""
        return {"target": self.target, **asdict(self.found)}


def operation(row: JournalRow) -> str:
    """`create job gold (40014)`."""
    remote_id = f" ({row.remote_id})" if row.remote_id else ""
    return f"{row.operation} {row.kind} {row.key}{remote_id}"


def utc(at: str) -> str:
    """A time of the journal for people: `2026-03-02 06:00:01 UTC`."""
    return at.replace("T", " ").replace("Z", " UTC")


def _step(row: JournalRow) -> dict[str, Any]:
    return {
        "key": row.key,
        "kind": row.kind,
        "operation": row.operation,
        "phase": row.phase,
        "remote_id": row.remote_id,
        "at": row.at,
        "deployed_by": row.deployed_by,
    }
