"""Parts become jobs and pipelines, as the workspace's API wants them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from mdf_magics.definitions import models
from mdf_magics.definitions.names import Homes, task_key
from mdf_magics.errors import Place, Problem
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.fitting import UNLISTED
from mdf_magics.planning.graph import Graph
from mdf_magics.planning.group_settings import (
    STARTING,
    is_continuous,
    own_fields,
    placed_task,
    task_fields,
)
from mdf_magics.planning.placement import Part, Parts
from mdf_magics.planning.yaml_text import yaml_text

RUNTIME_FILE = "src/mdf_runtime.py"
NOTEBOOKS = "src/notebooks"
"""Where copies of users' own notebooks lie."""

MADE_BY_US = "Written by mdf from"
"""Stands in every file that is generated, in its first lines or its last."""


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
    permissions: tuple[dict[str, str], ...] = ()
    """Who may do what with it, as the Permissions API wants it: a `permission_level`
    and a `group_name`, `user_name` or `service_principal_name`."""
    renamed_from: str | None = None
    """Its key while its group had an earlier name."""


@dataclass(frozen=True)
class BuiltTable:
    """What a deploy must know of a table, because its data may be concerned."""

    home: str
    """`catalog.schema.table`."""
    write: str
    renamed_from: str | None = None
    """Its earlier name, as in `placement.yml`."""
    earlier_home: str = ""
    """Where it lay under that name."""


@dataclass(frozen=True)
class Compiled:
    """All that a target's definitions come to: resources and the texts of files."""

    target: str
    resources: tuple[Resource, ...]
    """Sorted by key."""
    files: dict[str, str]
    """Path relative to `workflows/<target>` to text: `jobs/x.yml`, `src/x.py`, ..."""
    tables: Mapping[str, BuiltTable] = field(default_factory=dict)
    """The tables that the resources build, by name."""

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


@dataclass(frozen=True)
class ResourceMaker:
    """Makes a target's resources."""

    project: models.Project
    target: models.Target
    identity: Identity
    homes: Homes
    tables: Mapping[str, Table]
    graph: Graph
    parts: Parts
    modules: Collection[str] = ()
    """Names of the project's Python files that lie beside the sources."""

    def part(self, part: Part, files: Sequence[str]) -> Resource:
        """The job or pipeline of a part.

        Args:
            part: The part.
            files: Its generated files, relative to `workflows/<target>`.
        """
        group = self._group(part.group)
        fields = own_fields(self.project, group)
        tables = self._tables(part)
        spec = self._head(part.key, {**group.tags, **fields.pop("tags", {})})
        if part.runs_on == "pipeline":
            spec |= self._pipeline_fields(part, fields, files)
        else:
            spec |= fields
            if not self._is_scheduled_by_a_job(part.group):
                spec |= _schedule(group.schedule)
            spec["tasks"] = [self._task(one, part, group, fields) for one in tables]
        used = {*files, *filter(None, map(notebook_file, tables))}
        if any(path.endswith(".py") for path in files):
            used.add(RUNTIME_FILE)
        if any(one.body.kind == "python" for one in tables):
            used |= {module_file(one) for one in self.modules}
        return Resource(
            key=part.key,
            kind=part.runs_on,
            spec=self._paused(spec),
            tables=part.tables,
            files=tuple(sorted(used)),
            permissions=_permissions(group, part.runs_on),
            renamed_from=part.renamed_from,
            place=self.tables[part.tables[0]].place,
        )

    def whole(self) -> Iterator[Resource]:
        """The job `all`, and a job for each group whose schedule needs one."""
        whole, parts = self.project.orchestrate, self._filled()
        if whole and parts and (len(parts) > 1 or whole.schedule):
            yield self._starting("all", parts, whole.schedule, whole.job)
        for name, group in self.project.groups.items():
            inside = self._filled(name)
            if inside and group.schedule and self._is_scheduled_by_a_job(name):
                starting = self._starting(
                    f"{name}-schedule", inside, group.schedule, {"tags": group.tags}
                )
                earlier = group.renamed_from and f"{group.renamed_from}-schedule"
                yield replace(
                    starting,
                    permissions=_permissions(group, "job"),
                    renamed_from=earlier,
                )

    def _starting(
        self,
        key: str,
        parts: Mapping[str, Part],
        schedule: models.Schedule | None,
        fields: dict[str, Any],
    ) -> Resource:
        """A job that runs parts in their order."""
        spec = self._head(key, fields.get("tags", {})) | _schedule(schedule)
        spec |= {name: value for name, value in fields.items() if name != "tags"}
        spec["tasks"] = [_part_task(part, parts) for part in parts.values()]
        return Resource(key, "job", self._paused(spec))

    def _filled(self, group: str | None = None) -> dict[str, Part]:
        """The parts that have something to start, of one group or of all."""
        return {
            key: part
            for key, part in self.parts.parts.items()
            if part.tables
            and group in (None, part.group)
            and not is_continuous(self.project, self._group(part.group))
        }

    def _tables(self, part: Part) -> list[Table]:
        return [self.tables[name] for name in part.tables]

    def _group(self, name: str) -> models.Group:
        return self.project.groups.get(name, UNLISTED)

    def _is_scheduled_by_a_job(self, group: str) -> bool:
        """Whether a group's schedule can't stand on its one job."""
        runs_on = self._group(group).runs_on
        return runs_on == "pipeline" or len(self._filled(group)) > 1

    def _head(self, key: str, tags: Mapping[str, str]) -> dict[str, Any]:
        run_as = self.target.run_as
        return {
            "name": self.identity.display_name(key),
            "tags": {**tags, **self.identity.tags(key)},
            **({"run_as": run_as.model_dump(exclude_none=True)} if run_as else {}),
        }

    def _pipeline_fields(
        self, part: Part, fields: Mapping[str, Any], files: Sequence[str]
    ) -> dict[str, Any]:
        schema = part.tables[0].partition(".")[0]
        has_compute = {"serverless", "clusters"} & set(fields)
        if self.identity.user:  # as bundles have it: nothing starts by itself
            kept = {key: one for key, one in fields.items() if key not in STARTING}
            fields = {**kept, "development": True}
        return {
            "catalog": self.homes.catalog,
            "schema": f"{self.homes.schema_prefix}{schema}",
            **({} if has_compute else {"serverless": True}),
            **fields,
            "root_path": "../src",
            "libraries": [{"file": {"path": f"../{path}"}} for path in sorted(files)],
        }

    def _task(
        self, table: Table, part: Part, group: models.Group, job: Mapping[str, Any]
    ) -> dict[str, Any]:
        read = self.graph.upstream[table.name]
        waits = [one for one in read if self.parts.placement.get(one) == part.key]
        fields = placed_task(task_fields(self.project, group, table), job)
        notebook = notebook_file(table)
        if notebook:
            parameters = _notebook_parameters(table, self.homes)
        else:
            parameters = {"table": table.name, "run_id": "{{job.run_id}}"}
        path = notebook or f"src/{part.key}.py"
        run = {"notebook_path": f"../{path}", "base_parameters": parameters}
        keys = [task_key(one) for one in waits if self.tables[one].settings.enabled]
        return {
            **_task_head(task_key(table.name), keys),
            "notebook_task": run,
            **fields,
        }

    def _paused(self, spec: dict[str, Any]) -> dict[str, Any]:
        """The spec; in development nothing starts by itself."""
        if not self.identity.user:
            return spec
        paused = {"pause_status": "PAUSED"}
        changed: dict[str, Any] = {}
        for key in STARTING:
            given = spec.get(key)
            if isinstance(given, dict):
                changed[key] = given | paused
            elif isinstance(given, list):
                changed[key] = [one | paused for one in given]
        return spec | changed


