"""Pipelines: names are unique, updates are full replaces, deletes may cascade."""

from __future__ import annotations

import copy
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from databricks.sdk.service import pipelines as sdk

from tests.workspace.cloud import Cloud, Listing, Request, Route, millis, page
from tests.workspace.errors import ApiError, bad, forbidden, missing
from tests.workspace.fields import check_body
from tests.workspace.jobs import check_tags
from tests.workspace.timeline import Outcome

_TOP = ("run_as", "parameters")
"""Fields of a request that the reply keeps beside the spec."""


@dataclass
class Update:
    """One run of a pipeline."""

    update_id: str
    asked: dict[str, Any]
    cause: str
    starts: float
    tables: dict[str, Outcome]
    """What comes of each table it refreshes."""
    canceled: float | None = None

    @property
    def ends(self) -> float:
        """When it has ended."""
        if self.canceled is not None:
            return self.canceled
        return self.starts + max(
            (one.seconds for one in self.tables.values()), default=0
        )

    @property
    def succeeds(self) -> bool:
        """Whether all of its tables do."""
        return all(one.succeeds for one in self.tables.values())

    @property
    def error(self) -> str:
        """What its first broken table says."""
        return next((o.error for o in self.tables.values() if not o.succeeds), "")

    def cancel(self, now: float) -> None:
        """End it now, unless it has ended."""
        if now < self.ends:
            self.starts, self.canceled = min(self.starts, now), now

    def state(self, now: float) -> str:
        """The update's state."""
        if now < self.starts:
            return "QUEUED"
        if now < self.ends:
            return "RUNNING"
        if self.canceled is not None:
            return "CANCELED"
        return "COMPLETED" if self.succeeds else "FAILED"


@dataclass
class Pipeline:
    """One pipeline."""

    pipeline_id: str
    creator: str
    modified: float
    spec: dict[str, Any]
    top: dict[str, Any]
    updates: list[Update] = field(default_factory=list)


