"""What can be configured: `%config MdfMagics`.

What is said later holds: our default, `[tool.mdf]` in pyproject.toml, `c.MdfMagics` in
ipython_config.py, `%config MdfMagics.rows = 5`, an option on a magic's line.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from traitlets import Bool, Int, Unicode
from traitlets.config import Configurable

from mdf_magics.defaults import read_defaults
from mdf_magics.errors import Problem

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class MdfMagics(Configurable):
    """The configuration of one shell's magics; its name is what users type."""

    rows = Int(20, min=0, help="Rows that a preview shows.").tag(config=True)
    target = Unicode(help="The target; else the project's default.").tag(config=True)
    verbose_errors = Bool(help="Show the traceback of every error.").tag(config=True)


def configure(shell: InteractiveShell) -> tuple[MdfMagics, list[Problem]]:
    """A shell's configuration, and what is wrong with the project's defaults."""
    defaults, problems = read_defaults(Path.cwd())
    config = MdfMagics(parent=shell, **_unsaid(defaults, shell))
    shell.configurables.append(config)  # type: ignore[arg-type] # as `%config` wants
    return config, problems


def _unsaid(defaults: dict[str, object], shell: InteractiveShell) -> dict[str, object]:
    """Defaults that IPython's own configuration doesn't override."""
    said = shell.config.get("MdfMagics", {})
    return {key: value for key, value in defaults.items() if key not in said}
