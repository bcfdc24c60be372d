"""Checks what `job:`, `pipeline:` and `task:` pass through to Databricks' APIs.

`api_fields.json` holds the fields of the Jobs and Pipelines APIs with their types, as
databricks-sdk declares them; `make api-fields` writes it. So nothing imports
databricks.sdk here, which takes 3 s.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources as package_files
from typing import Any, Literal

from mdf_magics.definitions.checking import Locate, shown
from mdf_magics.definitions.models import Project
from mdf_magics.definitions.reading import Document
from mdf_magics.errors import Problem, did_you_mean

type Kind = Literal["job", "pipeline", "task"]

type Types = dict[str, dict[str, str] | list[str]]
"""Per type the types of its fields, or the values of an enumeration.

A field's type is `str`, `int`, `float`, `bool` or the name of a type; `[x]` is a list
and `{x}` a mapping from text to x. The kinds are types too.
"""

KINDS: tuple[Kind, ...] = ("job", "pipeline", "task")

_OWN_NAME = "A job or pipeline is named after target, project and part."
_TAKES_IN = "A pipeline makes the group's tables, so it can't take in others."
_PLACED = "Tables go where the target's  catalog:  and  schema_prefix:  say."
_FOUND = "mdf knows its own pipelines by their tags."
_TASK = "A table's task runs its body; a notebook of your own is a transformation."

FILLED: dict[Kind, dict[str, str]] = {
    "job": {
        "name": _OWN_NAME,
        "tasks": "Write tables: each becomes a task.",
        "schedule": "Write  schedule:  in the group, or in  orchestrate: .",
        "access_control_list": "Write  permissions:  in the group.",
    },
    "pipeline": {
        "name": _OWN_NAME,
        "libraries": "Its code is the group's tables; packages go into  "
        "environment: {dependencies: []} .",
        "ingestion_definition": _TAKES_IN,
        "gateway_definition": _TAKES_IN,
        "root_path": "Files go where the target's  root_path:  says.",
        "catalog": _PLACED,
        "schema": _PLACED,
        "target": _PLACED,
        "storage": _PLACED,
        "id": _FOUND,
        "allow_duplicate_names": _FOUND,
        "dry_run": "Looking without creating is what  mdf plan  does.",
    },
    "task": {
        "task_key": "A task is named after its table.",
        "depends_on": "What a table reads comes first; add to it in its  depends_on: .",
    },
}
"""Fields that come from the definitions and can't be passed through, each with what
to write instead. So can't any field of a task that says what it runs (`..._task`)."""

_REFERENCE = re.compile(r"\$\{[^{}]*\}")
_PLATFORM_REFERENCE = re.compile(r"\{\{[^{}]*\}\}")

_SCALARS: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "must be text"),
    "int": ((int,), "must be a whole number"),
    "float": ((int, float), "must be a number"),
    "bool": ((bool,), "must be true or false"),
}


@cache
def api_types() -> Types:
    """The table of types, read once."""
    file = package_files.files("mdf_magics.definitions") / "api_fields.json"
    types: Types = json.loads(file.read_text(encoding="utf-8"))
    return types


def filled(kind: Kind, field: str) -> str | None:
    """What to write instead of a field that we fill; None for one that is free."""
    if kind == "task" and field.endswith("_task"):
        return _TASK
    return FILLED[kind].get(field)


def check_project_fields(project: Project, document: Document) -> list[Problem]:
    """Check what the project, its groups and the job `all` pass through."""
    levels: list[tuple[tuple[str | int, ...], Any]] = [((), project)]
    levels += [(("groups", name), group) for name, group in project.groups.items()]
    problems = [
        problem
        for path, level in levels
        for kind in KINDS
        for problem in check_fields(
            kind, getattr(level, kind), _within(document, (*path, kind))
        )
    ]
    if project.orchestrate:
        locate = _within(document, ("orchestrate", "job"))
        problems += check_fields("job", project.orchestrate.job, locate)
    for name, group in project.groups.items():
        locate = _within(document, ("groups", name, "tags"))
        problems += _own_tags("the group's tag ", group.tags, locate)
    return problems


def _within(document: Document, path: tuple[str | int, ...]) -> Locate:
    """Where things stand below `path`."""
    return lambda at, key: document.place((*path, *at), key=key)


