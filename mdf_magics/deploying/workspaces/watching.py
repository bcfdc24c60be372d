"""What the workspace says of a run while it goes on, table by table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mdf_magics.deploying.workspaces.protocol import (
    NotFound,
    RunRequest,
    TableRun,
    WorkspaceError,
)
from mdf_magics.deploying.workspaces.rest import Rest

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

_FLOWS = {
    "STARTING": "running",
    "RUNNING": "running",
    "COMPLETED": "succeeded",
    "FAILED": "failed",
    "SKIPPED": "skipped",
    "EXCLUDED": "",
    "STOPPED": "cancelled",
}
"""The states of flows in our words; others say nothing yet."""


class Watched:
    """What is known of each table so far."""

    def __init__(
        self, request: RunRequest, progress: Callable[[TableRun], None]
    ) -> None:
        """Start with nothing.

        Args:
            request: What was asked for; it knows the tables of each part.
            progress: Told whenever a table's status changes.
        """
        self.request = request
        self._progress = progress
        self._tables: dict[str, TableRun] = {}
        names = {home: name for name, home in request.homes.items()}
        self._names = names | {
            home.partition(".")[2]: name for home, name in names.items()
        }

    def say(self, run: TableRun) -> None:
        """Note what is known of a table now."""
        before = self._tables.get(run.name)
        if before == run:
            return
        if before is None or before.status != run.status:
            self._tables.pop(run.name, None)  # those that ended last come last
        self._tables[run.name] = run
        if before is None or before.status != run.status:
            self._progress(run)

    def table_of(self, dataset: str) -> str | None:
        """The table that an event log calls `catalog.schema.table`, or less."""
        return self._names.get(dataset) or self._names.get(dataset.replace("`", ""))

    def known(self, name: str) -> TableRun | None:
        """What is known of a table."""
        return self._tables.get(name)

    def has_failure(self) -> bool:
        """Whether any table didn't succeed."""
        return any(
            one.status not in ("succeeded", "running") for one in self._tables.values()
        )

    def outcomes(self) -> list[TableRun]:
        """The last word on every table, in the order in which they ended."""
        return list(self._tables.values())


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

    def look(self) -> list[JobRun | Update]:
        """See how far it is; returns runs that it has started meanwhile."""
        run = self._read()
        self.url = run.get("run_page_url")
        begun: list[JobRun | Update] = []
        for task in _newest(run.get("tasks") or []):
            if "run_job_task" in task or "pipeline_task" in task:
                begun += self._follow(task)
            elif task["run_id"] not in self._told:
                self._tell(task)
        status, said = _result(run)
        self.ended = bool(status) and status != "running"
        if self.ended and status != "succeeded" and not self._watched.has_failure():
            name = str(run.get("run_name") or self._run_id)
            self._watched.say(
                TableRun(name, "failed", error=said or status, url=self.url)
            )
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

    def _follow(self, task: Mapping[str, Any]) -> Iterator[JobRun | Update]:
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

    def _child(self, task: Mapping[str, Any]) -> JobRun | Update | None:
        """What a task has started; None while that isn't known."""
        if "run_job_task" in task:
            output = self._output(task).get("run_job_output") or {}
            run_id = output.get("run_id")
            return JobRun(self._rest, self._watched, str(run_id)) if run_id else None
        pipeline_id = task["pipeline_task"]["pipeline_id"]
        place = f"{_PIPELINES}/{pipeline_id}/updates"
        for one in self._rest.read(place, {"max_results": 10}).get("updates") or []:
            late = _millis(one.get("creation_time")) >= task.get("start_time", 0) - 1000
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
            ended = _shown(task.get("end_time"))
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


