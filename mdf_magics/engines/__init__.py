"""Where SQL runs: one protocol, and an adapter for each engine.

`connect` is the only place that knows the engines by name. Importing this package is
cheap: pyspark, pysail, pandas and pyarrow are imported when a query comes.
"""

from __future__ import annotations

from pathlib import Path

from mdf_magics.engines.protocol import Column, Engine, Query, Rows
from mdf_magics.errors import EngineUnavailable, Problem

__all__ = ["Column", "Engine", "Query", "Rows", "connect"]


def connect(name: str, *, warehouse: Path, catalog: str) -> Engine:
    """The engine of a target. Nothing starts before its first query.

    Args:
        name: `embedded`, `spark` or `databricks`.
        warehouse: The folder that holds the embedded engine's tables.
        catalog: The catalog that the target writes.

    Raises:
        EngineUnavailable: There is no such engine yet.
    """
    if name == "embedded":
        from mdf_magics.engines.embedded import EmbeddedEngine

        return EmbeddedEngine(warehouse, catalog)
    message = f"the engine {name} is not available yet"
    hint = "Use the embedded engine:  engine: embedded"
    raise EngineUnavailable(Problem("engine-unavailable", message, hint))
