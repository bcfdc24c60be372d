"""Small projects as `planning` would compile them: what the deployer is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mdf_magics.errors import Place, Source
from mdf_magics.planning.resources import BuiltTable, Compiled, Resource

RUNTIME = "src/mdf_runtime.py"


def part(
    key: str,
    *tables: str,
    kind: str = "job",
    target: str = "local",
    line: int = 1,
    renamed_from: str | None = None,
    **settings: Any,
) -> Resource:
    """One part: a job with a task per table, or a pipeline."""
    tags = {"mdf_project": "flights", "mdf_target": target, "mdf_key": key}
    spec: dict[str, Any] = {"name": f"[{target}] flights {key}", "tags": tags}
    spec |= settings
    if kind == "job":
        spec["tasks"] = [
            {
                "task_key": table.replace(".", "-"),
                "notebook_task": {
                    "notebook_path": f"../src/{key}.py",
                    "base_parameters": {"table": table, "run_id": "{{job.run_id}}"},
                },
            }
            for table in tables
        ]
    else:
        spec["root_path"] = "../src"
        spec["libraries"] = [{"file": {"path": f"../src/{key}.py"}}]
    source = Source(f"definitions/tables/{key}.yml", "tables:\n" * 20)
    place = Place(source, line)
    files = (f"src/{key}.py", RUNTIME)
    return Resource(
        key,
        kind,
        spec,
        tuple(sorted(tables)),
        files,
        renamed_from=renamed_from,
        place=place,
    )


def whole(
    parts: Sequence[Resource],
    after: Mapping[str, Sequence[str]] | None = None,
    *,
    target: str = "local",
) -> Resource:
    """The job `all`, which runs the parts, each after those that `after` says."""
    tasks = []
    for resource in sorted(parts, key=lambda resource: resource.key):
        key = resource.key
        reference = f"${{resources.{resource.kind}s.{key}.id}}"
        task: dict[str, Any] = {"task_key": key}
        upstream = (after or {}).get(key, ())
        if upstream:
            task["depends_on"] = [{"task_key": other} for other in upstream]
        if resource.kind == "job":
            task["run_job_task"] = {"job_id": reference}
        else:
            task["pipeline_task"] = {"pipeline_id": reference}
        tasks.append(task)
    tags = {"mdf_project": "flights", "mdf_target": target, "mdf_key": "all"}
    spec = {"name": f"[{target}] flights all", "tags": tags, "tasks": tasks}
    return Resource("all", "job", spec)


def compiled(
    *resources: Resource,
    code: Mapping[str, str] | None = None,
    target: str = "local",
    write: Mapping[str, str] | None = None,
    renamed: Mapping[str, str] | None = None,
) -> Compiled:
    """Resources with the files they use.

    `code` is what one of these holds, `write` how tables are written (overwrite when
    left out), `renamed` says what tables were called before.
    """
    paths = sorted({path for resource in resources for path in resource.files})
    texts = {path: f"# {path}\n" for path in paths} | dict(code or {})
    ordered = tuple(sorted(resources, key=lambda resource: resource.key))
    tables = {}
    for table in sorted(one for resource in ordered for one in resource.tables):
        how, before = (write or {}).get(table, "overwrite"), (renamed or {}).get(table)
        home = f"main.{before}" if before else ""
        tables[table] = BuiltTable(f"main.{table}", how, before, home)
    return Compiled(target, ordered, texts, tables)


BRONZE = part("bronze", "bronze.airlines", "bronze.flights")
SILVER = part("silver", "silver.flights", kind="pipeline", serverless=True)
GOLD = part("gold", "gold.delays", "gold.routes", max_concurrent_runs=1, line=4)
ORDER = {"silver": ["bronze"], "gold": ["silver"]}
FLIGHTS = compiled(BRONZE, SILVER, GOLD, whole([BRONZE, SILVER, GOLD], ORDER))
"""Two jobs, a pipeline and `all`, like the example that the design is worked out on."""
WITHOUT_GOLD = compiled(BRONZE, SILVER, whole([BRONZE, SILVER], ORDER))
