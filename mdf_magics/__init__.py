"""mdf_magics: metadata-driven frameworks on Databricks, from a notebook.

`%load_ext mdf_magics` in a notebook, `mdf` in a terminal, `Project` in Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from mdf_magics.project import Project

__all__ = ["Project", "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics; called by `%load_ext mdf_magics`."""
    from mdf_magics.notebook.extension import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away and end the engines; called by `%unload_ext`."""
    from mdf_magics.notebook.extension import unload

    unload(shell)


def __getattr__(name: str) -> Any:
    if name == "Project":
        from mdf_magics.project import Project

        return Project
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
