"""Generated pipeline sources on a pipelines engine: open-source Spark's.

It has no expectations: those are taken away here, and only here. It can't write what
AUTO CDC wants of it (parquet has no MERGE), so such tables are resolved, not run;
test_histories.py holds their rows against the rules.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mdf_magics import Project

PROJECT = """\
project: shop
targets:
  local: {{engine: embedded, catalog: spark_catalog}}
groups:
  default: {{runs_on: {home}}}
"""

TABLES = """\
tables:
  - name: default.sales
    description: What was sold.
    sql: SELECT * FROM VALUES (1, 'a', 10), (2, 'b', 20), (3, 'a', 5) AS v(id, kind, n)
  - name: default.of_${each.kind}
    for_each: {kind: [a, b]}
    transformation: of_kind
    arguments: {source: default.sales, kind: "${each.kind}"}
  - name: default.totals
    parameters: {source: {type: table, value: default.sales}}
    python: |
      from pyspark.sql import functions as F

      def totals(source):
          return source.groupBy("kind").agg(F.sum("n").alias("n"))
  - name: default.large
    write: view
    sql: SELECT id, n FROM default.sales WHERE n > 5
  - name: default.above
    sql: SELECT max(n) AS n FROM default.large
"""

OF_KIND = """\
name: of_kind
parameters: {source: table, kind: string}
sql: |
  SELECT id, n FROM {{ source }} WHERE kind = {{ kind }}
"""

STREAMS = """\
defaults:
  parameters: {source: {type: stream, value: default.ticks}}
  keys: [value]
  sequence_by: timestamp
  expectations: [{name: some, check: value > 0, on_failure: quarantine}]
tables:
  - name: default.kept
    write: append
    watermark: timestamp
    sql: SELECT * FROM {{ source }}
  - name: default.newest
    write: merge
    sql: SELECT * FROM {{ source }}
  - name: default.history
    write: scd2
    apply_as_deletes: value = 7
    sql: SELECT * FROM {{ source }}
"""

TICKS = """\
from pyspark import pipelines as dp
from pyspark.sql import SparkSession


@dp.table(name="spark_catalog.default.ticks")
def ticks():
    return SparkSession.active().readStream.format("rate").load()
"""

WITHOUT_EXPECTATIONS = """\
from pyspark import pipelines as dp

for name in ("expect_all", "expect_all_or_drop", "expect_all_or_fail"):
    setattr(dp, name, lambda rules: lambda function: function)
"""

MADE = {
    "sales": [(1, "a", 10), (2, "b", 20), (3, "a", 5)],
    "of_a": [(1, 10), (3, 5)],
    "of_b": [(2, 20)],
    "totals": [("a", 15), ("b", 20)],
    "above": [(20,)],
}


def project(root: Path, home: str, tables: str) -> Project:
    definitions = root / "definitions"
    (definitions / "tables").mkdir(parents=True)
    (definitions / "transformations").mkdir()
    (definitions / "mdf.yml").write_text(PROJECT.format(home=home))
    (definitions / "tables" / "default.yml").write_text(tables)
    (definitions / "transformations" / "of_kind.yml").write_text(OF_KIND)
    return Project(root)


@pytest.fixture
def pipelines(
    tmp_path: Path, tool: Callable[[str], str]
) -> Callable[[str, str], subprocess.CompletedProcess[str]]:
    """Compiles tables and hands what comes of it to `spark-pipelines`."""

    def call(verb: str, tables: str) -> subprocess.CompletedProcess[str]:
        made = project(tmp_path, "pipeline", tables)
        made.compile()
        source = tmp_path / "workflows" / "local" / "src"
        if "default.ticks" in tables:
            (source / "default_ticks.py").write_text(TICKS)
        (source / "sitecustomize.py").write_text(WITHOUT_EXPECTATIONS)
        spec = tmp_path / "spark-pipeline.yml"
        globs = [
            f"{{glob: {{include: {file.relative_to(tmp_path)}}}}}"
            for file in source.glob("default*")
        ]
        spec.write_text(
            f"name: shop\nstorage: file://{tmp_path}/storage\n"
            f"libraries: [{', '.join(globs)}]\n"
        )
        program = Path(tool("spark-pipelines"))
        return subprocess.run(
            [program, verb, "--spec", spec],
            cwd=tmp_path,
            env=os.environ
            | {
                "PATH": f"{program.parent}:{os.environ['PATH']}",
                "PYTHONPATH": str(source),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def on_the_embedded_engine(root: Path, home: str) -> dict[str, list[Any]]:
    made = project(root, home, TABLES)
    made.deploy()
    ran = made.run()
    assert not ran.errors, ran.text()
    engine = made.engine(made.planned())
    rows = {}
    for name in MADE:
        assert engine.exists(f"spark_catalog.default.{name}")
        query = f"SELECT * FROM spark_catalog.default.{name}"
        rows[name] = sorted(engine.preview(query, 10).rows)
    made.close()
    return rows


@pytest.mark.parametrize("home", ["job", "pipeline"])
def test_both_homes_give_these_rows_here(tmp_path: Path, home: str) -> None:
    assert on_the_embedded_engine(tmp_path, home) == MADE


@pytest.mark.needs("spark-pipelines")
def test_a_pipelines_engine_gives_the_same_rows(
    tmp_path: Path, pipelines: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = pipelines("run", TABLES)

    assert done.returncode == 0, done.stdout + done.stderr
    rows = {
        name: sorted(
            tuple(row.values())
            for row in pq.read_table(tmp_path / "spark-warehouse" / name).to_pylist()
        )
        for name in MADE
    }
    assert rows == MADE


@pytest.mark.needs("spark-pipelines")
def test_streams_and_changes_are_taken_by_a_pipelines_engine(
    pipelines: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = pipelines("dry-run", STREAMS)

    assert done.returncode == 0, done.stdout + done.stderr
