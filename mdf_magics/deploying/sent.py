"""What the state says was sent last."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from mdf_magics.errors import Problem, StateError
from mdf_magics.planning.resources import Resource
from mdf_magics.state.protocol import JournalRow

PERMISSIONS = "permissions"
"""Beside a resource's fields in what was sent: another API takes them."""


def sent_spec(row: JournalRow) -> dict[str, Any] | None:
    """The spec as last sent; None for what was adopted and not updated since.

    Raises:
        StateError: The state doesn't hold what mdf_magics has written.
    """
    if row.spec is None:
        return None
    spec = _parsed(row, row.spec)
    if not isinstance(spec, dict):
        raise _damaged(row)
    return spec


def spec_to_send(resource: Resource) -> dict[str, Any]:
    """All that is to be sent of a resource, permissions included, as it is recorded."""
    if not resource.permissions:
        return resource.spec
    return {**resource.spec, PERMISSIONS: [dict(one) for one in resource.permissions]}


def without_permissions(row: JournalRow) -> JournalRow:
    """A row that says that the permissions were not set: so the next deploy does it."""
    spec = sent_spec(row)
    if not spec or PERMISSIONS not in spec:
        return row
    del spec[PERMISSIONS]
    return replace(row, spec=json.dumps(spec))


def sent_tables(row: JournalRow) -> tuple[str, ...]:
    """The tables that the resource builds. Raises StateError like `sent_spec`."""
    tables = _parsed(row, row.tables or "[]")
    if not isinstance(tables, list):
        raise _damaged(row)
    return tuple(str(table) for table in tables)


def _parsed(row: JournalRow, text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _damaged(row) from error


def _damaged(row: JournalRow) -> StateError:
    return StateError(
        Problem(
            "state-damaged",
            f"row {row.seq} of {row.target}'s state ({row.key}) can't be read",
            "Somebody has changed it by hand. Restore it from a copy, or move the\n"
            "state away and say  mdf state rebuild .",
        )
    )
