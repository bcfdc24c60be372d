"""Parts become jobs and pipelines, as the workspace's API wants them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import yaml

from mdf_magics.definitions import models
from mdf_magics.definitions.names import Homes, task_key
from mdf_magics.definitions.reading import Document
from mdf_magics.errors import Place, Problem
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.graph import Graph
from mdf_magics.planning.placement import Part, Parts

RUNTIME_FILE = "src/mdf_runtime.py"


@dataclass(frozen=True)
class Resource:
    """A job or a pipeline as the definitions want it."""

    key: str
    """Its part, or `all`; unique over kinds and never dependent on a position."""
    kind: str
    """`job` or `pipeline`."""
    spec: dict[str, Any]
    """Its fields by their API names, as in `workflows/<target>`: files are paths
    relative to the resource's own file (`../src/x.py`), other resources are
    references (`${resources.jobs.x.id}`)."""
    tables: tuple[str, ...] = ()
    """The tables it builds, sorted."""
    files: tuple[str, ...] = ()
    """The uploaded files it uses, relative to `workflows/<target>`, sorted."""
    place: Place | None = field(default=None, compare=False)
    """Where the definitions ask for it; for messages."""


@dataclass(frozen=True)
class Compiled:
    """All that a target's definitions come to: resources and the texts of files."""

    target: str
    resources: tuple[Resource, ...]
    """Sorted by key."""
    files: dict[str, str]
    """Path relative to `workflows/<target>` to text: `jobs/x.yml`, `src/x.py`, ..."""

    @property
    def uploads(self) -> dict[str, str]:
        """The files that a workspace needs: those under `src/`."""
        return {
            path: text for path, text in self.files.items() if path.startswith("src/")
        }


@dataclass(frozen=True)
class Identity:
    """What everything of a target bears: names, tags, state."""

    project: str
    target: str
    user: str = ""
    """Only in development mode, where a target belongs to one user."""

    @property
    def key(self) -> str:
        """`prod`, or `dev.me`: a tag takes no @ and no blank."""
        return f"{self.target}.{self.user}" if self.user else self.target

    def display_name(self, part: str) -> str:
        """`[target] project part`, in development `[target user] project part`."""
        where = f"{self.target} {self.user}" if self.user else self.target
        return f"[{where}] {self.project} {part}"

    def tags(self, part: str) -> dict[str, str]:
        """The tags by which a resource is known as ours."""
        return {
            "mdf_project": self.project,
            "mdf_target": self.key,
            "mdf_key": part,
        }


FILLED = {
    "job": ("name", "tasks"),
    "pipeline": ("name", "libraries", "root_path", "catalog", "schema"),
    "task": ("task_key", "depends_on", "notebook_task"),
}
"""Fields that come from the definitions and can't be passed through."""


def check_pass_through(project: models.Project, document: Document) -> list[Problem]:
    """Fields of `job:`, `pipeline:` and `task:` that we fill ourselves."""
    problems = []
    levels: list[tuple[tuple[str | int, ...], Any]] = [((), project)]
    levels += [(("groups", name), group) for name, group in project.groups.items()]
    for path, level in levels:
        for kind, filled in FILLED.items():
            fields = getattr(level, kind)
            wrong = [key for key in fields if key in filled]
            wrong += [key for key in fields.get("tags", {}) if key.startswith("mdf_")]
            for key in wrong:
                where = (kind, "tags", key) if key.startswith("mdf_") else (kind, key)
                message = f"{kind}.{key} is filled in by mdf"
                place = document.place((*path, *where), key=True)
                problems.append(Problem("filled-field", message, "Remove it.", place))
    return problems


def part_resource(
    part: Part,
    parts: Parts,
    tables: Mapping[str, Table],
    graph: Graph,
    project: models.Project,
    identity: Identity,
    homes: Homes,
    files: Iterable[str],
) -> Resource:
    """The job or pipeline of a part.

    Args:
        part: The part.
        parts: All parts.
        tables: All tables by name.
        graph: Their dependencies.
        project: The project's and its groups' settings.
        identity: Whose it is.
        homes: Where tables' names lead.
        files: The generated files of this part, relative to `workflows/<target>`.
    """
    group = project.groups.get(part.group, models.Group())
    settings = _settings(project, group, part.runs_on)
    spec: dict[str, Any] = {
        "name": identity.display_name(part.key),
        "tags": {**group.tags, **settings.get("tags", {}), **identity.tags(part.key)},
    }
    own_fields = {key: value for key, value in settings.items() if key != "tags"}
    if part.runs_on == "pipeline":
        spec |= _pipeline_fields(part, homes, own_fields, files)
    else:
        spec |= own_fields
        own = group.schedule if not _needs_schedule_job(part, parts) else None
        spec |= _schedule(own, development=bool(identity.user))
        spec["tasks"] = [
            _task(tables[name], part, graph, project, group, homes)
            for name in part.tables
        ]
    used = [f"src/{PurePosixPath(path).name}" for path in files]
    used += [
        _notebook_path(tables[name]).removeprefix("../")
        for name in part.tables
        if tables[name].body.kind == "notebook"
    ]
    if any(path.endswith(".py") and "notebooks/" not in path for path in used):
        used.append(RUNTIME_FILE)
    return Resource(
        key=part.key,
        kind=part.runs_on,
        spec=spec,
        tables=part.tables,
        files=tuple(sorted(set(used))),
        place=tables[part.tables[0]].place,
    )


