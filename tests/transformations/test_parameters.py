"""Parameters: what values fit each type, and what they are in SQL."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any, get_args

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from mdf_magics.definitions.models import ParameterType
from mdf_magics.transformations.parameters import (
    TYPES,
    BadValue,
    in_sql,
    inferred_type,
    literal,
    quoted_identifier,
    typed,
)
from mdf_magics.transformations.template import parse

DAY = dt.date(2013, 1, 31)
TIME = dt.datetime(2013, 1, 31, 6, 30)  # noqa: DTZ001

HOSTILE = [
    "'",
    "''",
    "\\",
    "\\'",
    "\\\\'",
    "' OR 1=1 --",
    "'; DROP TABLE a.b; --",
    "\\'; DROP TABLE a.b; --",
    '"',
    "`",
    "``; --",
    "-- comment",
    "/* comment */",
    "*/",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\0=5\0",
    "\x01x\x02",
    "\x1a\x7f\x85",
    "\u2028\u2029",
    "ʼ＇‘’′",  # noqa: RUF001
    "﹨＼",  # noqa: RUF001
    "é😀",
    "\u202e\ufeff",
    "{{ x }}",
    "{% raw %}",
    "{x}{{}}",
    "%s %(x)s :x ? @x",
    "${env:HOME}",
    "${spark.app.name}",
    "$${x}",
    "\\u0027",
    "\\n",
    "\\%\\_",
    "r'x'",
    "NULL",
    "",
    " ",
]


def parsed(sql: str) -> exp.Expression:
    """The one expression that a text is in a query."""
    (query,) = sqlglot.parse(f"SELECT {sql} AS x FROM a.b", read="databricks")
    assert isinstance(query, exp.Select)
    (alias,) = query.expressions
    assert isinstance(alias, exp.Alias)
    assert set(query.find_all(exp.Table)) == {query.find(exp.Table)}
    found = alias.this
    assert isinstance(found, exp.Expression)
    return found


def read_back(sql: str) -> Any:
    """The value that a query would have for a literal."""
    node = parsed(sql)
    sign = 1
    if isinstance(node, exp.Neg):
        node, sign = node.this, -1
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.Boolean):
        return node.this
    if isinstance(node, exp.Cast):
        text, kind = node.this.this, node.to.this.name
        if kind == "DATE":
            return dt.date.fromisoformat(text)
        if kind.startswith("TIMESTAMP"):
            return dt.datetime.fromisoformat(text)
        assert kind == "DOUBLE"
        return sign * float(text)
    assert isinstance(node, exp.Literal), node
    return node.this if node.is_string else sign * int(node.this)


class TestTypes:
    def test_are_those_of_the_model(self):
        assert get_args(ParameterType) == TYPES
        assert len(TYPES) == 13

    @pytest.mark.parametrize(
        ("kind", "given_value", "held"),
        [
            ("table", "bronze.planes", "bronze.planes"),
            ("table", "main.bronze.planes", "main.bronze.planes"),
            ("stream", "bronze.planes", "bronze.planes"),
            ("table", "raw.Länder-2$x", "raw.länder-2$x"),
            ("files", {"path": "/x", "format": "csv"}, {"path": "/x", "format": "csv", "options": {}}),
            (
                "files",
                {"path": "/x", "format": "csv", "options": {"header": True, "n": 1, "d": DAY, "s": ""}, "schema": "a INT"},
                {"path": "/x", "format": "csv", "options": {"header": "true", "n": "1", "d": "2013-01-31", "s": ""}, "schema": "a INT"},
            ),
            ("files", {"path": "/x", "format": "csv", "options": None, "schema": None}, {"path": "/x", "format": "csv", "options": {}}),
            ("column", "a b.c`d", "a b.c`d"),
            ("columns", ["a", "b"], ["a", "b"]),
            ("string", "", ""),
            ("int", -5, -5),
            ("float", 5, 5.0),
            ("float", 1.5, 1.5),
            ("bool", False, False),
            ("date", DAY, DAY),
            ("date", "2013-01-31", DAY),
            ("timestamp", TIME, TIME),
            ("timestamp", DAY, dt.datetime(2013, 1, 31)),  # noqa: DTZ001
            ("timestamp", "2013-01-31 06:30:00", TIME),
            ("timestamp", "2013-01-31T06:30:00Z", TIME.replace(tzinfo=dt.UTC)),
            ("list", [1, "a", None, DAY], [1, "a", None, DAY]),
            ("expression", " upper(a) ", "upper(a)"),
            ("expression", "CASE\n\tWHEN a\nEND\n", "CASE\n\tWHEN a\nEND"),
            ("expression", 5, "5"),
            ("expression", True, "true"),
        ],
    )  # fmt: skip
    def test_hold_values_that_fit(self, kind: str, given_value: Any, held: Any):
        found = typed(kind, given_value)

        assert found == held
        assert type(found) is type(held)

    @pytest.mark.parametrize(
        ("kind", "given_value", "said"),
        [
            ("table", "planes", '"planes" is no table\'s name | Write  schema.table  (or  catalog.schema.table  for one elsewhere).'),
            ("table", "a.b.c.d", '"a.b.c.d" is no table\'s name | Write  schema.table  (or  catalog.schema.table  for one elsewhere).'),
            ("table", "a..b", '"a..b" is no table\'s name | Write  schema.table  (or  catalog.schema.table  for one elsewhere).'),
            ("table", "`a`.`b`", '"`a`.`b`" is no table\'s name | Write it without quotes or blanks:  schema.table .'),
            ("table", "a.b; DROP", '"a.b; DROP" is no table\'s name | Write it without quotes or blanks:  schema.table .'),
            ("table", "a.b/*", '"a.b/*" is no table\'s name | Write it without quotes or blanks:  schema.table .'),
            ("table", "a.b\n", '"a.b\n" is no table\'s name | Write it without quotes or blanks:  schema.table .'),
            ("table", "a.\0b", '"a.\0b" is no table\'s name | Write it without quotes or blanks:  schema.table .'),
            ("table", "a.b\u2028", '"a.b\u2028" is no table\'s name | Write it without quotes or blanks:  schema.table .'),
            ("table", 5, "must be a table's name | Write  schema.table ."),
            ("files", "/x", "must be a mapping | Write  {path: ..., format: csv} ."),
            ("files", {"path": "/x"}, "needs a format | Write  {path: ..., format: csv} ."),
            ("files", {"path": "", "format": "csv"}, "needs a path | Write  {path: ..., format: csv} ."),
            ("files", {"path": 5, "format": "csv"}, "needs a path | Write  {path: ..., format: csv} ."),
            ("files", {"path": "/x", "format": "csv", "header": True}, 'has no key "header" | There are: path, format, options, schema.'),
            ("files", {"path": "/x", "format": "csv", "options": []}, "options must be a mapping | Write  options: {header: true} ."),
            ("files", {"path": "/x", "format": "csv", "options": {"a": [1]}}, 'the option "a" must be text, a number or true or false | Write  options: {header: true} .'),
            ("files", {"path": "/x", "format": "csv", "options": {"a": None}}, 'the option "a" is empty | Write  a: ""  if empty text is meant.'),
            ("files", {"path": "/x", "format": "csv", "schema": ["a"]}, 'schema must be text | Write  schema: "id INT, name STRING" .'),
            ("column", "", "must be a column's name"),
            ("column", ["a"], "must be a column's name"),
            ("column", "a\0b", "can't hold the character U+0000"),
            ("column", "a\nb", "can't hold the character U+000A"),
            ("columns", "a", "must be a list of columns | Write  [a] ."),
            ("columns", [], "must be a list of columns | Write  [one, another] ."),
            ("columns", ["a", 5], "must be a column's name"),
            ("string", 5, 'must be text | Write it in quotes:  "5" .'),
            ("string", True, 'must be text | Write it in quotes:  "true" .'),
            ("string", None, "must be text"),
            ("string", ["a"], "must be text"),
            ("int", "5", 'must be a whole number, not "5"'),
            ("int", 5.0, "must be a whole number, not 5.0"),
            ("int", True, "must be a whole number, not true"),
            ("int", None, "must be a whole number, not empty"),
            ("float", "x", 'must be a number, not "x"'),
            ("float", 10**400, "must be a number, not 1000000000000000000000000000000000000..."),
            ("bool", "true", 'must be true or false, not "true"'),
            ("bool", 1, "must be true or false, not 1"),
            ("date", TIME, "must be a date without a time | Write  2013-01-31 ."),
            ("date", "31.1.2013", 'must be a date, not "31.1.2013" | Write  2013-01-31 .'),
            ("date", 20130131, "must be a date, not 20130131 | Write  2013-01-31 ."),
            ("timestamp", "x", 'must be a timestamp, not "x" | Write  "2013-01-31 06:30:00" .'),
            ("timestamp", 5, 'must be a timestamp, not 5 | Write  "2013-01-31 06:30:00" .'),
            ("list", [], "must be a list with at least one item | Write  [1, 2] ."),
            ("list", "a", "must be a list with at least one item | Write  [1, 2] ."),
            ("list", [[1]], "must be a list of plain values"),
            ("list", [{"a": 1}], "must be a list of plain values"),
            ("expression", "  ", "must be an SQL expression"),
            ("expression", None, "must be an SQL expression"),
            ("expression", ["a"], "must be an SQL expression"),
            ("expression", "a\0b", "can't hold the character U+0000"),
        ],
    )  # fmt: skip
    def test_refuse_others_and_say_what_would_fit(
        self, kind: str, given_value: Any, said: str
    ):
        with pytest.raises(BadValue) as error:
            typed(kind, given_value)

        assert f"{error.value} | {error.value.hint}".removesuffix(" | ") == said

    @pytest.mark.parametrize(
        ("value", "kind"),
        [(True, "bool"), (1, "int"), (1.0, "float"), ("a", "string"), ([1], "list"), (DAY, "date"), (TIME, "timestamp"), (None, None), ({"a": 1}, None)],
    )  # fmt: skip
    def test_are_inferred_from_values(self, value: Any, kind: str | None):
        assert inferred_type(value) == kind


class TestLiterals:
    @pytest.mark.parametrize(
        ("value", "sql"),
        [
            (None, "NULL"),
            (True, "true"),
            (0, "0"),
            (-5, "-5"),
            (1.5, "1.5D"),
            (1e100, "1e+100D"),
            (math.inf, "double('Infinity')"),
            (-math.inf, "double('-Infinity')"),
            (math.nan, "double('NaN')"),
            (DAY, "DATE '2013-01-31'"),
            (dt.date(1, 1, 1), "DATE '0001-01-01'"),
            (TIME, "TIMESTAMP '2013-01-31 06:30:00'"),
            (TIME.replace(microsecond=5, tzinfo=dt.UTC), "TIMESTAMP '2013-01-31 06:30:00.000005+00:00'"),
            ("it's", "'it\\'s'"),
            ("a\\b", "'a\\\\b'"),
            ("a\nb\tc\rd", "'a\\nb\\tc\\rd'"),
            ("\0", "'\\u0000'"),
            ("é😀", "'é😀'"),
            ("${project.root}/x", "'${project.root}/x'"),
            ("${env:HOME}", "'\\u0024{env:HOME}'"),
        ],
    )  # fmt: skip
    def test_look_like_this(self, value: Any, sql: str):
        """Spark replaces ${...} in a query's text by its configuration."""
        assert literal(value) == sql

    @pytest.mark.parametrize("text", HOSTILE, ids=repr)
    def test_of_hostile_texts_come_out_as_data(self, text: str):
        sql = literal(text)

        assert read_back(sql) == text
        assert sql.isprintable()

    @given(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.dates()
        | st.datetimes()
        | st.text(st.characters(exclude_categories=["Cs"]))
        | st.text("'\\\"`-/*\n\r\t\0;u{}$ ")
    )
    def test_come_back_as_they_went(self, value: Any):
        sql = literal(value)

        assert read_back(sql) == value
        assert "\0" not in sql
        assert "\n" not in sql

    @given(
        st.text("'\\\"`-/*\n\0;{}$ rx", max_size=12),
        st.text("'\\\"`-/*\n\0;{}$ rx", max_size=12),
    )
    def test_stay_apart_in_a_query(self, one: str, other: str):
        body = parse("SELECT {{ a }} AS x, {{ b }} AS y FROM s.t WHERE z = {{ a }}\n")
        values = {"a": in_sql("string", one, str), "b": in_sql("string", other, str)}
        (query,) = sqlglot.parse(body.render(values).text, read="databricks")

        assert query
        assert [node.this for node in query.find_all(exp.Literal)] == [
            one,
            other,
            one,
        ] or {node.this for node in query.find_all(exp.Literal)} == {one, other}
        assert len(list(query.find_all(exp.Table))) == 1


