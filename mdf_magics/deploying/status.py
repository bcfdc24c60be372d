"""What is deployed, and whether the workspace still has it as it was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mdf_magics.deploying.drift import changed_by_hand, is_ours
from mdf_magics.deploying.references import PathOf
from mdf_magics.deploying.sent import sent_tables
from mdf_magics.deploying.workspaces.protocol import NotFound, Remote, WorkspaceError
from mdf_magics.state.protocol import JournalRow, Snapshot


@dataclass(frozen=True)
class ResourceStatus:
    """How one deployed resource is."""

    key: str
    kind: str
    remote_id: str | None
    status: str
    """`deployed`, `changed by hand`, `missing`, `not ours` (its marker is another),
    `unknown` (it could not be read) or `unfinished` (a deploy was interrupted)."""
    tables: tuple[str, ...] = ()
    deployed_at: str = ""
    deployed_by: str | None = None
    url: str | None = None
    detail: str = ""

    def to_json(self) -> dict[str, object]:
        """The resource in the shape that `mdf status --json` documents."""
        return {
            "key": self.key,
            "kind": self.kind,
            "remote_id": self.remote_id,
            "status": self.status,
        }


def resource_statuses(
    state: Snapshot, found: Mapping[str, Remote | WorkspaceError], path_of: PathOf
) -> list[ResourceStatus]:
    """The status of every resource in the state, and of what was begun, by key.

    Args:
        state: What the state says.
        found: Every key of it to its resource, or to what reading it came to.
        path_of: Where an uploaded file lies.
    """
    rows = {row.key: row for row in state.pending} | dict(state.resources)
    pending = {row.key for row in state.pending}
    statuses = []
    for key, row in sorted(rows.items()):
        status, detail = (
            ("unfinished", "a deploy of it was interrupted")
            if key in pending
            else _told(row, state, found[key], path_of)
        )
        statuses.append(
            ResourceStatus(
                key,
                row.kind,
                row.remote_id,
                status,
                sent_tables(row),
                row.at,
                row.deployed_by,
                row.url,
                detail,
            )
        )
    return statuses


def _told(
    row: JournalRow, state: Snapshot, remote: Remote | WorkspaceError, path_of: PathOf
) -> tuple[str, str]:
    if isinstance(remote, NotFound):
        return "missing", remote.message
    if isinstance(remote, WorkspaceError):
        return "unknown", remote.message
    if not is_ours(row, remote, state.lineage):
        return "not ours", "its tags are not those that it was made with"
    ids = {other: sent.remote_id or "" for other, sent in state.resources.items()}
    changed = changed_by_hand(row, remote, ids, path_of)
    if changed:
        return "changed by hand", ", ".join(difference.path for difference in changed)
    return "deployed", ""