def check_fields(kind: Kind, value: dict[str, Any], locate: Locate) -> list[Problem]:
    """Check fields that are passed through, nested ones too.

    A text that is one reference `${...}` fits everywhere, one of Databricks'
    references (`{{job.parameters.x}}`) wherever a text, number or truth value does.

    Args:
        kind: Whose fields they are.
        value: The fields by their API names.
        locate: Where each part of the value stands.

    Returns:
        Problems `filled-field`, `unknown-field` and `wrong-type`.
    """
    if not value:
        return []
    problems, free = [], {}
    for field, inner in value.items():
        if (instead := filled(kind, field)) is None:
            free[field] = inner
            continue
        message = f"{kind}.{field} is filled in by mdf"
        problems.append(
            Problem("filled-field", message, instead, locate((field,), True))
        )
    tags = value.get("tags")
    if isinstance(tags, dict):
        problems += _own_tags(
            f"{kind}.tags.", tags, lambda at, key: locate(("tags", *at), key)
        )
    return [*problems, *_Check(kind, locate).of_type(kind, free, ())]


def _own_tags(what: str, tags: dict[str, Any], locate: Locate) -> Iterator[Problem]:
    for tag in tags:
        if tag.startswith("mdf_"):
            hint = "Tags that start with mdf_ tell which resources are ours: rename it."
            message = f"{what}{tag} is filled in by mdf"
            yield Problem("filled-field", message, hint, locate((tag,), True))


class _Check:
    """Walks one value beside its type."""

    def __init__(self, kind: Kind, locate: Locate) -> None:
        self.kind = kind
        self.locate = locate

    def of_type(
        self, kind: str, value: Any, path: tuple[str | int, ...]
    ) -> Iterator[Problem]:
        if isinstance(value, str) and _REFERENCE.fullmatch(value):
            return
        if kind[0] == "[":
            yield from self._list(kind[1:-1], value, path)
        elif kind[0] == "{":
            yield from self._mapping(kind[1:-1], value, path)
        elif kind in _SCALARS:
            yield from self._scalar(kind, value, path)
        elif isinstance(fields := api_types()[kind], dict):
            yield from self._fields(fields, value, path)
        else:
            yield from self._choice(fields, value, path)

    def _list(
        self, kind: str, value: Any, path: tuple[str | int, ...]
    ) -> Iterator[Problem]:
        if not isinstance(value, list):
            hint = f"Write it as a list:  [{value}]" if isinstance(value, str) else ""
            yield self._wrong("must be a list", value, hint, path)
            return
        for index, item in enumerate(value):
            yield from self.of_type(kind, item, (*path, index))

    def _mapping(
        self, kind: str, value: Any, path: tuple[str | int, ...]
    ) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield self._wrong("must be a mapping", value, "", path)
            return
        for key, item in value.items():
            yield from self.of_type(kind, item, (*path, key))

    def _fields(
        self, fields: dict[str, str], value: Any, path: tuple[str | int, ...]
    ) -> Iterator[Problem]:
        if not isinstance(value, dict):
            hint = did_you_mean("", fields).replace("There are:", "Its fields are:")
            yield self._wrong("must be a mapping", value, hint, path)
            return
        for key, item in value.items():
            if key in fields:
                yield from self.of_type(fields[key], item, (*path, key))
            else:
                where = self._dotted(path)
                message = f'there is no field "{key}" in {where}'
                hint = did_you_mean(key, fields, limit=20)
                place = self.locate((*path, key), True)
                yield Problem("unknown-field", message, hint, place)

    def _scalar(
        self, kind: str, value: Any, path: tuple[str | int, ...]
    ) -> Iterator[Problem]:
        accepted, expected = _SCALARS[kind]
        if isinstance(value, accepted) and (kind == "bool") == isinstance(value, bool):
            return
        if isinstance(value, str) and _PLATFORM_REFERENCE.fullmatch(value):
            return
        hint = ""
        if value is None:
            hint = "Write a value, or leave the key out."
        elif kind == "str" and not isinstance(value, dict | list):
            hint = f'Write it in quotes:  "{shown(value)}"'
        yield self._wrong(expected, value, hint, path)

    def _choice(
        self, names: list[str], value: Any, path: tuple[str | int, ...]
    ) -> Iterator[Problem]:
        if value in names:
            return
        if isinstance(value, str) and ("${" in value or "{{" in value):
            return
        choice = f"one of {len(names)} words" if len(names) > 4 else " or ".join(names)
        hint = did_you_mean(value if isinstance(value, str) else "", names)
        yield self._wrong(f"must be {choice}", value, hint, path)

    def _wrong(
        self, expected: str, value: Any, hint: str, path: tuple[str | int, ...]
    ) -> Problem:
        message = f"{self._dotted(path)} {expected}, not {shown(value)}"
        return Problem("wrong-type", message, hint, self.locate(path, False))

    def _dotted(self, path: tuple[str | int, ...]) -> str:
        return ".".join(str(step) for step in (self.kind, *path))
