"""The client of a local server: databricks-connect's own `pyspark`.

`databricks.connect` itself is left alone: it takes twice as long to import.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from types import FrameType
from typing import TYPE_CHECKING, cast

from mdf_magics.errors import Problem

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SETTINGS = {
    # As on serverless compute.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    # Else `saveAsTable` writes parquet.
    "spark.sql.sources.default": "delta",
    # Sail answers '3GB', and createDataFrame of 18.3 and later wants a number.
    "spark.sql.session.localRelationSizeLimit": str(3 * 1024**3),
}


def import_client() -> None:
    """Import what a session needs; the first time takes seconds.

    Raises:
        ImportError: It isn't installed.
    """
    # What gRPC would log of a failed handshake, the error says too.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    import pyspark.sql.connect.session  # noqa: F401
    from pyspark.logger import PySparkLogger

    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logger = PySparkLogger.getLogger(name)
        if _logged_elsewhere not in logger.filters:
            logger.addFilter(_logged_elsewhere)


def _logged_elsewhere(_: logging.LogRecord) -> bool:
    """Whether an error that pyspark logs isn't one of ours, which are shown anyway."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - the documented way
    while frame := frame and frame.f_back:
        if str(frame.f_globals.get("__name__")).startswith("mdf_magics."):
            return False
    return True


def open_session(port: int, warehouse: str) -> SparkSession:
    """A new session with the server on that port of this machine.

    Args:
        port: Where the server listens.
        warehouse: The folder for tables of schemas that have no location.
    """
    from pyspark.sql.connect.client import DefaultChannelBuilder
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    # A proxy would be asked for 127.0.0.1 too.
    direct = [("grpc.enable_http_proxy", 0)]
    channel = DefaultChannelBuilder(f"sc://127.0.0.1:{port}", direct)
    session = ConnectSession.builder.channelBuilder(channel).create()
    # The client would try a dead server again for ten minutes. Ours is on this
    # machine: it answers, or it is gone.
    session.client.set_retry_policies([])
    session.release_session_on_close = False
    for name, value in _SETTINGS.items():
        session.conf.set(name, value)
    session.conf.set("spark.sql.warehouse.dir", warehouse)
    return cast("SparkSession", session)


def abandon_session(session: SparkSession) -> None:
    """Leave a session alone for good: one of a parent process, or at the very end.

    Closing a gRPC channel, as pyspark and gRPC do with one that nobody uses any more,
    waits for calls to end. Threads do that which a forked process hasn't got, and which
    can't be started once the interpreter is ending: every tenth process that ended
    right after a query hung on a busy machine (Python 3.12, grpcio 1.85).
    """
    client = session.client
    # So that pyspark neither cleans up in the session nor offers it as the active one.
    client._closed = True  # noqa: SLF001
    client.close = lambda: None  # type: ignore[method-assign]
    # And gRPC's own objects must not be finalized, not even with the interpreter.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))


def missing_extra(engine: str) -> Problem:
    """What to say when an engine's packages aren't installed."""
    packages = "databricks-connect"
    if engine == "embedded":
        packages += " and pysail"
    message = f"the {engine} engine needs {packages}"
    command = 'pip install "mdf_magics[connect]"'
    hint = f"Run this in a shell, then restart the kernel:  {command}"
    return Problem("missing-extra", message, hint)
