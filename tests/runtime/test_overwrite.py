"""write: overwrite on a job: the table stays, its data is replaced in one commit."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from mdf_magics.runtime.mdf_runtime import TableError
from tests.runtime.home import Home, query


def test_first_run_creates_the_table_with_all_that_is_said_of_it(home: Home) -> None:
    home.build(
        "gold.delays",
        sql=query("SELECT 'UA' AS carrier, 3 AS flights"),
        description="Delays, by O'Hare's \\ rules; {braces} stay",
        columns={"carrier": {"comment": "IATA's code"}},
    )

    assert home.rows("gold.delays") == [("UA", 3)]
    metadata = home.metadata("gold.delays")
    assert metadata["description"] == "Delays, by O'Hare's \\ rules; {braces} stay"
    assert metadata["configuration"]["mdf.table"] == "gold.delays"
    assert home.comments("gold.delays") == {"carrier": "IATA's code"}


def test_next_run_replaces_the_data_by_name_in_one_commit(home: Home) -> None:
    said = {"columns": {"carrier": {"comment": "code"}}}
    home.build("gold.delays", sql=query("SELECT 'UA' AS carrier, 3 AS flights"), **said)
    before = home.commits("gold.delays")

    home.build("gold.delays", sql=query("SELECT 5 AS flights, 'AA' AS carrier"), **said)

    assert home.rows("gold.delays", "carrier, flights") == [("AA", 5)]
    assert len(home.commits("gold.delays")) == len(before) + 1
    assert home.comments("gold.delays") == {"carrier": "code"}


def test_columns_keep_their_case_and_blanks(home: Home) -> None:
    for count in (1, 2):
        rows = f"SELECT {count} AS `__START_AT`, 'UA' AS `Carrier Name`, 3 AS `a{{b`"
        home.build("gold.told", sql=query(rows))

    assert home.rows("gold.told") == [(2, "UA", 3)]
    assert list(home.schema("gold.told")) == ["__START_AT", "Carrier Name", "a{b"]


def test_it_says_how_many_rows_were_written(home: Home) -> None:
    done = home.build("gold.numbers", sql=query("SELECT id FROM range(7)"))

    assert done["rows"] == 7


def test_query_without_rows_empties_the_table(home: Home) -> None:
    home.build("gold.numbers", sql=query("SELECT id FROM range(7)"))

    home.build("gold.numbers", sql=query("SELECT id FROM range(7) WHERE id > 7"))

    assert home.rows("gold.numbers") == []


def test_column_that_was_never_null_may_be_null_later(home: Home) -> None:
    home.build("gold.one", sql=query("SELECT 1 AS number"))

    home.build("gold.one", sql=query("SELECT CAST(NULL AS INT) AS number"))

    assert home.rows("gold.one") == [(None,)]


@pytest.mark.parametrize(
    ("changed", "columns"),
    [
        (
            "SELECT 'x' AS added, 1 AS a, 'y' AS b",
            {"added": "string", "a": "int", "b": "string"},
        ),
        ("SELECT 1 AS a", {"a": "int"}),
        ("SELECT 1L AS a, 'y' AS b", {"a": "bigint", "b": "string"}),
    ],
    ids=["new", "dropped", "retyped"],
)
def test_changed_columns_replace_the_table_in_one_commit(
    home: Home, changed: str, columns: dict[str, str]
) -> None:
    said = {"description": "told", "columns": {"a": {"comment": "the a"}}}
    home.build("gold.t", sql=query("SELECT 1 AS a, 'y' AS b"), **said)
    before = home.commits("gold.t")

    done = home.build("gold.t", sql=query(changed), **said)

    assert home.schema("gold.t") == columns
    assert done["rows"] == 1
    assert len(home.commits("gold.t")) == len(before) + 1
    assert home.comments("gold.t") == {"a": "the a"}
    assert home.metadata("gold.t")["description"] == "told"
    assert home.metadata("gold.t")["configuration"]["mdf.table"] == "gold.t"
    assert home.sql("SHOW TABLES IN main.gold") == [("gold", "t", False)]
    nothing = f"SELECT {', '.join(f'NULLIF({one}, {one}) AS {one}' for one in columns)}"
    home.build("gold.t", sql=query(f"{nothing} FROM ({changed})"), **said)
    assert home.rows("gold.t", "a") == [(None,)]


@pytest.mark.parametrize(
    ("rule", "changed", "told"),
    [
        ("fail", "SELECT 1 AS a, 2 AS b", "b is new"),
        ("add_columns", "SELECT 1 AS z", "z is new, a is missing"),
        ("add_columns", "SELECT 'x' AS a", "a was int and is string"),
    ],
)
def test_on_schema_change_refuses_before_anything_is_written(
    home: Home, rule: str, changed: str, told: str
) -> None:
    home.build("gold.t", sql=query("SELECT 1 AS a"))
    before = home.commits("gold.t")

    with pytest.raises(
        TableError, match=rf"^gold\.t: .*main\.gold\.t: {told}\. Nothing"
    ):
        home.build("gold.t", sql=query(changed), on_schema_change=rule)

    assert home.commits("gold.t") == before


def test_failing_query_leaves_the_table_as_it_was(home: Home) -> None:
    home.build("gold.t", sql=query("SELECT 1 AS a"))

    for bad in ("SELECT raise_error('no') AS a", "SELECT raise_error('no') AS new"):
        with pytest.raises(Exception, match="no"):
            home.build("gold.t", sql=query(f"{bad} FROM range(3)"))

    assert home.rows("gold.t") == [(1,)]


def test_column_without_a_type_is_refused_with_the_fix(home: Home) -> None:
    with pytest.raises(
        TableError, match=r"gold.t: the column note .* CAST\(NULL AS STRING\)"
    ):
        home.build("gold.t", sql=query("SELECT 1 AS a, NULL AS note"))


def test_odd_names_and_nested_types_are_kept(home: Home) -> None:
    odd = "SELECT 1 AS `a-b`, named_struct('x-y', 1, 'z', map('k', array(1.5))) AS s"

    home.build("gold.odd", sql=query(odd))
    home.build("gold.odd", sql=query(odd))

    kinds = home.schema("gold.odd")
    assert kinds == {
        "a-b": "int",
        "s": "struct<x-y:int,z:map<string,array<decimal(2,1)>>>",
    }


def test_python_function_gets_what_it_names(home: Home) -> None:
    home.build("silver.flights", sql=query("SELECT 10 AS delay UNION ALL SELECT 90"))

    def late(spark, flights: DataFrame, minutes: int, day) -> DataFrame:
        assert spark is home.spark
        return flights.where(F.col("delay") >= minutes).withColumn("day", F.lit(day))

    home.build(
        "gold.late",
        python=late,
        arguments={
            "flights": {"table": "main.silver.flights"},
            "minutes": 30,
            "day": {"date": "2013-01-02"},
        },
    )

    assert home.sql(
        "SELECT delay, date_format(day, 'yyyy-MM-dd') FROM main.gold.late"
    ) == [(90, "2013-01-02")]


def test_function_that_returns_nothing_is_an_error(home: Home) -> None:
    with pytest.raises(TableError, match=r"^gold.t: its function returned nothing"):
        home.build("gold.t", python=lambda: None)


EVERY_TYPE = """
SELECT true AS a, tinyint(1) AS b, smallint(1) AS c, 1 AS d, 1L AS e, float(1) AS f, 1D AS g,
  1.5BD AS h, 'x' AS i, X'1F' AS j, DATE '2013-01-01' AS k, TIMESTAMP '2013-01-01 00:00:00' AS l,
  TIMESTAMP_NTZ '2013-01-01 00:00:00' AS m, array(1, NULL) AS n, map('k', 1) AS o,
  named_struct('p', 1, 'q', named_struct('r', 'x')) AS s, count(*) OVER () AS t, avg(1) OVER () AS u,
  sum(1.5BD) OVER () AS v, row_number() OVER (ORDER BY 1) AS w, length('x') AS x, xxhash64('x') AS y,
  current_timestamp() AS z, split('a b', ' ') AS aa, size(array(1)) AS ab, hash(1) AS ac
