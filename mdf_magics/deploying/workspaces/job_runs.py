"""A job's run as the Jobs API tells it: its tasks are tables, jobs and pipelines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mdf_magics.deploying.workspaces.pipeline_updates import Update
from mdf_magics.deploying.workspaces.protocol import TableRun, WorkspaceError
from mdf_magics.deploying.workspaces.rest import Rest
from mdf_magics.deploying.workspaces.watching import Followed, Watched, millis, shown

_JOBS = "/api/2.2/jobs"
_PIPELINES = "/api/2.0/pipelines"

_ENDED = {
    "SUCCESS": "succeeded",
    "SUCCESS_WITH_FAILURES": "failed",
    "CANCELED": "cancelled",
    "UPSTREAM_FAILED": "skipped",
    "UPSTREAM_CANCELED": "skipped",
    "EXCLUDED": "skipped",
    "DISABLED": "",
}
"""The results of tasks in our words; others are failures. Disabled: not asked for."""


class JobRun:
    """One run of a job: its tasks are tables, other jobs or pipelines."""

    def __init__(self, rest: Rest, watched: Watched, run_id: str) -> None:
        self._rest = rest
        self._watched = watched
        self._run_id = run_id
        self._told: set[int] = set()
        self._followed: set[int] = set()
        self.ended = False
        self.url: str | None = None
        self.trouble: TableRun | None = None

    def look(self) -> list[Followed]:
        """See how far it is; returns runs that it has started meanwhile."""
        run = self._read()
        self.url = run.get("run_page_url")
        begun: list[Followed] = []
        for task in _newest(run.get("tasks") or []):
            if "run_job_task" in task or "pipeline_task" in task:
                begun += self._follow(task)
            elif task["run_id"] not in self._told:
                self._tell(task)
        status, said = _result(run)
        self.ended = bool(status) and status != "running"
        if self.ended and status != "succeeded":
            name = str(run.get("run_name") or self._run_id)
            self.trouble = TableRun(name, status, error=said or status, url=self.url)
        return begun

    def _read(self) -> dict[str, Any]:
        query = {"run_id": self._run_id}
        run = self._rest.read(f"{_JOBS}/runs/get", query)
        token = run.get("next_page_token")
        while token:
            more = self._rest.read(f"{_JOBS}/runs/get", {**query, "page_token": token})
            run["tasks"] += more.get("tasks") or []
            token = more.get("next_page_token")
        return run

    def _follow(self, task: Mapping[str, Any]) -> Iterator[Followed]:
        status, said = _result(task)
        if status == "skipped":
            error = said or "what it waits for failed"
            self._watched.say(TableRun(task["task_key"], "skipped", error=error))
        run_id = task["run_id"]
        if not status or status == "skipped" or run_id in self._followed:
            return
        child = self._child(task)
        if child is not None:
            self._followed.add(run_id)
            yield child
        elif status not in ("running", "succeeded"):
            self._followed.add(run_id)
            url = task.get("run_page_url")
            self._watched.say(TableRun(task["task_key"], status, error=said, url=url))

    def _child(self, task: Mapping[str, Any]) -> Followed | None:
        """What a task has started; None while that isn't known."""
        if "run_job_task" in task:
            output = self._output(task).get("run_job_output") or {}
            run_id = output.get("run_id")
            return JobRun(self._rest, self._watched, str(run_id)) if run_id else None
        pipeline_id = task["pipeline_task"]["pipeline_id"]
        place = f"{_PIPELINES}/{pipeline_id}/updates"
        for one in self._rest.read(place, {"max_results": 10}).get("updates") or []:
            late = millis(one.get("creation_time")) >= task.get("start_time", 0) - 1000
            if late and one.get("cause", "JOB_TASK") == "JOB_TASK":
                update_id, key = one["update_id"], task["task_key"]
                return Update(self._rest, self._watched, pipeline_id, update_id, key)
        return None

    def _tell(self, task: Mapping[str, Any]) -> None:
        status, said = _result(task)
        if not status:
            return
        name, url = table_of(task), task.get("run_page_url")
        run = TableRun(name, status, url=url)
        if status != "running":
            self._told.add(task["run_id"])
            ended = shown(task.get("end_time"))
            run = replace(run, seconds=_seconds(task), finished=ended)
        if status in ("succeeded", "failed"):
            run = self._with_output(run, task, said)
        elif status in ("skipped", "cancelled"):
            run = replace(run, seconds=None, error=said or _because(status))
        self._watched.say(run)

    def _with_output(
        self, run: TableRun, task: Mapping[str, Any], said: str
    ) -> TableRun:
        output = self._output(task)
        if run.status == "failed":
            return replace(run, error=output.get("error") or said or "it failed")
        left = _json((output.get("notebook_output") or {}).get("result"))
        rows, seconds = left.get("rows"), left.get("seconds")
        return replace(
            run,
            rows=rows if isinstance(rows, int) else None,
            seconds=seconds if isinstance(seconds, float | int) else run.seconds,
        )

    def _output(self, task: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._rest.read(
                f"{_JOBS}/runs/get-output", {"run_id": task["run_id"]}
            )
        except WorkspaceError:
            return {}  # what the task itself says has to do


def _newest(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last attempt at each task."""
    newest: dict[str, dict[str, Any]] = {}
    for task in tasks:
        known = newest.get(task["task_key"], {})
        if task.get("attempt_number", 0) >= known.get("attempt_number", 0):
            newest[task["task_key"]] = task
    return list(newest.values())


def _result(step: Mapping[str, Any]) -> tuple[str, str]:
    """How a run or task is, in our words, and what the workspace says about it.

    Empty: it hasn't begun, or wasn't asked for.
    """
    state = step.get("state") or {}
    said = str(state.get("state_message") or "")
    result = state.get("result_state")
    cycle = state.get("life_cycle_state")
    if not state:
        status = step.get("status") or {}
        details = status.get("termination_details") or {}
        said, cycle = str(details.get("message") or ""), status.get("state")
        result = _CODES.get(details["code"], "FAILED") if "code" in details else None
    if result:
        return _ENDED.get(result, "failed"), said
    if cycle == "INTERNAL_ERROR":
        return "failed", said
    if cycle == "SKIPPED":
        return "skipped", said
    return ("running" if cycle in ("RUNNING", "TERMINATING") else ""), said


_CODES = {"SUCCESS": "SUCCESS", "USER_CANCELED": "CANCELED", "CANCELED": "CANCELED",
          "SKIPPED": "UPSTREAM_FAILED"}  # fmt: skip


def _because(status: str) -> str:
    return "it was cancelled" if status == "cancelled" else "what it reads failed"


def table_of(task: Mapping[str, Any]) -> str:
    """The table that a task of ours builds."""
    parameters = (task.get("notebook_task") or {}).get("base_parameters") or {}
    return str(parameters.get("table") or task["task_key"].replace("-", ".", 1))


def _seconds(task: Mapping[str, Any]) -> float | None:
    began, ended = task.get("start_time") or 0, task.get("end_time") or 0
    return (ended - began) / 1000 if began and ended else None


def _json(text: Any) -> dict[str, Any]:
    """What a notebook of ours has left; others may leave anything."""
    try:
        left = json.loads(text or "")
    except ValueError:
        return {}
    return left if isinstance(left, dict) else {}
