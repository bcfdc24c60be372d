"""write: view on a job: a view, and on the embedded engine its statement in a file."""

from __future__ import annotations

import pytest

from mdf_magics.engines.client import open_session
from mdf_magics.runtime.mdf_runtime import TableError
from tests.runtime.home import Home, query

FLEET = {
    "write": "view",
    "sql": query(
        "\nSELECT model, count(*) AS planes\nFROM `main`.`silver`.`planes`\nGROUP BY model\n"
    ),
    "description": "How many of each model; {braces} stay",
    "columns": {"planes": {"comment": "it's a count"}},
}


@pytest.fixture(autouse=True)
def planes(home: Home) -> None:
    home.build("silver.planes", sql=query("SELECT 'A320' AS model, 150 AS seats"))


def test_view_shows_what_its_tables_hold_now(home: Home) -> None:
    done = home.build("silver.fleet", **FLEET)
    home.sql("INSERT INTO main.silver.planes VALUES ('A320', 160)")

    assert home.rows("silver.fleet") == [("A320", 2)]
    assert done["rows"] is None
    assert done["status"] == "succeeded"


def test_view_gets_a_new_query(home: Home) -> None:
    home.build("silver.fleet", **FLEET)

    home.build(
        "silver.fleet", **FLEET | {"sql": query("SELECT 1 AS other"), "columns": {}}
    )

    assert home.rows("silver.fleet", "other") == [(1,)]


def test_kept_statement_makes_the_view_again_in_another_session(
    home: Home, port: int
) -> None:
    home.build("silver.fleet", **FLEET)

    statement = (home.warehouse / "silver" / "fleet.view.sql").read_text()
    assert statement == (
        "CREATE OR REPLACE VIEW `main`.`silver`.`fleet`"
        " (`model`, `planes` COMMENT 'it\\'s a count')"
        " COMMENT 'How many of each model; {braces} stay'"
        " TBLPROPERTIES ('mdf.table' = 'silver.fleet') AS\n"
        "SELECT model, count(*) AS planes\nFROM `main`.`silver`.`planes`\nGROUP BY model\n"
    )
    other = open_session(port, str(home.warehouse))
    other.sql(f"CREATE SCHEMA main.silver LOCATION '{home.warehouse}/silver'")
    other.sql(
        f"CREATE TABLE main.silver.planes USING delta LOCATION '{home.warehouse}/silver/planes'"
    )
    other.sql(statement)
    assert [tuple(row) for row in other.table("main.silver.fleet").collect()] == [
        ("A320", 1)
    ]
    other.stop()


def test_bad_query_keeps_the_old_view(home: Home) -> None:
    home.build("silver.fleet", **FLEET)
    before = (home.warehouse / "silver" / "fleet.view.sql").read_text()

    with pytest.raises(Exception, match="nope"):
        home.build(
            "silver.fleet",
            **FLEET | {"sql": query("SELECT nope FROM main.silver.planes")},
        )

    assert home.rows("silver.fleet") == [("A320", 1)]
    assert (home.warehouse / "silver" / "fleet.view.sql").read_text() == before


def test_view_does_not_take_the_place_of_data(home: Home) -> None:
    with pytest.raises(
        TableError, match=r"silver.planes: main.silver.planes is a table with data"
    ):
        home.build("silver.planes", write="view", sql=query("SELECT 1 AS x"))

    assert home.rows("silver.planes") == [("A320", 150)]
