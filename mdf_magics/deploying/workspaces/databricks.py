"""A Databricks workspace: its jobs, pipelines and files, by its REST API."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, override

from mdf_magics.deploying.workspaces.databricks_runs import POLL_SECONDS, Runs
from mdf_magics.deploying.workspaces.protocol import (
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Remote,
    RunRequest,
    TableRun,
    Workspace,
)
from mdf_magics.deploying.workspaces.rest import CALL_SECONDS, Rest
from mdf_magics.deploying.workspaces.uploads import Uploads

LISTING_LAG_SECONDS = 5.0
"""How long a listing may miss what was just made. Not documented."""

_JOBS = "/api/2.2/jobs"
_PIPELINES = "/api/2.0/pipelines"

_PAGED = ("tasks", "job_clusters", "environments", "parameters")
"""The lists of a job of which one reply holds a hundred elements."""


class DatabricksWorkspace(Workspace):
    """The jobs, pipelines and files of one target."""

    call_seconds = 2 * CALL_SECONDS

    def __init__(
        self,
        rest: Rest,
        *,
        project: str,
        target: str,
        root_path: str | None = None,
        listing_lag_seconds: float = LISTING_LAG_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Ask the workspace who we are, and which one it is.

        Args:
            rest: Its API.
            project: The project.
            target: The target's identity; its files have a folder of their own.
            root_path: The folder of the target's definition; None: one below the
                user's own.
            listing_lag_seconds: How long a listing may miss what was just made.
            poll_seconds: How often a run is looked at.

        Raises:
            NotLoggedIn: The workspace isn't there, or doesn't take the login.
        """
        self.user, self.workspace_id = rest.who()
        self.listing_lag_seconds = listing_lag_seconds
        self._rest = rest
        self._runs = Runs(rest, self.get, poll_seconds=poll_seconds)
        root = root_path or f"/Users/{self.user}/.mdf/{project}"
        root = re.sub(r"^/(?!Workspace/)", "/Workspace/", root.rstrip("/"))
        owner = {"project": project, "target": target}
        self._uploads = Uploads(rest, f"{root}/{target}", owner)

    @override
    def guard(self, fence: Callable[[], None]) -> None:
        self._rest.fence = fence

    @override
    def path_of(self, path: str, *, notebook: bool) -> str:
        return self._uploads.path_of(path, notebook=notebook)

    @override
    def url(self, kind: str, remote_id: str) -> str | None:
        return f"{self._rest.host}/{kind}s/{remote_id}?o={self.workspace_id}"

    @override
    def create(self, kind: str, settings: dict[str, Any]) -> str:
        place = f"{_JOBS}/create" if kind == "job" else _PIPELINES
        made = self._rest.once(place, settings).get(f"{kind}_id")
        if made is None:
            raise OutcomeUnknown(f"the workspace's reply has no id of the new {kind}")
        return str(made)

    @override
    def get(self, kind: str, remote_id: str) -> Remote:
        if kind == "pipeline":
            return _pipeline(self._rest.read(f"{_PIPELINES}/{remote_id}"))
        query = {"job_id": remote_id}
        job = self._rest.read(f"{_JOBS}/get", query)
        settings = job["settings"]
        token = job.get("next_page_token")
        while token:
            more = self._rest.read(f"{_JOBS}/get", {**query, "page_token": token})
            for name in _PAGED:
                if inside := more["settings"].get(name):
                    settings.setdefault(name, []).extend(inside)
            token = more.get("next_page_token")
        return _job(job)

    @override
    def find(self, kind: str, name: str | None) -> list[Remote]:
        if kind == "job":
            query = {"limit": 100, **({"name": name} if name else {})}
            rows = self._rest.pages(f"{_JOBS}/list", query, "jobs")
            rows.sort(key=lambda row: (row.get("created_time", 0), row["job_id"]))
            return [job for job in map(_job, rows) if name in (None, job.name)]
        # A listing's rows have no tags. LIKE takes % and _ for more than themselves,
        # so the names are compared again.
        like = {"filter": f"name LIKE '{name}'"} if name and "'" not in name else {}
        rows = self._rest.pages(_PIPELINES, {"max_results": 100, **like}, "statuses")
        found = []
        for row in rows:
            if name in (None, row.get("name")):
                with suppress(NotFound, PermissionDenied):  # gone since, or others'
                    found.append(self.get("pipeline", row["pipeline_id"]))
        return found

    @override
    def update(self, kind: str, remote_id: str, settings: dict[str, Any]) -> None:
        if kind == "job":
            body = {"job_id": int(remote_id), "new_settings": settings}
            self._rest.change("POST", f"{_JOBS}/reset", body)
        else:
            body = {"id": remote_id, **settings}
            self._rest.change("PUT", f"{_PIPELINES}/{remote_id}", body)

    @override
    def delete(self, kind: str, remote_id: str) -> None:
        if kind == "job":
            body = {"job_id": int(remote_id)}
            self._rest.change("POST", f"{_JOBS}/delete", body)
        else:
            # The default would drop the pipeline's tables.
            place = f"{_PIPELINES}/{remote_id}"
            self._rest.change("DELETE", place, query={"cascade": "false"})

    @override
    def permit(
        self, kind: str, remote_id: str, permissions: Sequence[Mapping[str, str]]
    ) -> None:
        place = f"/api/2.0/permissions/{kind}s/{remote_id}"
        known = self._rest.read(place).get("access_control_list") or []
        body = {"access_control_list": [*_owners(known), *map(dict, permissions)]}
        self._rest.change("PUT", place, body)

    @override
    def uploaded(self) -> dict[str, str]:
        return self._uploads.hashes()

    @override
    def upload(self, path: str, text: str) -> None:
        self._uploads.upload(path, text)

    @override
    def remove(self, path: str) -> None:
        self._uploads.remove(path)

    @override
    def uploads_ended(self) -> None:
        self._uploads.remember()

    @override
    def run(
        self,
        kind: str,
        remote_id: str,
        request: RunRequest,
        progress: Callable[[TableRun], None],
    ) -> Iterable[TableRun]:
        return self._runs.run(self.get(kind, remote_id), request, progress)

    @override
    def resume(
        self, run_id: str, request: RunRequest, progress: Callable[[TableRun], None]
    ) -> Iterable[TableRun]:
        return self._runs.watch(run_id, request, progress)

    @override
    def last_run(
        self, kind: str, remote_id: str, request: RunRequest
    ) -> Iterable[TableRun] | None:
        return self._runs.last(kind, remote_id, request)

    @override
    def cancel(self, run_id: str) -> None:
        self._runs.cancel(run_id)

    @override
    def repair(self, run_id: str) -> None:
        self._runs.repair(run_id)


def _job(row: dict[str, Any]) -> Remote:
    settings = row.get("settings") or {}
    return Remote("job", str(row["job_id"]), settings.get("name", ""), settings)


def _pipeline(reply: dict[str, Any]) -> Remote:
    beside = {name: reply[name] for name in ("run_as", "parameters") if reply.get(name)}
    settings = {**(reply.get("spec") or {}), **beside}
    name = reply.get("name") or settings.get("name", "")
    return Remote("pipeline", reply["pipeline_id"], name, settings)


def _owners(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Who owns it stays its owner: a list without one is refused."""
    who = ("user_name", "group_name", "service_principal_name")
    return [
        {name: str(entry[name]) for name in who if entry.get(name)}
        | {"permission_level": "IS_OWNER"}
        for entry in entries
        for given in entry.get("all_permissions") or []
        if given.get("permission_level") == "IS_OWNER" and not given.get("inherited")
    ]
