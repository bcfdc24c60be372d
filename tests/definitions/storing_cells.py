"""Cells on their way into files, without engine or preview."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from mdf_magics.definitions.cells import Magic, read_cell, split_cells
from mdf_magics.definitions.files import Unsaved
from mdf_magics.definitions.loading import load
from mdf_magics.definitions.saving import Saving, plan_saving
from mdf_magics.definitions.storing import locked, write
from mdf_magics.errors import DefinitionError, Source
from mdf_magics.planning.expansion import maker_of


def saving(
    root: Path,
    magic: Magic,
    name: str,
    text: str,
    unsaved: Unsaved | None = None,
) -> Saving:
    """What storing a cell would change."""
    cell, problems = read_cell(magic, name, text)
    if problems:
        raise DefinitionError(*problems)
    definitions = load(root, unsaved)
    maker = partial(maker_of, entries=definitions.tables)
    return plan_saving(cell, name, definitions, unsaved or {}, maker)


def store(root: Path, cell: str) -> Saving:
    """Store a whole cell, with its magic's line."""
    ((_, magic, name, text),) = split_cells(Source("", cell))
    with locked(root):
        planned = saving(root, magic, name, text)
        write(root, [planned.change])
    return planned
