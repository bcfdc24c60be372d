"""SQL warehouses and the statement execution API; the SQL really runs, on Sail.

What a warehouse says in its own words is said here too: names of catalogs and schemas
that aren't there, commits that meet, results that are too large for a reply.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from databricks.sdk.service.sql import StatementExecutionAPI

from mdf_magics.engines.protocol import Engine
from tests.workspace.cloud import Request, Route
from tests.workspace.errors import ApiError, bad, forbidden, missing
from tests.workspace.fields import check_body

_MOST_TEXT = 16 * 1024 * 1024

_NAMED = re.compile(r"`([^`]+)`\.`([^`]+)`(?:\.`([^`]+)`)?")

_NO_ROWS = re.compile(r"\s*(CREATE|DROP|ALTER)\b", re.IGNORECASE)

_TOO_LARGE = (
    "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a "
    "result size of at most {limit} bytes."
)


class _Refused(Exception):
    """A statement fails: error code and message."""


@dataclass
class Statement:
    """A statement and what came of it."""

    statement_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "PENDING"
    columns: list[str] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    error: tuple[str, str] | None = None
    ended: threading.Event = field(default_factory=threading.Event)


class Statements:
    """The warehouses of a workspace, and what they ran."""

    def __init__(self, engine: Callable[[], Engine] | None, catalog: str) -> None:
        """Bind them to the engine that stands in for them.

        Args:
            engine: Gives it; None: there is no warehouse that works.
            catalog: The catalog that there is.
        """
        self._engine = engine
        self.catalog = catalog
        self.warehouses: dict[str, str] = {"w1": "RUNNING"}
        """Id to state: `STOPPED` starts with a statement, `BROKEN` never does."""
        self.schemas: set[str] = set()
        """The schemas that there are."""
        self.longest_wait = 50.0
        """Seconds that a reply is held back at most, whatever is asked for."""
        self.start_seconds = 0.0
        """How long a stopped one takes."""
        self.denied: set[str] = set()
        """Words that no statement may start with: `CREATE SCHEMA`."""
        self.inline_limit = 25 * 1024 * 1024
        self.chunk_rows = 1000
        self.texts: list[str] = []
        """Every statement that was sent."""
        self._statements: dict[str, Statement] = {}
        one = r"/api/2\.0/sql/statements/([^/]+)"
        self.routes = [
            Route("POST", r"/api/2\.0/sql/statements/?", self._execute),
            Route("GET", one, self._get),
            Route("GET", one + r"/result/chunks/(\d+)", self._chunk),
            Route("POST", one + "/cancel", self._cancel),
        ]

    def _execute(self, request: Request) -> Any:
        body = request.body
        check_body(StatementExecutionAPI.execute_statement, body)
        text, warehouse = body.get("statement"), body.get("warehouse_id")
        if not text or not warehouse:
            raise bad("statement and warehouse_id are required")
        if len(text.encode()) > _MOST_TEXT:
            raise bad("The query text exceeds 16 MiB.")
        if self._engine is None or warehouse not in self.warehouses:
            raise missing(f"The warehouse {warehouse} was not found.")
        if self.warehouses[warehouse] == "BROKEN":
            raise forbidden(f"You may not start the warehouse {warehouse}.")
        seconds = _seconds(body.get("wait_timeout", "10s"))
        statement = Statement()
        self.texts.append(text)
        self._statements[statement.statement_id] = statement
        threading.Thread(
            target=self._run, args=(statement, warehouse, text), daemon=True
        ).start()

        def reply() -> Any:
            ended = statement.ended.wait(min(seconds, self.longest_wait))
            if not ended and body.get("on_wait_timeout") == "CANCEL":
                statement.state = "CANCELED"
            return self._shown(statement)

        return reply

    def _get(self, request: Request) -> Any:
        return self._shown(self._find(request.args[0]))

    def _chunk(self, request: Request) -> Any:
        statement = self._find(request.args[0])
        return self._part(statement, int(request.args[1]))

    def _cancel(self, request: Request) -> Any:
        statement = self._find(request.args[0])
        if not statement.ended.is_set():
            statement.state = "CANCELED"
        return {}

    def _find(self, statement_id: str) -> Statement:
        statement = self._statements.get(statement_id)
        if statement is None:
            raise ApiError(404, "NOT_FOUND", f"Statement {statement_id} not found.")
        return statement

    def _run(self, statement: Statement, warehouse: str, text: str) -> None:
        if self.warehouses[warehouse] == "STOPPED":
            threading.Event().wait(self.start_seconds)
            self.warehouses[warehouse] = "RUNNING"
        if statement.state == "CANCELED":
            statement.ended.set()
            return
        statement.state = "RUNNING"
        try:
            self._execute_on_engine(statement, text)
        except _Refused as error:
            statement.error = error.args[0], error.args[1]
        if statement.state == "RUNNING":
            statement.state = "FAILED" if statement.error else "SUCCEEDED"
        statement.ended.set()

    def _execute_on_engine(self, statement: Statement, text: str) -> None:
        assert self._engine is not None
        engine = self._engine()
        for denied in self.denied:
            if text.lstrip().upper().startswith(denied):
                message = f"PERMISSION_DENIED: User does not have {denied}."
                raise _Refused("BAD_REQUEST", message)
        self._make_known(engine, text)
        if text.upper().startswith("CREATE SCHEMA"):
            (name,) = (match[2] for match in _NAMED.finditer(text))
            engine.create_schema(name)
            self.schemas.add(name)
            return
        try:
            frame = engine.session.sql(text)
            rows = [[_text(value) for value in row] for row in frame.collect()]
        except Exception as error:
            raise _Refused("BAD_REQUEST", _said(error)) from error
        if _NO_ROWS.match(text):
            return
        size = sum(len(value or "") for row in rows for value in row)
        if size > self.inline_limit:
            message = _TOO_LARGE.format(limit=self.inline_limit)
            raise _Refused("BAD_REQUEST", message)
        changed = frame.columns == ["count"]
        statement.columns = ["num_affected_rows"] if changed else frame.columns
        statement.rows = rows

    def _make_known(self, engine: Engine, text: str) -> None:
        """Tell the engine of the tables; complain of what there isn't."""
        creates = text.upper().startswith("CREATE SCHEMA")
        for match in _NAMED.finditer(text):
            catalog, schema, table = match.groups()
            if catalog != self.catalog:
                message = (
                    f"[NO_SUCH_CATALOG_EXCEPTION] Catalog '{catalog}' was not found."
                )
                raise _Refused("BAD_REQUEST", message)
            if not creates and schema not in self.schemas:
                message = f"[SCHEMA_NOT_FOUND] The schema `{schema}` cannot be found."
                raise _Refused("BAD_REQUEST", message)
            if table:
                engine.exists(f"{catalog}.{schema}.{table}")

    def _shown(self, statement: Statement) -> Any:
        status: dict[str, Any] = {"state": statement.state}
        if statement.error:
            code, message = statement.error
            status["error"] = {"error_code": code, "message": message}
        reply = {"statement_id": statement.statement_id, "status": status}
        if statement.state != "SUCCEEDED":
            return reply
        chunks = list(self._chunks(statement))
        columns = [
            {"name": name, "position": position, "type_name": "STRING"}
            for position, name in enumerate(statement.columns)
        ]
        reply["manifest"] = {
            "format": "JSON_ARRAY",
            "schema": {"column_count": len(columns), "columns": columns},
            "total_chunk_count": len(chunks),
            "total_row_count": len(statement.rows),
            "truncated": False,
            "chunks": chunks,
        }
        reply["result"] = self._part(statement, 0) if chunks else {}
        return reply

    def _chunks(self, statement: Statement) -> Iterator[dict[str, Any]]:
        for index, first in enumerate(range(0, len(statement.rows), self.chunk_rows)):
            rows = statement.rows[first : first + self.chunk_rows]
            yield {"chunk_index": index, "row_offset": first, "row_count": len(rows)}

    def _part(self, statement: Statement, index: int) -> dict[str, Any]:
        chunks = list(self._chunks(statement))
        if index >= len(chunks):
            raise bad(f"there is no chunk {index}")
        first = chunks[index]["row_offset"]
        part = chunks[index] | {
            "data_array": statement.rows[first : first + self.chunk_rows]
        }
        if index + 1 < len(chunks):
            part["next_chunk_index"] = index + 1
        return part


def _seconds(wait_timeout: str) -> float:
    found = re.fullmatch(r"(\d+)s", wait_timeout)
    if not found or (seconds := int(found[1])) not in {0, *range(5, 51)}:
        raise bad("wait_timeout must be 0 or between 5 and 50 seconds")
    return float(seconds)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%f}Z"
    return str(value)


def _said(error: Exception) -> str:
    text = str(error)
    if "Failed to commit transaction" in text:
        return (
            f"[DELTA_CONCURRENT_APPEND.WITHOUT_HINT] ConcurrentAppendException: {text}"
        )
    return text
