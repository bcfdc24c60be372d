"""Running a job of the local workspace, with the jobs and pipelines it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Protocol

from mdf_magics.deploying.workspaces.protocol import (
    Refused,
    Remote,
    RunRequest,
    TableRun,
)


class RunPart(Protocol):
    """Executes the tables of one job or pipeline, and waits for them."""

    def __call__(
        self,
        part: Remote,
        folder: Path,
        request: RunRequest,
        progress: Callable[[TableRun], None],
    ) -> Iterable[TableRun]:
        """Execute one part.

        Args:
            part: The job or pipeline. In its settings references are ids, files are
                absolute paths and `${project.root}` is filled in.
            folder: The target's uploaded files: `src/` is below it.
            request: What to do; `request.tables` may name tables of other parts too.
            progress: To be called whenever a table's status changes.

        Returns:
            The last word on every table that it built, or should have built.
        """


def run_in_order(
    job: Remote,
    get: Callable[[str, str], Remote],
    run_one: Callable[[Remote], Iterable[TableRun]],
    progress: Callable[[TableRun], None],
) -> list[TableRun]:
    """Run a job; one that starts others runs them in the order of its tasks.

    Args:
        job: The job, or a pipeline.
        get: Reads a job or pipeline by kind and id.
        run_one: Runs one that starts no others.
        progress: Told of every part that is skipped.

    Returns:
        The last word on every table; a task whose upstream failed is skipped.

    Raises:
        Refused: A job starts itself, or has tables of its own beside those it starts.
    """
    return _Run(get, run_one, progress).run(job, ())


class _Run:
    def __init__(
        self,
        get: Callable[[str, str], Remote],
        run_one: Callable[[Remote], Iterable[TableRun]],
        progress: Callable[[TableRun], None],
    ) -> None:
        self._get = get
        self._run_one = run_one
        self._progress = progress

    def run(self, job: Remote, above: tuple[str, ...]) -> list[TableRun]:
        if job.remote_id in above:
            raise Refused(f"the job {job.name} starts itself")
        tasks = {task["task_key"]: task for task in job.settings.get("tasks") or []}
        started = {key: _started(task) for key, task in tasks.items()}
        if not any(started.values()):
            return list(self._run_one(job))
        if not all(started.values()):
            raise Refused(f"the job {job.name} has tables beside the jobs it starts")
        upstream = {
            key: [other["task_key"] for other in task.get("depends_on") or []]
            for key, task in tasks.items()
        }
        outcomes: list[TableRun] = []
        failed: set[str] = set()
        for key in TopologicalSorter(upstream).static_order():
            broken = sorted(failed.intersection(upstream[key]))
            if broken:
                failed.add(key)
                why = f"{', '.join(broken)} failed"
                outcomes.append(TableRun(key, "skipped", error=why))
                self._progress(outcomes[-1])
                continue
            part = self._get(*(started[key] or ("", "")))
            ended = self.run(part, (*above, job.remote_id))
            if any(table.status != "succeeded" for table in ended):
                failed.add(key)
            outcomes += ended
        return outcomes


def _started(task: dict[str, dict[str, object]]) -> tuple[str, str] | None:
    if "run_job_task" in task:
        return "job", str(task["run_job_task"]["job_id"])
    if "pipeline_task" in task:
        return "pipeline", str(task["pipeline_task"]["pipeline_id"])
    return None
