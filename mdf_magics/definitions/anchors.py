"""Anchors of one entry that others repeat: it can't go without breaking those."""

from __future__ import annotations

import yaml

from mdf_magics.definitions.editing import content_end
from mdf_magics.definitions.reading import Document, Path_
from mdf_magics.definitions.storing import NOTHING_SAVED
from mdf_magics.errors import DefinitionError, Place, Problem


def refuse_repeated(document: Document, path: Path_) -> None:
    """Say which anchor of an entry is needed elsewhere, and where.

    Args:
        document: The file.
        path: The entry's place in it.

    Raises:
        DefinitionError: There is one.
    """
    if found := _repeated(document, path):
        name, place = found
        message = f"&{name} is set in {_called(document, path)} and repeated here"
        hint = f"Write out here what *{name} stands for, then try again."
        raise DefinitionError(
            Problem("unwritable-entry", message, hint, place), note=NOTHING_SAVED
        )


def _called(document: Document, path: Path_) -> str:
    value = document.value
    for step in path:
        value = value[step]
    return f"the entry {value['name']}" if "name" in value else "another entry"


def _repeated(document: Document, path: Path_) -> tuple[str, Place] | None:
    """An anchor that the entry sets, and the first place outside that repeats it."""
    text, node = document.source.text, document.node_at(path)
    if node is None or "&" not in text:
        return None
    end = content_end(text, node)
    inside: set[str] = set()
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        own = node.start_mark.index <= token.start_mark.index < end
        if isinstance(token, yaml.AnchorToken):
            inside.add(token.value) if own else inside.discard(token.value)
        elif isinstance(token, yaml.AliasToken) and token.value in inside and not own:
            mark = token.start_mark
            length = len(token.value) + 1
            return token.value, Place(
                document.source, mark.line + 1, mark.column + 1, length
            )
    return None
