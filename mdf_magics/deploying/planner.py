"""The plan: what is wanted, what was sent last, and what the workspace has, compared.

Everything here is pure: reading the three is the deployer's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mdf_magics.deploying.comparison import (
    Difference,
    differences,
    remote_differences,
    shown,
)
from mdf_magics.deploying.identity import Marker, spec_hash, text_hash, unmarked
from mdf_magics.deploying.plan import Action, Plan
from mdf_magics.deploying.references import PathOf, Reference, comparable, referred
from mdf_magics.deploying.sent import sent_spec, sent_tables
from mdf_magics.deploying.workspaces.protocol import NotFound, Remote, WorkspaceError
from mdf_magics.errors import DeployError, Problem, did_you_mean
from mdf_magics.planning.resources import Compiled, Resource
from mdf_magics.state.protocol import JournalRow, Snapshot


@dataclass(frozen=True)
class Found:
    """What the workspace has, as far as the plan needs to know."""

    resources: Mapping[str, Remote | WorkspaceError]
    """Every key of the state to its resource, or to what reading it came to."""
    uploaded: Mapping[str, str]
    """Every uploaded file to its SHA-256."""
    path_of: PathOf


def make_plan(desired: Compiled, state: Snapshot, found: Found) -> Plan:
    """Compare what is wanted with what is there.

    Args:
        desired: What the definitions come to.
        state: What the target's state says.
        found: What the workspace has.

    Raises:
        DeployError: A resource refers to one that there isn't.
        StateError: The state doesn't hold what mdf_magics has written.
    """
    _check_references(desired)
    planner = _Planner(desired, state, found)
    actions = tuple(planner.action(key) for key in planner.every_key())
    return Plan(desired.target, actions, state.lineage, state.seq)


def is_ours(row: JournalRow, remote: Remote, lineage: str | None) -> bool:
    """Whether a resource carries the marker that the state says it was made with."""
    marker = Marker(lineage or "", row.key, row.nonce or "")
    return marker.on(remote.tags)


def changed_by_hand(
    row: JournalRow, remote: Remote, ids: Mapping[str, str], path_of: PathOf
) -> list[Difference]:
    """How a resource differs from what was sent last.

    Args:
        row: The last outcome of its key.
        remote: The resource as the workspace has it.
        ids: Key to id of all that is deployed.
        path_of: Where an uploaded file lies.
    """
    sent = sent_spec(row)
    if sent is None:
        return []
    return remote_differences(unmarked(remote.settings), comparable(sent, ids, path_of))


class _Planner:
    def __init__(self, desired: Compiled, state: Snapshot, found: Found) -> None:
        self._wanted = {resource.key: resource for resource in desired.resources}
        self._hashes = {path: text_hash(text) for path, text in desired.uploads.items()}
        self._state = state
        self._found = found
        self._pending = {row.key: row for row in state.pending}
        self._builders = {
            table: resource.key
            for resource in desired.resources
            for table in resource.tables
        }
        self._ids = {
            key: row.remote_id or ""
            for key, row in state.resources.items()
            if not isinstance(found.resources[key], NotFound)
            and (key not in self._wanted or self._wanted[key].kind == row.kind)
        }

    def every_key(self) -> list[str]:
        pending = {
            key for key, row in self._pending.items() if row.operation == "create"
        }
        return sorted(self._wanted.keys() | self._state.resources.keys() | pending)

    def action(self, key: str) -> Action:
        resource = self._wanted.get(key)
        row = self._state.resources.get(key)
        if key in self._pending:
            return self._unsettled(self._pending[key], resource, row)
        if row is None:
            return _creation(self._wanted[key], None, "it is new")
        remote = self._found.resources[key]
        if isinstance(remote, NotFound):
            gone = "it is not in the workspace any more"
            if resource:
                return _creation(resource, row, gone)
            return Action(key, row.kind, "forget", (gone,), row=row)
        if isinstance(remote, WorkspaceError):
            return _unknown(row, resource, remote.message)
        if not is_ours(row, remote, self._state.lineage):
            mark = f"the {row.kind} {row.remote_id} doesn't carry this target's mark"
            return _unknown(row, resource, mark)
        return self._kept(resource, row, remote) if resource else self._deletion(row)

    def _kept(self, resource: Resource, row: JournalRow, remote: Remote) -> Action:
        if resource.kind != row.kind:
            reason = f"it is a {resource.kind} now and was a {row.kind}"
            return _of(resource, row, "rebuild", reason)
        reasons = self._reasons(resource, row, remote)
        return _of(resource, row, "update" if reasons else "none", *reasons)

    def _unsettled(
        self, intent: JournalRow, resource: Resource | None, row: JournalRow | None
    ) -> Action:
        reason = (
            f"its {intent.operation} of {intent.at} was interrupted: "
            "a deploy first looks what came of it"
        )
        kind = resource.kind if resource else intent.kind
        tables = resource.tables if resource else sent_tables(intent)
        return Action(intent.key, kind, "unknown", (reason,), tables, resource, row)

    def _deletion(self, row: JournalRow) -> Action:
        tables = sent_tables(row)
        if not self._wanted:
            reason = "nothing of this target is wanted any more"
        elif tables:
            reason = "no table is in its group any more"
        else:
            reason = "the definitions don't ask for it any more"
        moved = [
            f"{table} is built by {self._builders[table]} now"
            for table in tables
            if table in self._builders
        ]
        staying = tuple(table for table in tables if table not in self._builders)
        return Action(row.key, row.kind, "delete", (reason, *moved), staying, row=row)

    def _reasons(
        self, resource: Resource, row: JournalRow, remote: Remote
    ) -> list[str]:
        sent = sent_spec(row)
        if sent is None:
            return [
                "it was adopted: what it should look like is sent for the first time"
            ]
        changed = differences(sent, resource.spec)
        reasons = [str(difference) for difference in changed]
        reasons += self._changed_files(resource, row)
        known = {difference.path for difference in changed}
        for difference in changed_by_hand(row, remote, self._ids, self._found.path_of):
            if difference.path not in known:
                reasons.append(_by_hand(difference))
        newest = self._state.latest[row.key]
        if newest.operation == "update" and newest.phase != "done":
            reasons.append("its last update did not come to its end")
        return reasons

    def _changed_files(self, resource: Resource, row: JournalRow) -> list[str]:
        uploaded = self._found.uploaded
        others = [
            path for path in resource.files if uploaded.get(path) != self._hashes[path]
        ]
        sent = sent_spec(row) or {}
        if spec_hash(sent, resource.files, self._hashes) == row.spec_hash:
            return [
                f"{path} was changed by hand"
                if path in uploaded
                else f"{path} is not in the workspace any more"
                for path in others
            ]
        named = [
            f"{path} changed" if path in uploaded else f"{path} is new"
            for path in others
        ]
        return named or ["its files changed"]


def _creation(resource: Resource, row: JournalRow | None, reason: str) -> Action:
    return _of(resource, row, "create", reason)


def _unknown(row: JournalRow, resource: Resource | None, reason: str) -> Action:
    return Action(
        row.key, row.kind, "unknown", (reason,), sent_tables(row), resource, row
    )


def _of(
    resource: Resource, row: JournalRow | None, action: str, *reasons: str
) -> Action:
    return Action(
        resource.key, resource.kind, action, reasons, resource.tables, resource, row
    )


def _by_hand(difference: Difference) -> str:
    path, before, after = difference.path, difference.before, difference.after
    if isinstance(after, Reference):
        return f"{path}: was {shown(before)}, will be {shown(after)}"
    became = "was removed" if before is None else f"is {shown(before)}"
    will = "will be removed" if after is None else f"will be {shown(after)}"
    return f"it was changed by hand: {path} {became}, {will}"


def _check_references(desired: Compiled) -> None:
    keys = {resource.key for resource in desired.resources}
    problems = [
        Problem(
            "unknown-reference",
            f"{resource.kind} {resource.key} refers to {other}, which there isn't",
            did_you_mean(other, keys),
            resource.place,
        )
        for resource in desired.resources
        for other in sorted(referred(resource.spec) - keys)
    ]
    if problems:
        raise DeployError(*problems)
