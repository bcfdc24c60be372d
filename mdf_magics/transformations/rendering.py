"""What templates are filled with and what comes out, each character with its origin."""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mdf_magics.transformations.faults import TemplateFault

LONGEST_OUTPUT = 4_000_000
"""Characters of one rendered query."""

LONGEST_TIME = 5.0
"""Seconds that one rendering may take."""

MOST_STEPS = 200_000
"""Pieces of text and turns of loops in one rendering."""

type Replacements = Mapping[tuple[int, int], str]
"""Stretches of the body (start, end) and the text that stands there instead."""

_MARK = "\x00"
_MARKS = re.compile("\x00(=?[0-9]*)\x00")


class Value:
    """What a parameter is in a template: compares as its value, prints as SQL."""

    def __init__(self, raw: Any, sql: str, items: tuple[Value, ...] = ()) -> None:
        """Pair a value with its SQL; `items` are what a loop over it gives."""
        self.raw, self.sql, self.items = raw, sql, items

    def __str__(self) -> str:
        return self.sql

    def __iter__(self) -> Iterator[Value]:
        if not isinstance(self.raw, list):
            message = f"{self.sql} is no list"
            raise TypeError(message)
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __bool__(self) -> bool:
        return bool(self.raw)

    def __hash__(self) -> int:
        return hash(self.sql)

    def __eq__(self, other: object) -> bool:
        return bool(self.raw == _raw(other))

    def __lt__(self, other: object) -> bool:
        return bool(self.raw < _raw(other))

    def __le__(self, other: object) -> bool:
        return bool(self.raw <= _raw(other))

    def __gt__(self, other: object) -> bool:
        return bool(self.raw > _raw(other))

    def __ge__(self, other: object) -> bool:
        return bool(self.raw >= _raw(other))

    def __contains__(self, other: object) -> bool:
        return any(item == other for item in self.items)


def _raw(value: object) -> Any:
    return value.raw if isinstance(value, Value) else value


@dataclass(frozen=True)
class Rendered:
    """A rendered query, with the origin of each of its characters."""

    text: str
    starts: tuple[int, ...]
    """Offsets in `text` where a stretch with a new origin begins."""
    origins: tuple[int, ...]
    """Where each stretch begins in the body."""
    replaced: frozenset[int] = frozenset()
    """Indexes of stretches that stand for something else: all of one origin."""

    def origin(self, offset: int) -> int:
        """The offset in the body that a character of the text came from."""
        index = bisect_right(self.starts, offset) - 1
        if index < 0:
            return 0
        if index in self.replaced:
            return self.origins[index]
        return self.origins[index] + offset - self.starts[index]


def mark(offset: int) -> str:
    """What precedes text that stands at an offset of the body."""
    return f"{_MARK}{offset}{_MARK}"


def mark_replaced(offset: int) -> str:
    """What precedes text that stands for something at an offset of the body."""
    return f"{_MARK}={offset}{_MARK}"


TURN = _MARK * 2
"""Marks nothing. Jinja gives control back only where there is output: this makes the
turns of an empty loop countable."""


def marked(text: str, offset: int, replacements: Replacements) -> str:
    """A stretch of the body with marks, names in it replaced.

    Args:
        text: The stretch.
        offset: Where it stands in the body.
        replacements: What is replaced, in the body's order.
    """
    parts, position = [mark(offset)], 0
    for (start, end), instead in replacements.items():
        if offset <= start and end <= offset + len(text):
            before = text[position : start - offset]
            parts += [before, mark_replaced(start), instead, mark(end)]
            position = end - offset
    return "".join([*parts, text[position:]])


def collected(body: str, chunks: Iterable[str]) -> Rendered:
    """Put marked chunks together, and stop what has no end.

    Raises:
        TemplateFault: They are too many or too long, or take too much time.
    """
    began, length, texts = time.monotonic(), 0, []
    for steps, chunk in enumerate(chunks):
        length += len(chunk)
        texts.append(chunk)
        too_long = time.monotonic() - began > LONGEST_TIME
        if length > LONGEST_OUTPUT or steps > MOST_STEPS or too_long:
            message = "rendering gives or takes too much"
            hint = f"At most {LONGEST_OUTPUT:,} characters in {LONGEST_TIME:.0f} s."
            raise TemplateFault("template-limit", message, hint, 0, len(body))
    result: list[str] = []
    starts: list[int] = []
    origins: list[int] = []
    replaced: set[int] = set()
    size = 0
    for index, piece in enumerate(_MARKS.split("".join(texts))):
        if index % 2 == 0:
            result.append(piece)
            size += len(piece)
        elif piece:
            if piece.startswith("="):
                replaced.add(len(starts))
            starts.append(size)
            origins.append(int(piece.lstrip("=")))
    return Rendered("".join(result), tuple(starts), tuple(origins), frozenset(replaced))
