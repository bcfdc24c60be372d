"""A run that is killed at any point is made good by the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.engines.client import open_session
from tests.runtime.home import Home
from tests.runtime.killing import Point, described, kill_at, kill_while_writing

pytest.importorskip("fcntl", reason="fork servers are for POSIX")


@pytest.fixture
def next_process(home: Home, port: int) -> Iterator[Callable[[], Home]]:
    """The warehouse as a process sees it that starts now."""
    homes = []

    def look() -> Home:
        homes.append(Home(open_session(port, str(home.warehouse)), home.warehouse))
        return homes[-1]

    yield look
    for one in homes:
        one.spark.stop()


OLD = {"sql": "SELECT 1 AS a"}
NEW = {"sql": "SELECT 2 AS a"}
WIDER = {"sql": "SELECT 2 AS a, 'b' AS b"}


@pytest.mark.parametrize(
    ("table", "point", "seen"),
    [
        (NEW, ("insert", "call"), [(1,)]),
        (NEW, ("affected", "call"), [(2,)]),
        (NEW, ("record", "call"), [(2,)]),
        (WIDER, ("replace", "call"), [(1,)]),
        (WIDER, ("replace", "return"), [(2, "b")]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else None,
)
def test_overwrite_shows_the_old_rows_or_the_new_ones(
    home: Home,
    next_process: Callable[[], Home],
    table: dict[str, Any],
    point: Point,
    seen: list[tuple[Any, ...]],
) -> None:
    home.build("gold.t", **described(OLD))

    kill_at(point, home.warehouse, "gold.t", table)

    after = next_process()
    after.sql(f"CREATE SCHEMA main.gold LOCATION '{home.warehouse}/gold'")
    after.sql(
        f"CREATE TABLE main.gold.t USING delta LOCATION '{home.warehouse}/gold/t'"
    )
    assert after.rows("gold.t") == seen
    again = next_process()
    again.build("gold.t", **described(table))
    assert again.rows("gold.t", "a") == [(2,)]


@pytest.mark.parametrize(
    "point", [("create", "return"), ("insert", "call")], ids="-".join
)
def test_first_overwrite_is_done_again(
    home: Home, next_process: Callable[[], Home], point: Point
) -> None:
    kill_at(point, home.warehouse, "gold.t", NEW)

    again = next_process()
    again.build("gold.t", **described(NEW))
    assert again.rows("gold.t") == [(2,)]


def test_overwrite_killed_in_the_middle_of_writing(
    home: Home, next_process: Callable[[], Home]
) -> None:
    many = {"sql": "SELECT id AS a, sha2(string(id), 256) AS b FROM range(1000000000)"}
    home.build("gold.t", **described({"sql": "SELECT 1L AS a, 'old' AS b"}))

    kill_while_writing(home.warehouse, "gold.t", many)

    again = next_process()
    again.build("gold.t", **described({"sql": "SELECT 2L AS a, 'new' AS b"}))
    assert again.rows("gold.t") == [(2, "new")]


@pytest.fixture
def landing(tmp_path: Path) -> dict[str, Any]:
    """An append of files, two of which have come."""
    folder = tmp_path / "landing"
    folder.mkdir()
    for name in ("1", "2"):
        (folder / f"{name}.csv").write_text(f"code\n{name}\n")
    files = {"path": str(folder), "format": "csv", "options": {"header": "true"}}
    arguments = {"source": {"files": files}}
    return {"write": "append", "sql": "SELECT * FROM {source}", "arguments": arguments}


@pytest.mark.parametrize(
    "point",
    [
        ("begin", "call"),
        ("begin", "return"),
        ("create", "return"),
        ("commit", "call"),  # the data is committed, the manifest doesn't know it
        ("append", "return"),
        ("record", "call"),
    ],
    ids="-".join,
)
def test_each_file_is_taken_exactly_once(
    home: Home, next_process: Callable[[], Home], landing: dict[str, Any], point: Point
) -> None:
    kill_at(point, home.warehouse, "bronze.t", landing)

    again = next_process()
    again.build("bronze.t", **described(landing))
    again.build("bronze.t", **described(landing))
    assert again.rows("bronze.t") == [("1",), ("2",)]


def test_append_killed_in_the_middle_of_writing(
    home: Home, next_process: Callable[[], Home], landing: dict[str, Any]
) -> None:
    many = "SELECT s.code, sha2(string(id), 256) AS b FROM {source} AS s, range(1000000000)"

    kill_while_writing(home.warehouse, "bronze.t", {**landing, "sql": many})

    again = next_process()
    again.build(
        "bronze.t", **described({**landing, "sql": "SELECT *, 'b' AS b FROM {source}"})
    )
    assert again.rows("bronze.t") == [("1", "b"), ("2", "b")]