class Update:
    """One update of a pipeline: its datasets are tables."""

    def __init__(
        self,
        rest: Rest,
        watched: Watched,
        pipeline_id: str,
        update_id: str,
        part: str = "",
    ) -> None:
        self._rest = rest
        self._watched = watched
        self._place = f"{_PIPELINES}/{pipeline_id}"
        self._update_id = update_id
        self._part = part
        self._since = ""
        self._seen: set[str] = set()
        self._began: dict[str, str] = {}
        self._errors: dict[str, str] = {}
        self.ended = False
        self.url: str | None = (
            f"{rest.host}/pipelines/{pipeline_id}/updates/{update_id}"
        )

    def look(self) -> list[JobRun | Update]:
        """See how far it is."""
        update = self._rest.read(f"{self._place}/updates/{self._update_id}")["update"]
        state = update.get("state", "")
        try:
            for event in self._events():
                self._note(event)
        except NotFound:
            pass  # events come a little later than the update
        self.ended = state in ("COMPLETED", "FAILED", "CANCELED")
        if self.ended:
            self._conclude(state)
        return []

    def _events(self) -> Iterator[dict[str, Any]]:
        """The update's events that were not seen yet, oldest first."""
        query: dict[str, Any] = {"max_results": 250, "order_by": "timestamp asc"}
        if self._since:
            query["filter"] = f"timestamp >= '{self._since}'"
        for event in self._rest.pages(f"{self._place}/events", query, "events"):
            ours = (event.get("origin") or {}).get("update_id") == self._update_id
            if ours and event["id"] not in self._seen:
                self._seen.add(event["id"])
                self._since = max(self._since, event.get("timestamp", ""))
                yield event

    def _note(self, event: Mapping[str, Any]) -> None:
        origin = event.get("origin") or {}
        dataset = origin.get("dataset_name") or origin.get("flow_name") or ""
        error = _first_error(event)
        name = self._watched.table_of(dataset)
        if error:
            self._errors[name or ""] = error
        if name is None or event.get("event_type") != "flow_progress":
            return
        progress = (event.get("details") or {}).get("flow_progress") or {}
        status = _FLOWS.get(progress.get("status") or _said_status(event), "")
        if not status:
            return
        at = event.get("timestamp", "")
        began = self._began.setdefault(name, at)
        before = self._watched.known(name)
        rows = _rows(progress.get("metrics"), before.rows if before else None)
        seconds = None if status == "running" else _between(began, at)
        why = (
            self._errors.get(name, event.get("message")) if status == "failed" else None
        )
        ended = None if status == "running" else _shown(at)
        run = TableRun(name, status, seconds, rows, why, self.url, ended)
        self._watched.say(run)

    def _conclude(self, state: str) -> None:
        """Say of each table that the events have left open how it ended."""
        parts, chosen = self._watched.request.parts, self._watched.request.tables
        names = parts.get(self._part, ())
        for name in names:
            known = self._watched.known(name)
            open_still = known is None or known.status == "running"
            if not open_still or (chosen is not None and name not in chosen):
                continue
            if state == "COMPLETED":
                run = known or TableRun(name, "succeeded", url=self.url)
                self._watched.say(replace(run, status="succeeded"))
            else:
                status = "failed" if state == "FAILED" else "cancelled"
                why = (
                    self._errors.get(name)
                    or self._errors.get("")
                    or f"the update is {state}"
                )
                self._watched.say(TableRun(name, status, error=why, url=self.url))
        if state != "COMPLETED" and not self._watched.has_failure():
            why = self._errors.get("") or f"the update is {state}"
            name = self._part or self._update_id
            self._watched.say(TableRun(name, "failed", error=why, url=self.url))


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


def _millis(moment: Any) -> float:
    """A moment in milliseconds; the API has two ways to write one."""
    if isinstance(moment, str) and not moment.isdigit():
        return datetime.fromisoformat(moment).timestamp() * 1000
    return float(moment or 0)


def _shown(moment: Any) -> str | None:
    """A moment as a status shows it, in UTC."""
    if not moment:
        return None
    at = datetime.fromtimestamp(_millis(moment) / 1000, UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _between(began: str, ended: str) -> float | None:
    try:
        return round((_millis(ended) - _millis(began)) / 1000, 3)
    except ValueError:
        return None


def _rows(metrics: Any, before: int | None) -> int | None:
    """Rows written so far: each event tells those since the last one."""
    names = ("num_output_rows", "num_upserted_rows")
    new = [metrics[name] for name in names if (metrics or {}).get(name) is not None]
    return (before or 0) + sum(new) if new else before


def _first_error(event: Mapping[str, Any]) -> str | None:
    exceptions = (event.get("error") or {}).get("exceptions") or []
    return next((one["message"] for one in exceptions if one.get("message")), None)


def _said_status(event: Mapping[str, Any]) -> str:
    """The status at the end of a message such as "Flow x has COMPLETED."."""
    words = str(event.get("message", "")).rstrip(".").split()
    return words[-1] if words else ""
