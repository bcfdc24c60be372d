"""Where a cell is stored, and what that changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdf_magics.definitions.anchors import refuse_repeated
from mdf_magics.definitions.bodies import BodyKind, Folder, check_body, normalised
from mdf_magics.definitions.cells import Cell, with_line_value
from mdf_magics.definitions.checking import shown
from mdf_magics.definitions.editing import (
    appended,
    entry_lines,
    new_file,
    replaced,
)
from mdf_magics.definitions.entries import identity, table_entry, transformation_entry
from mdf_magics.definitions.entry_text import EntryText, entry_text
from mdf_magics.definitions.files import FOLDER, Unsaved
from mdf_magics.definitions.loading import Definitions, Entry, read_definition
from mdf_magics.definitions.models import BODY_KEYS
from mdf_magics.definitions.names import function_fault, table_fault, word_fault
from mdf_magics.definitions.proving import alike, proven_line
from mdf_magics.definitions.reading import Document, Path_
from mdf_magics.definitions.storing import NOTHING_SAVED, Change
from mdf_magics.definitions.substitution import references
from mdf_magics.errors import DefinitionError, Problem, Source

__all__ = ["NOTHING_SAVED", "Saving", "plan_saving"]


_INLINE: dict[str, BodyKind] = {"sql": "sql", "python": "python"}


@dataclass(frozen=True)
class Saving:
    """A cell as an entry, and the file that takes it."""

    kind: str
    """`table`, `tables` or `transformation`."""
    entry: Entry
    """The cell; its places point into the cell."""
    stored: Entry | None
    """The entry it replaces."""
    change: Change
    line: int
    """Line of the file where the entry then starts."""

    def applied(self, definitions: Definitions) -> Definitions:
        """The definitions with the cell's entry in them."""
        if self.kind == "transformation":
            return definitions.with_transformation(self.entry)
        return definitions.with_table(self.entry, self.stored)


def plan_saving(
    cell: Cell,
    name: str,
    definitions: Definitions,
    unsaved: Unsaved,
    maker: Callable[[str], Entry | None],
) -> Saving:
    """Work out where a cell goes and what the file becomes.

    Args:
        cell: The cell.
        name: What stands on the magic's line: a table, a transformation, or
            (`%%mdf_tables`) nothing or the transformation.
        definitions: What is stored.
        unsaved: Files' texts that count instead of what is on the disk.
        maker: Finds the entry that makes a table.

    Raises:
        DefinitionError: The cell can't be an entry, with every reason.
    """
    if cell.magic == "mdf_transformation":
        return _transformation(cell, name, definitions, unsaved)
    return _tables(cell, name, definitions, unsaved, maker)


def _transformation(
    cell: Cell, name: str, definitions: Definitions, unsaved: Unsaved
) -> Saving:
    usage = "%%mdf_transformation name"
    _check_name(cell, name, "the transformation", usage, function_fault)
    _refuse_name_in_header(cell)
    cell = with_line_value(cell, "name", name)
    stored = definitions.transformations.get(name)
    path = (
        stored.document.source.name
        if stored
        else f"{FOLDER}/transformations/{name}.yml"
    )
    value = _value(cell)
    folder = Folder.of(definitions.root, path)
    entry, problems = transformation_entry(cell.document, (), value, folder)
    if entry is None:
        raise _refusal(*problems)
    entry = _with_body(entry, cell)
    text = entry_text(cell, name)
    document = _stored_document(definitions.root, path, unsaved)
    change, line = _changed(document, path, stored, entry, text, "transformations")
    return Saving("transformation", entry, stored, change, line)


