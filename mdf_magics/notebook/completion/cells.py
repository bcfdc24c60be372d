"""What is offered in a cell that defines something: keys, values, tables, columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from mdf_magics.notebook.completion.offer import (
    NOTHING,
    Columns,
    Offer,
    matching,
    names_with_dots,
)
from mdf_magics.notebook.completion.yaml_cursor import (
    Cursor,
    KeyPath,
    cursor_after,
    written_keys,
    written_values,
)
from mdf_magics.vocabulary import Vocabulary

_KEY_LINE = re.compile(r"\s*(#.*)?$|[a-z_]+\s*(:(\s|$)|$)|- ")
_REFERENCE = re.compile(r"\$\{([\w.]*)$")
_PLACEHOLDER = re.compile(r"\{[{%][^{}%]*?(\w*)$")
_AFTER_FROM = re.compile(r"\b(?:from|join)\s+(`?)([\w.]*)$", re.IGNORECASE)
_FROM = re.compile(r"\b(?:from|join)\s+([\w.]+\.\w+)", re.IGNORECASE)
_NOT_TYPED = {"mdf_table": ("name", "for_each"), "mdf_transformation": ("name",)}
"""Keys that the magic's line says, or that belong to another magic."""
_BODIES = ("sql", "python")
_TABLE_VALUES = ("depends_on", "renamed_from")
_COLUMN_VALUES = ("keys", "sequence_by", "watermark", "cluster_by")
_FILES = {"path", "format", "options", "schema"}
_FORMATS = ("avro", "csv", "json", "orc", "parquet", "text")


@dataclass(frozen=True)
class CellText:
    """A cell up to the cursor, and the whole of it."""

    magic: str
    named: str
    """The first word of the magic's line."""
    before: Sequence[str]
    """The lines below the magic's, the last up to the cursor."""
    lines: Sequence[str]
    """All lines below the magic's."""


def cell_offer(cell: CellText, vocabulary: Vocabulary, columns: Columns) -> Offer:
    """What may stand at the cursor in a cell.

    Args:
        cell: The cell.
        vocabulary: The project's names.
        columns: Gives the columns of tables.
    """
    header, body = _parts(cell.lines)
    if len(cell.before) > header.stop:
        return _body_offer(cell, cell.lines[header.start : header.stop], vocabulary)
    if header.start == header.stop:
        return NOTHING
    before = list(cell.before[header.start :])
    written = _Written(cell, list(cell.lines[header.start : header.stop]), body)
    if found := _REFERENCE.search(before[-1]):
        return matching(found[1], _references(written, vocabulary))
    cursor = cursor_after(before)
    return _yaml_offer(cursor, written, vocabulary, columns)


def _parts(lines: Sequence[str]) -> tuple[range, Sequence[str]]:
    """Which lines are YAML, and the body's lines; a cell may be half written."""
    start = 1 if lines and lines[0].rstrip() == "---" else 0
    for number in range(start, len(lines)):
        if lines[number].rstrip() == "---":
            return range(start, number), lines[number + 1 :]
    if all(map(_KEY_LINE.match, lines[start : start + 1])):
        return range(start, len(lines)), ()
    return range(start, start), lines[start:]


def _body_offer(cell: CellText, header: Sequence[str], vocabulary: Vocabulary) -> Offer:
    line = cell.before[-1]
    if found := _PLACEHOLDER.search(line):
        return matching(found[1], sorted(written_keys(list(header), ("parameters",))))
    if found := _AFTER_FROM.search("\n".join(cell.before)):
        names = (*vocabulary.tables, *vocabulary.sources)
        return names_with_dots(found[2], names, quoted=bool(found[1]))
    return NOTHING


@dataclass(frozen=True)
class _Written:
    """What the whole cell says."""

    cell: CellText
    header: list[str]
    body: Sequence[str]

    @property
    def values(self) -> Mapping[KeyPath, list[str]]:
        return written_values(self.header)

    def transformation(self) -> str:
        """The transformation that makes the rows, by the key or the magic's line."""
        default = self.cell.named if self.cell.magic == "mdf_tables" else ""
        return self.values.get(("transformation",), [default])[0]

    def each(self) -> list[str]:
        """The keys of `for_each`."""
        return sorted(written_keys(self.header, ("for_each",)))

    def tables_read(self, parameters: Mapping[str, str]) -> Iterator[str]:
        """Tables that the cell names as arguments or in its query, as far as known."""
        for path, values in self.values.items():
            read = parameters.get(path[-1], "table") in ("table", "stream")
            if path[:1] in (("arguments",), ("parameters",)) and read:
                yield from map(self._first, values)
        yield from _FROM.findall("\n".join(self.body))

    def _first(self, value: str) -> str:
        """A value for the first table that a `for_each` makes."""

        def filled(found: re.Match[str]) -> str:
            return self.values.get(("for_each", found[1]), [found[0]])[0]

        return re.sub(r"\$\{each\.(\w+)\}", filled, value)


def _references(written: _Written, vocabulary: Vocabulary) -> list[str]:
    each = [f"each.{name}" for name in written.each()]
    variables = [f"var.{name}" for name in vocabulary.variables]
    fixed = ["project.root", "target.catalog", "target.name", "user"]
    return [f"{one}}}" for one in (*each, *variables, *fixed)]


