"""Python literals as `ruff format` writes them: 88 columns, double quotes."""

from __future__ import annotations

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
    flat = _flat(value)
    if not split and used + len(flat) + 1 <= WIDTH:
        return flat
    inner, margin = indent + 4, " " * (indent + 4)
    deeper = max(0, split - 1)
    if isinstance(value, dict) and value:
        items = []
        for key, item in value.items():
            start = f"{margin}{_flat(key)}: "
            text = literal(item, inner, len(start), split=deeper)
            items.append(f"{start}{text},\n")
        return "{\n" + "".join(items) + " " * indent + "}"
    if isinstance(value, list) and value:
        lines = [f"{margin}{literal(one, inner, inner)},\n" for one in value]
        return "[\n" + "".join(lines) + " " * indent + "]"
    return flat


def text_literal(text: str) -> str:
    """A string in the quotes that need fewer escapes, double ones if equal."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_escaped(one, quote) for one in text) + quote


def _flat(value: Any) -> str:
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, str):
        return text_literal(value)
    if isinstance(value, dict):
        items = (f"{_flat(key)}: {_flat(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flat(item) for item in value) + "]"
    return repr(value)


def _escaped(character: str, quote: str) -> str:
    if character in (quote, "\\"):
        return f"\\{character}"
    return character if character.isprintable() else repr(character)[1:-1]
