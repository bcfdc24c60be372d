"""What the rest of mdf_magics knows of a state store: one protocol, two adapters.

A store holds one table, `mdf_journal`, which is journal and lock in one, so that a
single statement can check who holds the lease and write. What is deployed now
(`mdf_state`) and what happened (`mdf_history`) are views on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

VERSION = 1
"""Version of the journal's layout. Before 1.0 no other one is read."""

type Operation = Literal["create", "update", "delete", "adopt", "move", "forget"]
type Phase = Literal["lock", "intent", "done", "failed"]


@dataclass(frozen=True)
class JournalRow:
    """One row of mdf_journal: a step of one operation on one resource.

    The store fills in `seq`, `fence`, `at`, `project`, `target` and `version` when it
    writes; whoever asks for the write leaves them out. None is SQL's NULL.
    """

    key: str
    kind: str
    """`job` or `pipeline`; empty in the lock row."""
    operation: str
    phase: str
    operation_id: str
    """A uuid4 that the rows of one operation share."""
    nonce: str | None = None
    """16 hex digits, made for a create and kept: part of the resource's marker."""
    name: str | None = None
    """The display name, by which an interrupted create is looked for."""
    remote_id: str | None = None
    url: str | None = None
    spec_hash: str | None = None
    spec: str | None = None
    """The resource as sent, as JSON: references unresolved, no lineage and nonce."""
    tables: str | None = None
    """The tables that it builds, as a JSON list."""
    generation: int | None = None
    """1 for the first resource of its key, one more for each that replaced it."""
    repository: str | None = None
    commit: str | None = None
    deployed_by: str | None = None
    workspace_id: str | None = None
    error: str | None = None
    seq: int = 0
    fence: int = 0
    at: str = ""
    """When it was written, by the store's clock: `2026-03-02T06:00:01Z`."""
    project: str = ""
    target: str = ""
    version: int = VERSION


COLUMNS = (
    "seq", "fence", "at", "project", "target", "key", "kind", "operation", "phase",
    "operation_id", "nonce", "name", "remote_id", "url", "spec_hash", "spec", "tables",
    "generation", "repository", "commit", "deployed_by", "workspace_id", "error",
    "version",
)  # fmt: skip
"""The journal's columns in the table's order."""


@dataclass(frozen=True)
class HistoryRow:
    """One row of mdf_history: an operation from its start to its outcome."""

    operation_id: str
    key: str
    kind: str
    operation: str
    generation: int | None
    started: str
    finished: str | None
    outcome: str
    """`done`, `failed`, or `pending` while there is none."""
    remote_id: str | None
    deployed_by: str | None
    commit: str | None
    error: str | None


@dataclass(frozen=True)
class Holder:
    """The lock row of a target: who holds the lease, or held it last."""

    operation_id: str
    """Whose lease it is; empty: free."""
    deployed_by: str
    fence: int
    since: str
    at: str
    """The last sign of life."""
    silent_seconds: int
    """How long ago that was, by the store's clock."""
    seconds_left: int
    """Until the lease ends by itself; 0 when anybody may take it."""
    freed_by: str | None = None
    """Who took it away by force, if that was its end."""


@dataclass(frozen=True)
class Lease:
    """The right to write a target's state and to change its resources, for a while."""

    owner: str
    """A uuid4 made by each deploy."""
    fence: int
    """Goes up by one with each holder: a write under an older one is refused."""
    lineage: str
    """The target's own id, made once; every resource carries it."""
    seq: int
    """The last number given to a row when the lease was taken."""
    seconds: float
    """How long it lasts after the last write, by the store's clock."""
    grace: float = 0
    """Seconds to let pass before judging what the last holder left open. One that fell
    silent, or was freed by force, may have a call under way that no fence stops."""


@dataclass(frozen=True)
class Snapshot:
    """What a target's state says, read at one moment."""

    lineage: str | None = None
    """None before the target's first deploy, or when the state was lost."""
    fence: int = 0
    seq: int = 0
    resources: dict[str, JournalRow] = field(default_factory=dict)
    """Key to the last outcome of what is deployed: the rows of mdf_state."""
    latest: dict[str, JournalRow] = field(default_factory=dict)
    """Key to its newest row, whatever its phase."""
    creates: dict[str, JournalRow] = field(default_factory=dict)
    """Key to the newest row that starts or ends a create: generation and nonce go on
    from there."""
    pending: tuple[JournalRow, ...] = ()
    """Intents without outcome, oldest first."""


class StateStore(Protocol):
    """Journal and lock of one target of one project.

    Every method raises StateError, with a sentence, when the store can't be reached
    or what it holds can't be trusted. Reading never makes or changes anything.
    """

    project: str
    """The project that the rows belong to."""
    target: str
    """The identity that the rows belong to: `prod`, in development `dev.me`."""
    where: str
    """Where it is, for people: a file, or a table."""
    lost: str
    """What to do first when it was lost or is an old copy, in full sentences."""

    @property
    def answers(self) -> bool:
        """Whether it is reached, as far as is known; other threads may ask too."""
        return True

    def acquire(self, deployed_by: str, *, lineage: str | None = None) -> Lease:
        """Take the target's lease.

        Args:
            deployed_by: Who asks, on which machine; others see it while it is held.
            lineage: For a target without state: the lineage that its resources
                already carry. A new one is made otherwise.

        Raises:
            Locked: Somebody else holds it and has been alive within its length.
        """

    def renew(self, lease: Lease) -> None:
        """Make the lease last for its whole length again. Raises LeaseLost."""

    def release(self, lease: Lease) -> None:
        """Give the lease back; does nothing when it was lost."""

    def unlock(self, operation_id: str, freed_by: str) -> bool:
        """Free the lease by force if this holder has it; False when it doesn't."""

    def write(self, lease: Lease, rows: Sequence[JournalRow]) -> None:
        """Append rows, all or none, and renew the lease.

        Raises:
            LeaseLost: Somebody else took the lease over. Nothing was written.
        """

    def holder(self) -> Holder | None:
        """The lock row; None before the target's first deploy."""

    def snapshot(self) -> Snapshot:
        """All that a plan needs to know, as of one moment."""

    def state(self) -> list[JournalRow]:
        """What is deployed now, by key."""

    def pending(self) -> list[JournalRow]:
        """Intents whose outcome isn't known, oldest first."""

    def history(
        self, key: str | None = None, limit: int | None = None
    ) -> list[HistoryRow]:
        """Every operation, newest first.

        Args:
            key: Only of this resource.
            limit: Only so many.
        """

    def journal(self) -> list[JournalRow]:
        """Every row but the lock's, oldest first."""

    def export(self) -> list[dict[str, object]]:
        """Every row of the target as it is stored, whatever version wrote it."""

    def accept(self) -> None:
        """Take what the store holds as right, whatever this machine saw before."""

    def unwritten(self) -> list[JournalRow]:
        """Outcomes that wait on this machine for the store to answer."""
