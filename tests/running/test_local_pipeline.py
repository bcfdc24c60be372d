"""One definition, two homes: a group on a pipeline gives what it gives on a job."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdf_magics import Project
from mdf_magics.results import Ran

PROJECT = """\
project: flights
targets:
  local: {{engine: embedded, catalog: main}}
groups:
  bronze: {{runs_on: job}}
  silver: {{runs_on: {home}}}
"""

TABLES = """\
tables:
  - name: bronze.events
    parameters:
      source:
        type: files
        value:
          path: "${project.root}/landing"
          format: csv
          options: {header: true}
          schema: "key STRING, amount INT, at TIMESTAMP, gone BOOLEAN"
    write: append
    sql: |
      SELECT * FROM {{ source }}

  - name: silver.kept
    parameters: {source: {type: stream, value: bronze.events}}
    write: append
    watermark: at
    expectations:
      - {name: has_amount, check: amount IS NOT NULL, on_failure: quarantine}
      - {name: positive, check: amount > 0, on_failure: drop}
      - {name: small, check: amount < 3, on_failure: warn}
    sql: |
      SELECT key, amount, at FROM {{ source }}

  - name: silver.newest
    parameters: {source: {type: stream, value: bronze.events}}
    write: merge
    keys: [key]
    sequence_by: at
    apply_as_deletes: gone
    sql: |
      SELECT * FROM {{ source }}

  - name: silver.history
    parameters: {source: {type: stream, value: bronze.events}}
    write: scd2
    keys: [key]
    sequence_by: at
    apply_as_deletes: gone
    sql: |
      SELECT * FROM {{ source }}

  - name: silver.totals
    sql: |
      SELECT key, sum(amount) AS total FROM silver.kept GROUP BY key

  - name: silver.doubled
    parameters: {source: {type: table, value: silver.totals}}
    python: |
      from pyspark.sql import DataFrame
      from pyspark.sql import functions as F


      def doubled(source: DataFrame) -> DataFrame:
          return source.withColumn("total", F.col("total") * 2)

  - name: silver.summary
    write: view
    sql: |
      SELECT count(*) AS keys, sum(total) AS total FROM silver.doubled
"""

EVENTS = """\
key,amount,at,gone
a,1,2020-01-01 00:00:00,false
b,2,2020-01-01 00:00:00,false
a,3,2020-01-03 00:00:00,false
a,2,2020-01-02 00:00:00,false
b,,2020-01-04 00:00:00,true
c,-1,2020-01-05 00:00:00,false
c,-1,2020-01-06 00:00:00,false
"""

CONTENTS = (
    "silver.kept",
    "silver.kept_quarantine",
    "silver.newest",
    "silver.history",
    "silver.totals",
    "silver.doubled",
    "silver.summary",
)


def describe(folder: Path) -> None:
    """Write the tables' definitions, and the file that they begin with."""
    tables = folder / "definitions" / "tables"
    tables.mkdir(parents=True)
    (tables / "all.yml").write_text(TABLES)
    (folder / "landing").mkdir()
    (folder / "landing" / "1.csv").write_text(EVENTS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    describe(tmp_path)
    return tmp_path


def built(folder: Path, home: str) -> tuple[Project, Ran]:
    (folder / "definitions" / "mdf.yml").write_text(PROJECT.format(home=home))
    project = Project(folder)
    assert project.deploy().succeeded
    return project, project.run()


def content(project: Project, table: str) -> list[tuple[object, ...]]:
    engine = project.engine(project.planned())
    assert engine.exists(f"main.{table}")
    rows = engine.preview(f"SELECT * FROM main.{table}", 100)
    return sorted(rows.rows, key=repr)


def test_both_homes_give_the_same_tables(folder: Path, tmp_path_factory) -> None:
    other = tmp_path_factory.mktemp("job")
    for name in ("definitions", "landing"):
        (folder / name).rename(other / name)
    on_job, ran = built(other, "job")
    jobs = {table: content(on_job, table) for table in CONTENTS}
    on_job.close()
    assert not ran.errors, ran.text()
    for name in ("definitions", "landing"):
        (other / name).rename(folder / name)

    on_pipeline, ran = built(folder, "pipeline")
    pipelines = {table: content(on_pipeline, table) for table in CONTENTS}
    on_pipeline.close()

    assert not ran.errors, ran.text()
    assert pipelines == jobs
    assert len(jobs["silver.kept"]) == 4
    assert [row[:2] for row in jobs["silver.newest"]] == [("a", 3), ("c", -1)]
    assert len(jobs["silver.history"]) == 5


def test_running_a_pipeline_again_changes_nothing(folder: Path) -> None:
    project, _ = built(folder, "pipeline")
    before = {table: content(project, table) for table in CONTENTS}

    ran = project.run()

    assert not ran.errors, ran.text()
    assert {table: content(project, table) for table in CONTENTS} == before
    project.close()


def test_what_reads_a_failed_table_is_left_out(folder: Path) -> None:
    tables = folder / "definitions" / "tables" / "all.yml"
    tables.write_text(TABLES.replace("sum(amount)", "sum(amount / nothing)"))
    project, ran = built(folder, "pipeline")
    project.close()

    status = {one.name: one.status for one in ran.tables}
    assert status["silver.newest"] == "succeeded"
    assert status["silver.totals"] == "failed"
    assert status["silver.doubled"] == "upstream_failed"
    assert status["silver.summary"] == "upstream_failed"
    assert "nothing" in next(
        one.error or "" for one in ran.tables if one.status == "failed"
    )
