"""Two specs compared field by field, and the differences in words.

What has no meaning is no difference: the order of tasks and of keys, empty values, a
number as text, and whatever the server fills in by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from mdf_magics.deploying.references import Reference
from mdf_magics.deploying.server_filled import (
    DEFAULTS,
    KEYED_LISTS,
    OWN_MAPS,
    UNORDERED,
)

_EMPTY: tuple[object, ...] = (None, "", [], {})
_SHOWN = 60


@dataclass(frozen=True)
class Difference:
    """One field that differs, or one item of a list that only one side has."""

    path: str
    """`tasks[gold-delays].base_parameters.table`."""
    before: object
    """None: it was not there."""
    after: object
    """None: it will not be there."""

    def __str__(self) -> str:
        if self.path.endswith("]") and (self.before is None or self.after is None):
            will = "added" if self.before is None else "removed"
            return f"{self.path}: will be {will}"
        if self.before in _EMPTY:
            return f"{self.path}: will be {shown(self.after)}"
        if self.after in _EMPTY:
            return f"{self.path}: was {shown(self.before)}, will be removed"
        return f"{self.path}: was {shown(self.before)}, will be {shown(self.after)}"


def differences(before: object, after: object) -> list[Difference]:
    """What changed between two specs that we wrote.

    Args:
        before: The spec as last sent.
        after: The spec as the definitions want it.
    """
    return list(_compare(before, after, "", "", remote=False))


def remote_differences(remote: object, sent: object) -> list[Difference]:
    """What differs in the workspace from what was sent.

    Args:
        remote: The settings as the workspace has them.
        sent: The spec as it was sent, with a `Reference` in place of every id.

    Returns:
        The differences, without what the server fills in by itself.
    """
    return list(_compare(remote, sent, "", "", remote=True))


def shown(value: object) -> str:
    """A value as it stands in a reason: short, in one line."""
    if isinstance(value, Reference):
        if value.remote_id is None:
            return f"the id of the new {value.kind} {value.key}"
        return f"{value.remote_id} ({value.kind} {value.key})"
    if isinstance(value, str) and value and value.isprintable():
        text = value
    else:
        text = _text(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _compare(
    before: object, after: object, path: str, field: str, *, remote: bool
) -> Iterator[Difference]:
    if isinstance(before, list) and isinstance(after, list):
        before, after = _matched(before, after, field)
    if isinstance(before, dict) and isinstance(after, dict):
        in_list = field in KEYED_LISTS
        # What lies in a list or in a map of the user's is no field of the API's.
        own = in_list or field in OWN_MAPS
        for name in sorted(before.keys() | after.keys(), key=str):
            inner = f"[{name}]" if in_list else f".{name}" if path else str(name)
            below = "" if own else str(name)
            if not remote or name in after or own or name in DEFAULTS:
                old, new = before.get(name), after.get(name)
                yield from _compare(old, new, path + inner, below, remote=remote)
    elif isinstance(before, list) and isinstance(after, list):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _compare(old, new, f"{path}[{number}]", "", remote=remote)
    elif not _equal(before, after, field, remote=remote):
        yield Difference(path, before, after)


def _matched(
    before: list[object], after: list[object], field: str
) -> tuple[object, object]:
    """Two lists as mappings by what tells their items apart, where something does.

    Lists of equal length without such a key stay lists, to be compared item by item;
    others become tuples, to be compared as a whole.
    """
    key = KEYED_LISTS.get(field)
    items = [item for item in (*before, *after) if isinstance(item, dict)]
    if key and len(items) == len(before) + len(after) and all(key in i for i in items):
        half = len(before)
        return {i[key]: i for i in items[:half]}, {i[key]: i for i in items[half:]}
    if field in UNORDERED:
        before, after = sorted(before, key=_text), sorted(after, key=_text)
    if len(before) == len(after):
        return before, after
    return tuple(before), tuple(after)


def _equal(before: object, after: object, field: str, *, remote: bool) -> bool:
    if isinstance(after, Reference):
        return str(before) == after.remote_id
    if before in _EMPTY and after in _EMPTY:
        return True
    if not remote:
        return before == after
    if _unset(before, field) and _unset(after, field):
        return True
    return before == after or str(before) == str(after)


def _unset(value: object, field: str) -> bool:
    """Whether a value says no more than what the server assumes without it."""
    default = DEFAULTS.get(field)
    if value in _EMPTY or value == default:
        return True
    if isinstance(value, dict):
        inside = (_unset(inner, name) for name, inner in value.items())
        return default is None and all(inside)
    return default is None and value in (False, 0)


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=shown)
