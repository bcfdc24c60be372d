"""Stores a cell, and is killed at the n-th thing that it does to a file.

python -m tests.definitions.die_at_step ROOT N; prints what it was about to do.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from mdf_magics import Project
from mdf_magics.adding import AddOptions
from mdf_magics.errors import Source

STEPS = {"open", "os.rename", "os.remove", "os.chmod", "os.mkdir", "os.fsync"}


class Death:
    """Counts what happens to files, and comes when it is enough."""

    def __init__(self, after: int) -> None:
        self.left = after

    def step(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Python's audit hook."""
        if event in STEPS and self.left >= 0:
            self.left -= 1
            if self.left < 0:
                print(event, *arguments[:2], flush=True)
                os.kill(os.getpid(), signal.SIGKILL)

    def fsync(self, file: int) -> None:
        """Python says nothing of this step by itself."""
        self.step("os.fsync", (file,))
        _fsync(file)


_fsync = os.fsync

if __name__ == "__main__":
    project, death = Project(Path(sys.argv[1])), Death(int(sys.argv[2]))
    project.validate()
    setattr(os, "fsync", death.fsync)  # noqa: B010 (mypy knows its exact signature)
    sys.addaudithook(death.step)
    cell = "%%mdf_table busy.new\nSELECT 1 AS n\n"
    project.add_file(Source("", cell), AddOptions(no_preview=True))
