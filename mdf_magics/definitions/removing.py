"""Takes an entry out of a definition file; every other byte stays."""

from __future__ import annotations

import re

import yaml

from mdf_magics.definitions.editing import (
    comments_above,
    content_end,
    dash_of,
    entry_end,
    line_end,
    unwritable,
)
from mdf_magics.definitions.flow_lists import without_item
from mdf_magics.definitions.reading import Document

_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)*")


def removed(document: Document, path: tuple[str | int, ...]) -> str | None:
    """The document's text without the entry at `path`, and the comment right above it.

    Args:
        document: The file.
        path: The entry's place in it; empty: the file holds nothing else.

    Returns:
        The text, or None when nothing is left that the file is for.
    """
    if not path:
        return None
    section, index = path[0], path[-1]
    sequence = document.node_at((section,))
    if not isinstance(sequence, yaml.SequenceNode) or not isinstance(index, int):
        raise unwritable(document, "there is no entry to remove")
    text, items = document.source.text, sequence.value
    if len(items) == 1:
        return _without_list(document, sequence)
    if sequence.flow_style:
        return without_item(text, sequence, index)
    item = items[index]
    dash, column = dash_of(text, item)
    start = comments_above(text, dash - column, column)
    end = entry_end(text, item, item.start_mark.column)
    if index < len(items) - 1:
        blank = _BLANK_LINES.match(text, end)
        return text[:start] + text[blank.end() if blank else end :]
    before = items[index - 1]
    kept = entry_end(text, before, before.start_mark.column)
    return text[: max(kept, len(text[:start].rstrip()))] + text[end:]


def _without_list(document: Document, sequence: yaml.SequenceNode) -> str | None:
    """The text with an empty list; None when the file holds nothing else."""
    if set(document.value) <= {"tables", "transformations"}:
        return None
    text = document.source.text
    start = text.rfind(":", 0, sequence.start_mark.index) + 1
    return f"{text[:start]} []{text[line_end(text, content_end(text, sequence)) :]}"
