"""What `[tool.mdf]` in pyproject.toml says for everyone who works in a folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mdf_magics.errors import Problem, did_you_mean

KINDS: Mapping[str, type] = {"rows": int, "target": str, "verbose_errors": bool}
"""The keys there are, and what each takes."""


def read_defaults(folder: Path) -> tuple[dict[str, Any], list[Problem]]:
    """The defaults of the nearest pyproject.toml that has some, and what is wrong.

    Args:
        folder: Where the search begins; it goes up from there.

    Returns:
        The keys that can be used, and a warning for each of the others.
    """
    for candidate in (folder, *folder.parents):
        try:
            text = (candidate / "pyproject.toml").read_text(encoding="utf-8")
            found = tomllib.loads(text).get("tool", {}).get("mdf")
        except (OSError, ValueError, AttributeError):
            continue  # other tools say what is wrong with the file
        if isinstance(found, dict):
            problems = [*filter(None, map(_fault, found, found.values()))]
            used = {key: one for key, one in found.items() if not _fault(key, one)}
            return used, problems
    return {}, []


def _fault(key: str, value: Any) -> Problem | None:
    if key not in KINDS:
        message = f'[tool.mdf] in pyproject.toml has no key "{key}"'
        return Problem(
            "unknown-key", message, did_you_mean(key, KINDS), severity="warning"
        )
    kind = KINDS[key]
    if type(value) is kind and not str(value).startswith("-"):
        return None
    wanted = {int: "a number of rows", str: "a name", bool: "true or false"}[kind]
    message = f"{key} in [tool.mdf] of pyproject.toml wants {wanted}, not {value!r}"
    return Problem("wrong-type", message, severity="warning")
