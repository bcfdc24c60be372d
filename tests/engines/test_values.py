"""Values of every type look the same on every engine."""

from __future__ import annotations

from mdf_magics.plain_text import value_text

VALUES = [
    ("true", "boolean", "true"),
    ("1Y", "tinyint", "1"),
    ("9223372036854775807", "bigint", "9223372036854775807"),
    ("cast(1.5 AS FLOAT)", "float", "1.5"),
    ("cast('NaN' AS DOUBLE)", "double", "nan"),
    ("12.50BD", "decimal(4,2)", "12.50"),
    ("cast(1 AS DECIMAL(38,18))", "decimal(38,18)", "1.000000000000000000"),
    ("'ü😀'", "string", "ü😀"),
    ("X'00FF'", "binary", "X'00FF'"),
    ("DATE'9999-12-31'", "date", "9999-12-31"),
    ("DATE'0001-01-01'", "date", "0001-01-01"),
    ("TIMESTAMP'2020-01-01 12:00:00+05:00'", "timestamp", "2020-01-01 07:00:00Z"),
    ("TIMESTAMP'9999-12-31 23:59:59Z'", "timestamp", "9999-12-31 23:59:59Z"),
    (
        "TIMESTAMP_NTZ'2020-01-01 12:00:00.000001'",
        "timestamp_ntz",
        "2020-01-01 12:00:00.000001",
    ),
    ("NULL", "void", "NULL"),
    ("cast(NULL AS STRING)", "string", "NULL"),
    ("array(1, NULL)", "array<int>", "[1, NULL]"),
    ("array()", "array<void>", "[]"),
    ("map('k', 1)", "map<string,int>", "{k: 1}"),
    (
        "map(DATE'2020-01-01', map('k', 1))",
        "map<date,map<string,int>>",
        "{2020-01-01: {k: 1}}",
    ),
    ("map(array(1), 2)", "map<array<int>,int>", "{[1] -> 2}"),
    (
        "named_struct('a', 1, 'b', array('x'))",
        "struct<a:int,b:array<string>>",
        "{a: 1, b: [x]}",
    ),
    (
        "array(named_struct('at', TIMESTAMP'2020-01-01 12:00:00+05:00'))",
        "array<struct<at:timestamp>>",
        "[{at: 2020-01-01 07:00:00Z}]",
    ),
    ("named_struct('a', 1, 'a', 2)", "struct<a:int,a:int>", "{1, 2}"),
    (
        "INTERVAL '1 02:03:04' DAY TO SECOND",
        "interval day to second",
        "1 day, 2:03:04",
    ),
    ("INTERVAL 2 MONTHS", "interval month", "INTERVAL '2' MONTH"),
    ("make_interval(1, 0, 0, 1)", "interval", "1 years 1 days"),
    ("parse_json('{\"a\": 1}')", "variant", '{"a":1}'),
]
"""SQL, the type as the engine names it, and what a preview shows."""


def test_values_of_every_type_look_the_same_on_every_engine(each):
    engine, _ = each
    query = ", ".join(f"{sql} AS c{index}" for index, (sql, _, _) in enumerate(VALUES))

    rows = engine.preview(f"SELECT {query}", 1)

    shown = [
        (sql, column.type, value_text(value))
        for (sql, _, _), column, value in zip(
            VALUES, rows.columns, rows.rows[0], strict=True
        )
    ]
    assert shown == VALUES


def test_times_are_shown_in_utc_whatever_the_sessions_zone_is(connect_to):
    engine = connect_to()
    engine.session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    rows = engine.preview("SELECT TIMESTAMP'2020-01-01 12:00:00+05:00' AS value", 1)
    assert value_text(rows.rows[0][0]) == "2020-01-01 07:00:00Z"


def test_columns_may_share_a_name(each):
    engine, _ = each
    rows = engine.preview("SELECT 1 AS a, 'x' AS a, INTERVAL 1 MONTH AS a", 1)
    assert [column.name for column in rows.columns] == ["a", "a", "a"]
    assert rows.rows == ((1, "x", "INTERVAL '1' MONTH"),)
