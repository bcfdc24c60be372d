"""YAML in flow style: a value in one line."""

from __future__ import annotations

from typing import Any

import yaml


def flow_text(value: Any) -> str:
    """A value as YAML in one line: `{a: 1, b: [x, y]}`; keys keep their order."""
    text: str = yaml.safe_dump(
        value,
        default_flow_style=True,
        allow_unicode=True,
        sort_keys=False,
        width=10**9,
    )
    return text.removesuffix("\n").removesuffix("\n...")
