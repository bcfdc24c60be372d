"""Definitions as they are written, without a project around them."""

from __future__ import annotations

from pathlib import Path

from mdf_magics.definitions.bodies import Folder
from mdf_magics.definitions.entries import (
    Entry,
    table_entry,
    transformation_entry,
)
from mdf_magics.definitions.reading import read_document
from mdf_magics.errors import Source

FOLDER = Folder(Path("/nowhere"), "definitions")


def transformation(text: str) -> Entry:
    """The transformation that a file `t.yml` holds."""
    document = read_document(Source("t.yml", text))
    entry, problems = transformation_entry(document, (), document.value, FOLDER)
    assert entry, [*document.problems, *problems]
    return entry


def table(text: str) -> Entry:
    """The one table that a file `a.yml` holds, written below `- `."""
    lines = text.strip("\n").replace("\n", "\n    ")
    document = read_document(Source("a.yml", f"tables:\n  - {lines}\n"))
    path = ("tables", 0)
    entry, problems = table_entry(document, path, document.value["tables"][0], FOLDER)
    assert entry, [*document.problems, *problems]
    return entry
