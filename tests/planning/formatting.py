"""What ruff says of generated code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RUFF = Path(sys.executable).with_name("ruff")


def ruff(text: str, *words: str) -> str:
    """What ruff says of a module with its default settings; empty: nothing."""
    done = subprocess.run(
        [RUFF, *words, "--isolated", "--quiet", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
