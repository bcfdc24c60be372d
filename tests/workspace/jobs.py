"""Jobs, as API 2.2 has them: names may repeat, tasks come a hundred at a time."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from databricks.sdk.service import jobs as sdk

from tests.workspace.cloud import PAGE, Cloud, Listing, Request, Route, millis, page
from tests.workspace.errors import ApiError, bad, forbidden, missing
from tests.workspace.fields import check_body, check_type

PAGED = ("tasks", "job_clusters", "environments", "parameters")
"""The lists of a job of which one reply holds a hundred elements."""

_TASKS = 1000
_TAGS = 25
_NAME_BYTES = 4096
_DESCRIPTION = 27_700
_BODY_BYTES = 10 * 1024 * 1024


@dataclass
class Job:
    """One job."""

    job_id: int
    creator: str
    created: float
    settings: dict[str, Any]


class Jobs:
    """The jobs of a workspace."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._listing = Listing(cloud)
        self.jobs: dict[int, Job] = {}
        self.routes = [
            Route("POST", r"/api/2\.[12]/jobs/create", self._create),
            Route("GET", r"/api/2\.[12]/jobs/get", self._get),
            Route("GET", r"/api/2\.[12]/jobs/list", self._list),
            Route("POST", r"/api/2\.[12]/jobs/reset", self._reset),
            Route("POST", r"/api/2\.[12]/jobs/update", self._update),
            Route("POST", r"/api/2\.[12]/jobs/delete", self._delete),
        ]

    def find(self, job_id: int, *, changing: bool = False) -> Job:
        """A job.

        Args:
            job_id: Its id.
            changing: Whether it is to be changed: then a missing one may be a 403.

        Raises:
            ApiError: There is none, or nobody may say so.
        """
        if str(job_id) in self._cloud.hidden:
            raise forbidden(
                f"User {job_id} does not have View or Manage permissions on job {job_id}."
            )
        if job_id in self.jobs:
            return self.jobs[job_id]
        if changing and self._cloud.forbid_missing:
            raise forbidden(f"You have no permission on job {job_id}.")
        if changing:
            raise missing(f"Job {job_id} does not exist.")
        raise bad(f"Job {job_id} does not exist.")

    def _create(self, request: Request) -> Any:
        settings = request.body
        check_body(sdk.JobsAPI.create, settings)
        check_settings(settings)
        job_id = self._cloud.new_id()
        filled = filled_in(settings)
        filled.setdefault("queue", {"enabled": True})
        self.jobs[job_id] = Job(job_id, request.user.name, self._cloud.now(), filled)
        self._listing.made(str(job_id))
        return {"job_id": job_id}

    def _get(self, request: Request) -> Any:
        job = self.find(request.number("job_id"))
        settings, token = paged(job.settings, request, "settings")
        more = {"has_more": True, "next_page_token": token} if token else {}
        return {**_shown(job), "settings": settings, **more}

    def _list(self, request: Request) -> Any:
        limit = request.number("limit", 20)
        if not 1 <= limit <= PAGE:
            raise bad(f"limit must be between 1 and {PAGE}, not {limit}")
        name = request.query.get("name", "").lower()
        newest_first = sorted(self.jobs.values(), key=lambda job: -job.job_id)
        found = [
            job
            for job in newest_first
            if name in ("", job.settings.get("name", "").lower())
        ]
        seen = self._listing.seen(str(job.job_id) for job in found)
        shown = [job for job in found if str(job.job_id) in seen]
        listed, token = page(shown, request, limit, "jobs")
        expand = request.query.get("expand_tasks") == "true"
        more = {"next_page_token": token} if token else {}
        rows = [_row(job, expand=expand) for job in listed]
        return {"has_more": bool(token), **({"jobs": rows} if rows else {}), **more}

    def _reset(self, request: Request) -> Any:
        body = request.body
        check_body(sdk.JobsAPI.reset, body)
        settings = body.get("new_settings")
        if not isinstance(settings, dict):
            raise bad("new_settings is missing")
        job = self.find(request.number("job_id"), changing=True)
        check_settings(settings)
        # The real API keeps who it runs as when that is left out.
        kept = {k: v for k, v in job.settings.items() if k == "run_as"}
        job.settings = filled_in({**kept, **settings})
        return {}

    def _update(self, request: Request) -> Any:
        body = request.body
        check_body(sdk.JobsAPI.update, body)
        job = self.find(request.number("job_id"), changing=True)
        settings = job.settings | (body.get("new_settings") or {})
        for name in body.get("fields_to_remove") or []:
            settings.pop(name, None)
        check_settings(settings)
        job.settings = filled_in(settings)
        return {}

    def _delete(self, request: Request) -> Any:
        check_body(sdk.JobsAPI.delete, request.body)
        job = self.find(request.number("job_id"), changing=True)
        del self.jobs[job.job_id]
        return {}


