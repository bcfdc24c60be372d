"""Proves that an edited file says what it should, and all else as before."""

from __future__ import annotations

from typing import Any

import yaml

from mdf_magics.definitions.editing import content_end, dash_of, line_end
from mdf_magics.definitions.pieces import ANCHOR
from mdf_magics.definitions.reading import Document, Path_, read_document
from mdf_magics.errors import Source


def alike(one: Any, other: Any) -> bool:
    """Whether two values are the same to a reader: 1 is not 1.0, and not true."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            alike(value, other[key]) for key, value in one.items()
        )
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other or one is other)


def reread(before: Document, after: str) -> tuple[Document, Document]:
    """A file before and after an edit, so that their values can be compared."""
    before, after = _closed(before, after)
    return before, _read_again(before, after)


def _closed(before: Document, after: str) -> tuple[Document, str]:
    """Both with a line end, without which a block at the very end loses its own."""
    if after.endswith("\n"):
        return before, after
    return _read_again(before, f"{before.source.text}\n"), f"{after}\n"


def _read_again(before: Document, text: str) -> Document:
    known = {one.text: one for one in before.pieces}
    return read_document(Source(before.source.name, text), known=known)


def proven_line(before: Document, after: str, at: Path_, value: Any) -> int | None:
    """The line where an edited file has an entry, if the edit did that and no more.

    Args:
        before: The file as it was.
        after: Its text afterwards.
        at: Where the entry is then.
        value: What it says.

    Returns:
        The line from 1, or None when the text says anything else.
    """
    before, after = _closed(before, after)
    line = _line_among_neighbours(before, after, at, value)
    if line is not None:
        return line
    result = _read_again(before, after)
    if result.problems or not alike(result.value, _with(before.value, at, value)):
        return None
    return result.place(at).line


def _line_among_neighbours(
    before: Document, after: str, at: Path_, value: Any
) -> int | None:
    """The same, read from the entry and its neighbours alone: a file may be large.

    None when that doesn't settle it: at the ends of a list, or with anchors.
    """
    text, items = before.source.text, before.node_at(at[:-1])
    index = at[-1] if at else None
    if not isinstance(items, yaml.SequenceNode) or not isinstance(index, int):
        return None
    if index < 1 or items.flow_style:
        return None
    dash, column = dash_of(text, items.value[index - 1])
    start = dash - column
    neighbours = [index - 1, index + 1]
    if index + 1 < len(items.value):
        end = line_end(text, content_end(text, items.value[index + 1]))
    else:
        end, neighbours = _end_of_list(before, items), [index - 1]
    tail = len(text) - end
    window = after[start : len(after) - tail]
    if after[:start] != text[:start] or after[len(after) - tail :] != text[end:]:
        return None
    if ANCHOR.search(window) or ANCHOR.search(text, start, end):
        return None
    read = read_document(Source("", window))
    known = before.value
    for step in at[:-1]:
        known = known[step]
    expected = [known[number] for number in neighbours]
    if read.problems or not alike(read.value, [*expected[:1], value, *expected[1:]]):
        return None
    return text.count("\n", 0, start) + read.place((1,)).line


def _end_of_list(document: Document, items: yaml.SequenceNode) -> int:
    """Where what follows a list of the top level begins, or the text ends."""
    root = document.node
    if isinstance(root, yaml.MappingNode):
        for key, _ in root.value:
            if key.start_mark.index > items.start_mark.index:
                index: int = key.start_mark.index
                return index
    return len(document.source.text)


def _with(value: Any, at: Path_, entry: Any) -> Any:
    """A document's value with an entry put in its place, or added to its list."""
    if not at:
        return entry
    known = value or {}
    items: dict[str | int, Any] = dict(enumerate(known.get(at[0]) or []))
    items[at[-1]] = entry
    return {**known, at[0]: list(items.values())}