def _tables(
    cell: Cell,
    name: str,
    definitions: Definitions,
    unsaved: Unsaved,
    maker: Callable[[str], Entry | None],
) -> Saving:
    transformation = None
    if cell.magic == "mdf_table":
        _refuse_name_in_header(cell)
        stored = maker(name)
        _check_table_name(cell, name, stored)
        cell = with_line_value(cell, "name", name)
    else:
        if name:
            transformation = name
            if "transformation" in (cell.document.value or {}):
                message = f'the transformation is named twice: on the line "{name}"'
                place = cell.document.place(("transformation",), key=True)
                hint = "Keep one of both."
                raise _refusal(Problem("two-bodies", message, hint, place))
            cell = with_line_value(cell, "transformation", name)
        name = _template_name(cell)
        stored = _stored_entry(cell, name, definitions)
    value = _value(cell)
    path = stored.document.source.name if stored else _file_for(cell, value, name)
    document = _stored_document(definitions.root, path, unsaved)
    there = document.value if document else None
    defaults = there.get("defaults") if isinstance(there, dict) else None
    folder = Folder.of(definitions.root, path)
    entry, problems = table_entry(cell.document, (), value, folder, defaults)
    if entry is None:
        raise _refusal(*problems)
    entry = _with_body(entry, cell)
    text = entry_text(cell, name, transformation)
    change, line = _changed(document, path, stored, entry, text, "tables")
    kind = "table" if cell.magic == "mdf_table" else "tables"
    return Saving(kind, entry, stored, change, line)


def _value(cell: Cell) -> dict[str, Any]:
    """The cell as the plain value that is stored."""
    value = dict(cell.document.value or {})
    if cell.body is not None:
        if any(key in value for key in BODY_KEYS):
            message = "the cell has a body below  ---  and one above"
            place = cell.body.place(1)
            raise _refusal(Problem("two-bodies", message, "Keep one.", place))
        if problems := check_body(cell.body):
            raise _refusal(*problems)
        value[cell.body.kind] = cell.body.text
    return value


def _with_body(entry: Entry, cell: Cell) -> Entry:
    """The entry with the cell's own body, whose places point into the cell."""
    if cell.body is None:
        return entry
    return Entry(entry.document, entry.path, entry.value, cell.body, entry.defaults)


def _check_name(
    cell: Cell,
    name: str,
    whose: str,
    usage: str,
    fault_of: Callable[[str], str | None],
) -> None:
    """Refuse a magic's line that names nothing, or what can't be a name."""
    if not name:
        message = f"{whose} has no name"
        hint = f"Write  {usage} ."
        raise _refusal(Problem("missing-name", message, hint, cell.line_place))
    if fault := fault_of(name):
        message = f'{whose} name "{name}" {fault}'
        raise _refusal(Problem("bad-name", message, "", cell.line_place))


def _check_table_name(cell: Cell, name: str, stored: Entry | None) -> None:
    usage = "%%mdf_table schema.table"
    _check_name(cell, name, "the table", usage, table_fault)
    if stored is not None and "for_each" in stored.value:
        message = f"{name} is made by the entry {stored.name}"
        hint = (
            f"Change it there: {stored.place()}.\n"
            "Or run the %%mdf_tables cell of that entry again."
        )
        raise _refusal(Problem("expanded-table", message, hint, cell.line_place))
    if "for_each" in (cell.document.value or {}):
        message = "for_each makes several tables"
        place = cell.document.place(("for_each",), key=True)
        hint = "Use %%mdf_tables, and give it  name: schema.${each.what} ."
        raise _refusal(Problem("unknown-key", message, hint, place))


def _refuse_name_in_header(cell: Cell) -> None:
    if "name" in (cell.document.value or {}):
        place = cell.document.place(("name",), key=True)
        message = "the name stands on the magic's line"
        raise _refusal(Problem("two-names", message, "Remove this one.", place))


def _template_name(cell: Cell) -> str:
    value = cell.document.value or {}
    name = value.get("name")
    if not isinstance(name, str) or not name:
        message = "the cell names no tables"
        hint = "Add  name: schema.${each.what} ."
        raise _refusal(Problem("missing-name", message, hint, cell.line_place))
    if "for_each" not in value:
        message = "%%mdf_tables makes several tables, but there is no for_each"
        hint = f"Add  for_each: {{what: [a, b]}} , or use  %%mdf_table {name} ."
        place = cell.document.place(("name",))
        raise _refusal(Problem("missing-key", message, hint, place))
    return name


