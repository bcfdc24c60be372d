"""What the rest of mdf_magics knows of an engine: one protocol, three adapters."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mdf_magics.errors import EngineError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from mdf_magics.engines.browsing import Catalog

type Query = str | Callable[[SparkSession], DataFrame]
"""SQL text, or a function that makes a DataFrame from the session."""


@dataclass(frozen=True)
class Column:
    """A column of a result, its type as the engine names it (`decimal(10,2)`)."""

    name: str
    type: str


@dataclass(frozen=True)
class Rows:
    """The first rows of a query."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool
    """Whether the query has rows beyond these."""


class EngineSettings(Protocol):
    """What a target says about its engine, under the names it has in definitions."""

    @property
    def engine(self) -> str:
        """`embedded`, `spark` or `databricks`."""

    @property
    def catalog(self) -> str:
        """The catalog that the target writes."""

    @property
    def remote(self) -> str | None:
        """The address of a Spark Connect server."""

    @property
    def profile(self) -> str | None:
        """The profile of Databricks unified authentication."""

    @property
    def host(self) -> str | None:
        """The address of a Databricks workspace."""

    @property
    def cluster_id(self) -> str | None:
        """The cluster for queries; without one they run on serverless compute."""

    @property
    def serverless(self) -> bool | None:
        """Whether queries run on serverless compute."""

    @property
    def query_timeout_seconds(self) -> float | None:
        """How long a preview's query may take."""


class Engine(Protocol):
    """Where SQL runs. Everything raises EngineError, with one readable problem.

    A problem of a query that is SQL text has a place in that text
    (`Source(name="", text=sql)`) wherever the server said one.
    """

    name: str
    """`embedded`, `spark` or `databricks`."""

    @property
    def warehouse(self) -> Path | None:
        """The folder that holds the tables; None where a catalog knows them."""

    @property
    def session(self) -> SparkSession:
        """The Spark session, made on first use and shared by everything in a kernel."""

    @property
    def catalog(self) -> Catalog:
        """Catalogs, schemas, tables and columns there are to read; see `browsing`."""

    def cancellable(self) -> AbstractContextManager[SparkSession]:
        """The session for a block of code whose queries `cancel` interrupts.

        Use it where code works with the session directly, in the thread that does.
        Anything may have been written in it, so the catalog is looked at anew.
        """

    def read[T](self, work: Callable[[], T]) -> T:
        """What `work` returns, which only reads.

        Should the session expire meanwhile, it is called once more with a new one: so
        it must ask for `session` itself, and for every DataFrame.
        """

    def warm_up(self) -> None:
        """Start in a background thread, so that the first query needn't wait."""

    def exists(self, home: str) -> bool:
        """Whether a table or view `catalog.schema.table` can be read by name.

        Ask before `session.table(home)` or SQL that names it: an engine whose catalog
        is in memory learns of a table by this.
        """

    def columns(self, home: str) -> tuple[Column, ...] | None:
        """The columns of a table or view; None where there is none."""

    def register_all(self) -> None:
        """Make every table readable by name, for code whose tables nobody knows."""

    def create_schema(self, schema: str) -> None:
        """Make a schema of the target's catalog, unless it is there.

        Before anything writes into a new one: only so do its tables lie in the
        warehouse.
        """

    def preview(self, query: Query, rows: int) -> Rows:
        """The query's first rows; fetches no more than it returns, plus one."""

    def schema(self, query: Query) -> tuple[Column, ...]:
        """The query's columns, without running it."""

    def run(self, statement: str) -> None:
        """Execute one SQL statement for its effect."""

    def explain(self, error: Exception, sql: str = "") -> EngineError:
        """What an exception means that came from using `session` directly.

        Args:
            error: What was raised.
            sql: The statement, if it was one, for the place in it.
        """

    def cancel(self) -> None:
        """Interrupt what this engine runs on the server; the session stays usable.

        Other queries of the same session go on, such as those of a notebook's cells.
        """

    def close(self) -> None:
        """End the session and whatever was started for it."""
