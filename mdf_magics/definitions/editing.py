"""Edits definition files by splicing: every byte outside the entry stays.

Everything here works on texts; `storing` reads and writes them.
"""

from __future__ import annotations

import re

import yaml

from mdf_magics.definitions.entry_text import EntryText
from mdf_magics.definitions.flow_lists import flow_item, with_item, with_item_replaced
from mdf_magics.definitions.reading import Document, Path_
from mdf_magics.definitions.storing import NOTHING_SAVED
from mdf_magics.errors import DefinitionError, Problem

_ALIAS = re.compile(r"(?:[\s-]|#[^\n]*)*\*[^\s,\[\]{}]+")
"""An alias, with what may stand between it and the content before it."""

_DASH = re.compile(r"-(?:[ \t]+#[^\n]*|[ \t]*)(?:\n[ \t]*(?:#[^\n]*)?|\r)*[ \t]*\Z")
"""A list item's dash, with what may stand between it and the item."""

_KEEPS_BLANK_LINES = re.compile(r"[^\n]*[|>](?:\+[0-9]?|[0-9]\+)")


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
    """The document's text with an entry at the end of one of its lists.

    Raises:
        DefinitionError: There is no place for it.
    """
    refuse_json(document, ())
    root, text = document.node, document.source.text
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    own = [pair for pair in pairs if pair[0].value == section]
    if not isinstance(root, yaml.MappingNode) or (root.flow_style and not own):
        raise unwritable(document, f"this file has no list {section}")
    if not own:
        end = entry_end(text, root, root.start_mark.column + 2)
        lines = [f"{section}:", *_item(entry, dash=2, content=4)]
        return inserted(text, end, lines)
    key, value = own[-1]
    colon = text.index(":", key.end_mark.index) + 1
    if value.start_mark.index < colon:
        raise unwritable(document, f"{section} is an alias of another list")
    if isinstance(value, yaml.SequenceNode) and value.value:
        if value.flow_style:
            return with_item(text, value, flow_item(entry.lines), entry.comment)
        dash, content = _columns(text, value)
        end = entry_end(text, value, dash + 1)
        gap = [""] if _separated(text, value) else []
        return inserted(text, end, [*gap, *_item(entry, dash, content)])
    if document.value[section]:
        raise unwritable(document, f"{section} is no list")
    inside = text[value.start_mark.index + 1 : value.end_mark.index - 1]
    if root.flow_style or inside.strip():  # an empty list, perhaps with comments in it
        return with_item(text, value, flow_item(entry.lines), entry.comment)
    # `tables:` or `tables: []`, perhaps with a comment behind it
    emptied = text[: value.start_mark.index].rstrip() + text[value.end_mark.index :]
    lines = _item(entry, dash=2, content=4)
    return inserted(emptied, line_end(emptied, colon), lines)


def replaced(document: Document, path: Path_, entry: EntryText) -> str:
    """The document's text with the entry at `path` put in place of the old one.

    Raises:
        DefinitionError: The old entry isn't text of its own.
    """
    refuse_json(document, path)
    text, node = document.source.text, document.node_at(path)
    if node is None:
        raise unwritable(document, "there is no entry to replace")
    start, lines = node.start_mark.index, list(entry.lines)
    if path:
        parent = document.node_at(path[:-1])
        if parent is None or start < parent.start_mark.index:
            raise _alias(document, path)
        if isinstance(parent, yaml.SequenceNode) and parent.flow_style:
            return with_item_replaced(
                text, parent, int(path[-1]), flow_item(entry.lines)
            )
        start, column = dash_of(text, node)
        lines = _item(EntryText(entry.lines), column, _content_column(node, column))
        lines[0] = lines[0].lstrip(" ")
    else:
        margin = " " * node.start_mark.column
        lines = [lines[0], *(margin + line if line else "" for line in lines[1:])]
    # Comments deeper than its keys would become a part of a body that comes last.
    end = entry_end(text, node, node.start_mark.column + 2)
    start, comment = _above(text, start, entry.comment)
    return text[:start] + comment + _newline(text).join(lines) + text[end:]


def entry_lines(document: Document, path: Path_) -> tuple[int, int]:
    """First and last line, from 1, of the entry at `path`."""
    text, node = document.source.text, document.node_at(path)
    if node is None:
        return 1, 1
    end = content_end(text, node)
    return node.start_mark.line + 1, text.count("\n", 0, end) + 1


def content_end(text: str, node: yaml.Node) -> int:
    """Where a node's own text ends: before blank lines and comments that follow."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return value_end(text, node, node.start_mark.index)
    if isinstance(node, yaml.MappingNode):
        return pair_end(text, *node.value[-1])
    end = node.start_mark.index
    for item in node.value[-2:]:
        end = value_end(text, item, end)
    return end


def entry_end(text: str, node: yaml.Node, column: int) -> int:
    """Where the lines of an entry end, with comments in this column or deeper."""
    end = line_end(text, content_end(text, node))
    deeper = re.compile(rf"(?:\s*\n {{{column},}}[ \t]*#[^\r\n]*)*")
    found = deeper.match(text, end)
    return found.end() if found else end


def line_end(text: str, end: int) -> int:
    """The end of the line that `end` is in, with a comment behind the content."""
    found = re.compile(r"[^\r\n]*").match(text, end)
    return found.end() if found else end


def dash_of(text: str, item: yaml.Node) -> tuple[int, int]:
    """Where the dash of a list's item is, and in which column (from 0)."""
    found = _DASH.search(text, 0, item.start_mark.index)
    index: int = found.start() if found else item.start_mark.index
    return index, index - (text.rfind("\n", 0, index) + 1)