def _yaml_offer(
    cursor: Cursor, written: _Written, vocabulary: Vocabulary, columns: Columns
) -> Offer:
    parameters = vocabulary.transformations.get(written.transformation(), {})
    keys = _keys(cursor, written, parameters, columns) if cursor.key else []
    if not cursor.value:
        return matching(cursor.word, keys)
    if names := _table_names(cursor.path, parameters, written, vocabulary):
        return names_with_dots(cursor.word, names, quoted=cursor.quoted)
    values = _values(cursor.path, parameters, written, vocabulary, columns)
    return matching(cursor.word, [*keys, *values])


def _keys(
    cursor: Cursor, written: _Written, parameters: Mapping[str, str], columns: Columns
) -> list[str]:
    """The keys that may stand at a cursor, each with its colon."""
    path, magic = cursor.path, written.cell.magic
    if magic != "mdf_transformation":
        if path == ("arguments",):
            return [f"{one}: " for one in parameters if one not in cursor.used]
        if path == ("columns",):
            return [f"{one}: " for one in columns(written.tables_read(parameters))]
    if _is_files(path, parameters, written):
        return [f"{one}: " for one in sorted(_FILES - cursor.used)]
    known = _schemas(magic, path)
    left_out = {*cursor.used, *_BODIES}
    if not path:
        left_out |= {one[0] for one in written.values if one}
        left_out |= {*_NOT_TYPED.get(magic, ())}
        left_out -= {cursor.word}
    return [
        f"{key}:" if _opens(below, magic) else f"{key}: "
        for schema in known
        for key, below in schema.get("properties", {}).items()
        if key not in left_out
    ]


def _table_names(
    path: KeyPath,
    parameters: Mapping[str, str],
    written: _Written,
    vocabulary: Vocabulary,
) -> Sequence[str]:
    """The tables that may be named at a path; none where no table is wanted."""
    if written.cell.magic == "mdf_transformation" or not path:
        return ()
    if path[0] in _TABLE_VALUES:
        return vocabulary.tables
    kind = parameters.get(path[-1]) if path[0] == "arguments" else None
    if path[0] == "parameters" and path[-1] == "value":
        kind = written.values.get((*path[:-1], "type"), [""])[0]
    if kind in ("table", "stream"):
        return *vocabulary.tables, *vocabulary.sources
    return ()


def _values(
    path: KeyPath,
    parameters: Mapping[str, str],
    written: _Written,
    vocabulary: Vocabulary,
    columns: Columns,
) -> Iterable[str]:
    """What else than tables may stand at a path."""
    if written.cell.magic != "mdf_transformation":
        kind = parameters.get(path[-1], "") if path[:1] == ("arguments",) else ""
        if (path[:1] and path[0] in _COLUMN_VALUES) or kind in ("column", "columns"):
            auto = ["auto"] if path == ("cluster_by",) else []
            return [*columns(written.tables_read(parameters)), *auto]
        if kind == "bool":
            return ("true", "false")
        if path == ("transformation",):
            return vocabulary.transformations
        if path == ("group",):
            return vocabulary.groups
    if path[-1:] == ("format",):
        return _FORMATS
    return dict.fromkeys(
        value
        for schema in _schemas(written.cell.magic, path)
        for value in _enumerated(schema)
    )


def _is_files(path: KeyPath, parameters: Mapping[str, str], written: _Written) -> bool:
    """Whether the mapping at a path describes files."""
    if path[:1] == ("arguments",):
        return len(path) == 2 and parameters.get(path[1]) == "files"
    kind = written.values.get((*path[:-1], "type"), [""])[0]
    return path[-1:] == ("value",) and kind == "files"


def _kinds(magic: str) -> dict[str, Any]:
    """The schemas of a magic's cell by name; that of the name "" is the cell's own."""
    return _made("mdf_table" if magic == "mdf_tables" else magic)


@cache
def _made(magic: str) -> dict[str, Any]:
    from mdf_magics.definitions.schema import tables_schema, transformations_schema

    if magic == "mdf_transformation":
        return {**transformations_schema()["$defs"], "": "Transformation"}
    return {**tables_schema()["$defs"], "": "Table"}


def _schemas(magic: str, path: KeyPath) -> list[dict[str, Any]]:
    """What the JSON Schema says of the value at a path; lists count as their items."""
    kinds = _kinds(magic)
    found = [kinds[kinds[""]]]
    for key in path:
        found = [
            alternative
            for schema in found
            if (below := _below(schema, key)) is not None
            for alternative in _alternatives(below, kinds)
        ]
    return found


def _below(schema: dict[str, Any], key: str) -> dict[str, Any] | None:
    below = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
    return below if isinstance(below, dict) else None


def _alternatives(
    schema: dict[str, Any], kinds: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    if "$ref" in schema:
        node: Any = {"$defs": kinds}
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        yield from _alternatives(node, kinds)
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from _alternatives(one, kinds)
    elif "items" in schema:
        yield from _alternatives(schema["items"], kinds)
    else:
        yield schema


def _enumerated(schema: dict[str, Any]) -> Iterable[str]:
    kind = schema.get("type")
    if kind == "boolean" or (isinstance(kind, list) and "boolean" in kind):
        return ("true", "false")
    constant = [schema["const"]] if "const" in schema else []
    return [str(one) for one in schema.get("enum", constant)]


def _opens(schema: dict[str, Any], magic: str) -> bool:
    """Whether a key's value usually stands on lines of its own."""
    if "array" in schema.get("type", ""):
        return True
    alternatives = _alternatives(schema, _kinds(magic))
    return any("object" in one.get("type", "") for one in alternatives)
