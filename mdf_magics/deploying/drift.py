"""How one resource differs from what was sent, and from what is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mdf_magics.deploying.comparison import (
    Difference,
    differences,
    remote_differences,
    shown,
)
from mdf_magics.deploying.identity import Marker, spec_hash, unmarked
from mdf_magics.deploying.references import PathOf, Reference, comparable
from mdf_magics.deploying.sent import PERMISSIONS, sent_spec, spec_to_send
from mdf_magics.deploying.workspaces.protocol import Remote
from mdf_magics.planning.resources import Resource
from mdf_magics.state.protocol import JournalRow


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
    settings = {name: value for name, value in sent.items() if name != PERMISSIONS}
    wanted = comparable(settings, ids, path_of)
    return remote_differences(unmarked(remote.settings), wanted)


def update_reasons(
    resource: Resource,
    row: JournalRow,
    remote: Remote,
    *,
    ids: Mapping[str, str],
    path_of: PathOf,
    hashes: Mapping[str, str],
    uploaded: Mapping[str, str],
) -> list[str]:
    """Why a resource must be sent again; none: it is as it should be.

    Args:
        resource: What the definitions want.
        row: The last outcome of its key.
        remote: The resource as the workspace has it.
        ids: Key to id of all that is deployed and stays.
        path_of: Where an uploaded file lies.
        hashes: The SHA-256 of each file that is wanted.
        uploaded: The SHA-256 of each file that is there.
    """
    sent = sent_spec(row)
    if sent is None:
        return ["it was adopted: what it should look like is sent for the first time"]
    changed = differences(sent, spec_to_send(resource))
    reasons = [str(difference) for difference in changed if _tells(difference, row)]
    reasons += _changed_files(resource, row, hashes, uploaded)
    known = tuple(f"{difference.path}." for difference in changed)
    reasons += [
        by_hand(difference)
        for difference in changed_by_hand(row, remote, ids, path_of)
        if not f"{difference.path}.".startswith(known)
    ]
    return reasons


def adoption_reasons(
    resource: Resource, remote: Remote, ids: Mapping[str, str], path_of: PathOf
) -> list[str]:
    """How a resource that somebody else made differs from what is wanted."""
    wanted = comparable(resource.spec, ids, path_of)
    found = remote_differences(unmarked(remote.settings), wanted)
    return [str(difference) for difference in found]


def by_hand(difference: Difference) -> str:
    """A difference that nobody deployed, in words."""
    path, before, after = difference.path, difference.before, difference.after
    if isinstance(after, Reference):
        return f"{path}: was {shown(before)}, will be {shown(after)}"
    became = "was removed" if before is None else f"is {shown(before)}"
    will = "will be removed" if after is None else f"will be {shown(after)}"
    return f"it was changed by hand: {path} {became}, {will}"


def _tells(difference: Difference, row: JournalRow) -> bool:
    """Whether it says more than that the resource has another key than before."""
    return not (difference.path == "tags.mdf_key" and difference.before == row.key)


def _changed_files(
    resource: Resource,
    row: JournalRow,
    hashes: Mapping[str, str],
    uploaded: Mapping[str, str],
) -> Iterator[str]:
    others = [path for path in resource.files if uploaded.get(path) != hashes[path]]
    sent = sent_spec(row) or {}
    if spec_hash(sent, resource.files, hashes) == row.spec_hash:
        for path in others:
            gone = "is not in the workspace any more"
            yield f"{path} {'was changed by hand' if path in uploaded else gone}"
        return
    for path in others:
        yield f"{path} {'changed' if path in uploaded else 'is new'}"
    if not others:
        yield "its files changed"
