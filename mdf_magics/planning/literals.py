"""Python literals as `ruff format` writes them: 88 columns, double quotes."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import Any

WIDTH = 88


class Name(str):
    """A text that is a name in the code, not a string."""

    __slots__ = ()


def literal(value: Any, indent: int, used: int, *, split: int = 0) -> str:
    """A value as code.

    Args:
        value: Mappings, lists, texts, numbers, truth values, None and names.
        indent: Columns that the statement's lines start with.
        used: Columns taken before the value on its first line.
        split: Levels of mappings that get a line for each item in any case.

    Returns:
        One line where it fits with a comma behind it, else a line for each item.
    """
    if not value or not isinstance(value, dict | list):
        return flat(value)
    if not split and used + columns(line := flat(value)) + 1 <= WIDTH:
        return line
    inner = indent + 4
    margin, deeper = " " * inner, max(0, split - 1)
    lines = []
    if isinstance(value, dict):
        for key, item in value.items():
            start = f"{margin}{flat(key)}: "
            lines.append(start + literal(item, inner, columns(start), split=deeper))
        opened, closed = "{}"
    else:
        lines += [margin + literal(item, inner, inner) for item in value]
        opened, closed = "[]"
    return f"{opened}\n{',\n'.join(lines)},\n{' ' * indent}{closed}"


def flat(value: Any) -> str:
    """A value as code on one line."""
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        items = [f"{flat(key)}: {flat(item)}" for key, item in value.items()]
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([flat(item) for item in value]) + "]"
    if isinstance(value, float):
        return _number(value)
    return repr(value)


def call(called: str, arguments: Sequence[str], closed: str = "") -> str:
    """A call or a signature, each argument on its line where one doesn't take all."""
    line = f"{called}({', '.join(arguments)}){closed}"
    if columns(line) <= WIDTH or not arguments:
        return line
    lines = "".join(f"    {one},\n" for one in arguments)
    return f"{called}(\n{lines}){closed}"


def columns(line: str) -> int:
    """How wide a line is shown: East Asian characters take two columns."""
    return len(line) if line.isascii() else sum(map(_columns, line))


def _columns(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 0 if unicodedata.category(character) in ("Mn", "Me", "Cf") else 1


def _text(text: str) -> str:
    """A string in the quotes that need fewer escapes, double ones if equal."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    if quote not in text and "\\" not in text and text.isprintable():
        return f"{quote}{text}{quote}"
    return quote + "".join([_escaped(one, quote) for one in text]) + quote


def _escaped(character: str, quote: str) -> str:
    return f"\\{character}" if character in (quote, "\\") else visible(character)


def visible(character: str) -> str:
    """A character, or the escape of one that can't be seen."""
    return character if character.isprintable() else repr(character)[1:-1]


def _number(value: float) -> str:
    """A float; what is larger than any is written so that Python reads it as infinite.

    A call of `float` would be broken into lines where it doesn't fit.
    """
    if math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    if math.isnan(value):
        return 'float("nan")'
    return repr(value).replace("e+", "e")
