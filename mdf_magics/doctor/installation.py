"""What is installed here, whether or not there is a project."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from mdf_magics.doctor.checks import Check, of_problem
from mdf_magics.engines.client import missing_extra
from mdf_magics.engines.packages import CLIENT, installed, stray_pyspark
from mdf_magics.engines.worker import install_command, worker_is_installed

_PYTHON = (3, 12)
"""databricks-connect from 16.4 on wants exactly this one."""

_EMPTY_WIDGETS = "8.1.9"
"""The version of ipywidgets that draws nothing in VS Code."""


def installation(engine: str) -> Iterator[Check]:
    """Look at Python and the packages that an engine needs.

    Args:
        engine: The target's; empty where there is none.
    """
    yield _python()
    yield from _notebook()
    if engine == "embedded":
        yield _present("pysail", engine)
    client = _present(CLIENT, engine)
    yield client
    if client.status == "ok" and (stray := stray_pyspark()):
        yield of_problem("pyspark", stray)
    if engine == "embedded" and not worker_is_installed():
        found = "not installed: Python functions on rows can't run here"
        fix = f"If you need them:  {install_command()}"
        yield Check("pyspark-client", "warning", found, fix)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] == _PYTHON:
        return Check("python", "ok", version)
    found = f"{version}: {CLIENT} is made for Python 3.12"
    return Check("python", "error", found, "Make an environment with Python 3.12.")


def _notebook() -> Iterator[Check]:
    yield Check("ipython", "ok", installed("ipython"))
    version = installed("ipywidgets")
    if version == _EMPTY_WIDGETS:
        found = f"{version} draws nothing in VS Code"
        fix = 'pip install "ipywidgets!=8.1.9"'
        yield Check("ipywidgets", "warning", found, fix)
    else:
        yield Check("ipywidgets", "ok", version)


def _present(package: str, engine: str) -> Check:
    version = installed(package)
    if version:
        return Check(package, "ok", version)
    return of_problem(package, missing_extra(engine or "embedded"))
