"""Columns over all tables of a project."""

from __future__ import annotations

from mdf_magics.planning.columns import column_graph
from mdf_magics.transformations.column_lineage import ColumnRead
from tests.planning.plans import plan

TABLES = """
- name: bronze.planes
  parameters: {source: {type: files, value: {path: planes.csv, format: csv}}}
  sql: SELECT tailnum, seats, at FROM {{ source }}
- name: silver.planes
  write: scd2
  keys: [tailnum]
  sequence_by: at
  expectations: [{name: some, check: seats > 0, on_failure: quarantine}]
  parameters: {source: {type: stream, value: bronze.planes}}
  sql: SELECT * FROM {{ source }}
- name: gold.planes
  sql: SELECT p.seats * 2 AS twice, c.name, p.`__START_AT` AS since FROM silver.planes AS p JOIN raw.crews AS c ON true
- name: gold.wrong
  sql: SELECT * FROM silver.planes_quarantine
- name: gold.other
  sql: SELECT * FROM raw.crews
"""


def test_columns_are_followed_from_table_to_table() -> None:
    planned = plan(TABLES)

    found = column_graph(
        planned.expansion, planned.graph, {"main.raw.crews": ["name"]}.get
    )

    said = {
        f"{table}.{one.column}": " ".join(f"{it.table}.{it.column}" for it in one.reads)
        + one.unresolved
        for table, origins in found.items()
        for one in origins
    }
    assert said == {
        "bronze.planes.tailnum": "{{ source }}.tailnum",
        "bronze.planes.seats": "{{ source }}.seats",
        "bronze.planes.at": "{{ source }}.at",
        "silver.planes.tailnum": "bronze.planes.tailnum",
        "silver.planes.seats": "bronze.planes.seats",
        "silver.planes.__START_AT": "bronze.planes.at",
        "silver.planes.__END_AT": "bronze.planes.at",
        "gold.planes.twice": "silver.planes.seats",
        "gold.planes.name": "main.raw.crews.name",
        "gold.planes.since": "silver.planes.__START_AT",
        "gold.wrong.tailnum": "silver.planes_quarantine.tailnum",
        "gold.wrong.seats": "silver.planes_quarantine.seats",
        "gold.wrong.at": "silver.planes_quarantine.at",
        "gold.wrong.mdf_failed": "silver.planes_quarantine.mdf_failed",
        "gold.other.name": "main.raw.crews.name",
    }


def test_where_nobody_knows_a_sources_columns_that_is_said() -> None:
    planned = plan(TABLES)

    found = column_graph(planned.expansion, planned.graph)

    (origin,) = found["gold.other"]
    assert (origin.column, origin.unresolved) == (
        "*",
        "the columns of raw.crews are not known",
    )


LANDED = """
- name: bronze.crews
  parameters:
    source: {type: files, value: {path: c, format: csv, schema: "crew STRING, base STRUCT<city: STRING>"}}
  sql: SELECT * FROM {{ source }} JOIN raw.x JOIN other.raw.y
- name: bronze.planes
  parameters: {source: {type: files, value: {path: p, format: csv}}}
  sql: SELECT * FROM {{ source }}
- name: gold.seats
  sql: SELECT seats FROM bronze.crews JOIN bronze.planes ON model = x
"""


def test_files_that_say_their_schema_have_its_columns() -> None:
    planned = plan(LANDED)
    there = {"main.raw.x": ["x"], "other.raw.y": ["y"]}

    found = column_graph(planned.expansion, planned.graph, there.get)

    reads = {one.column: one.reads for one in found["bronze.crews"]}
    assert reads == {
        "crew": (ColumnRead("{{ source }}", "crew"),),
        "base": (ColumnRead("{{ source }}", "base"),),
        "x": (ColumnRead("main.raw.x", "x"),),
        "y": (ColumnRead("other.raw.y", "y"),),
    }


def test_a_table_that_is_built_has_the_columns_that_its_query_does_not_tell() -> None:
    planned = plan(LANDED)
    built = {
        "main.bronze.planes": ["model", "seats"],
        "main.raw.x": ["x"],
        "other.raw.y": ["y"],
    }

    found = column_graph(planned.expansion, planned.graph, built.get)

    (origin,) = found["gold.seats"]
    assert origin.reads == (ColumnRead("bronze.planes", "seats"),)


def test_only_what_the_wanted_tables_read_is_asked_for() -> None:
    planned = plan(LANDED)
    asked: list[str] = []

    found = column_graph(
        planned.expansion, planned.graph, asked.append, ["bronze.planes"]
    )

    assert list(found) == ["bronze.planes"]
    assert asked == ["main.bronze.planes"]
