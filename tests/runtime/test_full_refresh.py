"""A full refresh: a table begins anew, from all that its sources have now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.runtime.home import Home, query

READS = {"arguments": {"source": {"stream": "main.bronze.events"}}}
CHANGES: dict[str, Any] = {
    **READS,
    "sql": lambda source: f"SELECT * FROM {source}",
    "keys": ["id"],
    "sequence_by": "at",
    "watermark": "at",
}


def events(home: Home, rows: str) -> None:
    home.build(
        "bronze.events", sql=query(f"SELECT * FROM VALUES {rows} AS v(id, at, what)")
    )


@pytest.mark.parametrize(
    ("write", "before", "after"),
    [
        ("append", [(1, 1, "a"), (2, 2, "b")], [(1, 1, "x"), (3, 3, "c")]),
        ("merge", [(1, 1, "a"), (2, 2, "b")], [(1, 1, "x"), (3, 3, "c")]),
        (
            "scd2",
            [(1, "a", 1, None), (2, "b", 2, None)],
            [(1, "x", 1, None), (3, "c", 3, None)],
        ),
    ],
)
def test_what_the_source_has_no_more_is_gone(
    home: Home, write: str, before: list[Any], after: list[Any]
) -> None:
    events(home, "(1, 1, 'a'), (2, 2, 'b')")
    home.build("silver.events", **CHANGES, write=write)
    assert home.rows("silver.events") == before
    events(home, "(1, 1, 'x'), (3, 3, 'c')")

    said = home.build("silver.events", **CHANGES, write=write, full_refresh=True)

    assert home.rows("silver.events") == after
    assert said["rows"] == 2
    assert len(home.commits("silver.events")) == 3  # create, fill, replace in one
    home.build("silver.events", **CHANGES, write=write)
    assert home.rows("silver.events") == after


def test_every_file_is_taken_again_and_then_each_once(
    home: Home, tmp_path: Path
) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "1.csv").write_text("a\n1\n")
    files = {"path": str(landing), "format": "csv", "options": {"header": "true"}}
    table = {
        "write": "append",
        "sql": lambda source: f"SELECT * FROM {source}",
        "arguments": {"source": {"files": files}},
    }
    home.build("bronze.files", **table)
    (landing / "1.csv").write_text("a\n7\n")
    (landing / "2.csv").write_text("a\n2\n")

    said = home.build("bronze.files", **table, full_refresh=True)

    assert (said["rows"], home.rows("bronze.files")) == (2, [("2",), ("7",)])
    (landing / "3.csv").write_text("a\n3\n")
    assert home.build("bronze.files", **table)["rows"] == 1
    assert home.rows("bronze.files") == [("2",), ("3",), ("7",)]


@pytest.mark.parametrize("write", ["append", "merge"])
def test_rejected_rows_begin_anew_too(home: Home, write: str) -> None:
    rules = [{"name": "known", "check": "what <> ''", "on_failure": "quarantine"}]
    table = {**CHANGES, "write": write, "expectations": rules}
    events(home, "(1, 1, ''), (2, 2, 'b')")
    home.build("silver.events", **table)
    assert home.rows("silver.events_quarantine", "id") == [(1,)]
    events(home, "(3, 3, ''), (2, 2, 'b')")

    home.build("silver.events", **table, full_refresh=True)

    assert home.rows("silver.events_quarantine", "id") == [(3,)]
    assert home.rows("silver.events", "id") == [(2,)]
