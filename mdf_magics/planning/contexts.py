"""How many notebooks run on one classic cluster at once.

Each takes an execution context there, and a cluster has no more than 145 (Databricks'
documentation, "Resource limits"): what comes then fails. Serverless compute has no such
limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mdf_magics.definitions import models
from mdf_magics.errors import Problem
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.fitting import UNLISTED
from mdf_magics.planning.graph import Graph
from mdf_magics.planning.group_settings import own_fields, placed_task, task_fields
from mdf_magics.planning.limits import CONTEXTS
from mdf_magics.planning.placement import Part, Parts

_SHARED = ("job_cluster_key", "existing_cluster_id")
"""Fields of a task that name a cluster which other tasks may use, too."""


def check_contexts(
    tables: Mapping[str, Table], graph: Graph, project: models.Project, parts: Parts
) -> Iterator[Problem]:
    """Clusters on which more tables of one job start at once than it has contexts.

    Only those count that surely do: which are equally many steps behind the first
    tables of their job.
    """
    for part in parts.parts.values():
        if part.runs_on != "job" or len(part.tables) <= CONTEXTS:
            continue
        clusters = _clusters(part, tables, project)
        steps = _steps(part.tables, graph)
        starting: dict[tuple[str, int], list[str]] = {}
        for name, cluster in clusters.items():
            starting.setdefault((cluster, steps[name]), []).append(name)
        for (cluster, _), names in starting.items():
            if len(names) > CONTEXTS:
                count = f"{len(names)} tables of {part.key}"
                message = f'{count} start on the cluster "{cluster}" at once'
                hint = (
                    f"One cluster runs {CONTEXTS} notebooks at once; more fail. Take"
                    " serverless compute, give tables another cluster, or say "
                    f" mdf regroup {part.group} --size {CONTEXTS} ."
                )
                place = tables[names[0]].place
                yield Problem("crowded-cluster", message, hint, place)


def _clusters(
    part: Part, tables: Mapping[str, Table], project: models.Project
) -> dict[str, str]:
    """The shared cluster that each table's task runs on; none on serverless compute."""
    group = project.groups.get(part.group, UNLISTED)
    job = own_fields(project, group)
    clusters = {}
    for name in part.tables:
        task = placed_task(task_fields(project, group, tables[name]), job)
        if named := [str(task[one]) for one in _SHARED if one in task]:
            clusters[name] = named[0]
    return clusters


def _steps(names: Iterable[str], graph: Graph) -> dict[str, int]:
    """How many of these tables must be built before each, one after another."""
    inside = set(names)
    steps: dict[str, int] = {}
    for name in graph.order():
        if name in inside:
            read = inside.intersection(graph.upstream[name])
            steps[name] = max((steps.get(one, 0) + 1 for one in read), default=0)
    return steps
