"""Removing definitions, and what removing and renaming have in common."""

from __future__ import annotations

from pathlib import Path

from mdf_magics.definitions.loading import Definitions, Entry
from mdf_magics.definitions.removing import removed
from mdf_magics.definitions.storing import Change, locked, write
from mdf_magics.errors import DefinitionError, Place, Problem, did_you_mean
from mdf_magics.planning.steps import Planned
from mdf_magics.results import Changed

_NOTHING = "Nothing was changed."


def remove(
    root: Path, name: str, definitions: Definitions, planned: Planned, *, force: bool
) -> Changed:
    """Take a table's or a transformation's definition away.

    Args:
        root: The project's root.
        name: The table or transformation.
        definitions: What is stored.
        planned: The same, worked out.
        force: Also when others use it.

    Raises:
        DefinitionError: Others use it, or it is one of an entry's many tables.
    """
    entry, users = entry_alone(name, definitions, planned)
    if users and not force:
        message = f"{name} is used by {', '.join(users)}"
        hint = "Change those first, or say  --force  to remove it all the same."
        raise refusal("in-use", message, hint, entry.place())
    change = Change(
        entry.document.source.name,
        entry.document.source.text,
        removed(entry.document, entry.path),
    )
    with locked(root):
        write(root, [change])
    used = f"; {', '.join(users)} can't find it any more" if users else ""
    return Changed(f"{name} removed from {change.path}{used}", change.diff())


def not_stored(name: str, definitions: Definitions, planned: Planned) -> Problem:
    """The problem that neither a table nor a transformation has this name."""
    known = [*planned.tables, *definitions.transformations]
    message = f'nothing called "{name}" is stored'
    return Problem("unknown-table", message, did_you_mean(name, known))


def entry_alone(
    name: str, definitions: Definitions, planned: Planned
) -> tuple[Entry, list[str]]:
    """The entry that makes something alone, and the tables that use it."""
    if name in definitions.transformations:
        users = [
            one.name
            for one in planned.tables.values()
            if one.settings.transformation == name
        ]
        return definitions.transformations[name], sorted(users)
    table = planned.tables.get(name)
    if table is None:  # an entry with errors makes no table; nor does a template's name
        for entry in definitions.tables:
            if entry.name == name:
                return entry, []
        raise DefinitionError(not_stored(name, definitions, planned), note=_NOTHING)
    if "for_each" in table.entry.value:
        message = f"{name} is made by the entry {table.entry.name}"
        hint = f"Change the lists of its for_each: {table.place}."
        raise refusal("expanded-table", message, hint, table.place)
    users = [one for one, read in planned.graph.upstream.items() if name in read]
    return table.entry, sorted(users)


def refusal(code: str, message: str, hint: str, place: Place | None) -> DefinitionError:
    """The error that nothing was changed, and why."""
    return DefinitionError(Problem(code, message, hint, place), note=_NOTHING)
