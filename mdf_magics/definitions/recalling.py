"""Recalls the cell that would make a stored entry again."""

from __future__ import annotations

import re
from typing import Any

import yaml

from mdf_magics.definitions.editing import content_end, line_end, pair_end
from mdf_magics.definitions.entries import Entry
from mdf_magics.definitions.proving import alike
from mdf_magics.definitions.reading import read_document
from mdf_magics.errors import Source


def recalled(entry: Entry, *, is_table: bool) -> str:
    """The cell that would make an entry again, with its magic's line.

    Its YAML is the file's own text. Where that means nothing by itself (an alias,
    JSON), or can't be cut out, the values are written anew.
    """
    several = "for_each" in entry.value
    inline = entry.body is not None and not entry.body.path
    body = entry.body if inline and _is_block(entry) else None
    left_out: set[str] = {body.kind} if body else set()
    if not several:
        left_out.add("name")
    wanted = {key: one for key, one in entry.value.items() if key not in left_out}
    header = _own_text(entry, left_out)
    if header is None or not alike(_value(header), wanted):
        header = yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True)
    kind = "table" if is_table else "transformation"
    magic = "%%mdf_tables" if several else f"%%mdf_{kind} {entry.name}"
    lines = [magic, *header.rstrip().splitlines()] if wanted else [magic]
    if body:
        lines += ["---", *body.text.rstrip().split("\n")]
    return "\n".join(lines)


def _is_block(entry: Entry) -> bool:
    """Whether the body is written as one; another stays in the YAML, as it is."""
    if entry.body is None or entry.body.kind == "notebook":
        return False
    node = entry.document.node_at((*entry.path, entry.body.kind))
    return node is None or getattr(node, "style", None) in ("|", ">")


def _value(header: str) -> Any:
    read = read_document(Source("", header))
    return None if read.problems else read.value or {}


def _own_text(entry: Entry, left_out: set[str]) -> str | None:
    """The entry's text without some of its keys; None where it has none of its own."""
    document = entry.document
    text, node = document.source.text, document.node_at(entry.path)
    if not isinstance(node, yaml.MappingNode) or document.source.name.endswith(".json"):
        return None
    pairs = [(k, v) for k, v in node.value if k.value not in left_out]
    if node.flow_style:
        return "".join(
            f"{text[key.start_mark.index : value.end_mark.index]}\n"
            for key, value in pairs
        )
    lines: list[str] = []
    column: int = node.start_mark.column
    starts = [key.start_mark.index for key, _ in node.value]
    ends = [*starts[1:], line_end(text, content_end(text, node))]
    for (key, value), start, end in zip(node.value, starts, ends, strict=True):
        gone = key.value in left_out
        begin = min(end, line_end(text, pair_end(text, key, value))) if gone else start
        first, *rest = re.sub(r"\n[ \t]*\Z", "", text[begin:end]).split("\n")
        lines += [] if gone else [first]
        lines += [_shifted(line, column) for line in rest]
    return "\n".join(lines).strip("\n")


def _shifted(line: str, column: int) -> str:
    """A line of the entry without the entry's indentation."""
    return line[column:] if not line[:column].strip() else line.lstrip()
