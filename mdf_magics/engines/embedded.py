"""The embedded engine: Sail in a child process, databricks-connect's client here.

No JVM, no account, no network. The server is up in 0.1 s and takes 110 MB; importing
the client takes 0.5 to 4 s, the first query 0.1 s, what follows 5 to 15 ms (pysail
0.7.2, two cores).
"""

from __future__ import annotations

import atexit
import os
import shutil
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mdf_magics.engines.client import abandon_session, import_client, open_session
from mdf_magics.engines.failures import engine_error
from mdf_magics.engines.interrupting import cancelling_on_ctrl_c
from mdf_magics.engines.protocol import Column, Query, Rows
from mdf_magics.engines.registry import Registry
from mdf_magics.engines.rows import columns_of, first_rows
from mdf_magics.engines.server_process import ServerProcess
from mdf_magics.engines.warehouse import Warehouse, is_plain, link_to
from mdf_magics.errors import EngineError, EngineUnavailable, Problem

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class _Connection(NamedTuple):
    """A server and what belongs to it: all of it ends together."""

    server: ServerProcess
    session: SparkSession
    registry: Registry

    def end(self) -> None:
        with suppress(Exception):
            self.session.stop()
        self.server.end()


class EmbeddedEngine:
    """An engine of this process alone, and a warehouse that stays."""

    name = "embedded"

    def __init__(self, warehouse: Path, catalog: str) -> None:
        """Describe the engine; it starts with its first use.

        Args:
            warehouse: The folder for tables, below it `<schema>/<table>`.
            catalog: The name of its only catalog.
        """
        self._catalog = catalog
        self._stored = Warehouse(warehouse)
        self._link: Path | None = None
        self._connection: _Connection | None = None
        self._closed = False
        self._lock = threading.Lock()
        _engines.add(self)

    @property
    def warehouse(self) -> Path:
        """A path to the warehouse's folder that both Sail and this process can use."""
        folder = self._stored.folder
        if is_plain(folder):
            return folder
        if self._link is None:
            self._link = link_to(folder)
        return self._link

    @property
    def session(self) -> SparkSession:
        """The Spark session, made on first use and shared by everything in a kernel."""
        with self._readable():
            return self._connected().session

    def warm_up(self) -> None:
        """Start in a background thread, so that the first query needn't wait."""

        def start() -> None:
            with suppress(EngineError):  # the first query will say it
                self.preview("SELECT 1", 1)

        threading.Thread(target=start, name="mdf-warm-up", daemon=True).start()

    def exists(self, home: str) -> bool:
        """Whether a table or view `catalog.schema.table` can be read by name."""
        with self._readable():
            return self._connected().registry.exists(home)

    def create_schema(self, schema: str) -> None:
        """Make a schema whose tables are kept, unless it is there."""
        with self._readable():
            self._connected().registry.create_schema(schema)

    def register_all(self) -> None:
        """Make everything in the warehouse known by name, about 5 ms a table."""
        with self._readable():
            self._connected().registry.register_all()

    def preview(self, query: Query, rows: int) -> Rows:
        """The query's first rows; fetches no more than it returns, plus one."""
        with self._readable(query):
            return first_rows(self._frame(query), rows)

    def schema(self, query: Query) -> tuple[Column, ...]:
        """The query's columns, without running it."""
        with self._readable(query):
            return columns_of(self._frame(query).schema)

    def run(self, statement: str) -> None:
        """Execute one SQL statement for its effect."""
        with self._readable(statement):
            self._connected().session.sql(statement)

    def explain(self, error: Exception, sql: str = "") -> EngineError:
        """What an exception means that came from using `session` directly."""
        connection = self._connection
        if connection:
            # It breaks a moment before its server is seen to have ended.
            broken = "UNAVAILABLE" in str(error)
            if connection.server.died(within=1 if broken else 0):
                hint = "The next query starts a new one."
                return connection.server.failure("ended unexpectedly", hint)
            # The session may have lost a table that it was told of.
            connection.registry.forget()
        tables = [f"{self._catalog}.{name}" for name in self._stored.names()]
        known = _Known(tables, connection.session if connection else None)
        return engine_error(error, sql, known)

    def cancel(self) -> None:
        """Interrupt what is running on the server; the session stays usable."""
        connection = self._connection
        if connection and not connection.server.died():
            connection.session.interruptAll()

    def close(self) -> None:
        """End the session and the server; the engine can't be used again."""
        with self._lock:
            self._closed = True
            connection, self._connection = self._connection, None
        if connection:
            connection.end()
        self._remove_link()
        atexit.unregister(self._leave)

    @contextmanager
    def _readable(self, query: Query = "") -> Iterator[None]:
        """Raise nothing but EngineError, and cancel the query on Ctrl-C."""
        try:
            with cancelling_on_ctrl_c(self.cancel):
                yield
        except EngineError:
            raise
        except Exception as error:
            sql = query if isinstance(query, str) else ""
            raise self.explain(error, sql) from error

    def _frame(self, query: Query) -> DataFrame:
        if isinstance(query, str):
            return self._connected().session.sql(query)
        from pyspark.sql import DataFrame

        frame: object = query(self._connected().session)
        if not isinstance(frame, DataFrame):
            message = f"the function returned {type(frame).__name__}, not a DataFrame"
            raise EngineError(Problem("no-dataframe", message))
        return frame

    def _connected(self) -> _Connection:
        # Importing takes seconds; nobody waits for the lock meanwhile.
        import_client()
        with self._lock:
            if self._closed:
                message = "the embedded engine was closed"
                raise EngineUnavailable(Problem("engine-unavailable", message))
            connection = self._connection
            if connection and connection.server.died():
                connection.end()
                connection = None
            if connection is None:
                connection = self._connect()
                self._connection = connection
            return connection

    def _connect(self) -> _Connection:
        self._stored.folder.mkdir(parents=True, exist_ok=True)
        server = ServerProcess(self._catalog)
        try:
            session = open_session(server.port, str(self.warehouse))
            registry = Registry(session, self._catalog, self._stored, self.warehouse)
        except BaseException:
            server.end()
            raise
        # What registers last comes first: before pyspark's own cleaning up.
        atexit.unregister(self._leave)
        atexit.register(self._leave)
        return _Connection(server, session, registry)

    def _leave(self) -> None:
        """End the server at the interpreter's end."""
        if self._connection:
            abandon_session(self._connection.session)
            self._connection.server.end()
        self._remove_link()

    def _remove_link(self) -> None:
        if self._link:
            shutil.rmtree(self._link.parent, ignore_errors=True)
            self._link = None

    def _start_afresh(self) -> None:
        """In a forked process: the parent's server and session are the parent's."""
        self._lock = threading.Lock()
        self._link = None
        if self._connection:
            abandon_session(self._connection.session)
            self._connection.server.disown()
            self._connection = None


_engines: weakref.WeakSet[EmbeddedEngine] = weakref.WeakSet()


def _after_fork() -> None:
    for engine in list(_engines):
        engine._start_afresh()  # noqa: SLF001 - a module-level face of the class


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Known(NamedTuple):
    """What there is, as far as a session can be asked."""

    stored: Iterable[str]
    session: SparkSession | None

    def tables(self) -> Iterable[str]:
        return self.stored

    def columns(self, tables: Iterable[str]) -> Iterable[str]:
        for table in set(tables):
            with suppress(Exception):  # it may be what is wrong
                yield from self.session.table(table).columns if self.session else ()

    def functions(self) -> Iterable[str]:
        with suppress(Exception):
            if self.session:
                return [known.name for known in self.session.catalog.listFunctions()]
        return ()
