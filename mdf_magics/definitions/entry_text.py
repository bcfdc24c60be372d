"""Writes a cell as the text of an entry: as typed, the name first, the body last."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import yaml

from mdf_magics.definitions.cells import Cell
from mdf_magics.definitions.scalars import is_text
from mdf_magics.errors import lines_of


@dataclass(frozen=True)
class EntryText:
    """An entry as it is to stand in a file, without the file's indentation."""

    lines: tuple[str, ...]
    comment: tuple[str, ...] = ()
    """Comment lines that go above the entry."""


def entry_text(cell: Cell, name: str, transformation: str | None = None) -> EntryText:
    """The text that stores a cell: as typed, the name first, the body last.

    Args:
        cell: The cell.
        name: The entry's name.
        transformation: The transformation that the magic's line named.
    """
    lines = [f"name: {_scalar(name)}"]
    if transformation:
        lines.append(f"transformation: {_scalar(transformation)}")
    lines += _header_lines(cell)
    if cell.body is not None:
        lines += _block(cell.body.kind, cell.body.text)
    comment = tuple(line.strip() for line in cell.comment.splitlines())
    return EntryText(tuple(lines), comment)


def _header_lines(cell: Cell) -> list[str]:
    """The cell's YAML line by line, without the name."""
    node = cell.document.node
    if not cell.header.strip() or not isinstance(node, yaml.MappingNode):
        return []
    written = [
        pair for pair in node.value if pair[0].start_mark.line >= cell.first_line
    ]
    if cell.header.lstrip().startswith("{"):
        text = lines_of(cell.source.text)
        return [
            line
            for key, value in written
            if key.value != "name"
            for line in _flow_lines(text, key, value)
        ]
    name = next((key for key, _ in written if key.value == "name"), None)
    margin = min((key.start_mark.column for key, _ in written), default=0)
    left_out = name.start_mark.line + 1 - cell.header_line if name else -1
    return [
        line[margin:].rstrip() if not line[:margin].strip() else line
        for number, line in enumerate(lines_of(cell.header))
        if number != left_out
    ]


def _flow_lines(lines: list[str], key: yaml.Node, value: yaml.Node) -> list[str]:
    """A pair of a mapping in braces, as lines of a block."""
    first, last = value.start_mark, value.end_mark
    if first.line == last.line:
        return [f"{key.value}: {lines[first.line][first.column : last.column]}"]
    return [
        f"{key.value}: {lines[first.line][first.column :].rstrip()}",
        *(f"  {line.strip()}" for line in lines[first.line + 1 : last.line]),
        f"  {lines[last.line][: last.column].strip()}",
    ]


def _block(key: str, text: str) -> list[str]:
    """A body as a literal block; one that starts with blanks says its indentation."""
    lines = text.rstrip().split("\n")
    indicator = "|2" if lines[0][:1] in (" ", "\t") else "|"
    return [f"{key}: {indicator}", *(f"  {line}" if line else "" for line in lines)]


def _scalar(text: str) -> str:
    """A name as YAML: plain, unless that would mean something else."""
    plain = re.fullmatch(r"[A-Za-z_$][\w.${}-]*", text) and is_text(text)
    return text if plain else json.dumps(text, ensure_ascii=False)
