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
from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.plan import Action, Plan
from mdf_magics.deploying.references import depths, referred
from mdf_magics.deploying.sent import sent_spec
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

    @property
    def step_id(self) -> StepId:
        """What others need it by."""
        made = self.intent.operation in ("create", "update")
        return self.intent.key, "make" if made else "remove"


def levels(
    plan: Plan,
    state: Snapshot,
    hashes: Mapping[str, str],
    origin: Origin,
    workspace_id: str,
) -> list[list[Step]]:
    """The steps of a plan; those of one level don't need each other.

    Args:
        plan: What is to be done.
        state: What the state says: nonces and generations go on from there.
        hashes: The SHA-256 of each file to upload.
        origin: Where the deploy comes from.
        workspace_id: Which workspace it goes to.
    """
    maker = _Maker(state, hashes, origin, workspace_id)
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
    upwards, downwards = depths(makes), depths(removes)
    found: dict[tuple[int, int], list[Step]] = defaultdict(list)
    for action in plan.actions:
        if action.action == "rebuild":
            found[0, 0].append(maker.remove(action, "delete", frozenset()))
        if action.action in ("create", "update", "rebuild"):
            found[1, upwards[action.key]].append(maker.make(action))
        if action.action in ("delete", "forget"):
            needs = maker.referrers(action.key)
            step = maker.remove(action, action.action, needs)
            found[2, -downwards[action.key]].append(step)
    return [found[level] for level in sorted(found)]


class _Maker:
    def __init__(
        self,
        state: Snapshot,
        hashes: Mapping[str, str],
        origin: Origin,
        workspace_id: str,
    ) -> None:
        self._state = state
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
        return Step(action, intent, self._sent[row.key], needs)

    def make(self, action: Action) -> Step:
        resource, row = action.resource, action.row
        if resource is None:
            raise ValueError(action)
        updating = row if action.action == "update" else None
        tried = None if updating else self._tried(resource.key, resource.kind)
        before = self._state.creates.get(resource.key)
        ended = (before.generation or 0) if before and before.phase == "done" else 0
        nonce = updating.nonce if updating else tried.nonce if tried else new_nonce()
        generation = (
            updating.generation if updating
            else tried.generation if tried
            else ended + 1
        )  # fmt: skip
        intent = self._row(
            resource.key,
            resource.kind,
            "update" if updating else "create",
            nonce=nonce,
            name=resource.spec["name"],
            remote_id=updating.remote_id if updating else None,
            url=updating.url if updating else None,
            spec_hash=spec_hash(resource.spec, resource.files, self._hashes),
            spec=json.dumps(resource.spec),
            tables=json.dumps(resource.tables),
            generation=generation,
        )
        needs = {(other, "make") for other in referred(resource.spec)}
        if action.action == "rebuild":
            needs.add((resource.key, "remove"))
        return Step(
            action, intent, resource.spec, frozenset(needs), tried_before=bool(tried)
        )

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