"""


def test_no_type_looks_changed_at_the_next_run(home: Home) -> None:
    home.build("gold.t", sql=query(EVERY_TYPE))

    home.build("gold.t", sql=query(EVERY_TYPE), on_schema_change="fail")

    assert len(home.rows("gold.t")) == 1


def test_files_are_read_whole_every_time(home: Home, tmp_path: Path) -> None:
    """A file's name is no pattern, and braces of the query are its own."""
    file = tmp_path / "air[1] lines {x}.csv"
    table = {
        "sql": lambda source: f"SELECT *, '{{}}' AS braces FROM {source}",
        "arguments": {
            "source": {
                "files": {
                    "path": str(file),
                    "format": "csv",
                    "options": {"header": "true"},
                }
            }
        },
    }
    file.write_text("carrier\nUA\n")
    home.build("bronze.airlines", **table)
    file.write_text("carrier\nAA\nDL\n")
    home.build("bronze.airlines", **table)

    assert home.rows("bronze.airlines") == [("AA", "{}"), ("DL", "{}")]


def test_missing_file_is_an_error_and_not_an_empty_table(
    home: Home, tmp_path: Path
) -> None:
    files = {"path": str(tmp_path / "nothing"), "format": "csv", "options": {}}

    with pytest.raises(TableError, match=r"bronze.t: there is no file at .*nothing"):
        home.build(
            "bronze.t",
            sql=lambda source: f"SELECT * FROM {source}",
            arguments={"source": {"files": files}},
        )


def test_table_takes_the_place_of_a_view(home: Home) -> None:
    home.build("gold.v", write="view", sql=query("SELECT 1 AS a"))

    home.build("gold.v", sql=query("SELECT 2 AS a"))

    assert home.rows("gold.v") == [(2,)]
    assert not (home.warehouse / "gold" / "v.view.sql").exists()


def test_task_for_a_table_that_is_not_in_the_source(home: Home) -> None:
    from mdf_magics.runtime import mdf_runtime
    from tests.runtime.home import Dbutils

    with pytest.raises(
        TableError, match=r"gold.x: is not in this source. There are: gold.y"
    ):
        mdf_runtime.run_task(
            home.spark,
            Dbutils({"table": "gold.x", "run_id": "1"}),
            {"gold.y": {}},
            "main.runs",
        )
