"""Looking for what a create made whose reply nobody got."""

from __future__ import annotations

from collections.abc import Callable

from mdf_magics.deploying.identity import Marker
from mdf_magics.deploying.workspaces.protocol import Remote, Workspace
from mdf_magics.errors import Problem

PAUSE_SECONDS = 1.0


def find_marked(
    workspace: Workspace,
    kind: str,
    name: str,
    marker: Marker,
    sleep: Callable[[float], None],
) -> list[Remote]:
    """All resources of a name that carry a marker, the oldest first.

    Waits as long as the workspace's listing may be late before it says that there is
    none. Raises WorkspaceError when the workspace doesn't answer.
    """
    waited = 0.0
    while True:
        found = [
            remote for remote in workspace.find(kind, name) if marker.on(remote.tags)
        ]
        if found or waited >= workspace.listing_lag_seconds:
            return found
        sleep(PAUSE_SECONDS)
        waited += PAUSE_SECONDS


def duplicates(workspace: Workspace, kept: str, found: list[Remote]) -> list[Problem]:
    """A warning for resources with one marker; they are named and never deleted.

    Args:
        workspace: Where they are.
        kept: The id that the state has, or is going to have.
        found: All that carry the marker.
    """
    others = [remote for remote in found if remote.remote_id != kept]
    if not others:
        return []
    lines = [
        f"- {workspace.url(remote.kind, remote.remote_id) or remote.remote_id}"
        for remote in others
    ]
    first = others[0]
    return [
        Problem(
            "duplicate",
            f"{first.kind} {first.name} is there {len(found)} times; {kept} is kept",
            "\n".join(
                [*lines, "Look whether they have runs, and delete them by hand."]
            ),
            severity="warning",
        )
    ]
