"""What the platform allows, with the reason in each message.

The figures are those of Databricks' documentation ("Resource limits", "Jobs API",
"Fix high initialization times in pipelines").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mdf_magics.definitions import models
from mdf_magics.definitions.reading import Document
from mdf_magics.errors import Problem
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.fitting import UNLISTED
from mdf_magics.planning.group_settings import own_fields

if TYPE_CHECKING:
    from mdf_magics.planning.resources import Resource

MOST_TABLES = {"job": 500, "pipeline": 30}
"""Default tables in a part: the page of a job slows beyond 500 tasks, a pipeline's
driver becomes a bottleneck beyond 30 to 40 streaming tables."""

MOST_ON_A_CLUSTER = 100
"""Default tables in a job with a cluster of its own."""

CONTEXTS = 145
"""Notebooks that run on one cluster at once, at most: each takes a context."""

LIMITS = {"job": 1000, "pipeline": 1000}
"""Tasks of a job, tables of a pipeline (quarantines are tables, too)."""

REASONS = {
    "job": "a job takes 1,000 tasks",
    "pipeline": "a pipeline takes 1,000 tables, those of rejected rows included",
}

MEGABYTE = 1_000_000
MOST_PARAMETERS = 1 * MEGABYTE
"""Bytes of the parameters of one notebook task, as JSON."""
MOST_BODY = 10 * MEGABYTE
"""Bytes of the request that makes a job or pipeline."""
MOST_FILE = 10 * MEGABYTE
"""Bytes of one uploaded file (Workspace API, "import")."""
MOST_DESCRIPTION = 27_700
"""Characters of a job's description."""

_CLASSIC = ("job_clusters", "job_cluster_key", "new_cluster", "existing_cluster_id")


def most_tables(project: models.Project, name: str) -> int:
    """Tables that a part of the group takes before another is begun."""
    group = project.groups.get(name, UNLISTED)
    usual = MOST_TABLES[group.runs_on]
    if group.runs_on == "job" and is_classic(project, group):
        usual = MOST_ON_A_CLUSTER
    return min(group.max_tables or usual, LIMITS[group.runs_on])


def why_so_many(project: models.Project, name: str) -> str:
    """The reason for a group's `most_tables`, as a clause."""
    group = project.groups.get(name, UNLISTED)
    if group.max_tables:
        most = LIMITS[group.runs_on]
        capped = f", and {REASONS[group.runs_on]}" if group.max_tables > most else ""
        return f"max_tables is {group.max_tables}{capped}"
    if group.runs_on == "pipeline":
        return "a pipeline's driver becomes a bottleneck beyond 30 to 40 tables"
    if is_classic(project, group):
        return f"one cluster runs {CONTEXTS} notebooks at once, with room to spare"
    return "the page of a job slows beyond 500 tasks"


def is_classic(project: models.Project, group: models.Group) -> bool:
    """Whether a group's jobs run on clusters, not on serverless compute."""
    return any(
        key in fields
        for level in (project, group)
        for fields in (level.job, level.task)
        for key in _CLASSIC
    )


def check_limits(
    tables: Mapping[str, Table], project: models.Project, document: Document
) -> Iterator[Problem]:
    """What one group or table alone asks for beyond the limits."""
    for name, group in project.groups.items():
        path = ("groups", name)
        most = LIMITS[group.runs_on]
        if group.max_tables and group.max_tables > most:
            message = f"max_tables of {name} is {group.max_tables:,}, not {most:,}"
            hint = f"At most: {REASONS[group.runs_on]}."
            place = document.place((*path, "max_tables"))
            yield Problem("limit-exceeded", message, hint, place, "warning")
        description = own_fields(project, group).get("description")
        if isinstance(description, str) and len(description) > MOST_DESCRIPTION:
            message = f"the description of {name} has {len(description):,} characters"
            hint = f"The Jobs API takes {MOST_DESCRIPTION:,}."
            place = document.place((*path, group.runs_on, "description"))
            yield Problem("limit-exceeded", message, hint, place)
    for table in tables.values():
        if table.body.kind != "notebook":
            continue
        size = _size(table.arguments)
        if size > MOST_PARAMETERS:
            message = f"the arguments of {table.name} have {_megabytes(size)}"
            hint = "A notebook task takes 1 MB of parameters: put them into a table."
            place = table.entry.place(("arguments",))
            yield Problem("limit-exceeded", message, hint, place)


def check_sizes(
    resources: tuple[Resource, ...],
    files: Mapping[str, str],
    tables: Mapping[str, Table],
) -> Iterator[Problem]:
    """What is too large once it is generated."""
    for one in resources:
        tasks = one.spec.get("tasks", [])
        if len(tasks) > LIMITS["job"]:
            message = f"the job {one.key} would have {len(tasks):,} tasks"
            hint = f"{REASONS['job'].capitalize()}: set a larger  max_tables:  , or "
            hint += "leave the whole out with  orchestrate: false ."
            yield Problem("limit-exceeded", message, hint, one.place)
        size = _size(one.spec)
        if size > MOST_BODY:
            message = f"the {one.kind} {one.key} would have {_megabytes(size)}"
            hint = "The API takes 10 MB: set a smaller  max_tables: ."
            yield Problem("limit-exceeded", message, hint, one.place)
    for path, text in files.items():
        # a character has four bytes at most
        size = len(text) if len(text) * 4 <= MOST_FILE else len(text.encode())
        if size > MOST_FILE:
            owner = next((one for one in resources if path in one.files), None)
            largest = max(
                (tables[name] for name in (owner.tables if owner else ())),
                key=lambda table: len(table.body.text),
                default=None,
            )
            message = f"the file {path} would have {_megabytes(size)}"
            hint = "A workspace takes 10 MB: set a smaller  max_tables:  for its group."
            place = largest.place if largest else None
            yield Problem("limit-exceeded", message, hint, place)


def _size(value: Any) -> int:
    return len(json.dumps(value, default=str, ensure_ascii=False).encode())


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.1f} MB"
