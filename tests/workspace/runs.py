"""Runs of jobs: run-now, watching, outputs, cancel and repair."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from databricks.sdk.service import jobs as sdk

from tests.workspace.cloud import PAGE, Cloud, Request, Route, millis, page
from tests.workspace.errors import ApiError, bad
from tests.workspace.fields import check_body
from tests.workspace.jobs import Job, Jobs, paged
from tests.workspace.pipelines import Pipelines
from tests.workspace.timeline import SKIPPED, Outcome, Step, selected, timetable

type Perform = Callable[[str, dict[str, Any], dict[str, str]], Outcome]
"""Gets a task's key, its spec and its parameters; says what comes of it."""

_OVERRIDE_BYTES = 10_000


@dataclass
class Run:
    """One run of a job."""

    run_id: int
    job: Job
    started: float
    asked: dict[str, Any]
    steps: list[Step]
    repairs: list[dict[str, Any]] = field(default_factory=list)
    history: list[Step] = field(default_factory=list)
    """Steps that a repair has run again."""

    @property
    def ends(self) -> float:
        """When its last step has ended."""
        return max([self.started, *(step.ends for step in self.steps)])

    def result(self) -> str:
        """The state that the API calls result_state."""
        results = {step.result for step in self.steps}
        if "CANCELED" in results:
            return "CANCELED"
        return "FAILED" if results - {"SUCCESS", "DISABLED"} else "SUCCESS"


