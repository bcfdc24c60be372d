"""YAML in block style, lists indented, each text on one line.

As PyYAML's emitter in Python would write it, which takes 0.4 ms for a task of a job;
the one in C can't indent lists. So that one writes the scalars only, each once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml

try:
    from yaml import CSafeDumper as _Dumper
except ImportError:  # a PyYAML built without libyaml: slower, the same text
    from yaml import SafeDumper as _Dumper  # type: ignore[assignment]


def yaml_text(value: dict[str, Any]) -> str:
    """A mapping as YAML."""
    return "".join([f"{line}\n" for line in _lines(value, "")])


def _lines(value: Any, margin: str) -> Iterator[str]:
    """The lines of a mapping or list that isn't empty."""
    if isinstance(value, list):
        for item in value:
            if _is_nested(item):
                first, *rest = _lines(item, f"{margin}  ")
                yield f"{margin}- {first.lstrip(' ')}"
                yield from rest
            else:
                yield f"{margin}- {_flat(item)}"
    else:
        for key, item in value.items():
            start = f"{margin}{_scalar(key)}:"
            if _is_nested(item):
                yield start
                yield from _lines(item, f"{margin}  ")
            else:
                yield f"{start} {_flat(item)}"


def _is_nested(value: Any) -> bool:
    return bool(value) and isinstance(value, dict | list)


def _flat(value: Any) -> str:
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return _text(value) if isinstance(value, str) else _dumped(value)


@lru_cache(maxsize=65536)
def _text(text: str) -> str:
    """A text; one of several lines in double quotes, which have escapes for them."""
    many = text.splitlines() not in ([], [text])
    return _dumped(text, default_style='"' if many else None)


def _dumped(value: Any, **style: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, width=10**9, allow_unicode=True, **style
    )
    return text.removesuffix("\n").removesuffix("\n...")
