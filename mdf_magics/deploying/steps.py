"""The plan's actions in the order in which they are carried out.

Who is referred to is made first, because its id is needed; who refers is changed or
removed before what it refers to goes. A resource that changes its kind is removed
before it is made again: in the state there is one of each key.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mdf_magics.deploying.identity import new_nonce, spec_hash
from mdf_magics.deploying.keeping import DataStep
from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.ownership import Ownership, Transfer
from mdf_magics.deploying.plan import Action
from mdf_magics.deploying.references import depths, referred
from mdf_magics.deploying.sent import sent_spec, spec_to_send
from mdf_magics.deploying.survey import View
from mdf_magics.state.protocol import JournalRow, Snapshot

type StepId = tuple[str, str]
"""A key, and `make` or `remove`."""


@dataclass(frozen=True)
class Step:
    """One operation on one resource, as its journal rows describe it."""

    action: Action
    intent: JournalRow
    """The row to write before the call; the outcome is made from it."""
    spec: dict[str, Any]
    needs: frozenset[StepId]
    """Steps that must not have failed."""
    tried_before: bool = False
    """Whether a create with the same nonce came to nothing before, as far as known."""
    data: tuple[DataStep, ...] = ()
    """Contents of tables to move before the call."""
    takes: tuple[Transfer, ...] = ()
    """Tables that other resources have in the state until this is done."""
    replaces: JournalRow | None = None
    """What the state forgets when this is done: a renamed resource's earlier key."""

    @property
    def step_id(self) -> StepId:
        """What others need it by."""
        removes = self.intent.operation in ("delete", "forget")
        return self.intent.key, "remove" if removes else "make"


def levels(
    view: View, hashes: Mapping[str, str], origin: Origin, workspace_id: str
) -> list[list[Step]]:
    """The steps of a plan; those of one level don't need each other.

    Args:
        view: What is to be done; nonces and generations go on from its state. Who
            gives a table is changed before who takes it.
        hashes: The SHA-256 of each file to upload.
        origin: Where the deploy comes from.
        workspace_id: Which workspace it goes to.
    """
    plan, ownership = view.plan, view.ownership
    maker = _Maker(view.state, ownership, hashes, origin, workspace_id)
    makes = {
        action.key: referred(action.resource.spec)
        for action in plan.actions
        if action.resource
    }
    removes = {
        action.key: referred(sent_spec(action.row))
        for action in plan.of("delete", "forget")
        if action.row
    }
    upwards, downwards = depths(_after_givers(makes, ownership)), depths(removes)
    found: dict[tuple[int, int], list[Step]] = defaultdict(list)
    for action in plan.actions:
        if action.operation == "replace":
            found[0, 0].append(maker.remove(action, "delete", frozenset()))
        if action.operation in ("create", "update", "replace", "rename", "adopt"):
            found[1, upwards[action.key]].append(maker.make(action))
        if action.operation in ("delete", "forget"):
            needs = maker.referrers(action.key) | maker.takers(action.key)
            step = maker.remove(action, action.operation, needs)
            found[2, -downwards[action.key]].append(step)
    return [found[level] for level in sorted(found)]


def _after_givers(
    makes: Mapping[str, set[str]], ownership: Ownership
) -> dict[str, set[str]]:
    """References, and after them moves, as far as they close no circle.

    Two resources that give each other tables are changed in either order: nothing is
    dropped by that, and the first run of both comes afterwards.
    """
    needs = {key: set(keys) for key, keys in makes.items()}
    for taker in sorted(needs):
        for giver in sorted({one.giver for one in ownership.taken[taker]} - {taker}):
            if giver in needs and not _reaches(giver, taker, needs):
                needs[taker].add(giver)
    return needs


def _reaches(start: str, end: str, needs: Mapping[str, set[str]]) -> bool:
    waiting, seen = [start], set()
    while waiting:
        key = waiting.pop()
        if key == end:
            return True
        if key not in seen:
            seen.add(key)
            waiting += needs.get(key, ())
    return False


