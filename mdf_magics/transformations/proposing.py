"""Proposes arguments for a table from its columns: keys, orders, equal names."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from mdf_magics.transformations.parameters import READ_TYPES, Parameter

_TIMES = ("timestamp", "date")

_KEYS = ("key", "keys", "id", "ids", "primary_key", "key_columns", "unique_key")
"""What parameters are called that want the columns which tell rows apart."""

_ORDERS = ("order_by", "sequence_by", "watermark", "changed_at", "updated_at", "since")
"""What parameters are called that want the column which says what is newer."""

_NEWEST = ("updated", "modified", "changed", "sequence", "version", "loaded", "ingest")
"""Parts of names of such columns, the likeliest first."""


def proposed_arguments(
    parameters: Mapping[str, Parameter],
    source: str,
    columns: Mapping[str, str],
    primary_key: Sequence[str] = (),
) -> dict[str, Any]:
    """What a transformation's parameters might be for one source table.

    Args:
        parameters: What the transformation declares.
        source: The table, as an argument names it; the first parameter of a table
            type gets it.
        columns: Its columns with their types.
        primary_key: Columns that identify its rows, where the catalog knows them.

    Returns:
        Values by parameter. What nothing is known about, and what has a default
        that fits, is left out.
    """
    found: dict[str, Any] = {}
    for parameter in parameters.values():
        if parameter.type in READ_TYPES:
            if source not in found.values() and parameter.type != "files":
                found[parameter.name] = source
        elif parameter.type in ("column", "columns"):
            key = likely_key(source, columns, primary_key)
            value = _column_value(parameter, columns, key)
            if value is not None:
                found[parameter.name] = value
    return found


def likely_key(
    source: str, columns: Mapping[str, str], primary_key: Sequence[str] = ()
) -> list[str]:
    """The columns that probably tell a table's rows apart; none when nothing does."""
    if primary_key:
        return list(primary_key)
    name = source.rpartition(".")[2].lower()
    singular = name.removesuffix("s")
    lower = {column.lower(): column for column in columns}
    for guess in ("id", f"{name}_id", f"{singular}_id", f"{singular}id", "key", name):
        if guess in lower:
            return [lower[guess]]
    ids = [column for column in columns if column.lower().endswith(("_id", "_key"))]
    return ids[:1] if ids and ids[0] == next(iter(columns)) else []


def _column_value(
    parameter: Parameter, columns: Mapping[str, str], key: Sequence[str]
) -> Any:
    """A column for a `column` parameter, a list of them for `columns`, or None."""
    lower = {column.lower(): column for column in columns}
    several = parameter.type == "columns"
    default = parameter.default if several else [parameter.default]
    if not parameter.required and all(str(one).lower() in lower for one in default):
        return None
    found: list[str] = []
    if parameter.name in lower:
        found = [lower[parameter.name]]
    elif _named(parameter.name, _KEYS):
        found = [*key]
    elif _named(parameter.name, _ORDERS):
        found = _newest(columns)
    elif parameter.name == "columns":
        found = [*columns]
    if several:
        return found or None
    return found[0] if len(found) == 1 else None


def _named(name: str, known: Sequence[str]) -> bool:
    return name in known or any(name.endswith(f"_{one}") for one in known)


def _newest(columns: Mapping[str, str]) -> list[str]:
    """The column that says when a row was changed, as far as names and types tell."""
    times = [name for name, kind in columns.items() if kind.startswith(_TIMES)]
    named = (
        name for part in _NEWEST for name in (*times, *columns) if part in name.lower()
    )
    return [*itertools.islice(named, 1)] or times[-1:]
