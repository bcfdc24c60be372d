"""Writes rows and says so, one line each, until somebody kills it.

python -m tests.state.write_until_killed FILE
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from mdf_magics.state.protocol import JournalRow
from mdf_magics.state.sqlite import SQLiteStore

if __name__ == "__main__":
    store = SQLiteStore(Path(sys.argv[1]), project="flights", target="prod")
    lease = store.acquire("killed")
    for number in itertools.count(1):
        pair = [JournalRow(key, "job", "create", "intent", f"{number}") for key in "ab"]
        store.write(lease, pair)
        print(number, flush=True)
