"""A pipeline's update as its event log tells it: its datasets are tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mdf_magics.deploying.workspaces.protocol import NotFound, TableRun
from mdf_magics.deploying.workspaces.rest import Rest
from mdf_magics.deploying.workspaces.watching import Followed, Watched, millis, shown

_PIPELINES = "/api/2.0/pipelines"

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
        self.trouble: TableRun | None = None
        self.url: str | None = (
            f"{rest.host}/pipelines/{pipeline_id}/updates/{update_id}"
        )

    def look(self) -> Sequence[Followed]:
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
        return ()

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
        ended = None if status == "running" else shown(at)
        run = TableRun(name, status, seconds, rows, why, self.url, ended)
        self._watched.say(run)

    def _conclude(self, state: str) -> None:
        """Say of each table that the events have left open how it ended."""
        bad_end = "failed" if state == "FAILED" else "cancelled"
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
                why = (
                    self._errors.get(name)
                    or self._errors.get("")
                    or f"the update is {state}"
                )
                self._watched.say(TableRun(name, bad_end, error=why, url=self.url))
        if state != "COMPLETED":
            why = self._errors.get("") or f"the update is {state}"
            name = self._part or self._update_id
            self.trouble = TableRun(name, bad_end, error=why, url=self.url)


def _between(began: str, ended: str) -> float | None:
    try:
        return round((millis(ended) - millis(began)) / 1000, 3)
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
