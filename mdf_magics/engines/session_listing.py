"""A catalog as a Spark session sees it, by SHOW and DESCRIBE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mdf_magics.engines.browsing import TableColumn, TableDetails, TableEntry
from mdf_magics.engines.protocol import Rows
from mdf_magics.engines.sql_text import quoted
from mdf_magics.errors import EngineError

if TYPE_CHECKING:
    from mdf_magics.engines.protocol import Engine

MOST = 100_000
"""Names in one list."""

_PRIMARY_KEY = re.compile(r"PRIMARY KEY \(([^)]*)\)")


@dataclass(frozen=True)
class SessionListing:
    """What a session's catalogs hold. Lists bring no comments; details do."""

    engine: Engine
    seconds_kept = 600.0

    def catalogs(self) -> Iterable[str]:
        """The names of all catalogs that the server has loaded."""
        return (row[0] for row in self._rows("SHOW CATALOGS").rows)

    def schemas(self, catalog: str) -> Iterable[str]:
        """The names of a catalog's schemas."""
        rows = self._rows(f"SHOW SCHEMAS IN {quoted(catalog)}").rows
        return (row[0].rpartition(".")[2].replace("`", "") for row in rows)

    def tables(self, catalog: str, schema: str) -> Iterator[TableEntry]:
        """A schema's tables and views."""
        place = quoted(catalog, schema)
        views: set[str] = set()
        with suppress(EngineError):  # a catalog that has none may refuse
            views = {row[1] for row in self._rows(f"SHOW VIEWS IN {place}").rows}
        for _, name, temporary in self._rows(f"SHOW TABLES IN {place}").rows:
            if not temporary:
                yield TableEntry(name, "view" if name in views else "table")

    def details(self, catalog: str, schema: str, table: str) -> TableDetails:
        """A table's columns, its primary key and its comment."""
        place = quoted(catalog, schema, table)
        told = self._rows(f"DESCRIBE TABLE EXTENDED {place}").rows
        end = next((i for i, row in enumerate(told) if _ends_columns(row[0])), None)
        columns = (
            TableColumn(name, kind, text or "") for name, kind, text in told[:end]
        )
        said = {name: kind for name, kind, _ in told[end:]} if end is not None else {}
        keys = (_PRIMARY_KEY.search(kind or "") for kind in said.values())
        key = next(filter(None, keys), None)
        names = key[1].replace("`", "").split(", ") if key else []
        return TableDetails(tuple(columns), tuple(names), said.get("Comment") or "")

    def _rows(self, statement: str) -> Rows:
        return self.engine.preview(statement, MOST)


def _ends_columns(name: str) -> bool:
    """Whether a line of DESCRIBE begins another section."""
    return not name or name.startswith("# ")
