"""Writes mdf_magics/definitions/api_fields.json from databricks-sdk's own classes.

`make api-fields` runs it, once after each update of databricks-sdk; a test fails until
then. The roots are what `JobSettings`, `Task` and `PipelinesAPI.create` take, without
what mdf fills in itself.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from pathlib import Path
from typing import Any

from databricks.sdk.service import jobs, pipelines

from mdf_magics.definitions import api_fields
from mdf_magics.definitions.api_fields import Kind, Types, filled

FILE = Path(api_fields.__file__).with_name("api_fields.json")


def text() -> str:
    """The file's content: sorted, one type a line."""
    found: Types = {}
    creation = typing.get_type_hints(pipelines.PipelinesAPI.create)
    del creation["return"]
    roots: dict[Kind, dict[str, Any]] = {
        "job": _hints(jobs.JobSettings),
        "pipeline": creation,
        "task": _hints(jobs.Task),
    }
    for kind, hints in roots.items():
        found[kind] = _fields(
            {name: hint for name, hint in hints.items() if filled(kind, name) is None},
            found,
        )
    lines = [
        f"{json.dumps(name)}: {json.dumps(found[name], sort_keys=True)}"
        for name in sorted(found)
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _fields(hints: dict[str, Any], found: Types) -> dict[str, str]:
    return {name: _type(hint, found) for name, hint in hints.items()}


def _type(hint: Any, found: Types) -> str:
    """A type as api_fields.json writes it; what it consists of goes into `found`."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        (hint,) = (one for one in inside if one is not types.NoneType)
        return _type(hint, found)
    if origin is list:
        return f"[{_type(inside[0], found)}]"
    if origin is dict:
        return f"{{{_type(inside[1], found)}}}"
    if hint in (str, int, float, bool):
        return str(hint.__name__)
    name = f"{hint.__module__.rpartition('.')[2]}.{hint.__name__}"
    if name not in found:
        if issubclass(hint, enum.Enum):
            found[name] = [one.value for one in hint]
        else:
            found[name] = {}  # types may contain themselves
            found[name] = _fields(_hints(hint), found)
    return name


def _hints(of: type) -> dict[str, Any]:
    """The types of a class's fields, whose names must be those of the API."""
    asked = _Asked()
    of.from_dict(asked)  # type: ignore[attr-defined]
    names = {field.name for field in dataclasses.fields(of)}
    if names != asked.names:
        raise SystemExit(f"{of}: fields {names} are {asked.names} in the API")
    return typing.get_type_hints(of)


class _Asked(dict[str, Any]):
    """An empty reply that notes what `from_dict` looks for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return default

    def __contains__(self, key: object) -> bool:
        self.names.add(str(key))
        return False


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
