"""Serves the stand-in until Ctrl-C: `python -m tests.workspace [--port N]`.

It has one SQL warehouse, `w1`, whose tables go when it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import threading
from pathlib import Path

from mdf_magics.engines.embedded import EmbeddedEngine
from tests.workspace import WorkspaceServer


def main() -> None:
    """Print how to reach it, and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.workspace")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument(
        "--latency",
        type=float,
        default=0.0,
        help="seconds that each reply takes longer",
    )
    parser.add_argument("--catalog", default="main", help="the warehouse's catalog")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(EmbeddedEngine(Path(folder), options.catalog)) as engine,
        WorkspaceServer(
            port=options.port,
            latency=options.latency,
            engine=lambda: engine,
            catalog=options.catalog,
        ) as server,
    ):
        for name, value in server.environment.items():
            print(f"export {name}={value}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
