"""Adds tables to one file, as a kernel beside others does.

python -m tests.definitions.add_tables ROOT WRITER COUNT
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.definitions.storing_cells import store

if __name__ == "__main__":
    root, writer, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    for number in range(count):
        store(root, f"%%mdf_table busy.w{writer}_{number}\nSELECT {number} AS n\n")