class _Maker:
    def __init__(
        self,
        state: Snapshot,
        ownership: Ownership,
        hashes: Mapping[str, str],
        origin: Origin,
        workspace_id: str,
    ) -> None:
        self._state = state
        self._ownership = ownership
        self._hashes = hashes
        self._origin = origin
        self._workspace_id = workspace_id
        self._sent = {key: sent_spec(row) or {} for key, row in state.resources.items()}

    def referrers(self, key: str) -> frozenset[StepId]:
        return frozenset(
            (other, part)
            for other, spec in self._sent.items()
            if key in referred(spec)
            for part in ("make", "remove")
        )

    def takers(self, key: str) -> frozenset[StepId]:
        """Who must have a table before its last builder goes."""
        return frozenset((one.taker, "make") for one in self._ownership.given[key])

    def remove(self, action: Action, operation: str, needs: frozenset[StepId]) -> Step:
        row = action.row
        if row is None:
            raise ValueError(action)
        intent = self._row(
            row.key,
            row.kind,
            operation,
            nonce=row.nonce,
            name=row.name,
            remote_id=row.remote_id,
            url=row.url,
            spec_hash=row.spec_hash,
            spec=row.spec,
            tables=row.tables,
            generation=row.generation,
        )
        replacing = action.operation == "replace"
        data = self._data(action.key) if replacing else ()
        return Step(action, intent, self._sent[row.key], needs, data=data)

    def make(self, action: Action) -> Step:
        resource, row = action.resource, action.row
        if resource is None:
            raise ValueError(action)
        kept = row if action.operation in ("update", "rename") else None
        tried = None if kept else self._tried(resource.key, resource.kind)
        if action.operation == "adopt":
            tried = None
        nonce = kept.nonce if kept else tried.nonce if tried else new_nonce()
        generation = (
            kept.generation if kept
            else tried.generation if tried
            else self._ended(resource.key, row) + 1
        )  # fmt: skip
        stays = row if action.operation in ("update", "rename", "adopt") else None
        given = {one.earlier for one in self._ownership.given[resource.key]}
        spec = spec_to_send(resource)
        intent = self._row(
            resource.key,
            resource.kind,
            _operation(action),
            nonce=nonce,
            name=resource.spec["name"],
            remote_id=stays.remote_id if stays else None,
            url=stays.url if stays else None,
            spec_hash=spec_hash(spec, resource.files, self._hashes),
            spec=json.dumps(spec),
            tables=json.dumps(sorted({*resource.tables, *given})),
            generation=generation,
        )
        needs = {(other, "make") for other in referred(resource.spec)}
        taken = self._ownership.taken[resource.key]
        needs |= {(one.giver, "make") for one in taken if one.is_move}
        if action.operation == "replace":
            needs.add((resource.key, "remove"))
        return Step(
            action,
            intent,
            spec,
            frozenset(needs),
            tried_before=bool(tried),
            data=() if action.operation == "replace" else self._data(resource.key),
            takes=tuple(one for one in taken if one.is_move),
            replaces=row if action.operation == "rename" else None,
        )

    def _data(self, key: str) -> tuple[DataStep, ...]:
        found = (one.data_step for one in self._ownership.taken[key])
        return tuple(filter(None, found))

    def _ended(self, key: str, row: JournalRow | None) -> int:
        """The generation of the last resource of a key that is there no more."""
        before = self._state.creates.get(key)
        made = (before.generation or 0) if before and before.phase == "done" else 0
        return max(made, (row.generation or 0) if row else 0)

    def _tried(self, key: str, kind: str) -> JournalRow | None:
        before = self._state.creates.get(key)
        failed = before and before.phase == "failed" and before.kind == kind
        return before if failed else None

    def _row(self, key: str, kind: str, operation: str, **known: Any) -> JournalRow:
        return JournalRow(
            key,
            kind,
            operation,
            "intent",
            str(uuid.uuid4()),
            repository=self._origin.recorded_repository,
            commit=self._origin.commit,
            deployed_by=self._origin.deployed_by,
            workspace_id=self._workspace_id,
            **known,
        )


def _operation(action: Action) -> str:
    """How the journal calls what makes a resource."""
    if action.operation in ("create", "replace"):
        return "create"
    if action.operation == "adopt":
        return "adopt"
    moves = action.operation == "rename" or action.action == "move"
    return "move" if moves else "update"