def check_notebooks(tables: Mapping[str, Table]) -> list[Problem]:
    """Notebooks of one name: they are uploaded into one folder."""
    first: dict[str, Table] = {}
    problems = []
    for table in tables.values():
        file = notebook_file(table)
        if file is None:
            continue
        known = first.setdefault(file, table).body
        if known.source != table.body.source:
            message = f"two notebooks are called {PurePosixPath(file).name}"
            hint = f"The other is {known.source.name}. Give one another name."
            problem = Problem("two-notebooks", message, hint, table.place)
            problems.append(problem)
    return problems


def module_file(name: str) -> str:
    """The file of one of the project's modules, relative to `workflows/<target>`."""
    return f"src/{name}.py"


def notebook_file(table: Table) -> str | None:
    """A notebook's file, relative to `workflows/<target>`; None for other bodies."""
    if table.body.kind != "notebook":
        return None
    return f"{NOTEBOOKS}/{PurePosixPath(table.body.path).name}"


def resource_yaml(resource: Resource, target: str) -> str:
    """A resource in Databricks bundle format, under its target."""
    spec = dict(resource.spec)
    if resource.permissions:  # a bundle calls the level by another name than the API
        spec["permissions"] = [
            {("level" if key == "permission_level" else key): text
             for key, text in one.items()}
            for one in resource.permissions
        ]  # fmt: skip
    kinds = {f"{resource.kind}s": {resource.key: spec}}
    text = yaml_text({"targets": {target: {"resources": kinds}}})
    return f"# {MADE_BY_US} definitions/. Edit those, not this.\n{text}"


def resource_path(resource: Resource) -> str:
    """A resource's file, relative to `workflows/<target>`."""
    return f"{resource.kind}s/{resource.key}.yml"


def _task_head(key: str, waits: Iterable[str]) -> dict[str, Any]:
    after = [{"task_key": one} for one in waits]
    return {"task_key": key, **({"depends_on": after} if after else {})}


def _part_task(part: Part, parts: Mapping[str, Part]) -> dict[str, Any]:
    """The task that runs a whole part, behind those of these parts that it reads."""
    head = _task_head(part.key, [key for key in part.upstream if key in parts])
    reference = f"${{resources.{part.runs_on}s.{part.key}.id}}"
    if part.runs_on == "pipeline":
        return {**head, "pipeline_task": {"pipeline_id": reference}}
    return {**head, "run_job_task": {"job_id": reference}}


def _notebook_parameters(table: Table, homes: Homes) -> dict[str, str]:
    """A notebook's widgets: text only, as the platform has them."""
    parameters = {"home": table.home}
    for name, value in table.arguments.items():
        if table.parameters[name].type in ("table", "stream"):
            parameters[name] = homes.resolve(value)
        elif isinstance(value, str | dt.date):
            parameters[name] = str(value)
        else:
            parameters[name] = json.dumps(value, default=str)
    return parameters


def _permissions(group: models.Group, kind: str) -> tuple[dict[str, str], ...]:
    """A group's permissions on a resource; who may run a pipeline may run its job."""
    run = {"job": "CAN_MANAGE_RUN", "pipeline": "CAN_RUN"}[kind]
    found = []
    for one in group.permissions:
        given = one.model_dump(exclude_none=True)
        if given["permission_level"] in ("CAN_RUN", "CAN_MANAGE_RUN"):
            given["permission_level"] = run
        found.append(given)
    return tuple(found)


def _schedule(schedule: models.Schedule | None) -> dict[str, Any]:
    return {"schedule": schedule.model_dump(exclude_none=True)} if schedule else {}