class Runs:
    """The runs of a workspace's jobs."""

    def __init__(
        self, cloud: Cloud, jobs: Jobs, pipelines: Pipelines, host: Callable[[], str]
    ) -> None:
        self._cloud = cloud
        self._jobs = jobs
        self._pipelines = pipelines
        self._host = host
        self._tokens: dict[str, int] = {}
        self.runs: dict[int, Run] = {}
        self.outcomes: dict[str, Outcome] = {}
        """Task key to what comes of it; others succeed."""
        self.perform: Perform | None = None
        """Asked about tasks that `outcomes` doesn't name: may really do them."""
        self.routes = [
            Route("POST", r"/api/2\.[12]/jobs/run-now", self._run_now),
            Route("GET", r"/api/2\.[12]/jobs/runs/get", self._get),
            Route("GET", r"/api/2\.[12]/jobs/runs/list", self._list),
            Route("GET", r"/api/2\.[12]/jobs/runs/get-output", self._output),
            Route("POST", r"/api/2\.[12]/jobs/runs/cancel", self._cancel),
            Route("POST", r"/api/2\.[12]/jobs/runs/repair", self._repair),
            Route("POST", r"/api/2\.[12]/jobs/runs/delete", self._delete),
        ]

    def _run_now(self, request: Request) -> Any:
        body = request.body
        check_body(sdk.JobsAPI.run_now, body)
        job = self._jobs.find(request.number("job_id"), changing=True)
        token = body.get("idempotency_token")
        if token and len(token) > 64:
            raise bad("idempotency_token exceeds 64 characters")
        if token in self._tokens:
            run_id = self._tokens[token]
            if run_id not in self.runs:
                raise bad(f"The run of the token {token} was deleted.")
            return {"run_id": run_id, "number_in_job": run_id}
        for name in ("notebook_params", "job_parameters", "pipeline_params"):
            if len(json.dumps(body.get(name) or {})) > _OVERRIDE_BYTES:
                raise bad(f"{name} exceeds {_OVERRIDE_BYTES} bytes")
        run = self._start(job, body, self._cloud.now())
        if token:
            self._tokens[token] = run.run_id
        return {"run_id": run.run_id, "number_in_job": run.run_id}

    def _start(self, job: Job, asked: dict[str, Any], now: float) -> Run:
        active = [
            run for run in self.runs.values() if run.job is job and run.ends > now
        ]
        most = job.settings.get("max_concurrent_runs", 1)
        start = now
        if len(active) >= most:
            start = sorted(run.ends for run in active)[-most]
        tasks = job.settings.get("tasks") or []
        try:
            chosen = selected(tasks, asked.get("only") or [])
        except KeyError as key:
            raise bad(f"The job has no task {key}.") from None
        run = Run(self._cloud.new_id(), job, start, copy.deepcopy(asked), [])
        run.steps = self._steps(run, tasks, chosen, start)
        self.runs[run.run_id] = run
        return run

    def _steps(
        self, run: Run, tasks: list[dict[str, Any]], chosen: set[str], start: float
    ) -> list[Step]:
        steps = timetable(
            tasks, chosen, start, lambda task, at: self._begin(run, task, at)
        )
        for step in steps:
            step.run_id = step.run_id or self._cloud.new_id()
        return steps

    def _begin(self, run: Run, task: dict[str, Any], at: float) -> Step:
        key, run_id = task["task_key"], self._cloud.new_id()
        if "run_job_task" in task:
            child = self._start(self._jobs.find(task["run_job_task"]["job_id"]), {}, at)
            return Step(key, run_id, task, at, child.ends, child.result(), child=child)
        if "pipeline_task" in task:
            asked = {
                **task["pipeline_task"],
                **(run.asked.get("pipeline_params") or {}),
            }
            update = self._pipelines.start(
                asked.pop("pipeline_id"), asked, "JOB_TASK", at
            )
            result = "SUCCESS" if update.succeeds else "FAILED"
            outcome = Outcome(update.succeeds, error=update.error)
            return Step(key, run_id, task, at, update.ends, result, outcome, update)
        outcome = self._outcome(run, task)
        result = "SUCCESS" if outcome.succeeds else "FAILED"
        return Step(key, run_id, task, at, at + outcome.seconds, result, outcome)

    def _outcome(self, run: Run, task: dict[str, Any]) -> Outcome:
        key = task["task_key"]
        if key in self.outcomes or self.perform is None:
            return self.outcomes.get(key, Outcome())
        stated = (task.get("notebook_task") or {}).get("base_parameters") or {}
        filled = {
            name: value.replace("{{job.run_id}}", str(run.run_id))
            for name, value in stated.items()
        }
        return self.perform(key, task, filled)

    def _find(self, run_id: int) -> tuple[Run, Step | None]:
        if run_id in self.runs:
            return self.runs[run_id], None
        for run in self.runs.values():
            for step in (*run.steps, *run.history):
                if step.run_id == run_id:
                    return run, step
        raise bad(f"Run {run_id} does not exist.")

    def _get(self, request: Request) -> Any:
        run, step = self._find(request.number("run_id"))
        shown = self._shown(run)
        if step is not None:
            return self._task(run, step) | {"job_id": run.job.job_id}
        whole, token = paged(shown, request, "run")
        more = {"has_more": True, "next_page_token": token} if token else {}
        return {**whole, **more}

    def _list(self, request: Request) -> Any:
        limit = request.number("limit", 20)
        if not 1 <= limit <= 25:
            raise bad("limit must be between 1 and 25")
        now = self._cloud.now()
        wanted = request.query
        found = [
            run
            for run in sorted(self.runs.values(), key=lambda run: -run.started)
            if wanted.get("job_id", str(run.job.job_id)) == str(run.job.job_id)
            and (wanted.get("active_only") != "true" or run.ends > now)
            and (wanted.get("completed_only") != "true" or run.ends <= now)
        ]
        rows, token = page(found, request, limit, "runs")
        shown = [self._shown(run) for run in rows]
        if wanted.get("expand_tasks") != "true":
            shown = [{k: v for k, v in one.items() if k != "tasks"} for one in shown]
        else:
            shown = [one | {"tasks": one["tasks"][:PAGE]} for one in shown]
        more = {"next_page_token": token} if token else {}
        return {"has_more": bool(token), **({"runs": shown} if shown else {}), **more}

    def _output(self, request: Request) -> Any:
        run, step = self._find(request.number("run_id"))
        if step is None:
            if len(run.steps) != 1:
                raise bad(
                    "Retrieving the output of runs with multiple tasks is not supported."
                )
            step = run.steps[0]
        found: dict[str, Any] = {"metadata": self._task(run, step)}
        now = self._cloud.now()
        if isinstance(step.child, Run) and now >= step.starts:
            found["run_job_output"] = {"run_id": step.child.run_id}
        if now < step.ends:
            return found
        if step.result == "FAILED" and step.outcome.error:
            found["error"] = step.outcome.error
            found["error_trace"] = step.outcome.trace or step.outcome.error
        elif step.result == "SUCCESS" and "notebook_task" in step.spec:
            found["notebook_output"] = {"result": _exit(run, step), "truncated": False}
        return found

    def _cancel(self, request: Request) -> Any:
        check_body(sdk.JobsAPI.cancel_run, request.body)
        run, _ = self._find(request.number("run_id"))
        self._cancel_run(run, self._cloud.now())
        return {}

    def _cancel_run(self, run: Run, now: float) -> None:
        run.started = min(run.started, now)  # one that waits for others never begins
        for step in run.steps:
            if isinstance(step.child, Run):
                self._cancel_run(step.child, now)
            elif step.child is not None:
                step.child.cancel(now)
            step.cancel(now)

    def _repair(self, request: Request) -> Any:
        body = request.body
        check_body(sdk.JobsAPI.repair_run, body)
        run, _ = self._find(request.number("run_id"))
        now = self._cloud.now()
        if run.ends > now:
            raise bad("The run is still active: only ended runs can be repaired.")
        latest = run.repairs[-1]["id"] if run.repairs else None
        if latest != body.get("latest_repair_id"):
            raise bad(f"latest_repair_id must be {latest}")
        if body.get("rerun_all_failed_tasks"):
            again = {
                s.key for s in run.steps if s.result not in ("SUCCESS", "DISABLED")
            }
        else:
            again = set(body.get("rerun_tasks") or [])
        if not again:
            raise bad("There are no tasks to rerun.")
        tasks = run.job.settings.get("tasks") or []
        new = self._steps(run, tasks, again, now)
        rerun = {step.key: step for step in new if step.key in again}
        run.history += [step for step in run.steps if step.key in again]
        run.steps = [rerun.get(step.key, step) for step in run.steps]
        repair_id = self._cloud.new_id()
        run.repairs.append(
            {
                "id": repair_id,
                "type": "REPAIR",
                "start_time": millis(now),
                "task_run_ids": [step.run_id for step in rerun.values()],
            }
        )
        return {"repair_id": repair_id}

    def _delete(self, request: Request) -> Any:
        check_body(sdk.JobsAPI.delete_run, request.body)
        run, _ = self._find(request.number("run_id"))
        if run.ends > self._cloud.now():
            raise ApiError(400, "INVALID_STATE", "The run is still active.")
        del self.runs[run.run_id]
        return {}

    def _shown(self, run: Run) -> dict[str, Any]:
        now = self._cloud.now()
        ended = now >= run.ends
        cycle = "TERMINATED" if ended else "RUNNING" if now >= run.started else "QUEUED"
        result = run.result() if ended else ""
        failed = [step.key for step in run.steps if step.result == "FAILED"]
        said = f"Task {failed[0]} failed with message: {_WORKLOAD}." if failed else ""
        shown = {
            "job_id": run.job.job_id,
            "run_id": run.run_id,
            "job_run_id": run.run_id,
            "number_in_job": run.run_id,
            "run_name": run.job.settings.get("name"),
            "run_type": "JOB_RUN",
            "creator_user_name": run.job.creator,
            "start_time": millis(run.started),
            "run_page_url": f"{self._host()}/jobs/{run.job.job_id}/runs/{run.run_id}",
            "state": _state(cycle, result, said if ended else ""),
            "status": _status(cycle, result, said if ended else ""),
            "tasks": [self._task(run, step) for step in run.steps],
        }
        if ended:
            shown["end_time"] = millis(run.ends)
        if run.repairs:
            first = {"type": "ORIGINAL", "start_time": millis(run.started)}
            shown["repair_history"] = [first, *run.repairs]
        return shown

    def _task(self, run: Run, step: Step) -> dict[str, Any]:
        now = self._cloud.now()
        cycle = step.life_cycle(now)
        ended = now >= step.ends
        said = _WORKLOAD if ended and step.result == "FAILED" else ""
        url = f"{self._host()}/jobs/{run.job.job_id}/runs/{step.run_id}"
        kept = ("task_key", "depends_on", "run_if", "notebook_task", "run_job_task")
        return {
            **{
                name: step.spec[name]
                for name in (*kept, "pipeline_task")
                if name in step.spec
            },
            "run_id": step.run_id,
            "attempt_number": 0,
            "run_page_url": url,
            "start_time": millis(step.starts) if now >= step.starts else 0,
            "end_time": millis(step.ends) if ended else 0,
            "state": _state(cycle, step.result if ended else "", said),
            "status": _status(cycle, step.result if ended else "", said),
        }


