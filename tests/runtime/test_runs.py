"""`mdf_runs`: one row for each task, whatever came of it."""

from __future__ import annotations

from datetime import datetime

import pytest

from mdf_magics.engines.client import open_session
from mdf_magics.runtime.mdf_runtime import TableError
from tests.runtime.home import Home, query


def test_task_exits_with_the_row_it_leaves(home: Home) -> None:
    done = home.build("gold.t", sql=query("SELECT id FROM range(3)"))

    row = home.last_run().asDict()
    assert {**done, "started": row["started"]} == row
    assert (done["run_id"], done["name"], done["status"]) == (
        "run-1",
        "gold.t",
        "succeeded",
    )
    assert (done["rows"], done["error"], done["failed"]) == (3, None, "{}")
    assert done["seconds"] > 0
    micros = home.sql("SELECT unix_micros(started) FROM main.mdf_runs.mdf_runs")
    assert micros == [
        (round(datetime.fromisoformat(done["started"]).timestamp() * 1e6),)
    ]


def test_rows_are_kept_in_types_that_can_be_queried(home: Home) -> None:
    home.build("gold.t", sql=query("SELECT 1 AS a"))

    assert home.schema("mdf_runs.mdf_runs") == {
        "run_id": "string",
        "name": "string",
        "started": "timestamp",
        "seconds": "double",
        "rows_read": "bigint",
        "rows": "bigint",
        "dropped": "bigint",
        "quarantined": "bigint",
        "failed": "string",
        "status": "string",
        "error": "string",
    }


def test_failed_task_leaves_a_row_and_raises_what_went_wrong(home: Home) -> None:
    def broken() -> None:
        raise KeyError("day")

    with pytest.raises(KeyError):
        home.build("gold.t", python=broken)

    run = home.last_run()
    assert (run.status, run.error, run.rows) == (
        "failed",
        "gold.t: KeyError: 'day'",
        None,
    )


def test_error_of_the_engine_is_one_line_that_names_the_table(home: Home) -> None:
    with pytest.raises(Exception, match="nope"):
        home.build("gold.t", sql=query("SELECT *\nFROM main.gold.nope"))

    error = home.last_run().error
    assert error.startswith("gold.t: ")
    assert "nope" in error
    assert "\n" not in error


class TestUnwritable:
    @pytest.fixture(autouse=True)
    def of_other_columns(self, home: Home) -> None:
        home.sql(f"CREATE SCHEMA main.mdf_runs LOCATION '{home.warehouse}/mdf_runs'")
        home.sql("CREATE TABLE main.mdf_runs.mdf_runs (run_id INT)")

    def test_failure_of_the_table_is_what_is_raised(self, home: Home) -> None:
        with pytest.raises(Exception, match="nope") as raised:
            home.build("gold.t", sql=query("SELECT nope"))

        assert (
            "gold.t: main.mdf_runs.mdf_runs takes no row" in raised.value.__notes__[0]
        )

    def test_task_without_a_row_has_not_succeeded(self, home: Home) -> None:
        with pytest.raises(
            TableError, match=r"^gold.t: main.mdf_runs.mdf_runs takes no row"
        ):
            home.build("gold.t", sql=query("SELECT 1 AS a"))

        assert home.rows("gold.t") == [(1,)]


def test_another_process_goes_on_with_what_is_in_the_warehouse(
    home: Home, port: int
) -> None:
    home.build("gold.t", sql=query("SELECT 1 AS a"))
    home.spark = open_session(port, str(home.warehouse))

    home.build("gold.t", sql=query("SELECT 2 AS a"))

    assert home.rows("gold.t") == [(2,)]
    assert len(home.rows("mdf_runs.mdf_runs")) == 2
    home.spark.stop()
