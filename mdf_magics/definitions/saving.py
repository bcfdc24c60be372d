"""Where a cell is stored, and what that changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdf_magics.definitions.cells import Cell, with_line_value
from mdf_magics.definitions.editing import (
    EntryText,
    appended,
    entry_lines,
    entry_text,
    new_file,
    replaced,
)
from mdf_magics.definitions.loading import (
    FOLDER,
    Definitions,
    Entry,
    table_entry,
    transformation_entry,
)
from mdf_magics.definitions.names import table_fault, word_fault
from mdf_magics.definitions.reading import Document, read_document
from mdf_magics.definitions.storing import Change
from mdf_magics.definitions.substitution import references
from mdf_magics.errors import DefinitionError, Problem, Source

NOTHING_SAVED = "Nothing was saved."


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
    unsaved: Mapping[str, str],
    made_by: Mapping[str, Entry],
) -> Saving:
    """Work out where a cell goes and what the file becomes.

    Args:
        cell: The cell.
        name: What stands on the magic's line: a table, a transformation, or
            (`%%mdf_tables`) nothing or the transformation.
        definitions: What is stored.
        unsaved: Files' texts that count instead of what is on the disk.
        made_by: The entry that makes each table.

    Raises:
        DefinitionError: The cell can't be an entry, with every reason.
    """
    if cell.magic == "mdf_transformation":
        return _transformation(cell, name, definitions, unsaved)
    return _tables(cell, name, definitions, unsaved, made_by)


def _transformation(
    cell: Cell, name: str, definitions: Definitions, unsaved: Mapping[str, str]
) -> Saving:
    if not name:
        message = "the transformation has no name"
        hint = "Write  %%mdf_transformation name ."
        raise _refusal(Problem("missing-name", message, hint, cell.line_place))
    if fault := word_fault(name):
        message = f'the name "{name}" {fault}'
        raise _refusal(Problem("bad-name", message, "", cell.line_place))
    _refuse_name_in_header(cell)
    cell = with_line_value(cell, "name", name)
    stored = definitions.transformations.get(name)
    path = (
        stored.document.source.name
        if stored
        else f"{FOLDER}/transformations/{name}.yml"
    )
    value = _value(cell)
    folder = (definitions.root / path).parent
    entry, problems = transformation_entry(cell.document, (), value, folder)
    if entry is None:
        raise _refusal(*problems)
    entry = _with_body(entry, cell)
    text = entry_text(cell, name)
    document = _document(definitions.root, path, unsaved)
    change, line = _changed(document, path, stored, entry, text, None)
    return Saving("transformation", entry, stored, change, line)


def _tables(
    cell: Cell,
    name: str,
    definitions: Definitions,
    unsaved: Mapping[str, str],
    made_by: Mapping[str, Entry],
) -> Saving:
    transformation = None
    if cell.magic == "mdf_table":
        _refuse_name_in_header(cell)
        _check_table_name(cell, name, made_by)
        cell = with_line_value(cell, "name", name)
        stored = made_by.get(name)
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
    path = stored.document.source.name if stored else _file_for(value, name)
    document = _document(definitions.root, path, unsaved)
    defaults = (document.value or {}).get("defaults") if document else None
    folder = (definitions.root / path).parent
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
        if any(key in value for key in ("sql", "python", "file", "notebook")):
            message = "the cell has a body below  ---  and one above"
            place = cell.body.place(1)
            raise _refusal(Problem("two-bodies", message, "Keep one.", place))
        value[cell.body.kind] = cell.body.text
    return value


def _with_body(entry: Entry, cell: Cell) -> Entry:
    """The entry with the cell's own body, whose places point into the cell."""
    if cell.body is None:
        return entry
    return Entry(entry.document, entry.path, entry.value, cell.body, entry.defaults)


def _check_table_name(cell: Cell, name: str, made_by: Mapping[str, Entry]) -> None:
    if not name:
        message = "the table has no name"
        hint = "Write  %%mdf_table schema.table ."
        raise _refusal(Problem("missing-name", message, hint, cell.line_place))
    if fault := table_fault(name):
        message = f'the table name "{name}" {fault}'
        raise _refusal(Problem("bad-name", message, "", cell.line_place))
    stored = made_by.get(name)
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
    transformation = (cell.document.value or {}).get("transformation")
    for entry in definitions.tables:
        if "for_each" not in entry.value or entry.name != name:
            continue
        inherits = transformation is None and cell.body is None
        if entry.transformation == transformation or inherits:
            return entry
    return None


def _file_for(value: dict[str, Any], name: str) -> str:
    group = value.get("group") or name.partition(".")[0]
    several = any(one.startswith("each.") for one in references(group))
    return f"{FOLDER}/tables/{'tables' if several else group}.yml"


def _document(root: Path, path: str, unsaved: Mapping[str, str]) -> Document | None:
    if path in unsaved:
        return read_document(Source(path, unsaved[path]))
    file = root / path
    if not file.exists():
        return None
    return read_document(Source(path, file.read_bytes().decode("utf-8-sig")))


def _changed(
    document: Document | None,
    path: str,
    stored: Entry | None,
    entry: Entry,
    text: EntryText,
    section: str | None,
) -> tuple[Change, int]:
    """The file with the entry in it, and the line where the entry starts."""
    if document is None:
        after = new_file(text, section)
        at: tuple[str | int, ...] = (section, 0) if section else ()
        change = Change(path, None, after)
    elif document.problems:
        raise _refusal(*document.problems)
    else:
        before = document.source.text
        if stored is not None:
            at = stored.path
            same = stored.value == entry.value
            after = before if same else replaced(document, at, text)
        elif section is None or document.value is None:
            at = (section, 0) if section else ()
            head = before if not before or before.endswith("\n") else f"{before}\n"
            after = head + new_file(text, section)
        else:
            at = (section, len(document.value.get(section) or []))
            after = appended(document, section, text)
        change = Change(path, before, after)
    result = read_document(Source(path, change.after))
    _prove(result, at, entry)
    return change, entry_lines(result, at)[0]


def _prove(result: Document, at: tuple[str | int, ...], entry: Entry) -> None:
    """What is about to be written says what the cell says, or nothing is written."""
    value: Any = result.value
    for step in at:
        value = value[step] if isinstance(value, dict | list) else None
    expected = {key: one for key, one in entry.value.items()}
    if result.problems or value != expected:
        message = "the cell can't be stored as it is written"
        hint = "Write its YAML as a plain block: a key and its value on each line."
        raise _refusal(Problem("unwritable-entry", message, hint, entry.place()))


def _refusal(*problems: Problem) -> DefinitionError:
    return DefinitionError(*problems, note=NOTHING_SAVED)