class Pipelines:
    """The pipelines of a workspace."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._listing = Listing(cloud)
        self.pipelines: dict[str, Pipeline] = {}
        self.tables: dict[str, list[str]] = {}
        """Pipeline's name to the full names of the tables that it makes. Nothing is
        executed here, so who wants to see them in events states them."""
        self.outcomes: dict[str, Outcome] = {}
        """Full name of a table to what comes of it; others succeed."""
        self.cascaded: list[str] = []
        """Pipelines that were deleted together with their tables."""
        one = r"/api/2\.0/pipelines/([^/]+)"
        self.routes = [
            Route("POST", r"/api/2\.0/pipelines", self._create),
            Route("GET", r"/api/2\.0/pipelines", self._list),
            Route("GET", one, self._get),
            Route("PUT", one, self._edit),
            Route("DELETE", one, self._delete),
            Route("POST", f"{one}/updates", self._start),
            Route("GET", f"{one}/updates", self._updates),
            Route("GET", f"{one}/updates/([^/]+)", self._update),
            Route("POST", f"{one}/stop", self._stop),
            Route("GET", f"{one}/events", self._events),
        ]

    def find(self, pipeline_id: str) -> Pipeline:
        """A pipeline. Raises ApiError when there is none, or nobody may say so."""
        if pipeline_id in self._cloud.hidden:
            raise forbidden(f"You have no permission on pipeline {pipeline_id}.")
        if pipeline_id not in self.pipelines:
            raise missing(f"The specified pipeline {pipeline_id} was not found.")
        return self.pipelines[pipeline_id]

    def start(
        self, pipeline_id: str, asked: dict[str, Any], cause: str, at: float
    ) -> Update:
        """Start an update.

        Raises:
            ApiError: One is running, or a table isn't the pipeline's.
        """
        pipeline = self.find(pipeline_id)
        if any(update.ends > at for update in pipeline.updates):
            name = pipeline.spec.get("name")
            message = f"An active update already exists for the pipeline {name}."
            raise ApiError(409, "RESOURCE_CONFLICT", message)
        known = self.tables.get(pipeline.spec.get("name", ""), [])
        named = [
            *(asked.get("refresh_selection") or []),
            *(asked.get("full_refresh_selection") or []),
        ]
        if strange := [name for name in named if known and name not in known]:
            raise bad(f"The pipeline has no table {strange[0]}.")
        tables = {name: self.outcomes.get(name, Outcome()) for name in (named or known)}
        update = Update(str(uuid.uuid4()), dict(asked), cause, at, tables)
        pipeline.updates.append(update)
        return update

    def _create(self, request: Request) -> Any:
        body = request.body
        check_body(sdk.PipelinesAPI.create, body)
        self._check(body, "")
        if body.get("dry_run"):
            return {"effective_settings": _spec(body, "")}
        pipeline_id = str(uuid.uuid4())
        self.pipelines[pipeline_id] = Pipeline(
            pipeline_id,
            request.user.name,
            self._cloud.now(),
            _spec(body, pipeline_id),
            {name: body[name] for name in _TOP if name in body},
        )
        self._listing.made(pipeline_id)
        return {"pipeline_id": pipeline_id}

    def _check(self, body: dict[str, Any], own: str) -> None:
        name = body.get("name", "")
        if not name:
            raise bad("The pipeline has no name.")
        taken = [
            one
            for one in self.pipelines.values()
            if one.spec["name"] == name and one.pipeline_id != own
        ]
        if taken and not body.get("allow_duplicate_names"):
            message = (
                f"The pipeline name '{name}' is already used by another pipeline. "
                "This check can be skipped by setting `allow_duplicate_names = true` "
                "in the request."
            )
            raise ApiError(409, "RESOURCE_CONFLICT", message)
        check_tags(body.get("tags") or {})
        for library in body.get("libraries") or []:
            path = (library.get("file") or library.get("notebook") or {}).get(
                "path", "/"
            )
            if not path.startswith("/"):
                raise bad(f"The path {path} is not absolute.")
        if body.get("catalog") and body.get("storage"):
            raise bad("A pipeline of Unity Catalog has no storage location.")

    def _get(self, request: Request) -> Any:
        pipeline = self.find(request.args[0])
        return {
            **self._row(pipeline),
            "spec": copy.deepcopy(pipeline.spec),
            "last_modified": millis(pipeline.modified),
            **pipeline.top,
        }

    def _row(self, pipeline: Pipeline) -> dict[str, Any]:
        now = self._cloud.now()
        running = any(update.ends > now for update in pipeline.updates)
        latest = [
            {
                "update_id": one.update_id,
                "state": one.state(now),
                "creation_time": _iso(one.starts),
            }
            for one in reversed(pipeline.updates)
        ]
        return {
            "pipeline_id": pipeline.pipeline_id,
            "name": pipeline.spec["name"],
            "state": "RUNNING" if running else "IDLE",
            "creator_user_name": pipeline.creator,
            "run_as_user_name": pipeline.creator,
            **({"latest_updates": latest} if latest else {}),
        }

    def _list(self, request: Request) -> Any:
        size = request.number("max_results", 25)
        if not 1 <= size <= 100:
            raise bad("max_results must be between 1 and 100")
        wanted = _name_filter(request.query.get("filter", ""))
        found = [
            one for one in self.pipelines.values() if wanted.fullmatch(one.spec["name"])
        ]
        found.sort(key=lambda one: one.spec["name"])
        seen = self._listing.seen([one.pipeline_id for one in found])
        shown = [one for one in found if one.pipeline_id in seen]
        rows, token = page(shown, request, size, "pipelines")
        more = {"next_page_token": token} if token else {}
        statuses = [self._row(one) for one in rows]
        return {**({"statuses": statuses} if statuses else {}), **more}

    def _edit(self, request: Request) -> Any:
        pipeline, body = self.find(request.args[0]), request.body
        check_body(sdk.PipelinesAPI.update, body, "id", "pipeline_id")
        expected = body.get("expected_last_modified")
        if expected and expected != millis(pipeline.modified):
            raise ApiError(409, "ABORTED", "The pipeline was modified in the meantime.")
        self._check(body, pipeline.pipeline_id)
        pipeline.spec = _spec(body, pipeline.pipeline_id)
        pipeline.top |= {name: body[name] for name in _TOP if name in body}
        pipeline.modified = self._cloud.now()
        return {}

    def _delete(self, request: Request) -> Any:
        pipeline = self.find(request.args[0])
        if strange := set(request.query) - {"cascade", "force"}:
            raise bad(f"unknown parameters: {sorted(strange)}")
        if request.query.get("cascade", "true") == "true":
            self.cascaded.append(pipeline.pipeline_id)
        del self.pipelines[pipeline.pipeline_id]
        return {}

    def _start(self, request: Request) -> Any:
        check_body(sdk.PipelinesAPI.start_update, request.body)
        asked = dict(request.body)
        cause = asked.pop("cause", "API_CALL")
        update = self.start(request.args[0], asked, cause, self._cloud.now())
        return {"update_id": update.update_id}

    def _updates(self, request: Request) -> Any:
        pipeline = self.find(request.args[0])
        newest = [self._info(pipeline, one) for one in reversed(pipeline.updates)]
        rows, token = page(
            newest, request, request.number("max_results", 25), "updates"
        )
        return {"updates": rows, **({"next_page_token": token} if token else {})}

    def _update(self, request: Request) -> Any:
        pipeline = self.find(request.args[0])
        for update in pipeline.updates:
            if update.update_id == request.args[1]:
                return {"update": self._info(pipeline, update)}
        raise missing(f"The specified update {request.args[1]} was not found.")

    def _info(self, pipeline: Pipeline, update: Update) -> dict[str, Any]:
        return {
            **update.asked,
            "pipeline_id": pipeline.pipeline_id,
            "update_id": update.update_id,
            "cause": update.cause,
            "creation_time": millis(update.starts),
            "state": update.state(self._cloud.now()),
        }

    def _stop(self, request: Request) -> Any:
        for update in self.find(request.args[0]).updates:
            update.cancel(self._cloud.now())
        return {}

    def _events(self, request: Request) -> Any:
        pipeline = self.find(request.args[0])
        size = request.number("max_results", 25)
        if not 1 <= size <= 250:
            raise bad("max_results must be between 1 and 250")
        now = self._cloud.now()
        events = [
            event
            for update in pipeline.updates
            for event in _events_of(pipeline, update, now)
        ]
        events = _filtered(events, request.query.get("filter", ""))
        events.sort(
            key=lambda event: event["timestamp"],
            reverse="asc" not in request.query.get("order_by", "desc"),
        )
        rows, token = page(events, request, size, "events")
        return {"events": rows, **({"next_page_token": token} if token else {})}


def _spec(body: dict[str, Any], pipeline_id: str) -> dict[str, Any]:
    spec = copy.deepcopy(body)
    for name in (*_TOP, "allow_duplicate_names", "dry_run", "expected_last_modified"):
        spec.pop(name, None)
    spec = {name: value for name, value in spec.items() if value not in (None, [], {})}
    full = {"channel": "CURRENT", "continuous": False, "development": False, **spec}
    if not spec.get("serverless"):
        full.setdefault("edition", "ADVANCED")
    if not spec.get("catalog"):
        full.setdefault("storage", f"dbfs:/pipelines/{pipeline_id}")
    full["id"] = pipeline_id
    return full


def _name_filter(text: str) -> re.Pattern[str]:
    """A pattern from `name LIKE '...'`; nothing matches everything."""
    if not text:
        return re.compile(r".*", re.DOTALL)
    found = re.fullmatch(r"name LIKE '(.*)'", text, re.DOTALL | re.IGNORECASE)
    if not found:
        raise bad(f"unsupported filter: {text}")
    wild = {"%": ".*", "_": "."}
    pattern = "".join(
        wild.get(one, re.escape(one)) for one in found[1].replace("''", "'")
    )
    return re.compile(pattern, re.DOTALL)


def _filtered(events: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """Events of a filter such as `level in ('ERROR', 'WARN') AND timestamp > '...'`."""
    for condition in re.split(r"\s+AND\s+", text) if text else []:
        level = re.fullmatch(r"level\s*(?:=|in)\s*\(?([^)]*)\)?", condition)
        since = re.fullmatch(r"timestamp\s*(>=|>)\s*'([^']*)'", condition)
        if level:
            wanted = re.findall(r"'(\w+)'", level[1])
            events = [event for event in events if event["level"] in wanted]
        elif since:
            also = since[1] == ">="
            events = [
                event
                for event in events
                if event["timestamp"] > since[2]
                or (also and event["timestamp"] == since[2])
            ]
        else:
            raise bad(f"unsupported filter: {condition}")
    return events


def _events_of(pipeline: Pipeline, update: Update, now: float) -> list[dict[str, Any]]:
    """What the event log says of an update so far."""

    def event(at: float, kind: str, message: str, **more: Any) -> dict[str, Any]:
        name = more.pop("dataset", None)
        origin = {
            "pipeline_id": pipeline.pipeline_id,
            "pipeline_name": pipeline.spec["name"],
            "update_id": update.update_id,
            **({"dataset_name": name, "flow_name": name} if name else {}),
        }
        identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{update.update_id}{kind}{message}")
        return {
            "id": str(identity),
            "timestamp": _iso(at),
            "level": more.pop("level", "INFO"),
            "event_type": kind,
            "maturity_level": "STABLE",
            "message": message,
            "origin": origin,
            **more,
        }

    start = event(
        update.starts, "create_update", f"Update {update.update_id[:6]} started."
    )
    events = [start]
    for name, outcome in update.tables.items():
        events.append(_flow(event, update.starts, name, "RUNNING", outcome))
        ends = update.starts + outcome.seconds
        if update.canceled is not None and update.canceled < ends:
            events.append(_flow(event, update.canceled, name, "STOPPED", outcome))
        else:
            last = "COMPLETED" if outcome.succeeds else "FAILED"
            events.append(_flow(event, ends, name, last, outcome))
    state = update.state(now)
    message = f"Update {update.update_id[:6]} is {state}."
    level = "ERROR" if state == "FAILED" else "INFO"
    if now >= update.ends:
        events.append(event(update.ends, "update_progress", message, level=level))
    return [event for event in events if event["timestamp"] <= _iso(now)]


def _flow(
    event: Any, at: float, name: str, status: str, outcome: Outcome
) -> dict[str, Any]:
    progress: dict[str, Any] = {"status": status}
    more: dict[str, Any] = {}
    if status == "COMPLETED" and outcome.rows is not None:
        progress["metrics"] = {"num_output_rows": outcome.rows}
    if status == "FAILED":
        exception = {"class_name": "AnalysisException", "message": outcome.error}
        more = {
            "level": "ERROR",
            "error": {"fatal": True, "exceptions": [exception]},
        }
    message = f"Flow '{name}' has {status}."
    if status == "FAILED":
        message = f"Failed to resolve flow: '{name}'."
    details = {"flow_progress": progress}
    return dict(
        event(at, "flow_progress", message, dataset=name, details=details, **more)
    )


def _iso(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
