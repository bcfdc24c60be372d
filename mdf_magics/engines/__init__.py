"""Where SQL runs: one protocol, and an adapter for each engine.

`connect` is the only place that knows the engines by name. Importing this package is
cheap: pyspark, pysail, pandas and pyarrow are imported when a query comes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mdf_magics.engines.protocol import Column, Engine, EngineSettings, Query, Rows
from mdf_magics.errors import EngineUnavailable, Problem

if TYPE_CHECKING:
    from mdf_magics.engines.databricks import Workspace

__all__ = [
    "Column",
    "Engine",
    "EngineSettings",
    "Query",
    "Rows",
    "connect",
    "engine_settings",
]


def connect(
    target: EngineSettings,
    *,
    warehouse: Path,
    log_in: Callable[[], Workspace] | None = None,
) -> Engine:
    """The engine of a target. Nothing starts before its first query.

    Args:
        target: What the target says about it.
        warehouse: The folder that holds the embedded engine's tables.
        log_in: Logs in to the target's workspace, for the engine `databricks`.

    Raises:
        EngineUnavailable: The target doesn't say enough, or there is no such engine.
    """
    timeout = target.query_timeout_seconds
    match target.engine:
        case "embedded":
            from mdf_magics.engines.embedded import EmbeddedEngine

            return EmbeddedEngine(warehouse, target.catalog, timeout)
        case "spark":
            from mdf_magics.engines.spark import SparkEngine

            return SparkEngine(target.remote, target.catalog, timeout)
        case "databricks" if log_in:
            from mdf_magics.engines.databricks import DatabricksEngine

            return DatabricksEngine(
                log_in,
                target.catalog,
                cluster_id=target.cluster_id,
                serverless=target.serverless,
                timeout=timeout,
            )
    message = f"there is no engine {target.engine}"
    hint = "There are: databricks, embedded, spark."
    raise EngineUnavailable(Problem("unknown-engine", message, hint))


def engine_settings(target: EngineSettings) -> tuple[object, ...]:
    """What an engine is made from: when a target says something else, so is another."""
    names = [
        name for name, one in vars(EngineSettings).items() if type(one) is property
    ]
    return tuple(getattr(target, name) for name in names)
