"""Wrong input of a run: one sentence that says what to do, the table as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mdf_magics.runtime.mdf_runtime import TableError
from tests.runtime.home import Home, query

KEYED = {"write": "merge", "keys": ["id"]}
BEFORE = "SELECT 1 AS id, 1 AS n"


def reading(columns: str) -> dict[str, Any]:
    """A table whose query selects some columns of a stream."""
    return {
        "sql": lambda source: f"SELECT {columns} FROM {source}",
        "arguments": {"source": {"stream": "main.bronze.source"}},
    }


TABLES: dict[str, tuple[dict[str, Any], str]] = {
    "function gives a list": (
        {"python": lambda: [1]},
        (
            "its function returned list, not a DataFrame of Spark. Return the rows as "
            "they are before  collect  or  toPandas ."
        ),
    ),
    "function raises": (
        {"python": lambda: dict[str, int]()["key"]},
        "KeyError: 'key'",
    ),
    "NULL in a key": (
        {**KEYED, "sql": query("SELECT CAST(NULL AS INT) AS id, 2 AS n")},
        (
            "a row has NULL in id. Nothing was written. Leave it out:  "
            "WHERE `id` IS NOT NULL"
        ),
    ),
    "key twice": (
        {**KEYED, "sql": query("SELECT 1 AS id, explode(array(2, 3)) AS n")},
        (
            'the key id is there twice: {"id":1}. Nothing was written. Let the query give '
            "one row for each key."
        ),
    ),
    "key that is no column": (
        {**KEYED, "keys": ["idd"], "sql": query(BEFORE)},
        "its keys idd is no column of its query. There are: id, n.",
    ),
    "watermark that the source lacks": (
        {"write": "append", "watermark": "at", **reading("*")},
        "its watermark at is no column of main.bronze.source. There are: id, n.",
    ),
    "watermark that the query leaves out": (
        {"write": "append", "watermark": "n", **reading("id")},
        "its watermark n is no column of its query. There are: id.",
    ),
    "sequence that is no column": (
        {**KEYED, "write": "scd2", "sequence_by": "at", **reading("*")},
        "its sequence_by at is no column of its query. There are: id, n.",
    ),
    "type that cannot be widened": (
        {**KEYED, "sql": query("SELECT 1 AS id, 'x' AS n")},
        (
            "the query hasn't the columns of main.gold.t: n was int and is string. Nothing "
            "was written. Give it those columns, by CAST where a type differs."
        ),
    ),
    "column without a type": (
        {"sql": query("SELECT 1 AS id, NULL AS n")},
        (
            "the column n is NULL and so has no type. Write  CAST(NULL AS STRING) AS n  or "
            "whatever it is to be. If it comes from a file without rows, give the file a "
            " schema ."
        ),
    ),
}


@pytest.mark.parametrize(("table", "said"), TABLES.values(), ids=TABLES)
def test_table_that_cannot_be_built_is_as_it_was(
    home: Home, table: dict[str, Any], said: str
) -> None:
    home.build("bronze.source", sql=query(BEFORE))
    home.build("gold.t", sql=query(BEFORE))

    with pytest.raises(Exception):  # noqa: B017, PT011 - of the engine, mostly
        home.build("gold.t", **table)

    told = home.last_run().error
    assert told.startswith("gold.t: ")
    assert said in told
    assert home.rows("gold.t") == [(1, 1)]


def test_file_of_no_bytes_has_no_columns(home: Home, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    files = {"path": str(tmp_path / "empty.csv"), "format": "csv"}

    with pytest.raises(TableError, match="has no columns"):
        home.build(
            "gold.t",
            sql=lambda source: f"SELECT * FROM {source}",
            arguments={"source": {"files": files}},
        )


HOSTILE = [
    'it\'s "x" -- no',
    "'); DROP TABLE main.gold.t; --",
    "/* `a` */ \\' \\",
    "\u2018a\u2019 \u201cb\u201d \uff07 \u02bc",
    "two\nlines;",
    "{{ x }} {% if %} ${user} {0} {slot_source}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_comments_come_out_as_data(home: Home, text: str) -> None:
    column = text.replace("\n", " ")
    ticked = column.replace("`", "``")

    home.build(
        "gold.t",
        write="merge",
        keys=[column],
        sql=query(f"SELECT explode(array(1, -1)) AS `{ticked}`, 1 AS n"),
        description=text,
        columns={"n": {"comment": text}},
        expectations=[
            {"name": text, "check": f"`{ticked}` > 0", "on_failure": "quarantine"}
        ],
    )

    assert home.rows("gold.t") == [(1, 1)]
    assert home.rows("gold.t_quarantine") == [(-1, 1, [text])]
    assert home.metadata("gold.t")["description"] == text
    assert home.comments("gold.t") == {"n": text}


def test_watermark_may_have_any_name(home: Home) -> None:
    mark = "{{ x }} {rows} -- '"
    table = {"write": "append", "watermark": mark, **reading("*")}
    for number in (1, 2):
        home.build("bronze.source", sql=query(f"SELECT {number} AS `{mark}`"))
        home.build("gold.t", **table)

    assert home.rows("gold.t") == [(1,), (2,)]
