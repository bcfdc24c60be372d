"""Unity Catalog by its REST API: no session is needed, and a schema is a few calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mdf_magics.engines.browsing import TableColumn, TableDetails, TableEntry
from mdf_magics.engines.session_listing import SessionListing

if TYPE_CHECKING:
    from mdf_magics.engines.databricks import DatabricksEngine

_API = "/api/2.1/unity-catalog/"

_LEGACY = "hive_metastore"
"""The catalog that Unity Catalog's API doesn't know."""


class UnityCatalog:
    """What the metastore of a workspace holds, as far as one may see it."""

    seconds_kept = 600.0

    def __init__(self, engine: DatabricksEngine) -> None:
        """Ask nothing yet."""
        self._engine = engine
        self._session = SessionListing(engine)

    def catalogs(self) -> Iterable[str]:
        """The names of all catalogs."""
        if self._engine.in_notebook:
            return self._session.catalogs()
        return (one["name"] for one in self._pages("catalogs", {}))

    def schemas(self, catalog: str) -> Iterable[str]:
        """The names of a catalog's schemas."""
        if self._by_session(catalog):
            return self._session.schemas(catalog)
        found = self._pages("schemas", {"catalog_name": catalog})
        return (one["name"] for one in found)

    def tables(self, catalog: str, schema: str) -> Iterator[TableEntry]:
        """A schema's tables and views, with their comments."""
        if self._by_session(catalog):
            yield from self._session.tables(catalog, schema)
            return
        query = {
            "catalog_name": catalog,
            "schema_name": schema,
            "omit_columns": "true",
            "omit_properties": "true",
        }
        for one in self._pages("tables", query):
            kind = one.get("table_type", "TABLE").lower().replace("_", " ")
            kind = "table" if kind in ("managed", "external") else kind
            yield TableEntry(one["name"], kind, one.get("comment", ""))

    def details(self, catalog: str, schema: str, table: str) -> TableDetails:
        """A table's columns, its primary key and its comment."""
        if self._by_session(catalog):
            return self._session.details(catalog, schema, table)
        said = self._engine.workspace.read(f"{_API}tables/{catalog}.{schema}.{table}")
        columns = (
            TableColumn(
                one["name"],
                one["type_text"],
                one.get("comment", ""),
                one.get("nullable", True),
            )
            for one in said.get("columns", [])
        )
        keys: list[str] = []
        for constraint in said.get("table_constraints", []):
            keys += constraint.get("primary_key_constraint", {}).get(
                "child_columns", []
            )
        return TableDetails(tuple(columns), tuple(keys), said.get("comment", ""))

    def _by_session(self, catalog: str) -> bool:
        """Whether the session is asked: in a notebook it is there anyway."""
        return self._engine.in_notebook or catalog == _LEGACY

    def _pages(self, what: str, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        # 0: as many in a page as the server likes.
        asked = {**query, "max_results": 0}
        while True:
            reply = self._engine.workspace.read(f"{_API}{what}", asked)
            yield from reply.get(what, [])
            if not (token := reply.get("next_page_token")):
                return
            asked["page_token"] = token
