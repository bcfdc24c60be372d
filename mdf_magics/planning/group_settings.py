"""Checks what `mdf.yml` says of groups: when and where they run, who may do what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mdf_magics.definitions import models
from mdf_magics.definitions.reading import Document, Path_
from mdf_magics.errors import Problem, closest, did_you_mean
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.fitting import UNLISTED
from mdf_magics.planning.quartz import cron_fault, from_unix, zone_fault

STARTING = ("schedule", "trigger", "triggers", "continuous")
"""Fields by which a job starts by itself."""

COMPUTE = ("job_cluster_key", "existing_cluster_id", "new_cluster", "environment_key",
           "compute")  # fmt: skip
"""Fields that say where a task runs."""

_KEYS = {"job_clusters": "job_cluster_key", "environments": "environment_key"}
"""Lists of a job, and the field by which a task names one of its items."""

MOST_TAGS = 20
"""A job or pipeline has 25 tags at most (Jobs API), five of which are ours."""


def check_groups(
    project: models.Project, document: Document, tables: Mapping[str, Table]
) -> Iterator[Problem]:
    """What is wrong with the settings of groups and of the whole."""
    used = {table.group for table in tables.values()}
    for name, group in project.groups.items():
        yield from _check_group(name, group, project, document)
        told = group.renamed_from in used or closest(name, used - project.groups.keys())
        if used and name not in used and not told:
            message = f"the group {name} has no tables, so nothing comes of it"
            hint = did_you_mean(name, used) or "Remove it, or give it a table."
            place = document.place(("groups", name), key=True)
            yield Problem("empty-group", message, hint, place, "warning")
    whole = project.orchestrate or None
    if whole:
        path = ("orchestrate", "schedule")
        yield from _check_schedule(whole.schedule, path, document)
        yield from _check_tags(whole.job.get("tags"), ("orchestrate", "job"), document)


def check_compute(
    tables: Mapping[str, Table], project: models.Project
) -> Iterator[Problem]:
    """Tables whose task names a cluster or environment that their job hasn't got."""
    listed: dict[str, dict[str, list[str]]] = {}
    for table in tables.values():
        group = project.groups.get(table.group, UNLISTED)
        if group.runs_on != "job":
            continue
        if table.group not in listed:
            job = own_fields(project, group)
            listed[table.group] = {field: listed_keys(job, field) for field in _KEYS}
        lists = listed[table.group]
        task = task_fields(project, group, table)
        if not task and not any(len(known) > 1 for known in lists.values()):
            continue
        for field, key in _KEYS.items():
            known = lists[field]
            if (named := task.get(key)) is not None and named not in known:
                message = f'{table.name} runs on "{named}", which its job hasn\'t got'
                hint = did_you_mean(str(named), known)
                hint = hint or f"List it in  job: {{{field}: ...}} ."
            elif (
                len(known) > 1
                and not any(one in task for one in COMPUTE)
                and not (field == "environments" and lists["job_clusters"])
            ):
                message = f"{table.name} doesn't say where it runs"
                hint = f"Its job has several: write  task: {{{key}: {known[0]}}} ."
            else:
                continue
            place = table.entry.place(("task", key))
            yield Problem("unknown-compute", message, hint, place)


def own_fields(project: models.Project, group: models.Group) -> dict[str, Any]:
    """The fields of a group's jobs or pipelines, over the project's."""
    return {**getattr(project, group.runs_on), **getattr(group, group.runs_on)}


def task_fields(
    project: models.Project, group: models.Group, table: Table
) -> dict[str, Any]:
    """The fields of a table's task: the table's over the group's and the project's."""
    return {**project.task, **group.task, **table.settings.task}


