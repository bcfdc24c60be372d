"""References between resources, and paths of files, in the specs of resources.

`${resources.jobs.gold.id}` stands for an id that only the workspace knows. References
also say in which order resources are made. Paths (`../src/gold.py`) are relative to the
resource's own file, as in Databricks bundles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Protocol

_REFERENCE = re.compile(r"\$\{resources\.(job|pipeline)s\.([A-Za-z0-9_.-]+)\.id\}")
_PATH = re.compile(r"\.\./(src(?:/.+)?)")

PATH_FIELDS = frozenset(
    {"notebook_path", "path", "root_path", "include", "python_file"}
)
"""The fields of the APIs that name a file."""


@dataclass(frozen=True)
class Reference:
    """A reference where its id belongs, for comparing with what the workspace has."""

    key: str
    kind: str
    remote_id: str | None
    """None while the resource isn't made yet."""


class PathOf(Protocol):
    """Where an uploaded file lies: `Workspace.path_of`."""

    def __call__(self, path: str, *, notebook: bool) -> str:
        """The path as the workspace names it."""


def referred(spec: object) -> set[str]:
    """The keys of all resources that a spec refers to."""
    keys: set[str] = set()

    def collect(_field: str, text: str) -> str:
        keys.update(match[2] for match in _REFERENCE.finditer(text))
        return text

    map_texts(spec, collect)
    return keys


def resolved(
    spec: dict[str, Any], ids: Mapping[str, str], path_of: PathOf
) -> dict[str, Any]:
    """A spec as the workspace's API wants it.

    Args:
        spec: The resource as in `workflows/<target>`.
        ids: Key to id, of at least the resources that it refers to.
        path_of: Where an uploaded file lies.

    Raises:
        KeyError: It refers to a resource that has no id.
    """

    def resolve(field: str, text: str) -> object:
        whole = _REFERENCE.fullmatch(text)
        if whole:
            # The Jobs API takes numbers for jobs and text for pipelines.
            remote_id = ids[whole[2]]
            return int(remote_id) if whole[1] == "job" else remote_id
        return _placed(field, text, path_of) or _REFERENCE.sub(
            lambda match: ids[match[2]], text
        )

    return dict(map_texts(spec, resolve))


def comparable(
    spec: dict[str, Any], ids: Mapping[str, str], path_of: PathOf
) -> dict[str, Any]:
    """Like `resolved`, with a `Reference` wherever an id belongs, known or not."""

    def resolve(field: str, text: str) -> object:
        whole = _REFERENCE.fullmatch(text)
        if whole:
            return Reference(whole[2], whole[1], ids.get(whole[2]))
        return _placed(field, text, path_of) or _REFERENCE.sub(
            lambda match: ids.get(match[2], match[0]), text
        )

    return dict(map_texts(spec, resolve))


def map_texts(value: Any, change: Callable[[str, str], object], field: str = "") -> Any:
    """A copy of a spec with every text in it changed.

    Args:
        value: The spec, or a part of it.
        change: Gets the name of the nearest field and the text; returns what to put
            in its place.
        field: The name of the field that `value` is in.
    """
    if isinstance(value, dict):
        return {name: map_texts(item, change, name) for name, item in value.items()}
    if isinstance(value, list):
        return [map_texts(item, change, field) for item in value]
    return change(field, value) if isinstance(value, str) else value


def depths(references: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """How many levels of resources lie below each one that refers to others.

    Args:
        references: Key to the keys that it refers to; keys not in it are ignored.

    Raises:
        graphlib.CycleError: They refer to each other in a circle.
    """
    inside = {key: references.keys() & set(keys) for key, keys in references.items()}
    found: dict[str, int] = {}
    for key in TopologicalSorter(inside).static_order():
        found[key] = 1 + max((found[below] for below in inside[key]), default=-1)
    return found


def _placed(field: str, text: str, path_of: PathOf) -> str | None:
    path = _PATH.fullmatch(text) if field in PATH_FIELDS else None
    return path_of(path[1], notebook=field == "notebook_path") if path else None
