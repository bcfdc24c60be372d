"""What the deployer knows of a workspace: one protocol, two adapters.

WorkspaceError        a call to the workspace did not do what it should
├── NotFound          there is no such resource (said by the server, never guessed)
├── PermissionDenied  the server doesn't say: it may be there or not
├── NameTaken         a pipeline of that name exists (names of jobs may repeat)
├── Refused           the server won't have it: nothing was changed
└── OutcomeUnknown    the reply was lost: the call may or may not have had its effect
    └── TooManyCalls  the workspace asks for a pause
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mdf_magics.errors import DeployError, Problem


class WorkspaceError(DeployError):
    """A call to the workspace did not do what it should."""

    code = "workspace"

    def __init__(self, message: str, hint: str = "") -> None:
        """Say what is wrong.

        Args:
            message: One sentence without a final stop.
            hint: What to do, in full sentences.
        """
        super().__init__(Problem(self.code, message, hint))
        self.message = message
        self.hint = hint


class NotLoggedIn(WorkspaceError):
    """The workspace doesn't know who asks, or isn't there."""

    code = "not-logged-in"


class NotFound(WorkspaceError):
    """There is no such resource."""

    code = "not-found"


class PermissionDenied(WorkspaceError):
    """We may not see or change it. It never means that it is gone."""

    code = "permission-denied"


class NameTaken(WorkspaceError):
    """A pipeline of that name exists: names of pipelines are unique."""

    code = "name-taken"


class Refused(WorkspaceError):
    """The workspace won't have it; nothing was changed."""

    code = "refused"


class OutcomeUnknown(WorkspaceError):
    """The reply was lost: look before calling again."""

    code = "outcome-unknown"


class TooManyCalls(OutcomeUnknown):
    """The workspace asks for a pause, which the adapter keeps by itself.

    Most likely nothing has happened; a proxy in between may know better.
    """

    code = "too-many-calls"


@dataclass(frozen=True)
class Remote:
    """A job or a pipeline as the workspace has it."""

    kind: str
    """`job` or `pipeline`."""
    remote_id: str
    name: str
    settings: dict[str, Any]
    """All its fields by their API names, name and tags included."""

    @property
    def tags(self) -> dict[str, str]:
        """Its tags; our marker is among them."""
        return self.settings.get("tags") or {}


@dataclass(frozen=True)
class TableRun:
    """What came of one table, or of a whole part that could not be started."""

    name: str
    """The table; the key of a part where that was skipped."""
    status: str
    """`running`, `succeeded`, `failed`, `cancelled` or `skipped`."""
    seconds: float | None = None
    rows: int | None = None
    error: str | None = None
    url: str | None = None
    """Where a person looks at it, in a workspace that has pages."""
    finished: str | None = None
    """When it ended: `2026-03-02 06:00:01`, UTC."""

    def to_json(self) -> dict[str, object]:
        """The table in the shape that `mdf run --json` documents."""
        return {
            "name": self.name,
            "status": self.status,
            "seconds": self.seconds,
            "rows": self.rows,
            "error": self.error,
        }


@dataclass(frozen=True)
class RunRequest:
    """What a run is to do."""

    run_id: str
    """Made by the caller, at most 64 characters: the same one starts nothing twice."""
    tables: frozenset[str] | None = None
    """Only these tables; None: all of them."""
    full_refresh: bool = False
    """Pipelines forget what they have read, and build their tables anew."""
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The tables of each deployed part."""
    homes: Mapping[str, str] = field(default_factory=dict)
    """The tables' full names."""
    started: Callable[[str], None] = field(default=lambda _: None, compare=False)
    """Told the id of each run that was started, for `resume`, `cancel` and `repair`."""


class Workspace(Protocol):
    """One workspace with the jobs, pipelines and files of one target.

    Methods raise WorkspaceError. `create` sends exactly one request: an adapter never
    repeats it by itself, because a repeated create makes a second job.
    """

    workspace_id: str
    """Which workspace it is; recorded with every row and compared."""
    call_seconds: float
    """After this time no call that was begun can have an effect any more."""
    listing_lag_seconds: float
    """How long after a create `find` may still miss the resource."""

    def guard(self, fence: Callable[[], None]) -> None:
        """Ask before each request that changes something, after every wait for it.

        Args:
            fence: May wait, or raise; then nothing is sent, and the call raises that.
        """

    def path_of(self, path: str, *, notebook: bool) -> str:
        """Where an uploaded file lies, as `settings` must name it.

        Args:
            path: Relative to `workflows/<target>`: `src`, `src/gold.py`.
            notebook: Whether it is used as a notebook: those may lose their suffix.
        """

    def url(self, kind: str, remote_id: str) -> str | None:
        """Where a person looks at it; None where there is no such page."""

    def create(self, kind: str, settings: dict[str, Any]) -> str:
        """Make a resource and return its id, by one request that is never repeated."""

    def get(self, kind: str, remote_id: str) -> Remote:
        """Read one resource with all its tasks. Raises NotFound, PermissionDenied."""

    def find(self, kind: str, name: str | None) -> list[Remote]:
        """All resources of this display name, ours or not, the oldest first.

        Args:
            kind: `job` or `pipeline`.
            name: The whole name; None: every name.
        """

    def update(self, kind: str, remote_id: str, settings: dict[str, Any]) -> None:
        """Replace all settings of a resource. Doing it twice is doing it once."""

    def delete(self, kind: str, remote_id: str) -> None:
        """Remove a resource, but none of the tables that it built. Raises NotFound."""

    def permit(
        self, kind: str, remote_id: str, permissions: Sequence[Mapping[str, str]]
    ) -> None:
        """Say who may see, run or manage a resource, and nobody else but its owner.

        Args:
            kind: `job` or `pipeline`.
            remote_id: Which one.
            permissions: Entries of the Permissions API: `group_name` or another
                principal, and `permission_level`.
        """

    def uploaded(self) -> dict[str, str]:
        """Uploaded files: path relative to `workflows/<target>` to SHA-256 of the text.

        A file that was changed by hand has another hash than was uploaded, or none.
        """

    def upload(self, path: str, text: str) -> None:
        """Write one file whole, or not at all."""

    def remove(self, path: str) -> None:
        """Remove one uploaded file; does nothing when it is not there."""

    def uploads_ended(self) -> None:
        """Remember what was uploaded and removed, for `uploaded`; once, at the end."""

    def run(
        self,
        kind: str,
        remote_id: str,
        request: RunRequest,
        progress: Callable[[TableRun], None],
    ) -> Iterable[TableRun]:
        """Run a job or pipeline, with what it refers to, and wait for its end.

        Args:
            kind: `job` or `pipeline`.
            remote_id: Which one.
            request: What to do.
            progress: Called whenever a table's status changes.

        Returns:
            The last word on every table, in the order in which they ended.
        """

    def resume(
        self, run_id: str, request: RunRequest, progress: Callable[[TableRun], None]
    ) -> Iterable[TableRun]:
        """Watch a run that was started before; else like `run`."""

    def last_run(
        self, kind: str, remote_id: str, request: RunRequest
    ) -> Iterable[TableRun] | None:
        """The tables of a resource's last run, as far as it has come; reads only.

        Returns:
            None when this workspace doesn't remember its runs.
        """

    def cancel(self, run_id: str) -> None:
        """Cancel a run."""

    def repair(self, run_id: str) -> None:
        """Run again what failed in a run, within it: `resume` then watches it."""