def placed_task(task: dict[str, Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """A task's fields; one that names no compute gets its job's, if there is only one.

    A job whose tasks name none of them would leave its clusters unused, and a notebook
    wouldn't get its environment's packages.
    """
    if not any(one in task for one in COMPUTE):
        for field, key in _KEYS.items():
            known = listed_keys(job, field)
            if len(known) == 1:
                return {key: known[0], **task}
    return task


def listed_keys(job: Mapping[str, Any], field: str) -> list[str]:
    """The keys of a job's clusters or environments."""
    items = job.get(field)
    found = items if isinstance(items, list) else []
    keys = (one.get(_KEYS[field]) for one in found if isinstance(one, dict))
    return [one for one in keys if isinstance(one, str)]


def is_continuous(project: models.Project, group: models.Group) -> bool:
    """Whether a group's parts run all the time, so that nothing starts them."""
    return bool(own_fields(project, group).get("continuous"))


def _check_group(
    name: str, group: models.Group, project: models.Project, document: Document
) -> Iterator[Problem]:
    path: Path_ = ("groups", name)
    yield from _check_schedule(group.schedule, (*path, "schedule"), document)
    yield from _check_starting(name, group, project, document)
    for kind in ("job", "pipeline"):
        tags = {**group.tags, **(getattr(group, kind).get("tags") or {})}
        at = (*path, "tags") if group.tags else (*path, kind, "tags")
        yield from _check_tags(tags, at, document)
    if group.renamed_from in project.groups:
        message = f"the group {group.renamed_from} is there, so {name} can't be it"
        hint = "Remove  renamed_from: , or the group of the earlier name."
        place = document.place((*path, "renamed_from"))
        yield Problem("renamed-group", message, hint, place)
    for index, one in enumerate(group.permissions):
        who = one.model_dump(exclude={"permission_level"}, exclude_none=True)
        if len(who) != 1:
            message = f"a permission of {name} names {len(who)} holders, not one"
            hint = "They are  group_name: ,  user_name:  or  service_principal_name: ."
            place = document.place((*path, "permissions", index))
            yield Problem("bad-permission", message, hint, place)
    if group.pipeline.get("clusters") and group.pipeline.get("serverless"):
        message = f"the pipelines of {name} are serverless and have clusters"
        place = document.place((*path, "pipeline", "clusters"), key=True)
        yield Problem("two-computes", message, "Keep one of them.", place)


def _check_starting(
    name: str, group: models.Group, project: models.Project, document: Document
) -> Iterator[Problem]:
    """What starts by itself in two ways."""
    path: Path_ = ("groups", name)
    whole = project.orchestrate.schedule if project.orchestrate else None
    fields = getattr(group, group.runs_on)
    own = [(*path, group.runs_on, one) for one in STARTING if fields.get(one)]
    own += [(*path, "schedule")] if group.schedule else []
    if whole and own:
        message = f"{name} has a {own[-1][-1]}, and the whole project a schedule"
        hint = "Keep the one in  orchestrate: , or those of the groups."
        place = document.place(own[-1], key=True)
        yield Problem("two-schedules", message, hint, place)
    elif len(own) > 1:
        ways = " and ".join(str(one[-1]) for one in own)
        message = f"{name} starts by itself in two ways: {ways}"
        place = document.place(own[0], key=True)
        yield Problem("two-schedules", message, "Keep one of them.", place)


def _check_schedule(
    schedule: models.Schedule | None, path: Path_, document: Document
) -> Iterator[Problem]:
    if schedule is None:
        return
    cron = schedule.quartz_cron_expression
    if fault := cron_fault(cron):
        message = f'"{cron}" is no Quartz cron expression: {fault}'
        meant = from_unix(cron) or "0 0 6 * * ?"
        hint = f'Seconds come first, and ? is the day that is left open:  "{meant}" .'
        place = document.place((*path, "quartz_cron_expression"))
        yield Problem("bad-schedule", message, hint, place)
    if near := zone_fault(schedule.timezone_id):
        message = f'there is no time zone "{schedule.timezone_id}"'
        place = document.place((*path, "timezone_id"))
        yield Problem("bad-schedule", message, near, place)


def _check_tags(tags: Any, path: Path_, document: Document) -> Iterator[Problem]:
    if isinstance(tags, dict) and len(tags) > MOST_TAGS:
        message = f"there are {len(tags)} tags, and room for {MOST_TAGS}"
        hint = "The platform allows 25 on a job or pipeline; five are mdf's own marks."
        yield Problem("too-many-tags", message, hint, document.place(path, key=True))
