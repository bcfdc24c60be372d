"""Parts become jobs and pipelines, as the workspace's API wants them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from mdf_magics.definitions import models
from mdf_magics.definitions.names import Homes, task_key
from mdf_magics.definitions.reading import Document
from mdf_magics.errors import Place, Problem
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.fitting import UNLISTED
from mdf_magics.planning.graph import Graph
from mdf_magics.planning.placement import Part, Parts
from mdf_magics.planning.yaml_text import yaml_text

RUNTIME_FILE = "src/mdf_runtime.py"

_STARTING = ("schedule", "trigger", "continuous")
"""Fields by which a job starts by itself."""


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

    def part(self, part: Part, files: Sequence[str]) -> Resource:
        """The job or pipeline of a part.

        Args:
            part: The part.
            files: Its generated files, relative to `workflows/<target>`.
        """
        group = self._group(part.group)
        fields = {**getattr(self.project, part.runs_on), **getattr(group, part.runs_on)}
        spec = self._head(part.key, {**group.tags, **fields.pop("tags", {})})
        if part.runs_on == "pipeline":
            spec |= self._pipeline_fields(part, fields, files)
        else:
            spec |= fields
            if not self._is_scheduled_by_a_job(part.group):
                spec |= _schedule(group.schedule)
            spec["tasks"] = [self._task(one, part, group) for one in self._tables(part)]
        used = {*files, *filter(None, map(notebook_file, self._tables(part)))}
        if any(path.endswith(".py") for path in files):
            used.add(RUNTIME_FILE)
        return Resource(
            key=part.key,
            kind=part.runs_on,
            spec=self._paused(spec),
            tables=part.tables,
            files=tuple(sorted(used)),
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
                yield self._starting(f"{name}-schedule", inside, group.schedule, {})

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
        """The parts that have something to run, of one group or of all."""
        return {
            key: part
            for key, part in self.parts.parts.items()
            if part.tables and group in (None, part.group)
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
        return {
            "catalog": self.homes.catalog,
            "schema": f"{self.homes.schema_prefix}{schema}",
            **({} if has_compute else {"serverless": True}),
            **fields,
            "root_path": "../src",
            "libraries": [{"file": {"path": f"../{path}"}} for path in sorted(files)],
        }

    def _task(self, table: Table, part: Part, group: models.Group) -> dict[str, Any]:
        read = self.graph.upstream[table.name]
        waits = [one for one in read if self.parts.placement.get(one) == part.key]
        fields = {**self.project.task, **group.task, **table.settings.task}
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
        starting = {
            key: spec[key] for key in _STARTING if isinstance(spec.get(key), dict)
        }
        paused = {"pause_status": "PAUSED"}
        return spec | {key: value | paused for key, value in starting.items()}


def check_schedules(project: models.Project, document: Document) -> list[Problem]:
    """Schedules that aren't cron, and those on groups and on the whole at once."""
    whole = project.orchestrate.schedule if project.orchestrate else None
    given = [
        (("groups", name, "schedule"), one.schedule)
        for name, one in project.groups.items()
    ]
    problems = []
    for path, schedule in [(("orchestrate", "schedule"), whole), *given]:
        if schedule is None:
            continue
        cron = schedule.quartz_cron_expression
        if len(cron.split()) not in (6, 7):
            message = f'"{cron}" is no Quartz cron expression'
            hint = 'It has six or seven fields, seconds first:  "0 0 6 * * ?" .'
            place = document.place((*path, "quartz_cron_expression"))
            problems.append(Problem("bad-schedule", message, hint, place))
        if whole and schedule is not whole:
            message = f"{path[1]} has a schedule, and so has the whole project"
            hint = "Keep the one in  orchestrate: , or those of the groups."
            place = document.place(path, key=True)
            problems.append(Problem("two-schedules", message, hint, place))
    return problems


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


def notebook_file(table: Table) -> str | None:
    """A notebook's file, relative to `workflows/<target>`; None for other bodies."""
    if table.body.kind != "notebook":
        return None
    return f"src/notebooks/{PurePosixPath(table.body.path).name}"


def resource_yaml(resource: Resource, target: str) -> str:
    """A resource in Databricks bundle format, under its target."""
    kinds = {f"{resource.kind}s": {resource.key: resource.spec}}
    text = yaml_text({"targets": {target: {"resources": kinds}}})
    return f"# Written by mdf from definitions/. Edit those, not this.\n{text}"


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


def _schedule(schedule: models.Schedule | None) -> dict[str, Any]:
    return {"schedule": schedule.model_dump(exclude_none=True)} if schedule else {}
