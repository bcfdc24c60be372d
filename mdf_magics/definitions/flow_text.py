"""YAML in flow style: a value in one line."""

from __future__ import annotations

from typing import Any

import yaml

from mdf_magics.definitions.scalars import TAG


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines in one, with escapes."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(f"{TAG}str", text, '"' if "\n" in text else None)


_Dumper.add_representer(str, _text)


def flow_text(value: Any) -> str:
    """A value as YAML in one line: `{a: 1, b: [x, y]}`; keys keep their order."""
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        allow_unicode=True,
        sort_keys=False,
        width=10**9,
    )
    return text.removesuffix("\n").removesuffix("\n...")