def check_settings(settings: dict[str, Any]) -> None:
    """Refuse settings that break a rule of the platform.

    Raises:
        ApiError: They do; the first rule that is broken.
    """
    check_type(sdk.JobSettings, settings, "")
    if len(json.dumps(settings)) > _BODY_BYTES:
        raise ApiError(413, "REQUEST_TOO_LARGE", "the request exceeds 10 MB")
    if len(settings.get("name", "").encode()) > _NAME_BYTES:
        raise bad(f"The job's name exceeds {_NAME_BYTES} bytes.")
    if len(settings.get("description") or "") > _DESCRIPTION:
        raise bad(f"The job's description exceeds {_DESCRIPTION} characters.")
    check_tags(settings.get("tags") or {})
    tasks = settings.get("tasks") or []
    if len(tasks) > _TASKS:
        raise bad(f"The job has {len(tasks)} tasks; at most {_TASKS} are allowed.")
    keys = [task.get("task_key", "") for task in tasks]
    twice = sorted(key for key, times in Counter(keys).items() if times > 1)
    if twice:
        raise bad(f"Task keys must be unique: {twice}.")
    for task in tasks:
        _check_task(task, set(keys))
    _check_cycle(tasks)


def check_tags(tags: dict[str, str]) -> None:
    """Refuse tags that a cluster of some cloud would refuse."""
    if len(tags) > _TAGS:
        raise bad(f"There are {len(tags)} tags; at most {_TAGS} are allowed.")
    for text in (*tags, *tags.values()):
        if text and not re.fullmatch(r"[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?", text):
            raise bad(f"The tag {text!r} has characters that are not allowed.")


def _check_task(task: dict[str, Any], keys: set[str]) -> None:
    key = task.get("task_key", "")
    if not re.fullmatch(r"[\w-]{1,100}", key):
        raise bad(f"The task key {key!r} is not allowed.")
    for upstream in task.get("depends_on") or []:
        if upstream.get("task_key") not in keys:
            raise bad(f"Task {key} depends on {upstream.get('task_key')!r}.")
    kinds = [name for name in task if name.endswith("_task")]
    if len(kinds) != 1:
        raise bad(f"Task {key} must have exactly one task type, not {kinds}.")
    notebook = task.get("notebook_task") or {}
    path = notebook.get("notebook_path", "/")
    if notebook.get("source") != "GIT" and not path.startswith("/"):
        raise bad(f"Only absolute paths are supported: {path!r}.")
    for name, value in (notebook.get("base_parameters") or {}).items():
        if not isinstance(value, str):
            raise bad(f"The parameter {name} of {key} must be a string.")


def _check_cycle(tasks: list[dict[str, Any]]) -> None:
    waits = {
        task["task_key"]: {one["task_key"] for one in task.get("depends_on") or []}
        for task in tasks
    }
    while free := [key for key, upstream in waits.items() if not upstream]:
        for key in free:
            del waits[key]
        for upstream in waits.values():
            upstream.difference_update(free)
    if waits:
        raise bad(f"The tasks depend on one another: {sorted(waits)}.")


def filled_in(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with what the server adds by itself, and in its order."""
    full = copy.deepcopy(settings)
    full.pop("access_control_list", None)
    full.setdefault("name", "Untitled")
    full.setdefault("email_notifications", {})
    full.setdefault("webhook_notifications", {})
    full.setdefault("timeout_seconds", 0)
    full.setdefault("max_concurrent_runs", 1)
    full.setdefault("format", "MULTI_TASK")
    for task in full.get("tasks") or []:
        task.setdefault("run_if", "ALL_SUCCESS")
        task.setdefault("timeout_seconds", 0)
        task.setdefault("email_notifications", {})
        if "notebook_task" in task:
            task["notebook_task"].setdefault("source", "WORKSPACE")
        if "depends_on" in task:
            task["depends_on"].sort(key=lambda one: one["task_key"])
    for name in ("tasks", "tags", "parameters", "job_clusters", "environments"):
        if not full.get(name):
            full.pop(name, None)
    return full


def paged(
    holder: dict[str, Any], request: Request, prefix: str
) -> tuple[dict[str, Any], str | None]:
    """A job's settings or a run, with one page of each long list."""
    shown = dict(holder)
    tokens = []
    for name in PAGED:
        if name in holder:
            shown[name], token = page(holder[name], request, PAGE, prefix)
            tokens.append(token)
    return copy.deepcopy(shown), next(filter(None, tokens), None)


def _row(job: Job, *, expand: bool) -> dict[str, Any]:
    settings = copy.deepcopy(job.settings)
    tasks = settings.pop("tasks", [])
    more = {"has_more": True} if len(tasks) > PAGE else {}
    if expand:
        settings["tasks"] = tasks[:PAGE]
    else:
        settings.pop("job_clusters", None)
    return {**_shown(job), "settings": settings, **(more if expand else {})}


def _shown(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "creator_user_name": job.creator,
        "run_as_user_name": job.creator,
        "created_time": millis(job.created),
    }
