"""Databricks' SQL on the embedded engine: what Sail doesn't know is rewritten."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mdf_magics.engines.embedded import EmbeddedEngine
from tests.engines.bridged_queries import DATABRICKS_ONLY, QUERIES, TABLES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ON_SPARK = """
import json, sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.remote("local[1]").getOrCreate()
told = json.load(sys.stdin)
for name, query in told["tables"].items():
    spark.sql(query).createOrReplaceTempView(name)
rows = {}
for name, query in told["queries"].items():
    try:
        rows[name] = [list(row) for row in spark.sql(query).collect()]
    except Exception as error:
        rows[name] = [[str(error).splitlines()[0]]]
print(json.dumps(rows))
"""


@pytest.fixture(scope="module")
def spark(engine: EmbeddedEngine) -> SparkSession:
    session = engine.session
    for name, query in TABLES.items():
        session.sql(query).createOrReplaceTempView(name)
    return session


def ordered(rows: list[Any]) -> list[Any]:
    return sorted(map(tuple, rows), key=repr)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_of_databricks_gives_its_rows_here(
    spark: SparkSession, name: str
) -> None:
    query, expected = QUERIES[name]

    rows = spark.sql(query.format_map({one: one for one in TABLES})).collect()

    assert ordered(rows) == ordered(expected)


@pytest.mark.parametrize("name", QUERIES)
def test_so_does_one_with_frames_in_it(spark: SparkSession, name: str) -> None:
    query, expected = QUERIES[name]
    frames: dict[str, Any] = {one: spark.sql(text) for one, text in TABLES.items()}

    rows = spark.sql(query, **frames).collect()

    assert ordered(rows) == ordered(expected)


@pytest.mark.needs("spark-pipelines")
def test_open_source_spark_gives_the_same_rows(tool: Callable[[str], str]) -> None:
    python = Path(tool("spark-pipelines")).with_name("python")
    known = {one: one for one in TABLES}
    queries = {
        name: query.format_map(known)
        for name, (query, _) in QUERIES.items()
        if name not in DATABRICKS_ONLY
    }

    done = subprocess.run(
        [python, "-c", ON_SPARK],
        input=json.dumps({"tables": TABLES, "queries": queries}),
        capture_output=True,
        text=True,
        check=True,
    )

    found = json.loads(done.stdout.splitlines()[-1])
    assert {name: ordered(rows) for name, rows in found.items()} == {
        name: ordered(rows) for name, (_, rows) in QUERIES.items() if name in queries
    }
