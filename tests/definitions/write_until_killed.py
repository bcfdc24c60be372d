"""Writes a file again and again until somebody kills it.

python -m tests.definitions.write_until_killed ROOT
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from mdf_magics.definitions.storing import Change, locked, write

if __name__ == "__main__":
    root = Path(sys.argv[1])
    before = None
    for number in itertools.count():
        after = f"{number}\n" * 20_000
        with locked(root):
            write(root, [Change("definitions/a.yml", before, after)])
        before = after
        print(number, flush=True)
