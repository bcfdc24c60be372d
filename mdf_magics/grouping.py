"""Groups and their parts: why they are as they are, other ways, and repairs."""

from __future__ import annotations

from pathlib import Path

from mdf_magics.definitions.placement_file import placement_changes, repair_changes
from mdf_magics.definitions.storing import Change, locked, write
from mdf_magics.errors import DefinitionError, Problem, did_you_mean
from mdf_magics.planning.fitting import UNLISTED
from mdf_magics.planning.limits import LIMITS, REASONS, most_tables, why_so_many
from mdf_magics.planning.placement import Part
from mdf_magics.planning.regrouping import propose, within_limits
from mdf_magics.planning.steps import Planned
from mdf_magics.results import Regrouped, ShownGroup, ShownPart

_MENDED = ("part-cycle", "too-many-tables", "crowded-part", "crowded-cluster")
"""Problems that another placement can solve."""


def show_group(name: str, planned: Planned) -> ShownGroup:
    """A group's parts, and why they are these."""
    most = most_tables(planned.project, name)
    own = [one for one in planned.parts.parts.values() if one.group == name]
    own.sort(key=lambda one: (len(one.key), one.key))
    parts = []
    for index, part in enumerate(own):
        why = _why_apart(part, own[:index], most, planned) if index else ""
        parts.append(ShownPart(part.key, part.tables, part.upstream, why))
    runs_on = planned.project.groups.get(name, UNLISTED).runs_on
    why = why_so_many(planned.project, name)
    return ShownGroup(name, runs_on, most, why, tuple(parts))


def regroup(
    root: Path, name: str, planned: Planned, *, size: int | None, accept: bool
) -> Regrouped:
    """Propose other parts for a group; write them when a person has accepted.

    Raises:
        DefinitionError: There is no such group, or definitions are wrong.
    """
    groups = {one.group for one in planned.tables.values()}
    if name not in groups:
        message = f'there is no group "{name}" with tables'
        raise DefinitionError(
            Problem("unknown-group", message, did_you_mean(name, groups))
        )
    errors = [one for one in planned.errors if one.code not in _MENDED]
    if errors:
        raise DefinitionError(*errors)
    runs_on = planned.project.groups.get(name, UNLISTED).runs_on
    if size is not None and not 1 <= size <= LIMITS[runs_on]:
        message = f"a part can't hold {size:,} tables"
        hint = f"Say 1 to {LIMITS[runs_on]:,}: {REASONS[runs_on]}."
        raise DefinitionError(Problem("wrong-usage", message, hint))
    proposal = propose(
        name,
        size or most_tables(planned.project, name),
        planned.tables,
        planned.graph,
        planned.project,
        planned.parts,
    )
    accepted = accept and bool(proposal.moves)
    if accepted:
        with locked(root):
            write(root, placement_changes(root, proposal.placement))
    return Regrouped(proposal, accepted)


def repair_placement(root: Path, planned: Planned) -> list[Change]:
    """Bring `placement.yml` in order after a merge.

    Lines of both sides are kept, of two for one table the first; lines of tables that
    nothing makes go; tables without a place, and those above the platform's limits,
    get one.

    Returns:
        What was changed; empty when nothing was wrong.
    """
    placement = within_limits(
        planned.tables, planned.graph, planned.project, planned.parts
    )
    changes = repair_changes(root, placement)
    if not placement or not changes[0].changes:
        return []
    with locked(root):
        write(root, changes)
    return changes[:1]


def _why_apart(part: Part, earlier: list[Part], most: int, planned: Planned) -> str:
    """Why a part isn't one with those before it."""
    for one in earlier:
        if path := _path(part.key, one.key, planned) or _path(
            one.key, part.key, planned
        ):
            return f"it can't be one with {one.key}: {' waits for '.join(path)}"
    full = [one for one in earlier if len(one.tables) >= most]
    if len(full) == len(earlier):
        return f"{', '.join(one.key for one in earlier)} had no more room"
    return "its tables were placed here before, and stay"


def _path(start: str, end: str, planned: Planned) -> list[str]:
    """How one part waits for another by way of a third; empty: it doesn't."""
    parts = planned.parts.parts
    found: dict[str, list[str]] = {start: [start]}
    waiting = [start]
    while waiting:
        key = waiting.pop(0)
        for read in parts[key].upstream:
            if read == end and key != start:
                return [*found[key], end]
            if read not in found and read != end:
                found[read] = [*found[key], read]
                waiting.append(read)
    return []