def whole_resources(
    parts: Parts, project: models.Project, identity: Identity
) -> list[Resource]:
    """The job `all`, and the schedules of groups that need a job for theirs."""
    whole = project.orchestrate
    found = []
    development = bool(identity.user)
    if whole and len(parts.parts) > 1:
        spec = _whole_spec("all", identity, whole.job)
        spec |= _schedule(whole.schedule, development=development)
        spec["tasks"] = [_part_task(part, parts) for part in parts.parts.values()]
        found.append(Resource("all", "job", spec))
    for name, group in project.groups.items():
        inside = [part for part in parts.parts.values() if part.group == name]
        if inside and group.schedule and _needs_schedule_job(inside[0], parts):
            key = f"{name}-schedule"
            spec = _whole_spec(key, identity, {})
            spec |= _schedule(group.schedule, development=development)
            keys = {part.key for part in inside}
            spec["tasks"] = [_part_task(part, parts, keys) for part in inside]
            found.append(Resource(key, "job", spec))
    return found


def resource_yaml(resource: Resource, target: str) -> str:
    """A resource in Databricks bundle format, under its target."""
    content = {
        "targets": {
            target: {"resources": {f"{resource.kind}s": {resource.key: resource.spec}}}
        }
    }
    text = yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, width=10**9, allow_unicode=True
    )
    return f"# Written by mdf from definitions/. Edit those, not this.\n{text}"


def resource_path(resource: Resource) -> str:
    """A resource's file, relative to `workflows/<target>`."""
    return f"{resource.kind}s/{resource.key}.yml"


def _settings(
    project: models.Project, group: models.Group, kind: str
) -> dict[str, Any]:
    """Fields passed through: the project's, and over them the group's."""
    return {**getattr(project, kind), **getattr(group, kind)}


def _pipeline_fields(
    part: Part, homes: Homes, settings: dict[str, Any], files: Iterable[str]
) -> dict[str, Any]:
    schema = part.tables[0].partition(".")[0]
    compute = {} if {"serverless", "clusters"} & set(settings) else {"serverless": True}
    return {
        "catalog": homes.catalog,
        "schema": f"{homes.schema_prefix}{schema}",
        **compute,
        **settings,
        "root_path": "../src",
        "libraries": [{"file": {"path": f"../{path}"}} for path in sorted(files)],
    }


def _task(
    table: Table,
    part: Part,
    graph: Graph,
    project: models.Project,
    group: models.Group,
    homes: Homes,
) -> dict[str, Any]:
    task: dict[str, Any] = {"task_key": task_key(table.name)}
    inside = [name for name in graph.upstream[table.name] if name in part.tables]
    if inside:
        task["depends_on"] = [{"task_key": task_key(name)} for name in inside]
    if table.body.kind == "notebook":
        path, parameters = _notebook_path(table), _notebook_parameters(table, homes)
    else:
        path = f"../src/{part.key}.py"
        parameters = {"table": table.name, "run_id": "{{job.run_id}}"}
    task["notebook_task"] = {"notebook_path": path, "base_parameters": parameters}
    return task | {**project.task, **group.task, **table.settings.task}


def _notebook_path(table: Table) -> str:
    return f"../src/notebooks/{PurePosixPath(table.body.path).name}"


def _notebook_parameters(table: Table, homes: Homes) -> dict[str, str]:
    """A notebook's widgets: text only, as the platform has them."""
    parameters = {"home": table.home}
    for name, value in table.arguments.items():
        kind = table.parameters[name].type
        if kind in ("table", "stream"):
            parameters[name] = homes.resolve(value)
        elif isinstance(value, str):
            parameters[name] = value
        else:
            parameters[name] = json.dumps(value, default=str)
    return parameters


def _part_task(
    part: Part, parts: Parts, inside: set[str] | None = None
) -> dict[str, Any]:
    task: dict[str, Any] = {"task_key": part.key}
    waits = [key for key in part.upstream if inside is None or key in inside]
    if waits:
        task["depends_on"] = [{"task_key": key} for key in waits]
    reference = f"${{resources.{part.runs_on}s.{part.key}.id}}"
    if part.runs_on == "pipeline":
        return task | {"pipeline_task": {"pipeline_id": reference}}
    return task | {"run_job_task": {"job_id": reference}}


def _whole_spec(key: str, identity: Identity, fields: dict[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in fields.items() if name != "tags"}
    tags = {**fields.get("tags", {}), **identity.tags(key)}
    return {"name": identity.display_name(key), "tags": tags, **own}


def _needs_schedule_job(part: Part, parts: Parts) -> bool:
    """Whether a group's schedule can't stand on its one job."""
    inside = [one for one in parts.parts.values() if one.group == part.group]
    return len(inside) > 1 or part.runs_on == "pipeline"


def _schedule(schedule: models.Schedule | None, *, development: bool) -> dict[str, Any]:
    if schedule is None:
        return {}
    fields = schedule.model_dump(exclude_none=True)
    if development:
        fields["pause_status"] = "PAUSED"
    return {"schedule": fields}


class _Dumper(yaml.SafeDumper):
    """Block style with lists indented; equal values are written out each time."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True
