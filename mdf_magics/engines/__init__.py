"""Where SQL runs: one protocol, and an adapter for each engine.

`connect` is the only place that knows the engines by name. Importing this package is
cheap: pyspark, pysail, pandas and pyarrow are imported when a query comes.
"""

from __future__ import annotations

from pathlib import Path

from mdf_magics.engines.protocol import Column, Engine, EngineSettings, Query, Rows
from mdf_magics.errors import EngineUnavailable, Problem

__all__ = ["Column", "Engine", "EngineSettings", "Query", "Rows", "connect"]


def connect(target: EngineSettings, *, warehouse: Path) -> Engine:
    """The engine of a target. Nothing starts before its first query.

    Args:
        target: What the target says about it.
        warehouse: The folder that holds the embedded engine's tables.

    Raises:
        EngineUnavailable: There is no such engine yet.
    """
    if target.engine == "embedded":
        from mdf_magics.engines.embedded import EmbeddedEngine

        return EmbeddedEngine(warehouse, target.catalog)
    if target.engine == "spark":
        from mdf_magics.engines.spark import SparkEngine

        return SparkEngine(target.remote, target.catalog)
    message = f"the engine {target.engine} is not available yet"
    hint = "Use the embedded engine:  engine: embedded"
    raise EngineUnavailable(Problem("engine-unavailable", message, hint))
