"""Where pyspark-client lives, which Python functions on rows need.

Sail runs Python and pandas functions in its own process, with the worker code of
open-source PySpark. databricks-connect's `pyspark` speaks another worker protocol,
and both own the folder `pyspark`: so the open-source one is installed, without
dependencies, into a folder of its own that only the server looks into.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
from pathlib import Path

REQUIREMENT = "pyspark-client==4.1.1"
"""Tried with pysail 0.7.2 and clients 17.3, 18.3 and 19.3; 10 MB."""

_BELOW = Path("share", "mdf_magics", "worker")


def worker_folder() -> Path:
    """The folder of pyspark-client, whether it is installed yet or not.

    It is inside the Python environment, so that it goes with it; where that can't be
    written, in the user's own data folder.
    """
    inside = Path(sys.prefix, _BELOW)
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    outside = Path(data, "mdf_magics", "worker", version)
    for folder in (inside, outside):
        if _holds_worker(folder):
            return folder
    return inside if os.access(sys.prefix, os.W_OK) else outside


def worker_is_installed() -> bool:
    """Whether Python functions on rows can run."""
    return _holds_worker(worker_folder())


def install_command() -> str:
    """What to type in a shell so that `worker_folder` holds pyspark-client."""
    pip = "python -m pip" if importlib.util.find_spec("pip") else "uv pip"
    target = shlex.quote(str(worker_folder()))
    return f"{pip} install --target {target} --no-deps {REQUIREMENT}"


def _holds_worker(folder: Path) -> bool:
    return (folder / "pyspark" / "worker.py").is_file()
