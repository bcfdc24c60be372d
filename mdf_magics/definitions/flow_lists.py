"""Edits lists in brackets, `tables: [{...}, {...}]`: every byte outside stays.

Each function takes a text and one of its flow sequences; entries go in as mappings in
braces, on one line each.
"""

from __future__ import annotations

import re

import yaml

from mdf_magics.definitions.composing import compose
from mdf_magics.definitions.flow_text import flow_text
from mdf_magics.definitions.values import Pairs, Reader

_BETWEEN = re.compile(r"(?:[\s,]|#[^\n]*)*")
"""What may stand between two items."""

_COMMA = re.compile(r"(?:\s|#[^\n]*+)*+,")
_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=\r?\n)")
_ALIAS = re.compile(r"\*[^\s,\[\]{}]+")
_COMMENTS_ABOVE = re.compile(r"(?m:^)(?:[ \t]*#[^\n]*\n)*[ \t]*\Z")


def flow_item(lines: tuple[str, ...]) -> str:
    """An entry's lines as a mapping in braces; what fits there stays as it is typed."""
    text = "\n".join(lines) + "\n"
    node = compose(text)
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return "{" + ", ".join(f"{k.value}: {_flow_value(text, v)}" for k, v in pairs) + "}"


def with_item(
    text: str, sequence: yaml.SequenceNode, item: str, comment: tuple[str, ...]
) -> str:
    """The text with one more item at the end of the list.

    It goes on a line of its own where the others do, or where it has a comment.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    spans = _spans(text, sequence)
    bracket = sequence.end_mark.index - 1
    if not spans:
        start = sequence.start_mark.index + 1
        empty = not text[start:bracket].strip() and not comment
        lines = "".join(f"{newline}  {one}" for one in (*comment, item))
        inside = item if empty else f"{text[start:bracket].rstrip()}{lines}{newline}"
        return text[:start] + inside + text[bracket:]
    first, last = spans[0], spans[-1]
    comma = _COMMA.match(text, last[1], bracket)
    end = comma.end() if comma else last[1]
    closing = "," if comma else ""
    several = "\n" in text[sequence.start_mark.index : last[0]]
    if not several and not comment:
        before = text[:end] if comma else f"{text[:end]},"
        return f"{before} {item}{closing}{text[end:]}"
    margin = " " * (last if several else first)[2]
    lines = "".join(f"{newline}{margin}{one}" for one in (*comment, item + closing))
    rest = _REST_OF_LINE.match(text, end, bracket)
    behind = rest.end() if rest else end
    glue = "" if comma else ","
    return text[: last[1]] + glue + text[last[1] : behind] + lines + text[behind:]


def with_item_replaced(
    text: str, sequence: yaml.SequenceNode, at: int, item: str
) -> str:
    """The text with another item in place of one."""
    start, end, _ = _spans(text, sequence)[at]
    return text[:start] + item + text[end:]


def without_item(text: str, sequence: yaml.SequenceNode, at: int) -> str:
    """The text without one of the list's several items, and the comments of its own.

    Those are the ones right above it, and behind it on its line.
    """
    spans = _spans(text, sequence)
    start, end, _ = spans[at]
    comma = _COMMA.match(text, end, sequence.end_mark.index - 1)
    end = comma.end() if comma else end
    if at and not comma:  # the one before is the last now: it loses its comma
        kept = spans[at - 1][1]
        found = _COMMA.match(text, kept)
        if found:
            text = text[: found.end() - 1] + text[found.end() :]
            start, end = start - 1, end - 1
    rest = _REST_OF_LINE.match(text, end)
    above = _COMMENTS_ABOVE.search(text, 0, start)
    if above and rest:
        line_start = above.start()
        return text[:line_start] + text[text.index("\n", rest.end()) + 1 :]
    if above and above.start() and at + 1 == len(spans):  # the bracket is behind it
        before = text[: above.start()]
        if "#" in before[spans[at - 1][1] :]:
            return before + text[text.rfind("\n", 0, start) + 1 : start] + text[end:]
        return before.rstrip() + text[end:]
    if rest:
        return text[:start].rstrip(" \t") + text[rest.end() :]
    if comma and at + 1 < len(spans):
        return text[:start] + text[spans[at + 1][0] :]
    return text[:start].rstrip(" \t") + text[end:]


def _spans(text: str, sequence: yaml.SequenceNode) -> list[tuple[int, int, int]]:
    """From where to where each item reaches, and its column."""
    spans = []
    end = sequence.start_mark.index + 1
    for item in sequence.value:
        found = _BETWEEN.match(text, end)
        start = found.end() if found else end
        alias = _ALIAS.match(text, start)
        end = alias.end() if alias else item.end_mark.index
        spans.append((start, end, start - (text.rfind("\n", 0, start) + 1)))
    return spans


def _flow_value(text: str, node: yaml.Node) -> str:
    """A value as it is typed, where that means the same in braces; else rewritten."""
    start, end = node.start_mark, node.end_mark
    quoted = getattr(node, "style", None) in ("'", '"')
    braces = isinstance(node, yaml.CollectionNode) and node.flow_style
    if (quoted or braces) and start.line == end.line:
        return text[start.index : end.index]
    return flow_text([Reader(Pairs()).plain(node)])[1:-1]
