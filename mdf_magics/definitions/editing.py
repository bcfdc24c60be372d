"""Edits definition files by splicing: every byte outside the entry stays.

Everything here works on texts; `storing` reads and writes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from mdf_magics.definitions.cells import Cell
from mdf_magics.definitions.reading import Document
from mdf_magics.errors import DefinitionError, Problem


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
        lines.append(f"transformation: {transformation}")
    lines += _header_lines(cell)
    if cell.body is not None:
        lines += _block(cell.body.kind, cell.body.text)
    comment = tuple(line.strip() for line in cell.comment.splitlines())
    return EntryText(tuple(lines), comment)


def new_file(entry: EntryText, section: str | None) -> str:
    """A new file's text: the entry alone, or as the first item of a list.

    Args:
        entry: The entry.
        section: The list's key (`tables`), or None for a file of one entry.
    """
    if section is None:
        return "\n".join([*entry.comment, *entry.lines]) + "\n"
    return f"{section}:\n" + "\n".join(_item(entry, dash=2, content=4)) + "\n"


def appended(document: Document, section: str, entry: EntryText) -> str:
    """The document's text with an entry at the end of one of its lists."""
    text = document.source.text
    newline = "\r\n" if "\r\n" in text else "\n"
    sequence = document.node_at((section,))
    if sequence is None:
        raise _unwritable(document, f"this file has no list {section}")
    if isinstance(sequence, yaml.SequenceNode) and sequence.value:
        if sequence.flow_style:
            raise _unwritable(document, f"{section} is written in one line: [...]")
        dash, content = _columns(text, sequence.value[-1])
        end = _line_end(text, _content_end(sequence))
        gap = [""] if _separated(text, sequence) else []
        lines = [*gap, *_item(entry, dash, content)]
        return text[:end] + newline + newline.join(lines) + text[end:]
    key_end = next(
        key.end_mark.index
        for key, value in document.node.value  # type: ignore[union-attr]
        if value is sequence
    )
    start = text.index(":", key_end) + 1
    end = max(start, _content_end(sequence))
    lines = _item(entry, dash=2, content=4)
    return text[:start] + newline + newline.join(lines) + text[end:]


def replaced(document: Document, path: tuple[str | int, ...], entry: EntryText) -> str:
    """The document's text with the entry at `path` put in place of the old one."""
    text = document.source.text
    newline = "\r\n" if "\r\n" in text else "\n"
    node = document.node_at(path)
    if not isinstance(node, yaml.MappingNode):
        raise _unwritable(document, "there is no entry to replace")
    if node.flow_style:
        raise _unwritable(document, "the entry is written in one line: {...}")
    end = _line_end(text, _content_end(node))
    if not path:
        start = node.start_mark.index
        lines = list(entry.lines)
    else:
        dash, content = _columns(text, node)
        start = text.rfind("-", 0, node.start_mark.index)
        lines = _item(EntryText(entry.lines), dash, content)
        lines[0] = lines[0].lstrip(" ")
    start, comment = _above(text, start, entry.comment)
    return text[:start] + comment + newline.join(lines) + text[end:]


def entry_lines(document: Document, path: tuple[str | int, ...]) -> tuple[int, int]:
    """First and last line, from 1, of the entry at `path`."""
    node = document.node_at(path)
    if node is None:
        return 1, 1
    end = _content_end(node)
    return node.start_mark.line + 1, document.source.text.count("\n", 0, end) + 1


def _header_lines(cell: Cell) -> list[str]:
    """The cell's YAML line by line, without the name."""
    node = cell.document.node
    if not cell.header.strip() or not isinstance(node, yaml.MappingNode):
        return []
    written = [
        pair for pair in node.value if pair[0].start_mark.line >= cell.first_line
    ]
    if cell.header.lstrip().startswith("{"):
        text = cell.source.text.splitlines()
        return [
            f"{key.value}: {_slice(text, value)}"
            for key, value in written
            if key.value != "name"
        ]
    name = next((key for key, _ in written if key.value == "name"), None)
    margin = min((key.start_mark.column for key, _ in written), default=0)
    left_out = name.start_mark.line + 1 - cell.header_line if name else -1
    return [
        line[margin:].rstrip() if not line[:margin].strip() else line
        for number, line in enumerate(cell.header.splitlines())
        if number != left_out
    ]


