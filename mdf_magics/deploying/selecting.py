"""Which resources a selection of tables comes to, and what must go along with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mdf_magics.deploying.ownership import Ownership
from mdf_magics.deploying.references import referred
from mdf_magics.errors import DeployError, Problem
from mdf_magics.planning.resources import Compiled
from mdf_magics.planning.selection import Selection
from mdf_magics.state.protocol import Snapshot


@dataclass(frozen=True)
class Scope:
    """The resources that a plan is about."""

    keys: frozenset[str]
    notes: tuple[str, ...]
    """What goes along with what was selected."""


def scope_of(
    selection: Selection, desired: Compiled, state: Snapshot, ownership: Ownership
) -> Scope:
    """Find the resources of a selection.

    A part is deployed as the part it is. Along go the other side of a move, whatever
    a selected resource refers to and isn't there yet, and the jobs that run a selected
    resource, because its id may change; but never a deletion.

    Args:
        selection: Tables and keys.
        desired: What the definitions come to.
        state: What the state says.
        ownership: What moves.

    Raises:
        DeployError: A selected part takes a table from one that would be deleted and
            isn't selected.
    """
    wanted = {resource.key: resource for resource in desired.resources}
    chosen = {
        key
        for key, resource in wanted.items()
        if selection.tables.intersection(resource.tables)
    }
    chosen |= selection.keys & (wanted.keys() | state.resources.keys())
    along: dict[str, str] = {}
    waiting = sorted(chosen)
    while waiting:
        key = waiting.pop(0)
        found = {
            **{one.giver: f"{one.earlier} moves from it"
               for one in ownership.taken[key] if one.is_move},
            **{one.taker: f"{one.earlier} moves into it"
               for one in ownership.given[key]},
            **{other: f"{key} refers to it and it isn't there yet"
               for other in sorted(referred(wanted[key].spec) if key in wanted else ())
               if other not in state.resources},
        }  # fmt: skip
        for other, why in found.items():
            if other not in chosen and other not in along:
                _check_wanted(other, wanted, why)
                along[other] = why
                waiting.append(other)
    scope = chosen | along.keys()
    for key, resource in wanted.items():
        refers = referred(resource.spec)
        if key in scope or not refers & scope:
            continue
        if refers <= scope | state.resources.keys():
            along[key] = "it runs what was selected"
    notes = [f"{key} goes along: {why}" for key, why in sorted(along.items())]
    notes += _whole_parts(selection, desired, chosen)
    return Scope(frozenset(chosen | along.keys()), tuple(notes))


def _whole_parts(
    selection: Selection, desired: Compiled, chosen: set[str]
) -> list[str]:
    notes = []
    for resource in desired.resources:
        others = set(resource.tables) - selection.tables
        if resource.key in chosen and others and len(others) < len(resource.tables):
            with_others = ", ".join(sorted(others))
            notes.append(f"{resource.key} is deployed as a whole, with {with_others}")
    return notes


def _check_wanted(key: str, wanted: Mapping[str, object], why: str) -> None:
    if key in wanted:
        return
    message = f"{key} isn't selected, but {why}, and it would be deleted by that"
    hint = f"Select {key} too, or deploy everything."
    raise DeployError(Problem("selection-deletes", message, hint))
