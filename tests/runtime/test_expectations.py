"""Expectations on a job: NULL fails, one pass counts, nothing is written on `fail`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.runtime.mdf_runtime import TableError, checks
from tests.runtime.home import Home, query

SEATS = "SELECT * FROM VALUES ('a', 1), ('b', NULL), ('c', -1) AS planes (code, seats)"


def rule(
    on_failure: str, check: str = "seats > 0", name: str = "has_seats"
) -> dict[str, str]:
    return {"name": name, "check": check, "on_failure": on_failure}


def test_warn_counts_and_keeps_all_rows(home: Home) -> None:
    done = home.build("silver.planes", sql=query(SEATS), expectations=[rule("warn")])

    assert home.rows("silver.planes", "code") == [("a",), ("b",), ("c",)]
    assert json.loads(done["failed"]) == {"has_seats": 2}
    assert (done["rows_read"], done["rows"], done["dropped"]) == (3, 3, 0)


def test_drop_leaves_out_what_is_not_true(home: Home) -> None:
    rules = [rule("drop"), rule("drop", "code <> 'c' OR NULL", "no_c")]

    done = home.build("silver.planes", sql=query(SEATS), expectations=rules)

    assert home.rows("silver.planes", "code") == [("a",)]
    assert json.loads(done["failed"]) == {"has_seats": 2, "no_c": 1}
    assert (done["rows_read"], done["rows"], done["dropped"]) == (3, 1, 2)


def test_fail_aborts_before_anything_is_written(home: Home) -> None:
    home.build("silver.planes", sql=query("SELECT 'old' AS code, 9 AS seats"))
    before = home.commits("silver.planes")
    told = r"^silver.planes: of 3 rows 2 fail has_seats. Nothing was written."

    with pytest.raises(TableError, match=told):
        home.build("silver.planes", sql=query(SEATS), expectations=[rule("fail")])

    assert home.commits("silver.planes") == before
    run = home.last_run()
    assert (run.status, run.failed, run.rows) == ("failed", '{"has_seats": 2}', None)


def test_fail_holds_for_rows_that_come_after_counting(home: Home) -> None:
    """Two evaluations of a query may differ; the write itself refuses the row."""
    from mdf_magics.runtime.mdf_runtime import kept

    rows = home.spark.sql(SEATS)

    with pytest.raises(Exception, match="rows fail has_seats"):
        kept(
            rows, {"expectations": [rule("fail"), rule("drop", name="also")]}
        ).collect()


def test_check_may_hold_quotes_and_or(home: Home) -> None:
    rules = [rule("drop", "code = 'it''s' OR code LIKE '%{a}%' OR code = 'c'", "odd")]

    home.build("silver.planes", sql=query(SEATS), expectations=rules)

    assert home.rows("silver.planes", "code") == [("c",)]


def test_each_check_is_false_for_null() -> None:
    rules = [rule("warn"), rule("drop", "a OR b", "either")]

    assert checks(rules) == {
        "has_seats": "coalesce((seats > 0), false)",
        "either": "coalesce((a OR b), false)",
    }
    assert list(checks(rules, "drop", "quarantine")) == ["either"]


class TestQuarantine:
    RULES = (
        rule("quarantine", "code <> 'c'", "no_c"),
        rule("drop"),
        rule("warn", "code < 'b'", "early"),
    )

    def test_failing_row_goes_there_even_if_it_fails_a_drop_rule_too(
        self, home: Home
    ) -> None:
        done = home.build("silver.planes", sql=query(SEATS), expectations=[*self.RULES])

        assert home.rows("silver.planes", "code") == [("a",)]
        assert home.rows("silver.planes_quarantine") == [
            ("c", -1, ["no_c", "has_seats", "early"])
        ]
        assert (done["rows"], done["dropped"], done["quarantined"]) == (1, 1, 1)

    def test_it_is_replaced_on_overwrite(self, home: Home) -> None:
        home.build("silver.planes", sql=query(SEATS), expectations=[*self.RULES])
        home.build(
            "silver.planes",
            sql=query("SELECT 'a' AS code, 1 AS seats"),
            expectations=[*self.RULES],
        )

        assert home.rows("silver.planes_quarantine") == []

    def test_appended_rows_come_once_by_a_watermark_of_its_own(
        self, home: Home
    ) -> None:
        table: dict[str, Any] = {
            "write": "append",
            "watermark": "at",
            "sql": lambda source: f"SELECT * FROM {source}",
            "arguments": {"source": {"stream": "main.bronze.events"}},
            "expectations": [rule("quarantine", "what IS NOT NULL", "named")],
        }
        home.build(
            "bronze.events", sql=query("SELECT 1 AS at, CAST(NULL AS STRING) AS what")
        )
        home.build("silver.events", **table)
        home.build("silver.events", **table)
        home.sql("INSERT INTO main.bronze.events VALUES (2, NULL), (3, 'c')")

        done = home.build("silver.events", **table)

        assert home.rows("silver.events") == [(3, "c")]
        assert home.rows("silver.events_quarantine", "at") == [(1,), (2,)]
        assert done["quarantined"] == 1

    def test_rows_of_files_come_once(self, home: Home, tmp_path: Path) -> None:
        landing = tmp_path / "landing"
        landing.mkdir()
        files = {"path": str(landing), "format": "csv", "options": {"header": "true"}}
        table = {
            "write": "append",
            "sql": lambda source: f"SELECT * FROM {source}",
            "arguments": {"source": {"files": files}},
            "expectations": [rule("quarantine", "code <> 'bad'", "good")],
        }
        for name in ("1.csv", "2.csv"):
            (landing / name).write_text(f"code,file\nbad,{name}\nok,{name}\n")
            home.build("bronze.planes", **table)
            home.build("bronze.planes", **table)

        assert home.rows("bronze.planes") == [("ok", "1.csv"), ("ok", "2.csv")]
        assert home.rows("bronze.planes_quarantine", "file") == [("1.csv",), ("2.csv",)]

    def test_merged_rows_come_once(self, home: Home) -> None:
        table: dict[str, Any] = {
            "write": "merge",
            "keys": ["code"],
            "sql": query("SELECT * FROM main.bronze.planes"),
            "expectations": [rule("quarantine")],
        }
        home.build("bronze.planes", sql=query(SEATS))
        home.build("silver.planes", **table)
        home.sql("INSERT INTO main.bronze.planes VALUES ('d', 0)")
        home.build("silver.planes", **table)

        assert home.rows("silver.planes_quarantine", "code") == [("b",), ("c",), ("d",)]
