"""What looks like a rename in a plan, and the line that would say so."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from mdf_magics.deploying.plan import Action
from mdf_magics.deploying.sent import sent_spec
from mdf_magics.planning.placement import group_of


def rename_hints(actions: Sequence[Action]) -> dict[str, str]:
    """Key to a sentence for each new resource that looks like one that would go.

    Both are the same but for the group's name; `renamed_from` keeps the resource with
    its id, history and tables.
    """
    shapes: dict[str, str] = {}
    for one in actions:
        if one.action == "delete" and one.row and (spec := sent_spec(one.row)):
            shapes |= dict.fromkeys(_shapes(one.key, one.kind, spec), one.key)
    hints = {}
    for one in actions:
        if one.operation != "create" or one.row or one.resource is None:
            continue
        alike = (
            shapes.get(shape) for shape in _shapes(one.key, one.kind, one.resource.spec)
        )
        if old := next(filter(None, alike), None):
            line = f"renamed_from: {group_of(old)}"
            hints[one.key] = (
                f"it looks like {old} with another name: to keep its id and history, "
                f"add  {line}  to the group {group_of(one.key)} in definitions/mdf.yml"
            )
    return hints


def _shapes(key: str, kind: str, spec: dict[str, Any]) -> tuple[str, str]:
    """A spec without what its key gives it; then without its group's name anywhere.

    The second is for tables whose schema is renamed with their group.
    """
    rest = {name: one for name, one in spec.items() if name not in ("name", "tags")}
    text = json.dumps([kind, rest], sort_keys=True)
    same_tables = re.sub(rf"src/{re.escape(key)}(?=[._])", "src/*", text)
    group = rf"(?<![a-z0-9]){re.escape(group_of(key))}(?![a-z0-9])"
    return same_tables, re.sub(group, "*", same_tables)
