"""Keeps a server's catalog, which is in memory, in step with the warehouse.

Registering costs about 5 ms a table, so a table is registered when somebody asks for
it. It is registered without columns: then Sail reads them from the Delta log at every
query, and another process may change them (pysail 0.7.2; a table that this session
created itself keeps its first columns and can't be read after such a change).
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from mdf_magics.engines.warehouse import (
    StoredTable,
    StoredView,
    Warehouse,
    is_plain,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

type _Version = StoredTable | tuple[object, ...]


class Registry:
    """What one session knows of a warehouse's tables and views."""

    def __init__(
        self, session: SparkSession, catalog: str, warehouse: Warehouse, location: Path
    ) -> None:
        """Make the warehouse's schemas known.

        Args:
            session: The session of a server that knows no table yet.
            catalog: The name of its only catalog.
            warehouse: What is stored.
            location: A path to the warehouse's folder that Sail can write to.
        """
        self._session = session
        self._catalog = catalog
        self._warehouse = warehouse
        self._location = location
        self._schemas: set[str] = set()
        self._versions: dict[str, _Version] = {}
        self._lock = threading.RLock()
        # Sail starts with a schema `default` without a location.
        session.sql(f"DROP SCHEMA {self._quoted('default')}")
        for schema in {"default", *warehouse.schemas()}:
            self.create_schema(schema)

    def create_schema(self, schema: str) -> None:
        """Make a schema whose tables lie in the warehouse, unless it is there."""
        with self._lock:
            if schema not in self._schemas:
                self._session.sql(
                    f"CREATE SCHEMA IF NOT EXISTS {self._quoted(schema)} "
                    f"LOCATION '{self._location / schema}'"
                )
                self._schemas.add(schema)

    def exists(self, home: str) -> bool:
        """Whether `catalog.schema.table` can be read, after registering it."""
        with self._lock:
            return self._register(home, frozenset())

    def register_all(self) -> None:
        """Register every table and view of the warehouse."""
        for name in self._warehouse.names():
            self.exists(f"{self._catalog}.{name}")

    def forget(self) -> None:
        """Look again at everything, because the session turned out to know less."""
        with self._lock:
            self._versions.clear()

    def _register(self, home: str, views: frozenset[str]) -> bool:
        catalog, schema, name = home.split(".")
        stored = (
            self._warehouse.find(schema, name) if catalog == self._catalog else None
        )
        if stored is None:
            return self._is_only_in_session(home)
        self.create_schema(schema)
        if isinstance(stored, StoredView):
            self._register_view(home, stored, views | {home})
        else:
            self._register_table(home, stored)
        return True

    def _register_table(self, home: str, stored: StoredTable) -> None:
        known = self._versions.get(home)
        if known == stored:
            return
        _, schema, name = home.split(".")
        create = (
            f"CREATE TABLE {self._quoted(schema, name)} USING delta "
            f"LOCATION '{self._location / schema / name}'"
        )
        if known is not None:
            self._drop(home)
        try:
            self._session.sql(create)
        except Exception:  # noqa: BLE001 - if it isn't that, it fails again
            # This session made the table itself, or a view of that name.
            self._drop(home)
            self._session.sql(create)
        self._versions[home] = stored

    def _register_view(
        self, home: str, stored: StoredView, views: frozenset[str]
    ) -> None:
        reads = sorted(stored.names - views)
        for name in reads:
            self._register(name, views)
        # Sail keeps a view's columns too, so it is made again with what it reads.
        version = (stored, *(self._versions.get(name) for name in reads))
        if self._versions.get(home) == version:
            return
        self._drop(home)
        try:
            self._session.sql(stored.statement)
        except Exception as error:
            error.add_note(f"The view {home} was being opened.")
            raise
        self._versions[home] = version

    def _is_only_in_session(self, home: str) -> bool:
        """Whether the session knows a name that the warehouse doesn't, and rightly."""
        if self._versions.pop(home, None) is not None:
            self._drop(home)  # its folder or file was deleted
            return False
        if not self._session.catalog.tableExists(home):
            return False
        quoted = ".".join(f"`{part}`" for part in home.split("."))
        described = self._session.sql(f"DESCRIBE TABLE EXTENDED {quoted}").collect()
        location = {row.col_name: row.data_type for row in described}.get("Location")
        if location is None or not is_plain(location) or Path(location).exists():
            return True
        self._drop(home)
        return False

    def _drop(self, home: str) -> None:
        """Make the session forget a name; Sail leaves the data where it is."""
        _, schema, name = home.split(".")
        self._session.sql(f"DROP TABLE IF EXISTS {self._quoted(schema, name)}")
        self._session.sql(f"DROP VIEW IF EXISTS {self._quoted(schema, name)}")

    def _quoted(self, *parts: str) -> str:
        return ".".join(f"`{part}`" for part in (self._catalog, *parts))
