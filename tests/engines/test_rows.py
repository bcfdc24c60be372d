"""Values of every type arrive as Python objects, or as the engine's text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

UTC = dt.UTC

VALUES = [
    ("true", "boolean", True),
    ("1Y", "tinyint", 1),
    ("9223372036854775807", "bigint", 9223372036854775807),
    ("cast(1.5 AS FLOAT)", "float", 1.5),
    ("12.50BD", "decimal(4,2)", Decimal("12.50")),
    ("cast(1 AS DECIMAL(38,18))", "decimal(38,18)", Decimal("1.000000000000000000")),
    ("'ü😀'", "string", "ü😀"),
    ("X'00FF'", "binary", b"\x00\xff"),
    ("DATE'9999-12-31'", "date", dt.date(9999, 12, 31)),
    (
        "TIMESTAMP'2020-01-01 12:00:00+05:00'",
        "timestamp",
        dt.datetime(2020, 1, 1, 7, tzinfo=UTC),
    ),
    (
        "TIMESTAMP_NTZ'2020-01-01 12:00:00.000001'",
        "timestamp_ntz",
        dt.datetime(2020, 1, 1, 12, 0, 0, 1),  # noqa: DTZ001 - it has no zone
    ),
    ("NULL", "void", None),
    ("cast(NULL AS STRING)", "string", None),
    ("array(1, NULL)", "array<int>", [1, None]),
    ("array()", "array<void>", "[]"),
    ("map('k', 1)", "map<string,int>", {"k": 1}),
    ("map(DATE'2020-01-01', map('k', 1))", None, {dt.date(2020, 1, 1): {"k": 1}}),
    ("map(array(1), 2)", "map<array<int>,int>", "{[1] -> 2}"),
    (
        "named_struct('a', 1, 'b', array('x'))",
        "struct<a:int,b:array<string>>",
        {"a": 1, "b": ["x"]},
    ),
    ("named_struct('a', 1, 'a', 2)", "struct<a:int,a:int>", "{1, 2}"),
    (
        "INTERVAL '1 02:03:04' DAY TO SECOND",
        "interval day to second",
        dt.timedelta(days=1, hours=2, minutes=3, seconds=4),
    ),
    ("INTERVAL 2 MONTHS", "interval month", "INTERVAL '2' MONTH"),
    ("make_interval(1, 0, 0, 1)", "interval", "1 years 1 days"),
    ("parse_json('{\"a\": 1}')", "variant", '{"a":1}'),
]


@pytest.mark.parametrize(("sql", "kind", "value"), VALUES, ids=[v[0] for v in VALUES])
def test_a_value_and_its_type(sql, kind, value, engine):
    rows = engine.preview(f"SELECT {sql} AS value", 1)
    assert rows.rows == ((value,),)
    assert kind is None or rows.columns[0].type == kind


def test_columns_may_share_a_name(engine):
    rows = engine.preview("SELECT 1 AS a, 'x' AS a, INTERVAL 1 MONTH AS a", 1)
    assert [column.name for column in rows.columns] == ["a", "a", "a"]
    assert rows.rows == ((1, "x", "INTERVAL '1' MONTH"),)


def test_not_a_number_stays_one(engine):
    [[value]] = engine.preview("SELECT cast('NaN' AS DOUBLE) AS value", 1).rows
    assert value != value  # noqa: PLR0124
