"""Statements on a SQL warehouse, by the statement execution API.

It has no idempotency key: a POST whose reply was lost may have run, and may still be
running. So nothing is sent again here; the store reads what came of it. An error of SQL
is a reply like any other, with the state FAILED
(https://docs.databricks.com/api/workspace/statementexecution).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from mdf_magics.errors import MdfError
from mdf_magics.state.statements import Reason, StatementFailed, quoted, reason_of

PATH = "/api/2.0/sql/statements"

WAIT = "10s"
"""How long a reply is held back for a statement to end; 5 to 50 seconds, or 0."""

PATIENCE_SECONDS = 600.0
"""A classic warehouse that stands still takes minutes to start."""

_UNSENT: Mapping[str, Reason] = {
    "not-found": "warehouse",
    "permission-denied": "warehouse",
    "outcome-unknown": "lost",
    "too-many-calls": "lost",
}
"""What went wrong before there was a statement, by the problem's code."""


class Api(Protocol):
    """What is used of a workspace's REST API; it raises MdfError."""

    def read(self, path: str) -> Mapping[str, Any]:
        """GET, again until it is answered."""

    def once(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """POST, exactly once."""


class WarehouseStatements:
    """SQL on a warehouse, which starts by itself."""

    def __init__(
        self,
        api: Callable[[], Api],
        warehouse_id: str,
        schema: str,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Bind it to a warehouse.

        Args:
            api: Gives the API; asked with the first statement.
            warehouse_id: Which warehouse.
            schema: The state's schema, `catalog.schema`.
            patience_seconds: How long a statement may take.
            sleep: Waits between questions for its end.
        """
        self.schema = schema
        self._api = api
        self._warehouse_id = warehouse_id
        self._patience = patience_seconds
        self._sleep = sleep

    def query(self, sql: str) -> list[Sequence[str | None]]:
        """The rows of a query, every value as text."""
        reply = self._ended(sql)
        part = reply.get("result") or {}
        rows: list[Sequence[str | None]] = list(part.get("data_array") or ())
        while (following := part.get("next_chunk_index")) is not None:
            chunk = f"{PATH}/{reply['statement_id']}/result/chunks/{following}"
            part = self._read(chunk)
            rows += part.get("data_array") or ()
        return rows

    def change(self, sql: str) -> int:
        """Run a statement once; how many rows it touched."""
        rows = self.query(sql)
        return int(rows[0][0] or 0) if rows else 0

    def create_schema(self) -> None:
        """Make the schema, unless it is there."""
        self._ended(f"CREATE SCHEMA IF NOT EXISTS {quoted(self.schema)}")

    def create_view(self, view: str, sql: str) -> None:  # noqa: ARG002 - a catalog knows
        """Make a view that isn't there."""
        self._ended(sql.replace("CREATE VIEW", "CREATE VIEW IF NOT EXISTS", 1))

    def _ended(self, sql: str) -> Mapping[str, Any]:
        """The reply to a statement that succeeded."""
        reply = self._sent(sql)
        began, pause = time.monotonic(), 0.5
        while (state := _state(reply)) in ("PENDING", "RUNNING"):
            statement_id = reply["statement_id"]
            if time.monotonic() - began > self._patience:
                self._cancel(statement_id)
                message = f"the statement is {state} after {self._patience:.0f} s"
                raise StatementFailed("lost", message)
            self._sleep(pause)
            pause = min(5.0, pause * 1.5)
            reply = self._read(f"{PATH}/{statement_id}")
        if state == "SUCCEEDED":
            return reply
        error = reply["status"].get("error") or {}
        message = str(error.get("message") or f"the statement was {state}")
        raise StatementFailed(
            reason_of(f"{error.get('error_code')} {message}"), message
        )

    def _sent(self, sql: str) -> Mapping[str, Any]:
        body = {
            "warehouse_id": self._warehouse_id,
            "statement": sql,
            "wait_timeout": WAIT,
            "on_wait_timeout": "CONTINUE",
            "disposition": "INLINE",
            "format": "JSON_ARRAY",
        }
        api = self._api()  # whoever isn't logged in is told so in its own words
        try:
            return api.once(PATH, body)
        except MdfError as error:
            raise _failed(error) from error

    def _read(self, path: str) -> Mapping[str, Any]:
        try:
            return self._api().read(path)
        except MdfError as error:
            # The statement was sent: whether it ran can't be told from here.
            raise StatementFailed("lost", error.problems[0].message) from error

    def _cancel(self, statement_id: str) -> None:
        try:
            self._api().once(f"{PATH}/{statement_id}/cancel", {})
        except MdfError:
            return  # it may run on: what came of it is read


def _state(reply: Mapping[str, Any]) -> str:
    return str((reply.get("status") or {}).get("state"))


def _failed(error: MdfError) -> StatementFailed:
    problem = error.problems[0]
    reason = reason_of(problem.message)
    if reason == "refused":
        about = problem.message.lower()
        named = "warehouse" in about or "endpoint" in about
        reason = _UNSENT.get(problem.code, "warehouse" if named else "refused")
    return StatementFailed(reason, problem.message)
