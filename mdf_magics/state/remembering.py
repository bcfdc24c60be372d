"""A store with a memory on this machine, for when the store is gone or not itself.

Two things are remembered in the project's `.mdf`. How far the state had got when it was
seen last: one that is older is a copy from before, and nothing is built on it. And
outcomes that couldn't be written because the store was unreachable: the next deploy
writes them.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import override

from mdf_magics.errors import Problem, StateError, StateUnreachable
from mdf_magics.state.protocol import (
    HistoryRow,
    Holder,
    JournalRow,
    Lease,
    Snapshot,
    StateStore,
)


class RememberingStore(StateStore):
    """Another store, and what this machine knows of it."""

    def __init__(self, store: StateStore, folder: Path) -> None:
        """Wrap a store.

        Args:
            store: The store.
            folder: Where to remember; made when there is something to remember.
        """
        self._store = store
        self.project, self.target = store.project, store.target
        self.where, self.lost = store.where, store.lost
        name = f"{store.project}.{store.target}"
        self._seen = _Seen(folder / f"{name}.seen.json")
        self._unwritten = _Unwritten(folder / f"{name}.unwritten.jsonl")
        self._reached: _Mark | None = None
        """How far our lease has got."""

    @property
    @override
    def answers(self) -> bool:
        return self._store.answers

    @override
    def acquire(self, deployed_by: str, *, lineage: str | None = None) -> Lease:
        lease = self._store.acquire(deployed_by, lineage=lineage)
        self._reached = _Mark(lease.lineage, lease.fence, lease.seq)
        try:
            self._write_late(lease)
        except BaseException:
            self._store.release(lease)
            raise
        return lease

    @override
    def renew(self, lease: Lease) -> None:
        self._store.renew(lease)

    @override
    def release(self, lease: Lease) -> None:
        self._store.release(lease)
        if self._reached and self._reached.fence == lease.fence:
            self._seen.note(self._reached)

    @override
    def unlock(self, operation_id: str, freed_by: str) -> bool:
        return self._store.unlock(operation_id, freed_by)

    @override
    def write(self, lease: Lease, rows: Sequence[JournalRow]) -> None:
        try:
            self._store.write(lease, rows)
            if self._reached:
                seq = self._reached.seq + len(rows)
                self._reached = replace(self._reached, seq=seq)
        except StateUnreachable as error:
            outcomes = [row for row in rows if row.phase in ("done", "failed")]
            if outcomes:
                raise self._kept(error, lease, outcomes) from error
            raise

    @override
    def holder(self) -> Holder | None:
        return self._store.holder()

    @override
    def snapshot(self) -> Snapshot:
        seen = self._seen.mark()  # first: somebody else may write meanwhile
        state = self._store.snapshot()
        if state.lineage is not None:
            now = _Mark(state.lineage, state.fence, state.seq)
            if seen and not now.follows(seen):
                raise self._older(seen, now)
            self._seen.note(now)
        return state

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
        return self._store.history(key, limit)

    @override
    def journal(self) -> list[JournalRow]:
        return self._store.journal()

    @override
    def export(self) -> list[dict[str, object]]:
        return self._store.export()

    @override
    def accept(self) -> None:
        self._seen.forget()

    @override
    def unwritten(self) -> list[JournalRow]:
        return self._unwritten.rows()

    def _write_late(self, lease: Lease) -> None:
        """Write the outcomes that were kept here, if their intents still wait."""
        kept = self._unwritten.rows()
        if kept:
            pending = {row.operation_id for row in self._store.snapshot().pending}
            self.write(lease, [row for row in kept if row.operation_id in pending])
            self._unwritten.clear()

    def _older(self, seen: _Mark, now: _Mark) -> StateError:
        what = "older than" if seen.lineage == now.lineage else "another one than"
        return StateError(
            Problem(
                "state-older",
                f"the state of {self.target} in {self.where} is {what} the one that "
                "this machine has seen",
                f"seen: {seen}\nthere: {now}\n{self.lost}\n"
                "If this one is right after all, say  mdf state rebuild : it looks at\n"
                "what the workspace has. Nothing was changed.",
            )
        )

    def _kept(
        self, error: StateUnreachable, lease: Lease, rows: Sequence[JournalRow]
    ) -> StateUnreachable:
        """Keep outcomes here; the error says which, and that they aren't lost."""
        problem = error.problems[0]
        lines = [
            f"- {row.operation} {row.kind} {row.key} {row.phase}"
            f"{f' ({row.remote_id})' if row.remote_id else ''}"
            for row in rows
        ]
        try:
            self._unwritten.keep(lease, rows)
            fate = f"They are kept in {self._unwritten.path}; the next deploy from here"
            fate += "\nwrites them."
        except OSError as reason:
            fate = f"They can't be kept here either ({reason}); the next deploy\n"
            fate += "finds them by their marks."
        begin = "No further operation was begun. Results that are not written yet:"
        hint = "\n".join([begin, *lines, fate, "Run it again when the store answers."])
        return StateUnreachable(Problem(problem.code, problem.message, hint))


@dataclass(frozen=True)
class _Mark:
    """How far a state has got."""

    lineage: str
    fence: int
    seq: int

    def follows(self, other: _Mark) -> bool:
        """Whether a state that was there may have come here."""
        same = self.lineage == other.lineage
        return same and self.fence >= other.fence and self.seq >= other.seq

    def __str__(self) -> str:
        return f"row {self.seq}, fence {self.fence}, lineage {self.lineage}"


class _Seen:
    """The newest state that this machine has seen."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mark(self) -> _Mark | None:
        """What was seen last."""
        try:
            return _Mark(**json.loads(self._path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def note(self, mark: _Mark) -> None:
        """Remember it, if it is newer. Being unable to is no reason to stop."""
        known = self.mark()
        if known and known.follows(mark):
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_suffix(f".{os.getpid()}")
            new.write_text(json.dumps(asdict(mark)) + "\n", "utf-8")
            new.replace(self._path)

    def forget(self) -> None:
        """Take any state from now on."""
        self._path.unlink(missing_ok=True)


class _Unwritten:
    """Outcomes that the store has not got yet, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, lease: Lease, rows: Sequence[JournalRow]) -> None:
        """Append rows that aren't there yet, durably."""
        known = {row.operation_id for row in self.rows()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            for row in rows:
                if row.operation_id not in known:
                    line = json.dumps(asdict(row) | {"fence": lease.fence})
                    file.write(f"{line}\n")
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> list[JournalRow]:
        """The rows; a last line that was torn is left out."""
        try:
            lines = self.path.read_text("utf-8").splitlines()
        except OSError:
            return []
        rows = []
        for line in lines:
            with contextlib.suppress(ValueError, TypeError):
                rows.append(JournalRow(**json.loads(line)))
        return rows

    def clear(self) -> None:
        """They are written."""
        self.path.unlink(missing_ok=True)
