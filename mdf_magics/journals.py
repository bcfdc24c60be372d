"""What the verbs about a target's state do: `mdf state` and `mdf history`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from mdf_magics.deploying.deployer import Deployer
from mdf_magics.deploying.origin import Origin
from mdf_magics.engines import Engine
from mdf_magics.errors import DefinitionError, Problem, StateError, did_you_mean
from mdf_magics.planning.steps import Planned
from mdf_magics.results import Result
from mdf_magics.results.protocol import Message
from mdf_magics.results.state import (
    Exported,
    History,
    StateRebuilt,
    StateShown,
    operation,
)
from mdf_magics.state.protocol import Holder, StateStore
from mdf_magics.targets import deployer_of, origin_of, store_of

SHOWN = 50
"""Operations that a history shows when nothing is said."""


@dataclass(frozen=True)
class Journals:
    """One target's state, and what looks into its workspace when that is needed."""

    store: StateStore
    deployer: Callable[[], Deployer]
    origin: Callable[[], Origin]

    @classmethod
    def of(cls, root: Path, planned: Planned, engine: Callable[[], Engine]) -> Self:
        """The state of a project's target; its workspace is asked when need be."""
        return cls(
            store_of(root, planned, engine),
            partial(deployer_of, root, planned, engine),
            partial(origin_of, root, planned),
        )

    def act(self, action: str, lock_id: str | None) -> Result:
        """Do one of the things that `mdf state` offers.

        Raises:
            DefinitionError: It isn't one of them.
        """
        actions: dict[str, Callable[[], Result]] = {
            "show": self.show,
            "rebuild": self.rebuild,
            "unlock": lambda: self.unlock(lock_id or ""),
            "export": self.export,
        }
        if action not in actions:
            message = f'state has no "{action}"'
            hint = did_you_mean(action, actions)
            raise DefinitionError(Problem("wrong-usage", message, hint))
        return actions[action]()

    def show(self) -> StateShown:
        """What the state says, and who holds its lock."""
        store = self.store
        unwritten = tuple(store.unwritten())
        return StateShown(
            store.target, store.where, store.snapshot(), store.holder(), unwritten
        )

    def history(self, key: str | None, limit: int | None) -> History:
        """What happened, newest first."""
        shown = SHOWN if limit is None else limit
        found = self.store.history(key, shown + 1)
        more = len(found) > shown
        return History(self.store.target, tuple(found[:shown]), more, key or "")

    def export(self) -> Exported:
        """Every row as it is stored, whatever version wrote it."""
        store = self.store
        return Exported(store.project, store.target, store.export())

    def rebuild(self) -> StateRebuilt:
        """Restore the state from the marks in the workspace."""
        return StateRebuilt(self.store.target, self.deployer().rebuild(self.origin()))

    def unlock(self, lock_id: str) -> Message:
        """Take the lease away from whoever holds it.

        Raises:
            StateError: Nobody holds it, or somebody else than was meant.
        """
        store, holder = self.store, self.store.holder()
        if holder is None or not holder.operation_id:
            message = f"{store.target} isn't locked"
            raise StateError(Problem("not-locked", message, "Nothing was changed."))
        pending = store.snapshot().pending
        if not store.unlock(lock_id, self.origin().deployed_by):
            raise _wrong_lock(store.target, lock_id, holder)
        lines = [f"The lock of {store.target} is free. It was held by {_held(holder)}."]
        if pending:
            lines.append("This was interrupted; the next deploy looks what came of it:")
            lines += [f"  {operation(row)}" for row in pending]
        if holder.seconds_left:
            lines.append(
                "If that deploy is still alive, it stops at its next write. The next\n"
                "one waits until calls that it has begun can't have an effect any more."
            )
        return Message("\n".join(lines))


def _wrong_lock(target: str, lock_id: str, holder: Holder) -> StateError:
    message = (
        f"{lock_id} is not the lock of {target}"
        if lock_id
        else f"which lock of {target} is meant isn't said"
    )
    hint = (
        f"It is held by {_held(holder)}. To free it by force:\n"
        f"mdf state unlock {holder.operation_id}"
    )
    return StateError(Problem("wrong-lock", message, hint))


def _held(holder: Holder) -> str:
    return (
        f"{holder.deployed_by} (fence {holder.fence}), "
        f"last sign of life {holder.silent_seconds} s ago"
    )
