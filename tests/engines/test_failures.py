"""What Sail says of a wrong query, in words that help.

All of these messages come from the server itself: a new version of it that says
something else shows here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mdf_magics.errors import EngineError, Problem

ORDERS = "main.shop.orders"


def problem_of(engine, query: Any) -> Problem:
    with pytest.raises(EngineError) as raised:
        engine.preview(query, 5)
    [problem] = raised.value.problems
    assert "\n" not in problem.message
    return problem


def marked(problem: Problem) -> str:
    """The part of the query that the problem's place points to."""
    if problem.place is None:
        return ""
    place = problem.place
    line = place.source.text.splitlines()[place.line - 1]
    return line[place.column - 1 :][: place.length].strip()


@pytest.mark.parametrize(
    ("sql", "code", "message", "at"),
    [
        # syntax
        ("selec 1", "sql-syntax", "expected a statement, found selec", "selec"),
        ("SELECT id i d FROM t", "sql-syntax", "d can't stand here", "d"),
        ("SELECT 'é', 1 )", "sql-syntax", '")" can\'t stand here', ")"),
        ("SELECT 1 FROM t ORDER id", "sql-syntax", "expected BY, found id", "id"),
        (
            "SELECT cast(1 AS integr)",
            "sql-syntax",
            "expected a data type, found integr",
            "integr",
        ),
        (
            "SELECT id,\nFROM main.shop.orders",
            "sql-syntax",
            "expected a column or an expression, found FROM",
            "FROM",
        ),
        (
            "WITH t AS (SELECT 1 AS a) SELECT a, FROM t",
            "sql-syntax",
            "expected a column or an expression, found FROM",
            "FROM",
        ),
        (
            "SELECT 1 WHERE ",
            "sql-syntax",
            "it ends too early: expected an expression",
            "",
        ),
        ("SELECT (1 + 2", "sql-syntax", "it ends too early", ""),
        (
            "SELECT 'abc",
            "sql-syntax",
            "a quote (') is opened and never closed",
            "",
        ),
        (
            "SELECT `abc FROM t",
            "sql-syntax",
            "a quote (`) is opened and never closed",
            "",
        ),
        ("", "sql-syntax", "there must be exactly one statement", ""),
        ("SELECT 1; SELECT 2", "sql-syntax", "there must be exactly one statement", ""),
        ("SELECT :day", "missing-parameter", "no value is given for :day", ""),
        # names
        (
            "SELECT * FROM main.shop.order",
            "unknown-table",
            'there is no table "main.shop.order"',
            "main.shop.order",
        ),
        (
            "SELECT * FROM `main`.`shop`.`order`",
            "unknown-table",
            'there is no table "main.shop.order"',
            "`main`.`shop`.`order`",
        ),
        (
            "SELECT * FROM main.nowhere.t",
            "unknown-table",
            'there is no table "main.nowhere.t"',
            "main.nowhere.t",
        ),
        (
            f"SELECT o.* FROM {ORDERS}",
            "unknown-table",
            'there is no table or alias "o" to take all columns of',
            "o",
        ),
        (
            f"SELECT custmer FROM {ORDERS} -- custmer",
            "unknown-column",
            'there is no column "custmer"',
            "custmer",
        ),
        (
            f"SELECT 'idd', o.idd FROM {ORDERS} AS o",
            "unknown-column",
            'there is no column "o.idd"',
            "o.idd",
        ),
        (
            f"SELECT * FROM {ORDERS} JOIN {ORDERS} AS b USING (nr)",
            "unknown-column",
            'there is no column "nr"',
            "nr",
        ),
        (
            f"SELECT id FROM {ORDERS} AS a JOIN {ORDERS} AS b ON a.id = b.id",
            "ambiguous-column",
            'more than one table has a column "id"',
            "id",
        ),
        ("SELECT uper('a')", "unknown-function", 'there is no function "uper"', "uper"),
        (
            "SELECT * FROM rnge(3)",
            "unknown-function",
            'there is no table function "rnge"',
            "rnge",
        ),
        # grouping
        (
            f"SELECT customer, count(*) FROM {ORDERS}",
            "not-grouped",
            "a column is neither in GROUP BY nor inside an aggregate",
            "",
        ),
        (
            f"SELECT id FROM {ORDERS} HAVING id > 1",
            "not-grouped",
            "HAVING needs GROUP BY or an aggregate",
            "",
        ),
        (
            f"SELECT count(*) FROM {ORDERS} WHERE count(*) > 1",
            "misplaced-aggregate",
            "an aggregate can't stand in WHERE",
            "",
        ),
        (
            f"SELECT sum(count(*)) FROM {ORDERS}",
            "misplaced-aggregate",
            "an aggregate can't stand inside another one",
            "",
        ),
        (
            f"SELECT * FROM {ORDERS} WHERE rank() OVER (ORDER BY id) = 1",
            "misplaced-window",
            "a window function can't stand in WHERE",
            "",
        ),
        (
            f"SELECT row_number() FROM {ORDERS}",
            "missing-over",
            "row_number needs OVER (...)",
            "row_number",
        ),
        # types
        (
            f"SELECT id + customer FROM {ORDERS}",
            "wrong-type",
            "the types don't go together: int + string",
            "",
        ),
        (
            f"SELECT * FROM {ORDERS} WHERE id = parts",
            "wrong-type",
            "the types don't go together: int = array<int>",
            "",
        ),
        (
            f"SELECT * FROM {ORDERS} WHERE customer",
            "wrong-type",
            "a condition must be boolean, this one is string",
            "",
        ),
        (
            f"SELECT avg(customer) FROM {ORDERS}",
            "wrong-type",
            "avg(string) is not possible: the function doesn't take these types",
            "",
        ),
        (
            "SELECT cast(named_struct('a', map('k', 1.5BD)) AS INT)",
            "wrong-type",
            "struct<a:map<string,decimal(2,1)>> can't be cast to int",
            "",
        ),
        ("SELECT explode(1)", "wrong-type", "explode takes an array or a map", ""),
        (
            "SELECT upper()",
            "argument-count",
            "a function takes other arguments: one expected",
            "",
        ),
        # shapes
        (
            "SELECT 1, 2 UNION ALL SELECT 3",
            "column-count",
            "the two sides of UNION have 2 and 1 columns",
            "",
        ),
        (
            f"SELECT (SELECT id, price FROM {ORDERS})",
            "column-count",
            "a subquery that stands for a value has one column, this one has 2",
            "",
        ),
        (
            f"SELECT (SELECT id FROM {ORDERS})",
            "too-many-rows",
            "a subquery that stands for a value returned more than one row",
            "",
        ),
        # values
        ("SELECT cast('a' AS INT)", "bad-value", "'a' is no int", ""),
        (
            f"SELECT cast(customer AS INT) FROM {ORDERS}",
            "bad-value",
            "'ada' is no int",
            "",
        ),
        ("SELECT to_date('2020-13-01')", "bad-value", "'2020-13-01' is no date", ""),
        ("SELECT to_timestamp('x')", "bad-value", "'x' is no timestamp", ""),
        (
            "SELECT cast(300 AS TINYINT)",
            "bad-value",
            "300 doesn't fit into tinyint",
            "",
        ),
        (
            "SELECT array(1)[5]",
            "bad-value",
            "there is no element 5 in an array of 1",
            "",
        ),
        (
            "SELECT DATE 'x'",
            "bad-value",
            "a date or timestamp can't be read: found x",
            "",
        ),
        (
            f"SELECT * FROM {ORDERS} WHERE customer RLIKE '('",
            "bad-value",
            "the regular expression ( is wrong: unclosed group",
            "",
        ),
        (f"SELECT id / 0 FROM {ORDERS}", "division-by-zero", "division by zero", ""),
        ("SELECT raise_error('too late')", "engine-error", "too late", ""),
        # what Databricks has and Sail hasn't
        (
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n FROM r) SELECT * FROM r",
            "not-supported",
            "the embedded engine can't run WITH RECURSIVE",
            "r",
        ),
        (
            "SELECT input_file_name()",
            "not-supported",
            "the embedded engine has no function input_file_name",
            "input_file_name",
        ),
        (
            "SELECT * FROM read_files('/tmp')",
            "not-supported",
            "read_files(...) can't be written out in a query",
            "read_files",
        ),
        (
            f"SHOW CREATE TABLE {ORDERS}",
            "not-supported",
            "the embedded engine can't run this statement",
            "",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_a_wrong_query(sql, code, message, at, engine):
    problem = problem_of(engine, sql)
    assert (problem.code, problem.message) == (code, message)
    assert marked(problem).startswith(at) if at else not marked(problem)


@pytest.mark.parametrize(
    ("statement", "code", "message"),
    [
        ("CREATE SCHEMA main.shop", "already-exists", '"shop" is there already'),
        ("CREATE TABLE main.no.t (a INT)", "unknown-schema", 'there is no schema "no"'),
        (f"UPDATE {ORDERS} SET nr = 1", "unknown-column", 'there is no column "nr"'),
        (
            "DROP TABLE main.shop.no",
            "unknown-table",
            'there is no table "main.shop.no"',
        ),
        (
            f"INSERT INTO {ORDERS} VALUES (1)",
            "column-count",
            "INSERT brings 1 columns, the table has 4",
        ),
        (
            f"MERGE INTO {ORDERS} AS o USING (SELECT 1 AS id UNION ALL SELECT 1) AS n ON o.id = n.id WHEN MATCHED THEN UPDATE SET id = n.id",
            "too-many-rows",
            "MERGE found several source rows for one row of the table",
        ),
        (
            f"CREATE OR REPLACE TABLE {ORDERS} USING delta AS SELECT 1 AS extra",
            "changed-columns",
            'the table that is written has no column "extra"',
        ),
        (
            f"TRUNCATE TABLE {ORDERS}",
            "not-supported",
            "the embedded engine can't run TRUNCATE",
        ),
        (
            f"REFRESH TABLE {ORDERS}",
            "not-supported",
            "the embedded engine can't run this statement",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_a_wrong_statement(statement, code, message, engine):
    with pytest.raises(EngineError) as raised:
        engine.run(statement)
    [problem] = raised.value.problems
    assert (problem.code, problem.message) == (code, message)


def test_a_whole_message_as_it_is_shown(engine):
    sql = f"SELECT id,\n  custmer AS who\nFROM {ORDERS}"
    with pytest.raises(EngineError) as raised:
        engine.preview(sql, 1)
    assert str(raised.value) == (
        'unknown-column: there is no column "custmer"\n'
        "  cell line 2, column 3\n"
        "    2 |   custmer AS who\n"
        "      |   ^^^^^^^\n"
        '  Did you mean "customer"? There are: customer, id, parts, price, who.'
    )


def test_the_place_counts_characters_where_sail_counts_bytes(engine):
    problem = problem_of(engine, "/* übergrößen */\nSELECT 'é', 1 ä ö")
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (2, 17)


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        (
            "SELECT * FROM main.shop.order",
            'Did you mean "main.shop.orders"? There are: main.shop.orders.',
        ),
        (
            "WITH recent AS (SELECT 1) SELECT * FROM recnt",
            'Did you mean "recent"? There are: orders, recent.',
        ),
        ("SELECT uper('a')", 'Did you mean "upper"?'),
        (
            f"SELECT x.id FROM {ORDERS}",
            '"x" is no table, alias or struct here that has it.',
        ),
        ("SELECT 1, FROM t", "Remove the comma before it."),
        ("SELECT 1 / 0", "try_divide and try_mod give NULL instead."),
    ],
)
def test_a_hint(sql, hint, engine):
    assert problem_of(engine, sql).hint == hint


def test_dataframes_fail_in_the_same_words(engine):
    problem = problem_of(engine, lambda spark: spark.table(ORDERS).select("custmer"))
    assert problem == Problem("unknown-column", 'there is no column "custmer"')
    problem = problem_of(engine, lambda spark: spark.table("main.shop.ordrs"))
    assert problem == Problem(
        "unknown-table",
        'there is no table "ordrs"',
        'Did you mean "orders"? There are: orders.',
    )


@pytest.mark.parametrize(
    ("name", "content", "options", "code", "message"),
    [
        (
            "typed.csv",
            "id,day\n1,2020-01-01\nx,2020-01-02\n",
            {"schema": "id INT, day DATE"},
            "bad-value",
            "'x' in column 1, line 2 of a CSV file is no int",
        ),
        (
            "ragged.csv",
            "a,b\n1,2,3\n",
            {},
            "unreadable-file",
            "a file can't be read as CSV: incorrect number of fields for line 2, expected 2 got 3",
        ),
        (
            "wrong.json",
            '{"a": 1}\n{b',
            {},
            "unreadable-file",
            "a file can't be read as JSON: Not valid JSON: key must be a string at line 1 column 2",
        ),
        (
            "wrong.parquet",
            "PAR",
            {},
            "unreadable-file",
            "a file can't be read as PARQUET: Parquet files are at least 8 bytes long, but file length is 3",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value[:14] else "",
)
def test_a_wrong_file(name, content, options, code, message, engine, tmp_path: Path):
    file = tmp_path / name
    file.write_text(content)

    def read(spark):
        kind = file.suffix.removeprefix(".")
        return spark.read.load(str(file), format=kind, header=True, **options)

    problem = problem_of(engine, read)
    assert (problem.code, problem.message) == (code, message)


def test_a_folder_without_a_delta_table(engine, tmp_path: Path):
    problem = problem_of(
        engine, lambda spark: spark.read.format("delta").load(str(tmp_path))
    )
    assert problem.message == "there is no Delta table in the folder that is read"


def test_an_unknown_format(engine):
    problem = problem_of(engine, lambda spark: spark.read.load("/tmp", format="xyz"))
    assert problem.message == "there is no file format xyz"
