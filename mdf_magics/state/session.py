"""Statements on an engine's Spark session, whichever engine it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mdf_magics.errors import MdfError
from mdf_magics.state.statements import StatementFailed, reason_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Engine(Protocol):
    """What is used of an engine."""

    @property
    def warehouse(self) -> Path | None:
        """The folder that holds the tables; None where a catalog knows them."""

    @property
    def session(self) -> SparkSession:
        """The Spark session."""

    def exists(self, home: str) -> bool:
        """Whether a table can be read by name; makes it known where nobody did yet."""

    def create_schema(self, schema: str) -> None:
        """Make a schema of the target's catalog, unless it is there."""

    def explain(self, error: Exception, sql: str = "") -> MdfError:
        """What an exception of the session means."""


class SessionStatements:
    """SQL on an engine's session."""

    def __init__(self, engine: Callable[[], Engine], schema: str) -> None:
        """Bind it to an engine.

        Args:
            engine: Gives the engine; asked with the first statement.
            schema: The state's schema, `catalog.schema`.
        """
        self.schema = schema
        self._engine = engine

    def query(self, sql: str) -> list[Sequence[str | None]]:
        """The rows of a query, every value as text."""
        return [
            [None if value is None else str(value) for value in row]
            for row in self._rows(sql)
        ]

    def change(self, sql: str) -> int:
        """Run a statement once; how many rows it touched."""
        rows = self._rows(sql)
        return int(rows[0][0]) if rows else 0

    def create_schema(self) -> None:
        """Make the schema, unless it is there."""
        try:
            self._engine().create_schema(self.schema.split(".")[1])
        except MdfError as error:
            raise _failed(error, error) from error

    def create_view(self, view: str, sql: str) -> None:
        """Make a view that isn't there; where a folder is the catalog, also in it."""
        self._rows(sql.replace("CREATE VIEW", "CREATE VIEW IF NOT EXISTS", 1))
        if folder := self._engine().warehouse:
            _, schema, name = view.replace("`", "").split(".")
            text = sql.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)
            (folder / schema / f"{name}.view.sql").write_text(text, "utf-8")

    def _rows(self, sql: str) -> list[Any]:
        try:
            return self._collected(sql)
        except StatementFailed as failure:
            if failure.reason != "missing" or not self._is_there():
                raise
        return self._collected(sql)

    def _is_there(self) -> bool:
        """Whether there is a journal; an engine with its catalog in memory looks."""
        try:
            return self._engine().exists(f"{self.schema}.mdf_journal")
        except MdfError as error:
            raise _failed(error, error) from error

    def _collected(self, sql: str) -> list[Any]:
        try:
            return self._engine().session.sql(sql).collect()
        except MdfError as error:
            raise _failed(error, error) from error
        except Exception as error:
            raise _failed(error, self._engine().explain(error)) from error


def _failed(error: Exception, readable: MdfError) -> StatementFailed:
    problem = readable.problems[0]
    reason = reason_of(f"{type(error).__name__} {error}")
    if problem.code == "engine-unavailable":
        reason = "lost"
    return StatementFailed(reason, problem.message)
