"""Where the Delta store's SQL runs: one narrow protocol, two adapters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

type Reason = Literal[
    "catalog", "conflict", "denied", "lost", "missing", "refused", "schema",
    "too-large", "warehouse",
]  # fmt: skip
"""`conflict`: another write was first and nothing was written. `lost`: it may or may
not have run. `missing`: there is no such table. `refused`: whatever else is said."""


class StatementFailed(Exception):
    """A statement did not do what it should."""

    def __init__(self, reason: Reason, message: str) -> None:
        """Say why, in the server's words."""
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message


class Statements(Protocol):
    """Runs SQL without parameters. Every method raises StatementFailed."""

    schema: str
    """The state's schema, `catalog.schema`."""

    def query(self, sql: str) -> list[Sequence[str | None]]:
        """The rows of a query, every value as text."""

    def change(self, sql: str) -> int:
        """Run an UPDATE, MERGE or INSERT once; how many rows it touched."""

    def create_schema(self) -> None:
        """Make the schema, unless it is there."""

    def create_view(self, view: str, sql: str) -> None:
        """Make a view that isn't there.

        Args:
            view: Its full name, quoted.
            sql: Its CREATE VIEW statement.
        """


_SIGNS: Mapping[Reason, str] = {
    "too-large": r"Inline byte limit exceeded",
    "conflict": r"DELTA_CONCURRENT|DELTA_METADATA_CHANGED|DELTA_PROTOCOL_CHANGED"
    r"|Concurrent\w+Exception|(Metadata|Protocol)ChangedException"
    r"|Failed to commit transaction|Missing commit file",
    "catalog": r"NO_SUCH_CATALOG|CATALOG_NOT_FOUND|Catalog '[^']*' does not exist",
    "schema": r"SCHEMA_NOT_FOUND|Schema '[^']*' does not exist|Database not found",
    "missing": r"TABLE_OR_VIEW_NOT_FOUND|TABLE_NOT_FOUND|Table '[^']*' does not exist",
    "denied": r"PERMISSION_DENIED|INSUFFICIENT_P|UNAUTHENTICATED|Unauthenticated",
    "lost": r"UNAVAILABLE|DEADLINE_EXCEEDED|SESSION_CLOSED|NO_ACTIVE_SESSION"
    r"|INTERNAL_ERROR|[Cc]onnection (reset|refused|aborted)",
}


def reason_of(text: str) -> Reason:
    """What an error of Sail, Spark, Unity Catalog or a SQL warehouse means to us."""
    found = (reason for reason, sign in _SIGNS.items() if re.search(sign, text))
    return next(found, "refused")


def filled(sql: str, values: Mapping[str, object]) -> str:
    """SQL with its `:names` written out as literals.

    Sail takes no parameters in MERGE and UPDATE (pysail 0.7.2).
    """
    return re.sub(r"(?<![:\w]):([a-z_]+)", lambda name: literal(values[name[1]]), sql)


def literal(value: object) -> str:
    """A value as a literal of Spark's SQL: NULL, a number or an escaped string."""
    if value is None:
        return "NULL"
    if isinstance(value, int | float):
        return repr(value)
    escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def quoted(name: str) -> str:
    """A name of parts with dots between, each in backticks."""
    return ".".join(f"`{part}`" for part in name.split("."))
