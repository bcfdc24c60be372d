"""Sets one key of a mapping in a definition file; every other byte stays."""

from __future__ import annotations

from typing import Any

import yaml

from mdf_magics.definitions.anchors import refuse_repeated
from mdf_magics.definitions.editing import (
    content_end,
    inserted,
    key_column,
    line_end,
    pair_end,
    refuse_json,
    unwritable,
    value_end,
)
from mdf_magics.definitions.proving import alike, reread
from mdf_magics.definitions.reading import Document, Path_


def with_value(document: Document, path: Path_, key: str, value: str) -> str:
    """The document's text with one key of a mapping set.

    Args:
        document: The document.
        path: Where the mapping is.
        key: The key; added behind the others when the mapping hasn't got it.
        value: The value as YAML.

    Raises:
        DefinitionError: There is no mapping, an empty one, or one that others repeat.
    """
    refuse_json(document, path)
    after = _with_value(document, path, key, value)
    before, result = reread(document, after)
    at = (*path, key)
    if not result.has(at) or not alike(
        result.value, _put(before.value, at, _at(result.value, at))
    ):
        refuse_repeated(document, path)
        raise unwritable(document, f"{key} can't be set where it stands")
    return after


def _at(value: Any, path: Path_) -> Any:
    for step in path:
        value = value[step]
    return value


def _put(value: Any, path: Path_, new: Any) -> Any:
    """A value with another one at a path in it."""
    if not path:
        return new
    copied: Any = [*value] if isinstance(value, list) else {**value}
    copied[path[0]] = _put(copied[path[0]] if len(path) > 1 else None, path[1:], new)
    return copied


def _with_value(document: Document, path: Path_, key: str, value: str) -> str:
    text, mapping = document.source.text, document.node_at(path)
    if not isinstance(mapping, yaml.MappingNode) or not mapping.value:
        raise unwritable(document, f"there is no mapping to set {key} in")
    for word, old in mapping.value:
        if word.value == key:
            start = text.index(":", word.end_mark.index) + 1
            end = value_end(text, old, start)
            start = max(start, min(old.start_mark.index, end))
            gap = " " if text[start - 1] == ":" else ""
            return text[:start] + gap + value + text[end:]
    if mapping.flow_style:
        end = pair_end(text, *mapping.value[-1])
        return f"{text[:end]}, {key}: {value}{text[end:]}"
    end = line_end(text, content_end(text, mapping))
    indent = " " * key_column(text, mapping.value[0][0])
    return inserted(text, end, [f"{indent}{key}: {value}"])


def without_value(document: Document, path: Path_, key: str) -> str:
    """The document's text without one key of a mapping: what `with_value` undoes.

    Args:
        document: The document.
        path: Where the mapping is.
        key: The key; the mapping has others.

    Raises:
        DefinitionError: There is no such mapping.
    """
    refuse_json(document, path)
    text, mapping = document.source.text, document.node_at(path)
    pairs = mapping.value if isinstance(mapping, yaml.MappingNode) else []
    at = next((at for at, (word, _) in enumerate(pairs) if word.value == key), None)
    if not isinstance(mapping, yaml.MappingNode) or at is None or len(pairs) == 1:
        raise unwritable(document, f"there is no {key} to take out")
    if at == 0:
        return (
            text[: pairs[0][0].start_mark.index] + text[pairs[1][0].start_mark.index :]
        )
    end = pair_end(text, *pairs[at])
    if mapping.flow_style:
        return text[: pair_end(text, *pairs[at - 1])] + text[end:]
    start = text.rindex("\n", 0, pairs[at][0].start_mark.index)
    start -= text[start - 1] == "\r"
    return text[:start] + text[line_end(text, end) :]
