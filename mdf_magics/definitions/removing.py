"""Takes an entry out of a definition file; every other byte stays."""

from __future__ import annotations

import re

import yaml

from mdf_magics.definitions.anchors import refuse_repeated
from mdf_magics.definitions.editing import (
    comments_above,
    content_end,
    dash_of,
    entry_end,
    line_end,
    refuse_json,
    unwritable,
)
from mdf_magics.definitions.flow_lists import without_item
from mdf_magics.definitions.proving import alike, reread
from mdf_magics.definitions.reading import Document, Path_

_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)*")


def removed(document: Document, path: Path_) -> str | None:
    """The document's text without the entry at `path`, and the comment right above it.

    Args:
        document: The file.
        path: The entry's place in it; empty: the file holds nothing else.

    Returns:
        The text, or None when nothing is left that the file is for.

    Raises:
        DefinitionError: The entry isn't text of its own, or others repeat a part of it.
    """
    if not path:
        return None
    refuse_json(document, path)
    after = _spliced(document, path)
    if after is not None and not _is_gone(document, path, after):
        refuse_repeated(document, path)
        raise unwritable(document, "the entry can't be cut out of this file")
    return after


def _is_gone(document: Document, path: Path_, after: str) -> bool:
    """Whether a text says all that the document does, but for one entry."""
    section, index = path
    before, result = reread(document, after)
    items = [*before.value[section]]
    del items[int(index)]
    return not result.problems and alike(result.value, {**before.value, section: items})


def _spliced(document: Document, path: Path_) -> str | None:
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
    end = entry_end(text, item, column + 1)
    if index < len(items) - 1:
        blank = _BLANK_LINES.match(text, end)
        return text[:start] + text[blank.end() if blank else end :]
    before = items[index - 1]
    kept = entry_end(text, before, column + 1)
    return text[: max(kept, len(text[:start].rstrip()))] + text[end:]


def _without_list(document: Document, sequence: yaml.SequenceNode) -> str | None:
    """The text with an empty list; None when the file holds nothing else."""
    if set(document.value) <= {"tables", "transformations"}:
        return None
    text = document.source.text
    start = text.rfind(":", 0, sequence.start_mark.index) + 1
    return f"{text[:start]} []{text[line_end(text, content_end(text, sequence)) :]}"
