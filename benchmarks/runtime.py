"""The runtime against the bare statement of the same query, in one run.

Budget: at most 1.1 times the bare statement, or 100 ms more, at a million rows; ten
million with MDF_TESTS=all. A merge is held against two: the MERGE alone, which fails
when the query has a key twice, and the one that keeps the newest row of each key, which
is what a merge promises.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from mdf_magics.engines.embedded import EmbeddedEngine
from mdf_magics.runtime import mdf_runtime

RUNS = 5
SIZES = (
    (1_000_000, 10_000_000) if os.environ.get("MDF_TESTS") == "all" else (1_000_000,)
)

QUERY = (
    "SELECT id, id % 1000 AS kind, CAST(id AS STRING) AS name, {number} AS at "
    "FROM range({rows})"
)

CHANGES = (
    "SELECT id * 7 AS id, id % 1000 AS kind, 'new' AS name, {number} AS at "
    "FROM range({tenth})"
)

VERSIONS = (
    "SELECT id % {quarter} AS id, id % 1000 AS kind, CAST(id AS STRING) AS name, "
    "id DIV {quarter} AS at FROM range({grown})"
)
"""Four versions of each key, and with each run a tenth more rows."""

NEWEST = """
SELECT id, kind, name, at FROM (
  SELECT *, row_number() OVER (PARTITION BY id ORDER BY at DESC) AS place
  FROM ({query}))
WHERE place = 1"""

HISTORY = """
SELECT id, kind, name, at AS __START_AT,
  lead(at) OVER (PARTITION BY id ORDER BY at) AS __END_AT FROM ({query})"""

OVERWRITE = "CREATE OR REPLACE TABLE main.s.bare_{write} USING delta AS {query}"

APPEND = "INSERT INTO main.s.bare_{write} {query}"

MERGE = """
MERGE INTO main.s.bare_{write} AS old USING ({query}) AS new ON old.id = new.id
WHEN MATCHED THEN UPDATE SET kind = new.kind, name = new.name, at = new.at
WHEN NOT MATCHED THEN INSERT (id, kind, name, at)
VALUES (new.id, new.kind, new.name, new.at)"""

MERGE_HISTORY = """
MERGE INTO main.s.bare_{write} AS old USING ({query}) AS new
ON old.id = new.id AND old.__START_AT = new.__START_AT
WHEN MATCHED THEN UPDATE SET kind = new.kind, name = new.name, __END_AT = new.__END_AT
WHEN NOT MATCHED THEN INSERT (id, kind, name, __START_AT, __END_AT)
VALUES (new.id, new.kind, new.name, new.__START_AT, new.__END_AT)"""


class Case(NamedTuple):
    """A way of writing, and the statement that does it by hand."""

    name: str
    write: str
    start: str
    query: str
    bare: str
    by_hand: str = "{query}"
    """What the bare statement makes of the query."""


CASES = (
    Case("overwrite", "overwrite", QUERY, QUERY, OVERWRITE),
    Case("append", "append", QUERY, CHANGES, APPEND),
    Case("merge, MERGE alone", "merge", QUERY, CHANGES, MERGE),
    Case("merge, MERGE of the newest", "merge", QUERY, CHANGES, MERGE, NEWEST),
    Case("scd2, MERGE of versions", "scd2", VERSIONS, VERSIONS, MERGE_HISTORY, HISTORY),
)


def main() -> None:
    """Time both in turn, for each size and each way of writing."""
    with TemporaryDirectory() as folder:
        engine = EmbeddedEngine(Path(folder), "main")
        engine.create_schema("s")
        mdf_runtime.WAREHOUSE = str(engine.warehouse)
        for rows in SIZES:
            for case in CASES:
                compare(case, engine.session, rows)
        engine.close()


def compare(case: Case, session: Any, rows: int) -> None:
    """Write by the runtime and by hand, several times, over tables of `rows` rows."""

    def run(statement: str) -> None:
        session.sql(statement).collect()

    def ours(query: str, **changed: Any) -> None:
        table = {
            "name": f"s.{case.write}",
            "home": f"main.s.{case.write}",
            "write": case.write,
            "keys": ["id"],
            "sequence_by": "at",
            "arguments": {},
            "sql": lambda: query,
        }
        build(session, table | changed)

    def filled(query: str, number: int) -> str:
        tenth = rows // 10
        sizes = {"rows": rows, "tenth": tenth, "quarter": rows // 4}
        return query.format(number=number, grown=rows + number * tenth, **sizes)

    start = filled(case.start, 0)
    ours(start, write=case.write.replace("append", "overwrite"), anew=True)
    first = case.by_hand.format(query=start)
    run(OVERWRITE.format(write=case.write, query=first))
    mine, theirs = [], []
    for number in range(1, RUNS + 1):
        query = filled(case.query, number)
        by_hand = case.by_hand.format(query=query)
        theirs.append(timed(run, case.bare.format(write=case.write, query=by_hand)))
        mine.append(timed(ours, query))
    took, bare = statistics.median(mine), statistics.median(theirs)
    print(
        f"{rows:,} rows, {case.name}: {took:.2f} s, by hand {bare:.2f} s: "
        f"{took / bare:.2f} times, {(took - bare) * 1000:+.0f} ms"
    )


def timed(work: Callable[[str], None], text: str) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    work(text)
    return time.perf_counter() - began


def build(session: Any, table: dict[str, Any]) -> None:
    """Build a table as its task does, but for its row in `mdf_runs`."""
    run = mdf_runtime.Run("", table["name"], datetime.now(UTC))
    mdf_runtime.build(session, table, run, "main.mdf_runs")


if __name__ == "__main__":
    main()
