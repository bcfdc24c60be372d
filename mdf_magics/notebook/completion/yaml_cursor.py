"""Where in a cell's YAML the cursor stands; the YAML may be half written.

A parser refuses what isn't finished, and a cursor mostly stands in what isn't. So this
reads as much of YAML as cells have: block and flow collections, quotes, comments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

type KeyPath = tuple[str, ...]
"""Keys from the outermost in; items of lists bear no number."""

_KEY = re.compile(r"""([A-Za-z_][\w.${}-]*|"[^"]*"|'[^']*')\s*:(?=\s|$)""")
_BLOCK_TEXT = re.compile(r"[|>][+\-\d]*\s*(#.*)?$")


@dataclass(frozen=True)
class Cursor:
    """What stands at the end of a text."""

    path: KeyPath
    """The keys whose value this is, or which it is beside."""
    key: bool
    """Whether a key may stand here."""
    value: bool
    """Whether a value may."""
    word: str
    """What is written of it."""
    quoted: bool
    """Whether a quote is open before it."""
    used: frozenset[str]
    """Keys that stand beside it already."""


@dataclass
class _Level:
    """A mapping or list that is open."""

    kind: str
    """`{`, `[`, or `:` for a mapping of lines."""
    indent: int = 0
    key: str = ""
    keys: set[str] = field(default_factory=set)

    def begin(self, key: str) -> None:
        self.key = key.strip("\"' ")
        self.keys.add(self.key)


class _Reader:
    """Reads YAML line by line, and remembers what is open."""

    def __init__(self) -> None:
        self.levels: list[_Level] = []
        self.word = ""
        self.quote = ""
        self.key_may_follow = True
        self.dashed = False
        """Whether the last line began with a dash and has no key yet."""
        self.values: dict[KeyPath, list[str]] = {}
        self._text_below: int | None = None
        """The indent of a key whose value is a block of text."""

    @property
    def path(self) -> KeyPath:
        return tuple(one.key for one in self.levels if one.key)

    @property
    def in_flow(self) -> bool:
        return bool(self.levels) and self.levels[-1].kind != ":"

    def line(self, text: str, *, last: bool) -> None:
        """Read a line; the last one may end anywhere, also at nothing."""
        bare = text.strip()
        indent = len(text) - len(text.lstrip())
        if self._text_below is not None:
            if not bare or indent > self._text_below:
                return
            self._text_below = None
        if (not bare and not last) or bare.startswith("#"):
            return
        if not self.in_flow:
            text = self._begin_line(text, indent)
        self._flow(text)
        if not last:
            self._end_word(at_line_end=True)

    def _begin_line(self, text: str, indent: int) -> str:
        """Find the mapping that a line belongs to; what is left is its value."""
        rest = text.lstrip()
        self.dashed = rest.startswith("- ") or rest == "-"
        while rest.startswith("- ") or rest == "-":
            self._close_deeper(indent + 1)
            inside = rest[1:].lstrip()
            indent += len(rest) - len(inside)
            rest = inside
        self._close_deeper(indent if self.dashed else indent + 1)
        self.word, self.quote = "", ""
        found = _KEY.match(rest)
        self.key_may_follow = found is None
        if found is None:
            if not self.dashed:
                self._level(indent).key = ""
            return rest
        self.dashed = False
        self._level(indent).begin(found[1])
        value = rest[found.end() :]
        if _BLOCK_TEXT.match(value.strip()):
            self._text_below = self.levels[-1].indent
            return ""
        return value

    def _close_deeper(self, indent: int) -> None:
        while self.levels and self.levels[-1].indent >= indent:
            self.levels.pop()

    def _level(self, indent: int) -> _Level:
        """The mapping of lines with this indent."""
        if not self.levels or self.levels[-1].indent < indent:
            self.levels.append(_Level(":", indent))
        return self.levels[-1]

    def _flow(self, text: str) -> None:
        before = " "
        for index, one in enumerate(text):
            if self.quote:
                self._quoted(one)
            elif one == "#" and before.isspace():
                break
            elif one in "\"'" and not self.word.strip():
                self.quote, self.word = one, ""
            elif one in "{[" and not self.word.strip():
                self.levels.append(_Level(one, self._indent()))
                self.word = ""
            elif self.in_flow and one in "}],":
                self._separate(one)
            elif self._is_colon(one, text[index + 1 : index + 2]):
                self.levels[-1].begin(self.word)
                self.word = ""
            else:
                self.word += one
            before = one

    def _quoted(self, one: str) -> None:
        if one == self.quote:
            self.quote = ""
        else:
            self.word += one

    def _is_colon(self, one: str, after: str) -> bool:
        return (
            one == ":"
            and self.in_flow
            and self.levels[-1].kind == "{"
            and not self.levels[-1].key
            and (not after or after.isspace())
        )

    def _indent(self) -> int:
        return self.levels[-1].indent if self.levels else 0

    def _separate(self, one: str) -> None:
        self._end_word()
        if one == ",":
            if self.levels[-1].kind == "{":
                self.levels[-1].key = ""
        else:
            self.levels.pop()

    def _end_word(self, *, at_line_end: bool = False) -> None:
        if word := self.word.strip():
            self.values.setdefault(self.path, []).append(word)
        if not (at_line_end and self.in_flow):
            self.word = ""


def _read(lines: Sequence[str]) -> _Reader:
    reader = _Reader()
    for number, line in enumerate(lines):
        reader.line(line, last=number == len(lines) - 1)
    return reader


def cursor_after(lines: Sequence[str]) -> Cursor:
    """What stands at the end of some lines of YAML."""
    reader = _read(lines)
    in_flow = reader.in_flow
    top = reader.levels[-1] if reader.levels else _Level(":")
    if in_flow:
        key = top.kind == "{" and not top.key
        value = not key
    else:
        key = reader.key_may_follow
        value = not key or reader.dashed
        if reader.dashed:
            top = _Level(":")
    return Cursor(
        path=reader.path,
        key=key,
        value=value,
        word=reader.word if reader.quote else reader.word.lstrip(),
        quoted=bool(reader.quote),
        used=frozenset(top.keys) if key else frozenset(),
    )


def written_values(lines: Sequence[str]) -> dict[KeyPath, list[str]]:
    """The plain values of a whole YAML text by the keys that lead to them."""
    return _read([*lines, ""]).values


def written_keys(lines: Sequence[str], path: KeyPath) -> set[str]:
    """The keys below some keys, as far as they have plain values below them."""
    depth = len(path)
    return {
        one[depth]
        for one in written_values(lines)
        if len(one) > depth and one[:depth] == path
    }
