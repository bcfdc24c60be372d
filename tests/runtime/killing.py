"""A process that builds a table with a server of its own and is killed on the way.

Processes come from multiprocessing's fork server, which imports pyspark once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from mdf_magics.engines.client import open_session
from mdf_magics.engines.server_process import ServerProcess
from mdf_magics.runtime import mdf_runtime
from tests.runtime.home import Home

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])

Point = tuple[str, str]
"""A function of the runtime, and `call` or `return`."""


def described(table: dict[str, Any]) -> dict[str, Any]:
    """A table whose `sql` is a text with `{source}` in it: functions can't be sent."""
    text = table["sql"]
    return {**table, "sql": text.format}


def kill_at(point: Point, warehouse: Path, name: str, table: dict[str, Any]) -> None:
    """Build a table in another process that is killed at a point.

    Its server ends with it, because the pipe between them closes.
    """
    process = FORKS.Process(target=_build, args=(warehouse, name, table, point))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL, f"{point} was never reached"


def kill_while_writing(warehouse: Path, name: str, table: dict[str, Any]) -> None:
    """Build a table in another process that is killed when a file of rows appears.

    Args:
        warehouse: Where the table is.
        name: The table.
        table: Its description, with a query that wouldn't end for minutes.
    """
    folder = warehouse.joinpath(*name.split("."))
    before = _files(folder)
    process = FORKS.Process(target=_build, args=(warehouse, name, table, None))
    process.start()
    while process.is_alive() and _files(folder) == before:
        time.sleep(0.001)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def _files(folder: Path) -> set[str]:
    return {file.name for file in _listed(folder) if file.suffix == ".parquet"}


def _listed(folder: Path) -> Iterable[Path]:
    return folder.iterdir() if folder.is_dir() else ()


def _build(
    warehouse: Path, name: str, table: dict[str, Any], point: Point | None
) -> None:
    def watch(frame: FrameType, event: str, _: object) -> None:
        here = frame.f_code.co_filename == mdf_runtime.__file__
        if here and (frame.f_code.co_name, event) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    os.environ["MDF_WAREHOUSE"] = str(warehouse)
    home = Home(open_session(ServerProcess("main").port, str(warehouse)), warehouse)
    home.know_all()
    if point:
        sys.setprofile(watch)
    home.build(name, **described(table))