_WORKLOAD = "Workload failed, see run output for details"

_TERMINATION = {
    "SUCCESS": ("SUCCESS", "SUCCESS"),
    "CANCELED": ("USER_CANCELED", "SUCCESS"),
    "FAILED": ("RUN_EXECUTION_ERROR", "CLIENT_ERROR"),
}


def _state(cycle: str, result: str, said: str) -> dict[str, Any]:
    known = {"result_state": result} if result else {}
    return {"life_cycle_state": cycle, **known, "state_message": said}


def _status(cycle: str, result: str, said: str) -> dict[str, Any]:
    if not result:
        return {"state": cycle}
    code, kind = _TERMINATION.get(result, ("SKIPPED", "CLIENT_ERROR"))
    if result in SKIPPED:
        code = "SKIPPED"
    return {
        "state": "TERMINATED",
        "termination_details": {"code": code, "type": kind, "message": said},
    }


def _exit(run: Run, step: Step) -> str:
    """What a notebook of ours exits with."""
    if step.outcome.result is not None:
        return step.outcome.result
    parameters = step.spec["notebook_task"].get("base_parameters") or {}
    return json.dumps(
        {
            "run_id": str(run.run_id),
            "name": parameters.get("table", step.key),
            "started": datetime.fromtimestamp(step.starts, UTC).isoformat(),
            "seconds": step.outcome.seconds,
            "rows": step.outcome.rows,
            "status": "succeeded",
        }
    )