class TestNames:
    @pytest.mark.parametrize(
        "name", [one for one in HOSTILE if one.isprintable() and one]
    )
    def test_of_hostile_columns_come_out_as_one_name(self, name: str):
        node = parsed(quoted_identifier(typed("column", name)))

        assert isinstance(node, exp.Column)
        assert [part.name for part in node.parts] == [name]

    @given(
        st.lists(
            st.text("a`'\"\\-/* .;", min_size=1), min_size=1, max_size=4, unique=True
        )
    )
    def test_of_columns_come_back_as_they_went(self, names: list[str]):
        value = in_sql("columns", typed("columns", names), str)
        (query,) = sqlglot.parse(f"SELECT {value} FROM a.b", read="databricks")

        assert isinstance(query, exp.Select)
        assert [column.parts[-1].name for column in query.expressions] == names
        assert all(len(column.parts) == 1 for column in query.expressions)


class TestInSql:
    @pytest.mark.parametrize(
        ("kind", "given_value", "sql"),
        [
            ("table", "silver.planes", "<silver.planes>"),
            ("column", "a", "`a`"),
            ("columns", ["a", "b c"], "`a`, `b c`"),
            ("string", "x", "'x'"),
            ("int", 5, "5"),
            ("float", 5.0, "5.0D"),
            ("bool", True, "true"),
            ("date", DAY, "DATE '2013-01-31'"),
            ("timestamp", TIME, "TIMESTAMP '2013-01-31 06:30:00'"),
            ("list", [1, "a", None], "1, 'a', NULL"),
            ("expression", "a + 1", "(a + 1)"),
        ],
    )
    def test_every_type_has_a_text(self, kind: str, given_value: Any, sql: str):
        value = in_sql(kind, given_value, lambda name: f"<{name}>")

        assert str(value) == sql
        assert value == given_value

    def test_lists_give_their_items(self):
        for kind, expected in (("columns", ["`a`", "`b`"]), ("list", ["'a'", "'b'"])):
            value = in_sql(kind, ["a", "b"], str)
            assert [str(item) for item in value] == expected
            assert len(value) == 2
            assert "a" in value
            assert "z" not in value
