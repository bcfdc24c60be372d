"""Columns over all tables of a project."""

from __future__ import annotations

from mdf_magics.planning.columns import column_graph
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
