"""Sets one key of a mapping in a definition file; every other byte stays."""

from __future__ import annotations

import yaml

from mdf_magics.definitions.editing import (
    content_end,
    inserted,
    line_end,
    pair_end,
    unwritable,
    value_end,
)
from mdf_magics.definitions.reading import Document, Path_


def with_value(document: Document, path: Path_, key: str, value: str) -> str:
    """The document's text with one key of a mapping set.

    Args:
        document: The document.
        path: Where the mapping is.
        key: The key; added behind the others when the mapping hasn't got it.
        value: The value as YAML.

    Raises:
        DefinitionError: There is no mapping, or an empty one.
    """
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
    indent = " " * mapping.value[0][0].start_mark.column
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