def _stored_entry(cell: Cell, name: str, definitions: Definitions) -> Entry | None:
    """The entry with the same name template and transformation."""
    value = cell.document.value or {}
    transformation = value.get("transformation")
    bodies = cell.body is not None or any(key in value for key in BODY_KEYS)
    inherits = transformation is None and not bodies
    for entry in definitions.tables:
        if "for_each" not in entry.value or entry.name != name:
            continue
        if entry.transformation == transformation or inherits:
            return entry
    return None


def _file_for(cell: Cell, value: dict[str, Any], name: str) -> str:
    """The file of a new entry, after its group."""
    schema = re.match(r"(?:\$\{[^}]*\}|[^.])*", name)
    group = value.get("group") or (schema[0] if schema else "")
    if any(one.startswith("each.") for one in references(group)):
        group = "tables"
    if fault := word_fault(group) if isinstance(group, str) else "must be text":
        message = f"the group name {shown(group)} {fault}"
        at = ("group",) if "group" in value else ("name",)
        raise _refusal(Problem("bad-name", message, "", cell.document.place(at)))
    return f"{FOLDER}/tables/{group}.yml"


def _changed(
    document: Document | None,
    path: str,
    stored: Entry | None,
    entry: Entry,
    text: EntryText,
    section: str,
) -> tuple[Change, int]:
    """The file with the entry in it, and the line where the entry starts."""
    if document is None or document.value is None:
        before = document.source.text if document else None
        head = f"{before}\n" if before and not before.endswith("\n") else before or ""
        alone = section == "transformations"
        after = head + new_file(text, None if alone else section)
        at: Path_ = () if alone else (section, 0)
        document = document or Document(Source(path, ""), None)
    else:
        before = document.source.text
        at, there = (stored.path, True) if stored else _slot(document, section, entry)
        if stored is not None and alike(_meant(stored.value), _meant(entry.value)):
            return Change(path, before, before), entry_lines(document, at)[0]
        if there:
            after = replaced(document, at, text)
        else:
            after = appended(document, section, text)
    line = proven_line(document, after, at, entry.value)
    if line is None:
        refuse_repeated(document, at)
        message = "the cell can't be stored as it is written"
        hint = "Write its YAML as a plain block: a key and its value on each line."
        raise _refusal(Problem("unwritable-entry", message, hint, entry.place()))
    return Change(path, before, after), line


def _meant(value: dict[str, Any]) -> dict[str, Any]:
    """What an entry says; blank lines behind a body say nothing."""
    return {
        key: normalised(kind, text)
        if (kind := _INLINE.get(key)) and isinstance(text, str)
        else text
        for key, text in value.items()
    }


def _slot(document: Document, section: str, entry: Entry) -> tuple[Path_, bool]:
    """Where a new entry goes, and whether a broken one of its name stands there."""
    value = document.value
    if (
        section == "transformations"
        and isinstance(value, dict)
        and section not in value
    ):
        if value.get("name") in (None, entry.name):
            return (), True
        message = f"this file holds the transformation {value['name']}"
        hint = "Give the file that name, then run the cell again."
        raise _refusal(Problem("unwritable-entry", message, hint, document.place()))
    items = value.get(section) if isinstance(value, dict) else None
    items = items if isinstance(items, list) else []
    for index, item in enumerate(items):
        named = isinstance(item, dict) and item.get("name") == entry.name
        if named and identity(item) == identity(entry.value):
            return (section, index), True
    return (section, len(items)), False


def _stored_document(root: Path, path: str, unsaved: Unsaved) -> Document | None:
    """The file that takes an entry; None when there is none."""
    document = read_definition(root, path, unsaved)
    problems = [
        one
        for one in (document.problems if document else [])
        if one.code != "secret-in-clear"
    ]
    if problems:
        raise _refusal(*problems)
    return document


def _refusal(*problems: Problem) -> DefinitionError:
    return DefinitionError(*problems, note=NOTHING_SAVED)