def _slice(lines: list[str], node: yaml.Node) -> str:
    """A flow value's text; one that spans lines is joined to one."""
    first, last = node.start_mark, node.end_mark
    if first.line == last.line:
        return lines[first.line][first.column : last.column]
    inner = [line.strip() for line in lines[first.line + 1 : last.line]]
    pieces = [lines[first.line][first.column :].strip(), *inner]
    return " ".join([*pieces, lines[last.line][: last.column].strip()])


def _block(key: str, text: str) -> list[str]:
    """A body as a literal block; one that starts with blanks says its indentation."""
    lines = text.rstrip().splitlines()
    indicator = "|2" if lines[0].startswith(" ") else "|"
    return [f"{key}: {indicator}", *(f"  {line}" if line else "" for line in lines)]


def _scalar(text: str) -> str:
    """A name as YAML: plain, unless that would mean something else."""
    plain = re.fullmatch(r"[A-Za-z_$][\w.${}-]*", text)
    return text if plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _item(entry: EntryText, dash: int, content: int) -> list[str]:
    """An entry as an item of a block list."""
    first, *rest = entry.lines
    gap = " " * (content - dash - 1)
    return [
        *(" " * dash + line for line in entry.comment),
        f"{' ' * dash}-{gap}{first}",
        *(" " * content + line if line else "" for line in rest),
    ]


def _columns(text: str, node: yaml.Node) -> tuple[int, int]:
    """The columns of a list item's dash and of its content."""
    dash = text.rfind("-", 0, node.start_mark.index)
    column = dash - (text.rfind("\n", 0, dash) + 1)
    content = node.start_mark.column
    return column, content if content > column else column + 2


def _content_end(node: yaml.Node) -> int:
    """Where a node's own text ends: before blank lines and comments that follow."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        key, value = node.value[-1]
        return max(key.end_mark.index + 1, _content_end(value))
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _content_end(node.value[-1])
    return node.end_mark.index


def _line_end(text: str, end: int) -> int:
    """The end of the line that `end` is in, with a comment behind the content.

    A block scalar ends at the start of a line: then the last line with content.
    """
    while end > 0 and text[end - 1] in "\r\n \t":
        end -= 1
    found = re.compile(r"[^\r\n]*").match(text, end)
    return found.end() if found else end


def _separated(text: str, sequence: yaml.SequenceNode) -> bool:
    """Whether the list's items have blank lines between them; one item: yes."""
    if len(sequence.value) < 2:
        return True
    before, last = sequence.value[-2], sequence.value[-1]
    between = text[_line_end(text, _content_end(before)) : last.start_mark.index]
    return re.search(r"\n[ \t]*\r?\n", between) is not None


def _above(text: str, start: int, comment: tuple[str, ...]) -> tuple[int, str]:
    """Where a replacement starts, and the comment lines it starts with.

    A cell that brings a comment replaces the one above the entry; one that brings
    none leaves it.
    """
    line_start = text.rfind("\n", 0, start) + 1
    indent = text[line_start:start]
    if not comment or indent.strip():
        return start, ""
    above = re.compile(r"(?:[ \t]*#[^\n]*\n)*\Z").search(text, 0, line_start)
    first = above.start() if above else line_start
    newline = "\r\n" if "\r\n" in text else "\n"
    return first, "".join(f"{indent}{line}{newline}" for line in comment) + indent


def _unwritable(document: Document, message: str) -> DefinitionError:
    hint = "Put each entry on lines of its own there, then run the cell again."
    return DefinitionError(
        Problem("unwritable-entry", message, hint, document.place()),
        note="Nothing was saved.",
    )


def with_value(
    document: Document, path: tuple[str | int, ...], key: str, value: str
) -> str:
    """The document's text with one key of a mapping set.

    Args:
        document: The document.
        path: Where the mapping is.
        key: The key; added behind the others when the mapping hasn't got it.
        value: The value as YAML.
    """
    text = document.source.text
    mapping = document.node_at(path)
    if not isinstance(mapping, yaml.MappingNode) or not mapping.value:
        raise _unwritable(document, f"there is no mapping to set {key} in")
    old = document.node_at((*path, key))
    if old is not None:
        start, end = old.start_mark.index, _content_end(old)
        return text[:start] + value + text[end:]
    if mapping.flow_style:
        end = mapping.end_mark.index - 1
        return text[:end].rstrip() + f", {key}: {value}" + text[end:]
    end = _line_end(text, _content_end(mapping))
    indent = " " * mapping.value[0][0].start_mark.column
    newline = "\r\n" if "\r\n" in text else "\n"
    return text[:end] + f"{newline}{indent}{key}: {value}" + text[end:]
