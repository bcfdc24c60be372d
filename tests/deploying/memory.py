"""A store and a workspace in memory: fast enough for ten thousand deploys."""

from __future__ import annotations

import copy
import itertools
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, override

from mdf_magics.deploying.identity import text_hash
from mdf_magics.deploying.workspaces.protocol import NameTaken, NotFound, Remote
from mdf_magics.errors import LeaseLost, Locked, Problem
from mdf_magics.state.protocol import (
    HistoryRow,
    Holder,
    JournalRow,
    Lease,
    Snapshot,
    StateStore,
)


@dataclass
class Journal:
    """What several stores share: the rows, and the lock row."""

    clock: Callable[[], float]
    rows: list[JournalRow] = field(default_factory=list)
    lineage: str | None = None
    owner: str = ""
    fence: int = 0
    at: float = 0.0
    deployed_by: str = ""
    holders: list[str] = field(default_factory=list)
    """Who has held the lease, the first one first: fence 1, 2, ..."""


class MemoryStore(StateStore):
    """Keeps the promises of a store: one writer, all rows or none."""

    lease_seconds = 120.0
    where = "memory"
    lost = "It is gone."

    def __init__(self, journal: Journal, target: str = "local") -> None:
        self.project, self.target = "flights", target
        self._journal = journal

    @override
    def acquire(self, deployed_by: str, *, lineage: str | None = None) -> Lease:
        one = self._journal
        if one.owner and one.clock() < one.at + self.lease_seconds:
            raise Locked(Problem("locked", f"{one.deployed_by} deploys"))
        silent = bool(one.owner)
        one.lineage = one.lineage or lineage or uuid.uuid4().hex[:16]
        one.owner, one.fence, one.at = str(uuid.uuid4()), one.fence + 1, one.clock()
        one.deployed_by = deployed_by
        one.holders.append(deployed_by)
        seq = one.rows[-1].seq if one.rows else 0
        grace = 30.0 if silent else 0.0
        return Lease(one.owner, one.fence, one.lineage, seq, self.lease_seconds, grace)

    @override
    def write(self, lease: Lease, rows: Sequence[JournalRow]) -> None:
        one = self._journal
        if (one.owner, one.fence) != (lease.owner, lease.fence):
            raise LeaseLost(Problem("lease-lost", f"fence {lease.fence} was lost"))
        for row in rows:
            seq = len(one.rows) + 1
            one.rows.append(
                replace(row, seq=seq, fence=lease.fence, target=self.target)
            )
        one.at = one.clock()

    @override
    def renew(self, lease: Lease) -> None:
        self.write(lease, ())

    @override
    def release(self, lease: Lease) -> None:
        one = self._journal
        if (one.owner, one.fence) == (lease.owner, lease.fence):
            one.owner = ""

    @override
    def unlock(self, operation_id: str, freed_by: str) -> bool:
        raise NotImplementedError

    @override
    def holder(self) -> Holder | None:
        one = self._journal
        if one.lineage is None:
            return None
        left = int(one.at + self.lease_seconds - one.clock()) if one.owner else 0
        return Holder(one.owner, one.deployed_by, one.fence, "", "", 0, max(0, left))

    @override
    def snapshot(self) -> Snapshot:
        one = self._journal
        if one.lineage is None:
            return Snapshot()
        done = {row.key: row for row in one.rows if row.phase == "done"}
        ended = {row.operation_id for row in one.rows if row.phase != "intent"}
        return Snapshot(
            one.lineage,
            one.fence,
            len(one.rows),
            resources={
                key: row
                for key, row in sorted(done.items())
                if row.operation not in ("delete", "forget")
            },
            latest={row.key: row for row in one.rows},
            creates={
                row.key: row for row in one.rows if row.operation in ("create", "adopt")
            },
            pending=tuple(row for row in one.rows if row.operation_id not in ended),
        )

    @override
    def state(self) -> list[JournalRow]:
        return list(self.snapshot().resources.values())

    @override
    def pending(self) -> list[JournalRow]:
        return list(self.snapshot().pending)

    @override
    def history(
        self, key: str | None = None, limit: int | None = None
    ) -> list[HistoryRow]:
        raise NotImplementedError

    @override
    def accept(self) -> None:
        return None

    @override
    def unwritten(self) -> list[JournalRow]:
        return []

    @override
    def export(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    @override
    def journal(self) -> list[JournalRow]:
        return list(self._journal.rows)


class MemoryWorkspace:
    """Jobs and pipelines with ids that never come back, and files."""

    workspace_id = "memory"
    call_seconds = 30.0
    listing_lag_seconds = 0.0

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.resources: dict[tuple[str, str], Remote] = {}
        self.files: dict[str, str] = {}
        self.calls: list[str] = []

    def path_of(self, path: str, *, notebook: bool) -> str:
        del notebook
        return f"/{path}"

    def url(self, kind: str, remote_id: str) -> str | None:
        del kind, remote_id
        return None

    def create(self, kind: str, settings: dict[str, Any]) -> str:
        self.calls.append("create")
        names = [one.name for one in list(self.resources.values()) if one.kind == kind]
        if kind == "pipeline" and settings["name"] in names:
            raise NameTaken(settings["name"])
        remote_id = str(next(self._numbers))
        self._put(kind, remote_id, settings)
        return remote_id

    def get(self, kind: str, remote_id: str) -> Remote:
        self.calls.append("get")
        return self._found(kind, remote_id)

    def find(self, kind: str, name: str | None) -> list[Remote]:
        self.calls.append("find")
        return [
            one
            for one in list(self.resources.values())
            if one.kind == kind and name in (None, one.name)
        ]

    def update(self, kind: str, remote_id: str, settings: dict[str, Any]) -> None:
        self.calls.append("update")
        self._found(kind, remote_id)
        self._put(kind, remote_id, settings)

    def delete(self, kind: str, remote_id: str) -> None:
        self.calls.append("delete")
        self._found(kind, remote_id)
        del self.resources[kind, remote_id]

    def uploaded(self) -> dict[str, str]:
        self.calls.append("uploaded")
        return {path: text_hash(text) for path, text in self.files.items()}

    def upload(self, path: str, text: str) -> None:
        self.calls.append("upload")
        self.files[path] = text

    def remove(self, path: str) -> None:
        self.calls.append("remove")
        self.files.pop(path, None)

    def permit(self, *_: object) -> None:
        self.calls.append("permit")

    def guard(self, fence: Callable[[], None]) -> None:
        """Its calls take no time to wait in."""

    def uploads_ended(self) -> None:
        """Everything is remembered as it comes."""

    def run(self, *_: object) -> list[Any]:
        raise NotImplementedError

    def _found(self, kind: str, remote_id: str) -> Remote:
        if (kind, remote_id) not in self.resources:
            raise NotFound(f"there is no {kind} {remote_id}")
        return self.resources[kind, remote_id]

    def _put(self, kind: str, remote_id: str, settings: dict[str, Any]) -> None:
        kept = copy.deepcopy(settings)
        self.resources[kind, remote_id] = Remote(kind, remote_id, kept["name"], kept)
