"""Adds tables to one file, as a kernel beside others does.

python -m tests.definitions.add_tables ROOT WRITER COUNT
"""

from __future__ import annotations

import sys
from pathlib import Path

from mdf_magics import Project
from mdf_magics.adding import AddOptions
from mdf_magics.errors import Source

if __name__ == "__main__":
    project, writer, count = Project(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
    for number in range(count):
        cell = f"%%mdf_table busy.w{writer}_{number}\nSELECT {number} AS n\n"
        project.add_file(Source("", cell), AddOptions(no_preview=True))