def comments_above(text: str, start: int, column: int) -> int:
    """Where the comment lines begin that stand right above a line.

    Deeper ones belong to the entry before, or are lines of its body; what an editor
    reads (`# yaml-language-server: ...`) belongs to none.
    """
    lines = rf"(?:[ ]{{0,{column}}}#(?! yaml-language-server:)[^\n]*\n)*\Z"
    found = re.compile(rf"(?m:^){lines}").search(text, 0, start)
    return found.start() if found else start


def refuse_json(document: Document, path: Path_) -> None:
    """Say that a JSON file is edited by hand.

    Raises:
        DefinitionError: It is one.
    """
    if document.source.name.endswith(".json"):
        message = "definitions in JSON are read, but not edited"
        hint = "Change it there, or write that file as YAML."
        problem = Problem("unwritable-entry", message, hint, document.place(path))
        raise DefinitionError(problem, note=NOTHING_SAVED)


def key_column(text: str, key: yaml.Node) -> int:
    """The column of a key, or of the `?` that may stand before it."""
    column: int = key.start_mark.column
    before = text[key.start_mark.index - column : key.start_mark.index].rstrip()
    return len(before) - 1 if before.endswith("?") else column


def _alias(document: Document, path: Path_) -> DefinitionError:
    """What to say of an entry that is written elsewhere; there it can be edited."""
    message = "the entry is an alias of another one"
    hint = f"Edit that one: {document.place(path)} , or write this one out."
    problem = Problem("unwritable-entry", message, hint, document.place())
    return DefinitionError(problem, note=NOTHING_SAVED)


def unwritable(document: Document, message: str) -> DefinitionError:
    """What to say when an entry can't be edited where it stands."""
    hint = "Put each entry on lines of its own there, then run the cell again."
    return DefinitionError(
        Problem("unwritable-entry", message, hint, document.place()),
        note=NOTHING_SAVED,
    )


def _item(entry: EntryText, dash: int, content: int) -> list[str]:
    """An entry as an item of a block list."""
    first, *rest = entry.lines
    gap = " " * (content - dash - 1)
    return [
        *(" " * dash + line for line in entry.comment),
        f"{' ' * dash}-{gap}{first}",
        *(" " * content + line if line else "" for line in rest),
    ]


def _columns(text: str, sequence: yaml.SequenceNode) -> tuple[int, int]:
    """The columns of a list's dashes and of what stands behind them."""
    start = sequence.start_mark.index
    for item in reversed(sequence.value):
        if item.start_mark.index >= start:  # no alias
            column = dash_of(text, item)[1]
            return column, _content_column(item, column)
    return 2, 4


def _content_column(node: yaml.Node, dash: int) -> int:
    column: int = node.start_mark.column
    return column if column > dash else dash + 2


def pair_end(text: str, key: yaml.Node, value: yaml.Node) -> int:
    """Where a key's value ends."""
    return value_end(text, value, text.index(":", key.end_mark.index) + 1)


def value_end(text: str, node: yaml.Node, start: int) -> int:
    """Where a value's text ends that starts behind `start`."""
    if node.start_mark.index < start:  # an alias: its node stands further up
        alias = _ALIAS.match(text, start)
        return alias.end() if alias else start
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        return content_end(text, node)
    end: int = node.end_mark.index
    if getattr(node, "style", None) not in ("|", ">"):
        return end
    if _KEEPS_BLANK_LINES.match(text, node.start_mark.index):
        return end - len(_newline(text)) if text[end - 1 : end] == "\n" else end
    return len(text[:end].rstrip())


def _separated(text: str, sequence: yaml.SequenceNode) -> bool:
    """Whether the list's items have blank lines between them; one item: yes.

    Behind a text that keeps its blank lines, one more would belong to it: no.
    """
    last = sequence.value[-1]
    while isinstance(last, yaml.CollectionNode) and last.value:
        last = last.value[-1]
        last = last[1] if isinstance(last, tuple) else last
    if _KEEPS_BLANK_LINES.match(text, last.start_mark.index):
        return False
    if len(sequence.value) < 2:
        return True
    before, last = sequence.value[-2], sequence.value[-1]
    end = value_end(text, before, sequence.start_mark.index)
    return re.search(r"\n[ \t]*\r?\n", text[end : last.start_mark.index]) is not None


def _above(text: str, start: int, comment: tuple[str, ...]) -> tuple[int, str]:
    """Where a replacement starts, and the comment lines it starts with.

    A cell that brings a comment replaces the one above the entry; one that brings
    none leaves it.
    """
    line_start = text.rfind("\n", 0, start) + 1
    indent = text[line_start:start]
    if not comment or indent.strip():
        return start, ""
    first = comments_above(text, line_start, len(indent))
    return first, "".join(
        f"{indent}{line}{_newline(text)}" for line in comment
    ) + indent


def inserted(text: str, end: int, lines: list[str]) -> str:
    """The text with lines behind the line that ends at `end`."""
    newline = _newline(text)
    return text[:end] + newline + newline.join(lines) + text[end:]


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
