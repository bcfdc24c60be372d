"""The embedded engine: Sail in a child process, databricks-connect's client here.

No JVM, no account, no network. The server is up in 0.1 s and takes 110 MB; importing
the client takes 0.5 to 4 s, the first query 0.1 s, what follows 5 to 15 ms (pysail
0.7.2, two cores).
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mdf_magics.engines import sail_failures
from mdf_magics.engines.bridge import bridge
from mdf_magics.engines.browsing import TableColumn, TableDetails, TableEntry
from mdf_magics.engines.client import abandon_session, open_session
from mdf_magics.engines.registry import Registry
from mdf_magics.engines.server_process import ServerProcess
from mdf_magics.engines.spark_connect import SparkConnectEngine
from mdf_magics.engines.warehouse import (
    StoredView,
    Warehouse,
    is_plain,
    link_to,
)
from mdf_magics.errors import EngineError, Problem

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class _SailConnection:
    """A server, its session and what that knows of the warehouse."""

    server: ServerProcess
    session: SparkSession
    registry: Registry

    def lost(self) -> bool:
        return self.server.died()

    def explain(self, error: Exception) -> EngineError | None:
        # It breaks a moment before its server is seen to have ended.
        broken = "UNAVAILABLE" in str(error)
        if self.server.died(within=1 if broken else 0):
            hint = "The next query starts a new one."
            return self.server.failure("ended unexpectedly", hint)
        # The session may have lost a table that it was told of.
        self.registry.forget()
        return None

    def end(self) -> None:
        with suppress(Exception):
            self.session.stop()
        self.server.end()

    def leave(self) -> None:
        abandon_session(self.session)
        self.server.end()

    def disown(self) -> None:
        abandon_session(self.session)
        self.server.disown()


class EmbeddedEngine(SparkConnectEngine[_SailConnection]):
    """An engine of this process alone, and a warehouse that stays."""

    name = "embedded"
    _read_message = staticmethod(sail_failures.read)

    def __init__(
        self, warehouse: Path, catalog: str, timeout: float | None = None
    ) -> None:
        """Describe the engine; it starts with its first use.

        Args:
            warehouse: The folder for tables, below it `<schema>/<table>`.
            catalog: The name of its only catalog.
            timeout: Seconds after which a preview's query is interrupted.
        """
        self._stored = Warehouse(warehouse)
        self._link: Path | None = None
        super().__init__(catalog, timeout)

    @property
    def warehouse(self) -> Path:
        """A path to the warehouse's folder that both Sail and this process can use."""
        folder = self._stored.folder
        if is_plain(folder):
            return folder
        if self._link is None:
            self._link = link_to(folder)
        return self._link

    def create_schema(self, schema: str) -> None:
        """Make a schema whose tables are kept, unless it is there."""
        with self._readable():
            self._connected().registry.create_schema(schema)
        self.catalog.forget()

    def register_all(self) -> None:
        """Make everything in the warehouse known by name, about 5 ms a table."""
        with self._readable():
            self._connected().registry.register_all()

    def close(self) -> None:
        """End the session and the server; the engine can't be used again."""
        super().close()
        self._remove_link()

    def _exists(self, home: str) -> bool:
        with self._readable():
            return self._connected().registry.exists(home)

    def _import(self) -> None:
        if importlib.util.find_spec("pysail") is None:
            raise ImportError("pysail")
        super()._import()

    def _listing(self) -> _WarehouseListing:
        return _WarehouseListing(self, self._own_catalog, self._stored)

    def _connect(self) -> _SailConnection:
        self._stored.folder.mkdir(parents=True, exist_ok=True)
        server = ServerProcess(self._own_catalog)
        try:
            session = open_session(server.port, str(self.warehouse))
            bridge(session)
            own = self._own_catalog
            registry = Registry(session, own, self._stored, self.warehouse)
        except BaseException:
            server.end()
            raise
        return _SailConnection(server, session, registry)

    def _leave(self) -> None:
        super()._leave()
        self._remove_link()

    def _remove_link(self) -> None:
        if self._link:
            shutil.rmtree(self._link.parent, ignore_errors=True)
            self._link = None

    def _start_afresh(self) -> None:
        super()._start_afresh()
        self._link = None


@dataclass(frozen=True)
class _WarehouseListing:
    """The warehouse's folder as a catalog; Delta there knows no primary keys."""

    engine: EmbeddedEngine
    catalog: str
    stored: Warehouse
    seconds_kept = 1.0  # other processes write there too, and looking is cheap

    def catalogs(self) -> tuple[str, ...]:
        return (self.catalog,)

    def schemas(self, catalog: str) -> list[str]:
        return self.stored.schemas() if catalog == self.catalog else []

    def tables(self, catalog: str, schema: str) -> Iterator[TableEntry]:
        if catalog == self.catalog:
            for name, found in self.stored.entries(schema):
                kind = "view" if isinstance(found, StoredView) else "table"
                yield TableEntry(name, kind)

    def details(self, catalog: str, schema: str, table: str) -> TableDetails:
        home = f"{catalog}.{schema}.{table}"
        if not self.engine.exists(home):
            message = f'there is no table "{home}"'
            raise EngineError(Problem("unknown-table", message))
        comment, comments = self.stored.comments(schema, table)  # Sail has lost them
        columns = (
            TableColumn(
                field.name,
                field.dataType.simpleString(),
                comments.get(field.name, ""),
                field.nullable,
            )
            for field in self.engine.session.table(home).schema.fields
        )
        return TableDetails(tuple(columns), comment=comment)
