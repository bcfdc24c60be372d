"""The plan: what is wanted, what was sent last, and what the workspace has, compared.

Everything here is pure: reading the three is the deployer's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from mdf_magics.deploying.drift import adoption_reasons, is_ours, update_reasons
from mdf_magics.deploying.identity import spec_hash, text_hash
from mdf_magics.deploying.ownership import Ownership
from mdf_magics.deploying.plan import Action, Impact, Operation, Plan
from mdf_magics.deploying.references import PathOf, referred
from mdf_magics.deploying.renaming import rename_hints
from mdf_magics.deploying.sent import sent_tables
from mdf_magics.deploying.workspaces.protocol import NotFound, Remote, WorkspaceError
from mdf_magics.errors import DeployError, Problem, did_you_mean
from mdf_magics.planning.resources import Compiled, Resource
from mdf_magics.state.protocol import JournalRow, Snapshot


@dataclass(frozen=True)
class Found:
    """What the workspace has, as far as the plan needs to know."""

    resources: Mapping[str, Remote | WorkspaceError]
    """Keys of the state to its resource, or to what reading it came to: all, or those
    that are selected and those that these refer to."""
    uploaded: Mapping[str, str]
    """Every uploaded file to its SHA-256."""
    path_of: PathOf
    adopted: Mapping[str, Remote] = field(default_factory=dict)
    """Keys to resources that somebody else made and that are to be theirs."""


def make_plan(
    desired: Compiled,
    state: Snapshot,
    found: Found,
    ownership: Ownership,
    scope: Collection[str] | None = None,
) -> Plan:
    """Compare what is wanted with what is there.

    Args:
        desired: What the definitions come to.
        state: What the target's state says.
        found: What the workspace has.
        ownership: What is renamed, and what moves.
        scope: The keys that are planned; None: all.

    Raises:
        DeployError: A resource refers to one that there isn't.
        StateError: The state doesn't hold what mdf_magics has written.
    """
    _check_references(desired)
    planner = _Planner(desired, state, found, ownership)
    keys = planner.every_key()
    chosen = keys if scope is None else [key for key in keys if key in scope]
    actions = [planner.action(key) for key in chosen]
    hints = rename_hints(actions)
    actions = [
        replace(one, reasons=(*one.reasons, hints[one.key]))
        if one.key in hints else one
        for one in actions
    ]  # fmt: skip
    digest = planner.digest(chosen)
    return Plan(desired.target, tuple(actions), state.lineage, state.seq, digest)


class _Planner:
    def __init__(
        self, desired: Compiled, state: Snapshot, found: Found, ownership: Ownership
    ) -> None:
        self._wanted = {resource.key: resource for resource in desired.resources}
        self._hashes = {path: text_hash(text) for path, text in desired.uploads.items()}
        self._state = state
        self._found = found
        self._ownership = ownership
        self._pending = {row.key: row for row in state.pending}
        self._builders = {
            table: resource.key
            for resource in desired.resources
            for table in resource.tables
        }
        self._ids = self._known_ids()

    def every_key(self) -> list[str]:
        """All that is wanted, deployed or being made, by key."""
        pending = {
            key for key, row in self._pending.items() if row.operation == "create"
        }
        deployed = self._state.resources.keys() - self._renamed_away()
        return sorted(self._wanted.keys() | deployed | pending)

    def digest(self, keys: Collection[str]) -> str:
        """A hash of all that is wanted of some keys."""
        wanted = [self._wanted[key] for key in keys if key in self._wanted]
        hashes = [
            f"{one.key} {spec_hash(one.spec, one.files, self._hashes)}"
            for one in wanted
        ]
        return text_hash("\n".join(hashes))

    def action(self, key: str) -> Action:
        """What happens to one key."""
        resource = self._wanted.get(key)
        before = self._ownership.earlier_keys.get(key, key)
        row = self._state.resources.get(before)
        for one in (key, before):
            if one in self._pending:
                return self._unsettled(self._pending[one], resource, row)
        if key in self._found.adopted and resource:
            return self._adoption(resource, self._found.adopted[key])
        if row is None:
            return self._creation(self._wanted[key], None, "it is new")
        remote = self._found.resources[before]
        if isinstance(remote, NotFound):
            gone = "it is not in the workspace any more"
            if resource:
                return self._creation(resource, row, gone)
            return Action(key, row.kind, "forget", "forget", (gone,), row=row)
        if isinstance(remote, WorkspaceError):
            return _unknown(row, resource, remote.message)
        if not is_ours(row, remote, self._state.lineage):
            mark = f"the {row.kind} {row.remote_id} doesn't carry this target's mark"
            return _unknown(row, resource, mark)
        return self._kept(resource, row, remote) if resource else self._deletion(row)

    def _known_ids(self) -> dict[str, str]:
        """The ids of all that is deployed and stays, under the keys that they get."""
        after = {old: new for new, old in self._ownership.earlier_keys.items()}
        return {
            after.get(key, key): row.remote_id or ""
            for key, row in self._state.resources.items()
            if not isinstance(self._found.resources.get(key), NotFound)
            and (key not in self._wanted or self._wanted[key].kind == row.kind)
        }

    def _renamed_away(self) -> set[str]:
        return set(self._ownership.earlier_keys.values())

    def _kept(self, resource: Resource, row: JournalRow, remote: Remote) -> Action:
        taken = self._ownership.taken[resource.key]
        reasons = self._moved_tables(resource)
        operation: Operation = "update"
        if resource.kind != row.kind:
            reasons.append(f"it is a {resource.kind} now and was a {row.kind}")
            operation = "replace"
        else:
            reasons += self._update_reasons(resource, row, remote)
        if resource.key != row.key:
            reasons.insert(0, f"it was {row.key}: renamed_from keeps its id and tables")
            operation = "rename"
        if not reasons:
            return self._of(resource, row, "none", "nothing")
        reasons += [
            f"{one.earlier} moves to {one.taker}"
            for one in self._ownership.given[resource.key]
        ]
        action = "update"
        if resource.key != row.key or self._moves(resource.key):
            action = "move"
        if operation == "replace" or any(one.is_rebuild for one in taken):
            action = "rebuild"
        return self._of(resource, row, action, operation, *reasons)

    def _update_reasons(
        self, resource: Resource, row: JournalRow, remote: Remote
    ) -> list[str]:
        reasons = update_reasons(
            resource,
            row,
            remote,
            ids=self._ids,
            path_of=self._found.path_of,
            hashes=self._hashes,
            uploaded=self._found.uploaded,
        )
        newest = self._state.latest.get(resource.key)
        if newest and newest.operation in ("update", "move") and newest.phase != "done":
            reasons.append("its last update did not come to its end")
        return reasons

    def _moves(self, key: str) -> bool:
        return bool(self._ownership.given[key]) or any(
            one.is_move for one in self._ownership.taken[key]
        )

    def _moved_tables(self, resource: Resource) -> list[str]:
        """Which tables come, and which are only called otherwise."""
        reasons = []
        for one in self._ownership.taken[resource.key]:
            if one.is_move:
                reasons.append(f"{one.earlier} moves here from {one.giver}")
            if one.is_rename:
                reasons.append(f"{one.earlier} is called {one.table} now")
        return reasons

    def _of(
        self,
        resource: Resource,
        row: JournalRow | None,
        action: str,
        operation: Operation,
        *reasons: str,
    ) -> Action:
        return Action(
            resource.key,
            resource.kind,
            action,
            operation,
            reasons,
            resource.tables,
            self._impact(resource, row),
            resource,
            row,
        )

    def _impact(self, resource: Resource, row: JournalRow | None) -> tuple[Impact, ...]:
        """What it means for the rows of tables that come, change or go."""
        stays = row and row.kind == resource.kind and self._ids.get(resource.key)
        taken = [
            one.impact(stays or None) for one in self._ownership.taken[resource.key]
        ]
        if row is None:
            return tuple(taken)
        renamed = {one.earlier for one in self._ownership.taken[resource.key]}
        left = [
            Impact(table, "retained", "nothing builds it any more")
            for table in sent_tables(row)
            if table not in self._builders and table not in renamed
        ]
        return (*taken, *left)

    def _creation(
        self, resource: Resource, row: JournalRow | None, reason: str
    ) -> Action:
        rebuilt = any(one.is_rebuild for one in self._ownership.taken[resource.key])
        moved = self._moved_tables(resource)
        action = "rebuild" if rebuilt else "create"
        return self._of(resource, row, action, "create", reason, *moved)

    def _adoption(self, resource: Resource, remote: Remote) -> Action:
        found = f"it takes over the {remote.kind} {remote.remote_id}, {remote.name}"
        changed = adoption_reasons(resource, remote, self._ids, self._found.path_of)
        row = JournalRow(resource.key, resource.kind, "adopt", "intent", "",
                         remote_id=remote.remote_id)  # fmt: skip
        return self._of(resource, row, "adopt", "adopt", found, *changed)

    def _unsettled(
        self, intent: JournalRow, resource: Resource | None, row: JournalRow | None
    ) -> Action:
        reason = (
            f"its {intent.operation} of {intent.at} was interrupted: "
            "a deploy first looks what came of it"
        )
        kind = resource.kind if resource else intent.kind
        tables = resource.tables if resource else sent_tables(intent)
        return Action(
            resource.key if resource else intent.key,
            kind,
            "unknown",
            reasons=(reason,),
            tables=tables,
            resource=resource,
            row=row,
        )

    def _deletion(self, row: JournalRow) -> Action:
        tables = sent_tables(row)
        if not self._wanted:
            reason = "nothing of this target is wanted any more"
        elif tables:
            reason = "no table is in its group any more"
        else:
            reason = "the definitions don't ask for it any more"
        builders = self._builders | {
            one.earlier: one.taker for one in self._ownership.given[row.key]
        }
        moved = [
            f"{table} is built by {builders[table]} now"
            for table in tables
            if table in builders
        ]
        staying = tuple(table for table in tables if table not in builders)
        impact = tuple(Impact(table, "retained") for table in staying)
        reasons = (reason, *moved)
        return Action(
            row.key, row.kind, "delete", "delete", reasons, staying, impact, row=row
        )


def _unknown(row: JournalRow, resource: Resource | None, reason: str) -> Action:
    return Action(
        resource.key if resource else row.key,
        row.kind,
        "unknown",
        reasons=(reason,),
        tables=sent_tables(row),
        resource=resource,
        row=row,
    )


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
