"""What all engines share: a Spark Connect session, and how it is used.

An adapter adds how a session comes to be and how it ends (`Connection`), how its
server's messages are read, and what its catalog is.
"""

from __future__ import annotations

import atexit
import os
import threading
import uuid
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mdf_magics.engines.browsing import Catalog, Known, Listing
from mdf_magics.engines.client import import_client, missing_extra
from mdf_magics.engines.failures import Reader, engine_error
from mdf_magics.engines.interrupting import cancelling_after, cancelling_on_ctrl_c
from mdf_magics.engines.packages import stray_pyspark
from mdf_magics.engines.protocol import Column, Query, Rows
from mdf_magics.engines.rows import columns_of, first_rows
from mdf_magics.engines.sql_text import quoted
from mdf_magics.errors import (
    EngineError,
    EngineUnavailable,
    Problem,
    QueryStopped,
    SessionExpired,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


_TIMES_TO_WAIT, _SECONDS_TO_WAIT = 30, 0.1
"""For other threads to leave a session that is to end; they are interrupted."""


class Connection(Protocol):
    """A session and what belongs to it: all of it ends together."""

    @property
    def session(self) -> SparkSession:
        """The session."""

    def lost(self) -> bool:
        """Whether it can't be used any more, as far as is known without asking."""

    def explain(self, error: Exception) -> EngineError | None:
        """What an error means that is about the connection; None: it isn't."""

    def end(self) -> None:
        """End the session, and what was started for it; never complains."""

    def leave(self) -> None:
        """At the interpreter's end: end without waiting for anybody."""

    def disown(self) -> None:
        """In a forked process: leave everything to the parent."""


class SparkConnectEngine[C: Connection](ABC):
    """An engine that is reached through a Spark Connect session."""

    name: str
    _read_message: Reader

    def __init__(self, catalog: str, timeout: float | None = None) -> None:
        """Describe the engine; it starts with its first use.

        Args:
            catalog: The catalog that the target writes.
            timeout: Seconds after which a preview's query is interrupted.
        """
        self._own_catalog = catalog
        self._timeout = timeout
        self._tags: set[str] = set()
        """Each marks what one block of code runs, among all that a session may run."""
        self._cancelled = 0
        """How often `cancel` was called: what fails then, fails because of it."""
        self._connection: C | None = None
        self._uses = 0
        """Blocks of code that work with the session."""
        self._left = threading.Condition()
        """A block was left."""
        self._ending: C | None = None
        """Nobody may use it any more."""
        self._closed = False
        self._lock = threading.Lock()
        self.catalog = Catalog(self._listing())
        _engines.add(self)

    @abstractmethod
    def _connect(self) -> C:
        """Make a session; called by one thread at a time."""

    @abstractmethod
    def _listing(self) -> Listing:
        """Where the engine's catalog is looked up."""

    def _import(self) -> None:
        """Import what the engine needs.

        Raises:
            ImportError: It isn't installed.
        """
        import_client()

    @property
    def warehouse(self) -> Path | None:
        """The folder that holds the tables; None where a catalog knows them."""
        return None

    @property
    def session(self) -> SparkSession:
        """The Spark session, made on first use and shared by everything in a kernel."""
        with self._readable() as session:
            return session

    @contextmanager
    def cancellable(self) -> Iterator[SparkSession]:
        """The session for a block of code whose queries `cancel` interrupts."""
        session = self.session
        try:
            with cancelling_on_ctrl_c(self.cancel), self._tagged(session):
                yield session
        finally:
            self.catalog.forget()

    def read[T](self, work: Callable[[], T]) -> T:
        """What `work` returns; called once more should the session expire."""
        try:
            return work()
        except SessionExpired:
            return work()

    def warm_up(self) -> None:
        """Start in a background thread, so that the first query needn't wait."""

        def start() -> None:
            with suppress(EngineError):  # the first query will say it
                self.preview("SELECT 1", 1)

        threading.Thread(target=start, name="mdf-warm-up", daemon=True).start()

    def exists(self, home: str) -> bool:
        """Whether a table or view `catalog.schema.table` can be read by name."""
        return self.read(lambda: self._exists(home))

    def columns(self, home: str) -> tuple[Column, ...] | None:
        """The columns of a table or view; None where there is none."""
        return self.read(lambda: self._columns(home))

    def register_all(self) -> None:  # noqa: B027 - most catalogs know their tables
        """Make every table readable by name, where a catalog doesn't by itself."""

    def create_schema(self, schema: str) -> None:
        """Make a schema of the target's catalog, unless it is there."""
        self.run(f"CREATE SCHEMA IF NOT EXISTS `{self._own_catalog}`.`{schema}`")

    def preview(self, query: Query, rows: int) -> Rows:
        """The query's first rows; fetches no more than it returns, plus one."""

        def fetch() -> Rows:
            with self._readable(query, self._timeout) as session:
                return first_rows(_frame(session, query), rows)

        return self.read(fetch)

    def schema(self, query: Query) -> tuple[Column, ...]:
        """The query's columns, without running it."""

        def ask() -> tuple[Column, ...]:
            with self._readable(query) as session:
                return columns_of(_frame(session, query).schema)

        return self.read(ask)

    def run(self, statement: str) -> None:
        """Execute one SQL statement for its effect."""
        with self._readable(statement) as session:
            session.sql(statement)
        self.catalog.forget()

    def explain(self, error: Exception, sql: str = "") -> EngineError:
        """What an exception means that came from using `session` directly."""
        connection = self._connection
        if isinstance(error, EngineError):
            return error
        if connection and (found := connection.explain(error)):
            return found
        known = Known(self.catalog, self._own_catalog, self._functions)
        return engine_error(error, sql, known, self._read_message)

    def cancel(self) -> None:
        """Interrupt what this engine runs on the server; the session stays usable."""
        self._cancelled += 1
        if self._connection:
            self._interrupt(self._connection, *self._tags)

    def close(self) -> None:
        """End the session and what was started for it; it can't be used again."""
        with self._lock:
            self._closed = True
            connection, self._connection = self._connection, None
        if connection:
            self._end(connection)
        atexit.unregister(self._leave)

    def _interrupt(self, connection: C, *tags: str) -> None:
        with self._counted():
            for tag in tags if connection is not self._ending else ():
                if not connection.lost():
                    connection.session.interruptTag(tag)

    def _end(self, connection: C) -> None:
        """End a session when nobody works with it any more, such as the warm-up.

        gRPC crashes the process when a channel is closed while another thread begins a
        call on it (grpcio 1.85).
        """
        self._cancelled += 1
        for _ in range(_TIMES_TO_WAIT):
            with self._left:
                if self._left.wait_for(lambda: not self._uses, _SECONDS_TO_WAIT):
                    self._ending = connection
                    break
            with suppress(Exception):
                self._interrupt(connection, *self._tags)
        else:
            connection.leave()
            return
        connection.end()

    def _exists(self, home: str) -> bool:
        with self._readable() as session:
            return session.catalog.tableExists(home)

    def _columns(self, home: str) -> tuple[Column, ...] | None:
        if not self._exists(home):
            return None
        with self._readable() as session:
            return columns_of(session.table(quoted(*home.split("."))).schema)

    def _functions(self) -> object:
        return self.session.catalog.listFunctions()

    @contextmanager
    def _readable(
        self, query: Query = "", seconds: float | None = None
    ) -> Iterator[SparkSession]:
        """The session; raises nothing but EngineError, and cancels on Ctrl-C.

        Args:
            query: What is asked, for the place of what is wrong in it.
            seconds: How long the block may take.
        """
        cancelled, over = self._cancelled, threading.Event()
        try:
            with (
                cancelling_on_ctrl_c(self.cancel),
                self._used() as connection,
                self._tagged(connection.session) as tag,
                cancelling_after(
                    seconds, lambda: self._interrupt(connection, tag)
                ) as over,
            ):
                yield connection.session
        except EngineError:
            raise
        except Exception as error:
            if over.is_set():
                raise QueryStopped(_too_long(seconds)) from error
            if self._cancelled > cancelled:
                problem = Problem("cancelled", "the query was cancelled")
                raise QueryStopped(problem) from error
            sql = query if isinstance(query, str) else ""
            raise self.explain(error, sql) from error

    @contextmanager
    def _tagged(self, session: SparkSession) -> Iterator[str]:
        """Mark what this thread runs in the block.

        Each block has a tag of its own: one that comes late to cancel an earlier block
        must not meet this one.
        """
        tag = f"mdf-{uuid.uuid4().hex}"
        session.addTag(tag)
        self._tags.add(tag)
        try:
            yield tag
        finally:
            self._tags.discard(tag)
            session.removeTag(tag)

    @contextmanager
    def _used(self) -> Iterator[C]:
        """The connection, which isn't ended before the block is left."""
        with self._counted():
            yield self._connected()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._left:
            self._uses += 1
        try:
            yield
        finally:
            with self._left:
                self._uses -= 1
                self._left.notify_all()

    def _connected(self) -> C:
        try:  # takes seconds; nobody waits for the lock meanwhile
            self._import()
        except (ImportError, AttributeError) as error:  # or parts of two versions
            problem = stray_pyspark() or missing_extra(self.name)
            raise EngineUnavailable(problem) from error
        with self._lock:
            if self._closed:
                message = f"the {self.name} engine was closed"
                raise EngineUnavailable(Problem("engine-unavailable", message))
            connection = self._connection
            if connection and connection.lost():
                connection.end()
                connection = self._connection = None
            if connection is None:
                connection = self._connection = self._connect()
                # What registers last comes first: before pyspark's own cleaning up.
                atexit.unregister(self._leave)
                atexit.register(self._leave)
            return connection

    def _leave(self) -> None:
        """At the interpreter's end."""
        if self._connection:
            self._connection.leave()

    def _start_afresh(self) -> None:
        """In a forked process: the parent's session and server are the parent's."""
        self._lock, self._left, self._uses = threading.Lock(), threading.Condition(), 0
        self.catalog = Catalog(self._listing())
        if self._connection:
            self._connection.disown()
            self._connection = None


_engines: weakref.WeakSet[SparkConnectEngine[Any]] = weakref.WeakSet()


def _after_fork() -> None:
    for engine in list(_engines):
        engine._start_afresh()  # noqa: SLF001 - a module-level face of the class


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _frame(session: SparkSession, query: Query) -> DataFrame:
    if isinstance(query, str):
        return session.sql(query)
    from pyspark.sql import DataFrame

    frame: object = query(session)
    if not isinstance(frame, DataFrame):
        message = f"the function returned {type(frame).__name__}, not a DataFrame"
        raise EngineError(Problem("no-dataframe", message))
    return frame


def _too_long(seconds: float | None) -> Problem:
    message = f"the query took longer than {seconds:g} s and was stopped"
    hint = "Give the target more  query_timeout_seconds , or preview less."
    return Problem("timeout", message, hint)
