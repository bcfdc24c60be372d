"""Running jobs and pipelines of a Databricks workspace, and watching them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mdf_magics.deploying.identity import KEY
from mdf_magics.deploying.workspaces.job_runs import JobRun, table_of
from mdf_magics.deploying.workspaces.local_run import run_in_order
from mdf_magics.deploying.workspaces.pipeline_updates import Update
from mdf_magics.deploying.workspaces.protocol import (
    OutcomeUnknown,
    Remote,
    RunRequest,
    TableRun,
)
from mdf_magics.deploying.workspaces.rest import Rest
from mdf_magics.deploying.workspaces.watching import Followed, Watched
from mdf_magics.errors import Problem, RunError

POLL_SECONDS = 2.0
"""How often a run is looked at."""

_JOBS = "/api/2.2/jobs"
_PIPELINES = "/api/2.0/pipelines"
_UPDATE = re.compile(r"([0-9a-f-]{36})/([0-9a-f-]{36})")

type OnProgress = Callable[[TableRun], None]


class Runs:
    """The runs of a workspace's jobs, and the updates of its pipelines."""

    def __init__(
        self,
        rest: Rest,
        get: Callable[[str, str], Remote],
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Bind them to an API.

        Args:
            rest: The API.
            get: Reads a job or pipeline by kind and id.
            poll_seconds: How often a run is looked at.
        """
        self._rest = rest
        self._get = get
        self._poll_seconds = poll_seconds

    def run(
        self, remote: Remote, request: RunRequest, progress: OnProgress
    ) -> Iterable[TableRun]:
        """Start a job or pipeline, or only its tables that are asked for, and watch.

        Raises:
            RunError: Somebody stopped watching; the run goes on.
            WorkspaceError: It can't be started or watched.
        """
        if request.tables is None:
            return self._run_one(remote, request, None, progress)

        def run_part(part: Remote) -> Iterable[TableRun]:
            inside = request.parts.get(part.tags.get(KEY, ""), ())
            chosen = [name for name in inside if name in (request.tables or ())]
            return self._run_one(part, request, chosen, progress) if chosen else ()

        return run_in_order(remote, self._get, run_part, progress)

    def watch(
        self, run_id: str, request: RunRequest, progress: OnProgress, part: str = ""
    ) -> list[TableRun]:
        """Follow a run to its end. Raises like `run`.

        Args:
            run_id: As `request.started` was told it.
            request: What was asked for.
            progress: Told whenever a table's status changes.
            part: The part that it is a run of, where that is known.
        """
        watched = Watched(request, progress)
        update = _UPDATE.fullmatch(run_id)
        first: Followed = (
            Update(self._rest, watched, update[1], update[2], part)
            if update
            else JobRun(self._rest, watched, run_id)
        )
        try:
            self._follow(first, watched)
        except KeyboardInterrupt:
            raise _left(run_id, first.url) from None
        return watched.outcomes()

    def _follow(self, first: Followed, watched: Watched) -> None:
        """Look until it has ended, and all that it has started."""
        followed = waiting = [first]
        while waiting:
            begun = [new for one in waiting for new in one.look()]
            followed = [*followed, *begun]
            waiting = [one for one in (*waiting, *begun) if not one.ended]
            if waiting:
                time.sleep(self._poll_seconds)
        _conclude(followed, watched)

    def last(self, kind: str, remote_id: str, request: RunRequest) -> list[TableRun]:
        """What came of a resource's last run, as far as it is."""
        watched = Watched(request, lambda _: None)
        if kind == "pipeline":
            update_id = self._newest_update(f"{_PIPELINES}/{remote_id}/updates")
            if update_id:
                part = next(iter(request.parts), "")
                update = Update(self._rest, watched, remote_id, update_id, part)
                update.look()
                _conclude([update], watched)
        else:
            query = {"job_id": remote_id, "limit": 1}
            runs = self._rest.read(f"{_JOBS}/runs/list", query).get("runs") or []
            if runs:
                run = JobRun(self._rest, watched, str(runs[0]["run_id"]))
                run.look()
                _conclude([run], watched)
        return watched.outcomes()

    def cancel(self, run_id: str) -> None:
        """Cancel a run. Raises WorkspaceError."""
        if update := _UPDATE.fullmatch(run_id):
            self._rest.change("POST", f"{_PIPELINES}/{update[1]}/stop")
        else:
            body = {"run_id": _number(run_id)}
            self._rest.change("POST", f"{_JOBS}/runs/cancel", body)

    def repair(self, run_id: str) -> None:
        """Run again what failed in a run, and what waited for it.

        Raises:
            RunError: It is a pipeline's update; those are started anew.
            WorkspaceError: It still runs, or nothing failed.
        """
        number = _number(run_id)
        run = self._rest.read(
            f"{_JOBS}/runs/get", {"run_id": number, "include_history": True}
        )
        repairs = [one["id"] for one in run.get("repair_history") or [] if "id" in one]
        body: dict[str, Any] = {"run_id": number, "rerun_all_failed_tasks": True}
        if repairs:
            body["latest_repair_id"] = repairs[-1]
        self._rest.once(f"{_JOBS}/runs/repair", body)

    def _run_one(
        self,
        remote: Remote,
        request: RunRequest,
        chosen: list[str] | None,
        progress: OnProgress,
    ) -> list[TableRun]:
        run_id = ""
        try:
            run_id = self._start(remote, request, chosen)
            request.started(run_id)
        except KeyboardInterrupt:
            if run_id:
                raise _left(run_id, None) from None
            raise _perhaps_begun(remote, self._rest.host) from None
        return self.watch(run_id, request, progress, remote.tags.get(KEY, ""))

    def _start(
        self, remote: Remote, request: RunRequest, chosen: list[str] | None
    ) -> str:
        """Start a job or pipeline; the same request starts it once."""
        start = self._run_now if remote.kind == "job" else self._update
        return start(remote, request, chosen)

    def _run_now(
        self, job: Remote, request: RunRequest, chosen: list[str] | None
    ) -> str:
        tasks = job.settings.get("tasks") or []
        token = f"{request.run_id}-{job.remote_id}"[:64]
        body: dict[str, Any] = {
            "job_id": int(job.remote_id),
            "idempotency_token": token,
        }
        if chosen is not None:
            wanted = set(chosen)
            body["only"] = [
                task["task_key"] for task in tasks if table_of(task) in wanted
            ]
        if request.full_refresh and any("pipeline_task" in task for task in tasks):
            body["pipeline_params"] = {"full_refresh": True}
        if request.full_refresh and any("notebook_task" in task for task in tasks):
            body["notebook_params"] = {"full_refresh": "true"}
        return str(self._rest.change("POST", f"{_JOBS}/run-now", body)["run_id"])

    def _update(
        self, pipeline: Remote, request: RunRequest, chosen: list[str] | None
    ) -> str:
        place = f"{_PIPELINES}/{pipeline.remote_id}/updates"
        known = self._newest_update(place)
        body: dict[str, Any] = {}
        if chosen is not None:
            homes = [request.homes.get(name, name) for name in chosen]
            which = (
                "full_refresh_selection"
                if request.full_refresh
                else "refresh_selection"
            )
            body[which] = homes
        elif request.full_refresh:
            body["full_refresh"] = True
        try:
            update_id = self._rest.once(place, body)["update_id"]
        except OutcomeUnknown:
            update_id = self._newest_update(place)
            if update_id in (known, None):
                raise
        return f"{pipeline.remote_id}/{update_id}"

    def _newest_update(self, place: str) -> str | None:
        updates = self._rest.read(place, {"max_results": 1}).get("updates") or []
        return updates[0]["update_id"] if updates else None


def _number(run_id: str) -> int:
    if not run_id.isdigit():
        message = f'"{run_id}" is no run of a job'
        raise RunError(Problem("unknown-run", message, "A job run's id is a number."))
    return int(run_id)


def _conclude(followed: Sequence[Followed], watched: Watched) -> None:
    """Say of a run that didn't end well why, the innermost first, if no table does."""
    for one in reversed(followed):
        if one.trouble and not watched.has_failure():
            watched.say(one.trouble)


def _perhaps_begun(remote: Remote, host: str) -> RunError:
    message = f"a run of {remote.name} may have begun: starting it was interrupted"
    where = f"{host}/{remote.kind}s/{remote.remote_id}"
    hint = f"Look there before you run it again:  {where}"
    return RunError(Problem("perhaps-running", message, hint))


def _left(run_id: str, url: str | None) -> RunError:
    where = f"\n{url}" if url else ""
    hint = (
        f"Watch it again:  mdf run --watch {run_id}\n"
        f"Cancel it:  mdf run --cancel {run_id}{where}"
    )
    message = f"the run {run_id} goes on; only watching it was stopped"
    return RunError(Problem("still-running", message, hint))
