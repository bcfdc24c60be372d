"""write: merge and scd2 on a job."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from tests.runtime.home import Home, query

PLANES: dict[str, Any] = {
    "write": "merge",
    "keys": ["code"],
    "sequence_by": "at",
    "sql": lambda source: f"SELECT * FROM {source}",
    "arguments": {"source": {"stream": "main.bronze.planes"}},
}
HISTORY = {**PLANES, "write": "scd2"}


def arrive(
    home: Home, *rows: tuple[Any, ...], columns: str = "code STRING, at INT, seats INT"
) -> None:
    """Rows that come to the source."""
    frame = home.spark.createDataFrame([*rows], columns)
    home.spark.sql(
        f"CREATE SCHEMA IF NOT EXISTS main.bronze LOCATION '{home.warehouse}/bronze'"
    )
    frame.write.mode("append").saveAsTable("main.bronze.planes")


class TestMerge:
    def test_newest_row_of_each_key_counts(self, home: Home) -> None:
        arrive(home, ("a", 1, 10), ("a", 3, 30), ("a", 2, 20), ("b", 1, 10))
        home.build("silver.planes", **PLANES)
        arrive(home, ("a", 2, 99), ("b", 2, 20), ("c", 1, 10))

        done = home.build("silver.planes", **PLANES)

        assert home.rows("silver.planes") == [("a", 3, 30), ("b", 2, 20), ("c", 1, 10)]
        assert done["rows"] == 2

    def test_running_twice_changes_nothing(self, home: Home) -> None:
        arrive(home, ("a", 1, 10), ("a", 1, 20), ("b", 1, None))
        home.build("silver.planes", **PLANES)
        before = home.commits("silver.planes")

        done = home.build("silver.planes", **PLANES)

        assert done["rows"] == 0
        assert home.commits("silver.planes") == before

    def test_tables_alone_need_no_sequence(self, home: Home) -> None:
        snapshot = {
            "write": "merge",
            "keys": ["code", "at"],
            "sql": lambda: (
                "SELECT code, at, sum(seats) AS seats FROM main.bronze.planes GROUP BY code, at"
            ),
        }
        arrive(home, ("a", 1, 10), ("b", 1, 10))
        home.build("gold.seats", **snapshot)
        arrive(home, ("a", 1, 5), ("c", 1, 1))

        done = home.build("gold.seats", **snapshot)

        assert home.rows("gold.seats") == [("a", 1, 15), ("b", 1, 10), ("c", 1, 1)]
        assert done["rows"] == 2

    def test_key_twice_is_an_error_that_shows_it(self, home: Home) -> None:
        arrive(home, ("a", 1, 10), ("b", 1, 10), ("b", 2, 10))
        twice = {
            "write": "merge",
            "keys": ["code"],
            "sql": lambda: "SELECT * FROM main.bronze.planes",
        }

        with pytest.raises(
            Exception, match=r'the key code is there twice: \{"code":"b"\}'
        ):
            home.build("gold.seats", **twice)

    @pytest.mark.parametrize(
        "row", [(None, 1, 1), ("a", None, 1)], ids=["key", "sequence"]
    )
    def test_null_in_key_or_sequence_stops_the_write(
        self, home: Home, row: tuple[Any, ...]
    ) -> None:
        arrive(home, ("a", 1, 10), row)

        with pytest.raises(Exception, match="a row has NULL in code or at"):
            home.build("silver.planes", **PLANES)

    def test_deletion_removes_its_key_and_older_rows_stay_out(self, home: Home) -> None:
        table = {**PLANES, "apply_as_deletes": "seats = 0"}
        arrive(home, ("a", 1, 10), ("b", 1, 10), ("c", 5, 0))
        home.build("silver.planes", **table)
        arrive(home, ("a", 3, 0), ("b", 2, 20))
        home.build("silver.planes", **table)
        arrive(home, ("a", 2, 20))
        home.build("silver.planes", **table)

        assert home.rows("silver.planes") == [("b", 2, 20)]

    def test_new_column_is_added(self, home: Home) -> None:
        arrive(home, ("a", 1, 10))
        home.build("silver.planes", **PLANES)
        arrive(home, ("b", 1, 10))
        wider = {**PLANES, "sql": lambda source: f"SELECT *, 'x' AS new FROM {source}"}

        home.build("silver.planes", **wider)

        assert home.rows("silver.planes") == [("a", 1, 10, "x"), ("b", 1, 10, "x")]


class TestHistory:
    def test_each_run_of_equal_values_is_one_row(self, home: Home) -> None:
        arrive(home, ("a", 5, 1), ("a", 10, 1), ("a", 15, 2), ("b", 1, 1))

        home.build("silver.history", **HISTORY)

        assert home.rows("silver.history", "code, seats, __START_AT, __END_AT") == [
            ("a", 1, 5, 15),
            ("a", 2, 15, None),
            ("b", 1, 1, None),
        ]
        assert list(home.schema("silver.history")) == [
            "code",
            "seats",
            "__START_AT",
            "__END_AT",
        ]

    def test_late_row_splits_the_run_it_belongs_to(self, home: Home) -> None:
        """The example of the AUTO CDC notes: A at 5, 10, 15, then B at 12."""
        arrive(home, ("a", 5, 1), ("a", 10, 1), ("a", 15, 1))
        home.build("silver.history", **HISTORY)
        arrive(home, ("a", 12, 2))
        home.build("silver.history", **HISTORY)

        assert home.rows("silver.history", "seats, __START_AT, __END_AT") == [
            (1, 15, None),
            (1, 5, 12),
            (2, 12, 15),
        ]

    def test_running_twice_changes_nothing(self, home: Home) -> None:
        arrive(home, ("a", 5, 1), ("a", 10, 2))
        home.build("silver.history", **HISTORY)
        before = home.commits("silver.history")

        home.build("silver.history", **HISTORY)

        assert home.commits("silver.history") == before

    def test_deletion_ends_a_run_and_the_same_values_open_a_new_one(
        self, home: Home
    ) -> None:
        arrive(home, ("a", 1, 1), ("a", 3, 0), ("a", 5, 1))

        home.build("silver.history", **HISTORY, apply_as_deletes="seats = 0")

        assert home.rows("silver.history", "seats, __START_AT, __END_AT") == [
            (1, 1, 3),
            (1, 5, None),
        ]

    @pytest.mark.parametrize("watermark", [None, "loaded"])
    def test_any_order_of_arrival_gives_the_same_history(
        self, home: Home, watermark: str | None
    ) -> None:
        chance = random.Random(7)
        changes = [
            (key, at, chance.choice([0, 1, 1, 2]))
            for key, at in itertools.product("abc", range(8))
        ]
        chance.shuffle(changes)
        table = {**HISTORY, "apply_as_deletes": "seats = 0"}
        table["sql"] = lambda source: (
            f"SELECT code, at, seats, 1 AS loaded FROM {source}"
        )
        if watermark:
            table["sql"] = lambda source: (
                f"SELECT code, at, seats, loaded FROM {source}"
            )
            table["watermark"] = watermark
        columns = "code STRING, at INT, seats INT, loaded INT"
        for number in range(4):
            part = [(*one, number) for one in changes[number * 6 : number * 6 + 6]]
            arrive(home, *part, columns=columns)
            home.build("silver.history", **table)

        told = home.rows("silver.history", "code, seats, __START_AT, __END_AT")
        values = "loaded" if watermark else "1"
        expected = expected_history(
            [(*one, number // 6) for number, one in enumerate(changes)],
            tracked=values == "loaded",
        )
        assert told == sorted(expected, key=repr)


def expected_history(
    changes: list[tuple[Any, ...]], *, tracked: bool
) -> list[tuple[Any, ...]]:
    """The rules of AUTO CDC type 2, one key at a time and by hand."""
    history = []
    for key, group in itertools.groupby(sorted(changes, key=repr), lambda one: one[0]):
        events = sorted(group, key=lambda one: one[1])
        runs: list[dict[str, Any]] = []
        for _, at, seats, loaded in events:
            values = (seats, loaded if tracked else None)
            if runs and runs[-1]["end"] is None and runs[-1]["values"] == values:
                continue
            if runs and runs[-1]["end"] is None:
                runs[-1]["end"] = at
            if seats:
                runs.append({"values": values, "start": at, "end": None})
        history += [(key, run["values"][0], run["start"], run["end"]) for run in runs]
    return history


@pytest.mark.parametrize("table", [PLANES, HISTORY], ids=["merge", "scd2"])
def test_a_column_that_the_source_lost_is_null_in_later_rows(
    home: Home, table: dict[str, Any]
) -> None:
    def land(row: str) -> None:
        home.build("bronze.planes", sql=query(row), on_schema_change="replace")

    land("SELECT 'a' AS code, 1 AS at, 10 AS seats, 2 AS engines")
    home.build("silver.planes", **table)
    land("SELECT 'b' AS code, 2 AS at, 20 AS seats, true AS leased")

    home.build("silver.planes", **table)

    assert home.rows("silver.planes", "code, seats, engines, leased") == [
        ("a", 10, 2, None),
        ("b", 20, None, True),
    ]
