"""Writes rows into one Delta table, on a Sail server of its own.

python -m tests.state.write_to_delta WAREHOUSE SCHEMA NAME LEASES

Takes the lease again and again, writes one operation under each, and gives it back,
until so many were written whole. A line for each lease: `taken FENCE` before its writes, `written FENCE` after them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mdf_magics.engines.embedded import EmbeddedEngine
from mdf_magics.errors import LeaseLost, Locked, StateUnreachable
from mdf_magics.state.delta import DeltaStore
from mdf_magics.state.protocol import JournalRow
from mdf_magics.state.session import SessionStatements

if __name__ == "__main__":
    warehouse, schema, name, leases = sys.argv[1:]
    engine = EmbeddedEngine(Path(warehouse), "main")
    statements = SessionStatements(lambda: engine, f"main.{schema}")
    store = DeltaStore(
        statements, project="flights", target="prod", lease_seconds=5, grace_seconds=0
    )
    store.snapshot()  # the server is up
    print("ready", flush=True)
    left = int(leases)
    while left:
        try:
            lease = store.acquire(name)
        except (Locked, StateUnreachable):
            continue
        print("taken", lease.fence, flush=True)
        operation_id = f"{name}-{lease.fence}"
        try:
            for phase in ("intent", "done"):
                row = JournalRow("gold", "job", "update", phase, operation_id)
                store.write(lease, [row])
            print("written", lease.fence, flush=True)
            left -= 1
            store.release(lease)
        except (LeaseLost, StateUnreachable):
            continue
    engine.close()
