"""Bodies checked against databricks-sdk's own types: unknown fields, wrong values.

The real API lets some unknown fields pass. Here they are errors: whoever sends one
believes that it does something.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any

from tests.workspace.errors import ApiError, bad


def check_body(call: Callable[..., Any], body: Mapping[str, Any], *also: str) -> None:
    """Refuse a body that a method of databricks-sdk would not send.

    Args:
        call: The method, such as `JobsAPI.create`.
        body: What was sent.
        also: Fields that the API has and the method hasn't.
    """
    hints = {name: hint for name, hint in _hints(call).items() if name != "return"}
    _check_fields(hints, {k: v for k, v in body.items() if k not in also}, "")


def check_type(of: type, value: Any, path: str) -> None:
    """Refuse a value that isn't one of this class of databricks-sdk."""
    _check(of, value, path)


@cache
def _hints(of: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(of)


def _check_fields(hints: Mapping[str, Any], value: Any, path: str) -> None:
    if not isinstance(value, Mapping):
        raise _wrong(path, "an object", value)
    for name, inside in value.items():
        at = f"{path}.{name}" if path else name
        if name not in hints:
            raise ApiError(400, "MALFORMED_REQUEST", f"unknown field: {at}")
        _check(hints[name], inside, at)


def _check(hint: Any, value: Any, path: str) -> None:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is not None:
            (hint,) = (one for one in inside if one is not types.NoneType)
            _check(hint, value, path)
    elif origin in (list, dict):
        if not isinstance(value, origin):
            raise _wrong(path, "a list" if origin is list else "an object", value)
        named = value.items() if isinstance(value, dict) else enumerate(value)
        for name, item in named:
            _check(inside[-1], item, f"{path}.{name}")
    elif dataclasses.is_dataclass(hint):
        _check_fields(_hints(typing.cast("Hashable", hint)), value, path)
    elif isinstance(hint, type):
        _check_plain(hint, value, path)


def _check_plain(hint: type, value: Any, path: str) -> None:
    if issubclass(hint, enum.Enum):
        known = [one.value for one in hint]
        if value not in known:
            raise _wrong(path, f"one of {known}", value)
    elif not _is(hint, value):
        raise _wrong(path, hint.__name__, value)


def _is(hint: type, value: Any) -> bool:
    if hint is bool or isinstance(value, bool):
        return hint is bool and isinstance(value, bool)
    return isinstance(value, (int, float) if hint is float else hint)


def _wrong(path: str, wanted: str, value: Any) -> ApiError:
    return bad(f"{path or 'the body'} must be {wanted}, not {value!r}")
