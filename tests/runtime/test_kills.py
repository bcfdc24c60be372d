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
        homes[-1].know_all()
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


CHANGES: dict[str, Any] = {
    "sql": "SELECT * FROM {source}",
    "arguments": {"source": {"stream": "main.bronze.changes"}},
    "keys": ["id"],
    "sequence_by": "at",
    "watermark": "at",
}

MODES: dict[str, dict[str, Any]] = {
    "overwrite": {
        "write": "overwrite",
        "sql": "SELECT id, max(at) AS at FROM main.bronze.changes GROUP BY id",
    },
    "append": {**CHANGES, "write": "append"},
    "merge": {**CHANGES, "write": "merge", "apply_as_deletes": "what = 'gone'"},
    "scd2": {**CHANGES, "write": "scd2", "apply_as_deletes": "what = 'gone'"},
    "refresh": {**CHANGES, "write": "merge", "full_refresh": True},
    "view": {"write": "view", "sql": "SELECT {n} AS n", "arguments": {"n": 1}},
    **{
        f"quarantine-{write}": {
            **CHANGES,
            "write": write,
            "arguments": {
                "source": {
                    "table" if write == "overwrite" else "stream": "main.bronze.changes"
                }
            },
            "expectations": [
                {"name": "known", "check": "what <> '?'", "on_failure": "quarantine"}
            ],
        }
        for write in ("overwrite", "append", "merge", "scd2")
    },
}
"""Every way of writing, over a table of changes; of the view the query changes."""

FIRST = "(1, 1, 'a'), (2, 1, 'b'), (3, 1, '?')"
MORE = f"{FIRST}, (1, 2, 'c'), (2, 3, 'gone'), (4, 2, 'd'), (5, 2, '?')"

SAMPLE = [
    ("merge", ("computed", "call")),
    ("scd2", ("affected", "return")),
    ("view", ("write_whole", "call")),
    ("quarantine-append", ("aside_of", "call")),
]
POINTS = [
    *[
        (mode, (name, "call"))
        for mode in MODES
        if mode != "view"
        for name in ("write", "affected", "record")  # before, just written, at the end
    ],
    *[(mode, ("aside_of", "call")) for mode in MODES if mode.startswith("quarantine")],
    *[(mode, ("merge_into", "return")) for mode in ("merge", "scd2")],
    ("view", ("replace_view", "call")),
    ("view", ("replace_view", "return")),
]


def at_points(value: object) -> str | None:
    return "-".join(value) if isinstance(value, tuple) else None


@pytest.mark.parametrize(("mode", "point"), SAMPLE, ids=at_points)
def test_table_is_as_before_or_complete_and_the_next_run_completes_it(
    home: Home, next_process: Callable[[], Home], mode: str, point: Point
) -> None:
    kill_on_the_way(home, next_process, mode, point)


@pytest.mark.full
@pytest.mark.parametrize(
    ("mode", "point"), [one for one in POINTS if one not in SAMPLE], ids=at_points
)
def test_it_is_so_at_every_point(
    home: Home, next_process: Callable[[], Home], mode: str, point: Point
) -> None:
    kill_on_the_way(home, next_process, mode, point)


def kill_on_the_way(
    home: Home, next_process: Callable[[], Home], mode: str, point: Point
) -> None:
    """Kill a table's second run, and hold it against a twin that nobody kills."""
    table = MODES[mode]
    changes(home, FIRST)
    home.build("silver.t", **described(table))
    home.build("silver.twin", **described(table))
    before = home.rows("silver.twin")
    changes(home, MORE)
    if mode == "view":
        table = {**table, "arguments": {"n": 2}}

    kill_at(point, home.warehouse, "silver.t", table)

    home.build("silver.twin", **described(table))
    complete = home.rows("silver.twin")
    assert complete != before
    after = next_process()
    assert after.rows("silver.t") in (before, complete)
    again = next_process()
    again.build("silver.t", **described(table))
    assert again.rows("silver.t") == complete
    if "expectations" in table:
        rejected = home.rows("silver.twin_quarantine")
        assert len(rejected) == 2
        assert again.rows("silver.t_quarantine") == rejected


def changes(home: Home, rows: str) -> None:
    """What the source has now."""
    text = f"SELECT * FROM VALUES {rows} AS v(id, at, what)"
    home.build("bronze.changes", **described({"sql": text}))
