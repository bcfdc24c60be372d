"""Serves the stand-in until Ctrl-C: `python -m tests.workspace [--port N]`."""

from __future__ import annotations

import argparse
import contextlib
import threading

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
    options = parser.parse_args()
    with WorkspaceServer(port=options.port, latency=options.latency) as server:
        for name, value in server.environment.items():
            print(f"export {name}={value}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
