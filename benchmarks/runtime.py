"""The runtime against the bare statement of the same query, in one run.

Budget: at most 1.1 times the bare statement, or 100 ms more, at a million rows; ten
million with MDF_TESTS=all.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mdf_magics.engines.embedded import EmbeddedEngine
from mdf_magics.runtime import mdf_runtime

RUNS = 5
SIZES = (
    (1_000_000, 10_000_000) if os.environ.get("MDF_TESTS") == "all" else (1_000_000,)
)

QUERY = (
    "SELECT id, id % 1000 AS kind, CAST(id AS STRING) AS name, {} AS at FROM range({})"
)

CHANGES = (
    "SELECT id * 7 AS id, id % 1000 AS kind, 'new' AS name, {} AS at FROM range({})"
)

MERGE = """
MERGE INTO main.s.bare AS old USING ({}) AS new ON old.id = new.id
WHEN MATCHED THEN UPDATE SET kind = new.kind, name = new.name, at = new.at
WHEN NOT MATCHED THEN INSERT (id, kind, name, at)
VALUES (new.id, new.kind, new.name, new.at)"""


def timed(work: Callable[[], Any]) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Time both in turn, for each size and each way of writing."""
    with TemporaryDirectory() as folder:
        engine = EmbeddedEngine(Path(folder), "main")
        engine.create_schema("s")
        mdf_runtime.WAREHOUSE = str(engine.warehouse)
        for rows in SIZES:
            compare("overwrite", engine, QUERY, rows, rows)
            compare("merge", engine, CHANGES, rows, rows // 10)
        engine.close()


def compare(
    write: str, engine: EmbeddedEngine, query: str, rows: int, new: int
) -> None:
    """Write by the runtime and by hand, several times, over tables of `rows` rows."""
    session = engine.session
    table = {
        "name": "s.ours",
        "home": "main.s.ours",
        "write": write,
        "keys": ["id"],
        "sequence_by": "at",
        "arguments": {},
    }
    start = QUERY.format(0, rows)
    first = {**table, "write": "overwrite", "sql": lambda: start}
    build(session, first)
    session.sql(f"CREATE OR REPLACE TABLE main.s.bare USING delta AS {start}").collect()
    ours, bare = [], []
    for number in range(1, RUNS + 1):
        text = query.format(number, new)
        statement = MERGE.format(text)
        if write == "overwrite":
            statement = f"CREATE OR REPLACE TABLE main.s.bare USING delta AS {text}"
        bare.append(timed(lambda: session.sql(statement).collect()))  # noqa: B023
        ours.append(timed(lambda: build(session, {**table, "sql": lambda: text})))  # noqa: B023
    mine, theirs = statistics.median(ours), statistics.median(bare)
    more = f"{mine / theirs:.2f} times, {(mine - theirs) * 1000:+.0f} ms"
    print(f"{write} of {new:,} rows: {mine:.2f} s, bare {theirs:.2f} s: {more}")


def build(session: Any, table: dict[str, Any]) -> None:
    """Build a table as its task does, but for its row in `mdf_runs`."""
    run = mdf_runtime.Run("", table["name"], datetime.now(UTC))
    mdf_runtime.build(session, table, run, "main.mdf_runs")


if __name__ == "__main__":
    main()
