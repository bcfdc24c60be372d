"""Whether a text is one query, and which tables it reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.transformations.sql import (
    argument_name,
    check_expression,
    table_names,
)
from mdf_magics.transformations.template import TemplateFault


def spelt(text: str) -> list[str]:
    """The names as the query spells them."""
    return [text[one.start : one.end] for one in table_names(text)]


def fault(text: str) -> TemplateFault:
    with pytest.raises(TemplateFault) as error:
        table_names(text)
    return error.value


def marked(text: str) -> str:
    found = fault(text)
    return text[found.offset :][: found.length]


READ = {
    "one": ("SELECT * FROM b.c", ["b.c"]),
    "three parts": ("SELECT * FROM a.b.c", ["a.b.c"]),
    "none": ("SELECT 1", []),
    "values": ("VALUES (1, 'a')", []),
    "quoted": ("SELECT * FROM `b`.`c d`", ["`b`.`c d`"]),
    "spread out": ("SELECT * FROM b . c, d.\n-- x\ne", ["b . c", "d.\n-- x\ne"]),
    "from first": ("FROM b.c SELECT a", ["b.c"]),
    "joins": ("SELECT * FROM b.c AS x LEFT JOIN d.e y ON x.i = y.i, f.g", ["b.c", "d.e", "f.g"]),
    "unions": ("SELECT a FROM b.c UNION ALL SELECT a FROM d.e EXCEPT (SELECT a FROM f.g)", ["b.c", "d.e", "f.g"]),
    "subqueries": ("SELECT (SELECT max(x) FROM d.e) FROM (SELECT * FROM b.c) WHERE a IN (SELECT a FROM f.g) AND EXISTS (SELECT 1 FROM h.i)", ["d.e", "b.c", "f.g", "h.i"]),
    "common table expressions": ("WITH c AS (SELECT * FROM b.c), D AS (SELECT * FROM c) SELECT * FROM d JOIN C", ["b.c"]),
    "a name that shadows": ("WITH flights AS (SELECT * FROM b.flights) SELECT * FROM flights JOIN b.flights AS f ON true", ["b.flights", "b.flights"]),
    "recursion": ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r", []),
    "inner expressions": ("SELECT * FROM (WITH x AS (SELECT * FROM b.c) SELECT * FROM x)", ["b.c"]),
    "lateral view": ("SELECT t.y FROM b.c LATERAL VIEW OUTER explode(xs) t AS y", ["b.c"]),
    "lateral": ("SELECT * FROM b.c, LATERAL (SELECT * FROM d.e WHERE e.i = c.i)", ["b.c", "d.e"]),
    "table functions": ("SELECT * FROM range(10), explode(array(1)), b.c", ["b.c"]),
    "qualify": ("SELECT a FROM b.c QUALIFY row_number() OVER (PARTITION BY a ORDER BY d DESC) = 1", ["b.c"]),
    "paths into values": ("SELECT a:b.c::int, a:d[0].e, `a`:`f g` FROM b.c", ["b.c"]),
    "pivot": ("SELECT * FROM b.c PIVOT (sum(x) AS s FOR y IN ('a' AS a, 'b'))", ["b.c"]),
    "unpivot": ("SELECT * FROM b.c UNPIVOT (v FOR k IN (x, y))", ["b.c"]),
    "group by all": ("SELECT * EXCEPT (a) FROM b.c GROUP BY ALL", ["b.c"]),
    "lambdas": ("SELECT transform(xs, x -> x + 1), exists(xs, x -> x > 1) FROM b.c", ["b.c"]),
    "samples": ("SELECT * FROM b.c TABLESAMPLE (10 PERCENT)", ["b.c"]),
    "time travel": ("SELECT * FROM b.c VERSION AS OF 3", ["b.c"]),
    "windows": ("SELECT sum(a) OVER w FROM b.c WINDOW w AS (PARTITION BY d ORDER BY e ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)", ["b.c"]),
    "structs": ("SELECT b.c.d, s.t.u FROM x.s AS b", ["x.s"]),
    "parameters": (f"SELECT * FROM {argument_name('source')} JOIN b.c", ["b.c"]),
    "words in quotes": ("SELECT split(a, ','), 'from', ';', \"where\", `group`, 'STREAM(' FROM b.c WHERE x = 'read_files(' -- STREAM(\n", ["b.c"]),
    "no latin letters": ("SELECT 'é😀' AS ü, * FROM b.c", ["b.c"]),
    "casts and intervals": ("SELECT CAST(a AS DECIMAL(10, 2)), a::STRING, DATE '2020-01-01' - INTERVAL 5 DAYS FROM b.c", ["b.c"]),
}  # fmt: skip


class TestNames:
    @pytest.mark.parametrize(("text", "names"), READ.values(), ids=READ)
    def test_are_those_that_a_query_reads(self, text: str, names: list[str]):
        assert spelt(text) == names

    def test_are_in_lower_case_as_unity_catalog_has_them(self):
        (name,) = table_names("SELECT * FROM Silver.`Flights`")

        assert (name.name, name.start, name.end) == ("silver.flights", 14, 30)

    @pytest.mark.parametrize(
        ("text", "code", "message", "spot"),
        [
            ("SELECT * FROM flights", "unqualified-table", 'the table "flights" has no schema', "flights"),
            ("SELECT * FROM b.c JOIN `d e`", "unqualified-table", 'the table "d e" has no schema', "`d e`"),
            ("SELECT * FROM 'b.c'", "unqualified-table", "a text can't be read as a table", "'b.c'"),
            ("SELECT * FROM a.b.c.d", "bad-name", '"a.b.c.d" is no table\'s name', "a.b.c.d"),
            ("SELECT * FROM delta.`/x/y`", "written-read", "a path can't be written out", "delta.`/x/y`"),
            ("SELECT b.c.d FROM b.c", "qualified-column", "the column d is named with its table's schema", "b.c"),
            ("SELECT * FROM a.b.c JOIN d.e ON A.B.C.i = e.i", "qualified-column", "the column i is named with its table's schema", "A.B.C"),
        ],
    )  # fmt: skip
    def test_that_lead_nowhere_are_refused(
        self, text: str, code: str, message: str, spot: str
    ):
        found = fault(text)

        assert (found.code, str(found)) == (code, message)
        assert marked(text) == spot
        assert found.hint

    @pytest.mark.parametrize(
        ("text", "spot", "kind"),
        [
            ("SELECT * FROM STREAM(b.c)", "STREAM", "stream"),
            ("SELECT * FROM stream (b.c)", "stream", "stream"),
            ("SELECT * FROM STREAM b.c", "STREAM", "stream"),
            ("SELECT * FROM read_files('/x', format => 'csv')", "read_files", "files"),
            ("SELECT * FROM STREAM read_files('/x')", "STREAM", "stream"),
            ("SELECT * FROM cloud_files('/x', 'csv')", "cloud_files", "files"),
            ("SELECT * FROM IDENTIFIER('b.c')", "IDENTIFIER", "table"),
            ("SELECT * FROM identifier(:name)", "identifier", "table"),
        ],
    )
    def test_that_only_a_parameter_may_read_are_refused(
        self, text: str, spot: str, kind: str
    ):
        found = fault(text)

        assert (found.code, marked(text)) == ("written-read", spot)
        assert found.hint == (
            f"Make it a parameter:  parameters: {{source: {kind}}} , and read  {{{{ source }}}} ."
        )

    @given(st.text("SELCTFROMabc.,()'\"`;-*/ \n=é", max_size=40))
    def test_of_any_text_are_found_or_refused_with_a_place(self, text: str):
        query = f"SELECT {text}"
        spots: list[tuple[int, int]] = []
        try:
            spots += [(one.start, one.end) for one in table_names(query)]
        except TemplateFault as found:
            spots.append((found.offset, found.offset + found.length))

        assert all(0 <= start < end for start, end in spots)
        assert all(start <= len(query) for start, _ in spots)


class TestOneQuery:
    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("INSERT INTO a.b SELECT 1", "INSERT"),
            ("  -- first\n  insert into a.b select 1", "insert"),
            ("WITH x AS (SELECT 1) INSERT INTO a.b SELECT * FROM x", "INSERT"),
            ("CREATE TABLE a.b AS SELECT 1", "CREATE"),
            ("CREATE OR REPLACE VIEW a.b AS SELECT 1", "CREATE"),
            ("MERGE INTO a.b USING c.d ON x = y WHEN MATCHED THEN DELETE", "MERGE"),
            ("DELETE FROM a.b", "DELETE"),
            ("UPDATE a.b SET x = 1", "UPDATE"),
            ("DROP TABLE a.b", "DROP"),
            ("ALTER TABLE a.b ADD COLUMN c INT", "ALTER"),
            ("TRUNCATE TABLE a.b", "TRUNCATE"),
            ("DESCRIBE a.b", "DESCRIBE"),
            ("SHOW TABLES", "SHOW"),
            ("EXPLAIN SELECT 1", "EXPLAIN"),
            ("USE a", "USE"),
            ("SET x = 1", "SET"),
            ("REFRESH TABLE a.b", "REFRESH"),
            ("OPTIMIZE a.b", "OPTIMIZE"),
            ("VACUUM a.b", "VACUUM"),
            ("CACHE TABLE a.b", "CACHE"),
            ("COPY INTO a.b FROM '/x'", "COPY"),
            ("GRANT SELECT ON a.b TO c", "GRANT"),
            ("CALL f()", "CALL"),
            ("SELECT a INTO b FROM c.d", "INTO"),
        ],
    )
    def test_is_no_other_statement(self, text: str, word: str):
        found = fault(text)

        assert found.code == "not-one-query"
        assert str(found) == f"a body is one query, this is {word.upper()}"
        assert marked(text) == word
        assert found.hint == (
            "Write the SELECT alone: what happens to the table says  write: ."
        )

    @pytest.mark.parametrize(
        ("text", "message", "offset"),
        [
            ("SELECT 1; SELECT 2", "a body is one query, this is several statements", 8),
            ("SELECT ';';\nDROP TABLE a.b", "a body is one query, this is several statements", 10),
            ("SELECT 1; -- done", "a body is one query, without a semicolon", 8),
            ("SELECT a FROM b.c;;", "a body is one query, without a semicolon", 17),
        ],
    )  # fmt: skip
    def test_is_not_several(self, text: str, message: str, offset: int):
        found = fault(text)

        assert (found.code, str(found), found.offset) == (
            "not-one-query",
            message,
            offset,
        )

    @pytest.mark.parametrize("text", ["", " \n", "-- nothing\n", "/* nothing */"])
    def test_is_something(self, text: str):
        assert fault(text).code == "missing-body"


class TestSyntax:
    @pytest.mark.parametrize(
        ("text", "message", "spot"),
        [
            ("SELECT a,\nFROM b.c", "expected a column or an expression, found FROM", "FROM"),
            ("SELECT a, b,\nFROM b.c", "expected a column or an expression, found FROM", "FROM"),
            ("SELECT a FROM b.c GROUP BY a,\nORDER BY a", "expected a column or an expression, found ORDER", "ORDER"),
            ("SELECT a FROM b.c ORDER BY a,", "expected a column or an expression, found the end", ","),
            ("SELECT struct(a, ) FROM b.c", "expected a column or an expression, found )", ")"),
            ("SELECT FROM b.c", "expected a column or an expression, found FROM", "FROM"),
            ("SELECT DISTINCT FROM b.c", "expected a column or an expression, found FROM", "FROM"),
            ("SELECT", "expected a column or an expression, found the end", "S"),
            ("SELEC a FROM b.c", "a query can't start with SELEC", "SELEC"),
            ("SELCT a FROM b.c", "a query can't start with SELCT", "SELCT"),
            ("WIHT x AS (SELECT 1) SELECT * FROM x", "a query can't start with WIHT", "WIHT"),
            ("SELECT 'abc FROM b.c", "a quote or comment is opened here and never closed", "'"),
            ("SELECT 'a', \"b FROM b.c", "a quote or comment is opened here and never closed", '"'),
            ("SELECT `a FROM b.c", "a quote or comment is opened here and never closed", "`"),
            ("SELECT 1 -- it's\n, 'b", "a quote or comment is opened here and never closed", "'"),
            ("SELECT /* a FROM b.c", "a quote or comment is opened here and never closed", "/"),
            ("SELECT a b c FROM b.c", "c can't stand here", "c"),
            ("SELECT a\nFROM b.c\nWHERE (x = 1", "expected )", "1"),
            ("SELECT é,\n  a FROM b.c WHERE", "something is missing behind WHERE", "WHERE"),
            ("SELECT a FROM b.c WHERE (", "something is missing behind (", "("),
            ("SELECT a FROM b.c ORDER BY", "something is missing behind ORDER", "ORDER BY"),
            ("SELECT * FROM b.c JOIN", "expected table name", "JOIN"),
            ("SELECT CASE WHEN a THEN b FROM b.c", "expected END after CASE", None),
            ("SELECT a FROM b.c)", "missing-place", ")"),
        ],
    )  # fmt: skip
    def test_errors_are_told_with_the_spot(
        self, text: str, message: str | None, spot: str | None
    ):
        found = fault(text)

        assert found.code == "sql-syntax"
        assert str(found) == message or message in (None, "missing-place")
        assert marked(text) == spot or spot is None
        assert "Token" not in str(found)

    def test_a_trailing_comma_is_told_where_it_is(self):
        found = fault("SELECT carrier,\n  avg(delay),\nFROM b.c")

        assert found.hint == "Remove the comma at the end of line {line}."
        assert found.cause == 28

    def test_a_query_that_is_nested_too_deeply_is_refused(self):
        found = fault(f"SELECT {'(' * 3000}1{')' * 3000}")

        assert found.code == "sql-syntax"


class TestExpressions:
    @pytest.mark.parametrize(
        "text",
        [
            "a",
            "a + 1 > 2",
            "upper(trim(a)) = 'X'",
            "a IS NOT NULL AND b IN (1, 2)",
            "CASE WHEN a THEN b END",
            "a:b.c::int",
            "a LIKE '%--%' OR a = '/* x */'",
            "split(a, ';')[0] = ','",
            "exists(xs, x -> x > 1)",
            "(a, b) = (1, 2)",
            "s.t.u = 1",
            "`a b` > 0",
            "true",
            "a\n  AND b",
        ],
    )
    def test_are_one_and_decided_for_each_row(self, text: str):
        assert check_expression(text, row_by_row=True) is None

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "does not parse: expected a column or an expression, found the end"),
            ("a, b", "is not one expression"),
            ("a AS b", "is not one expression"),
            ("*", "is not one expression"),
            ("t.*", "is not one expression"),
            ("DISTINCT a", "is not one expression"),
            ("a FROM b.c", "is not one expression"),
            ("a WHERE b", "is not one expression"),
            ("a LIMIT 1", "is not one expression"),
            ("a UNION SELECT 1", "is not one expression"),
            ("a; DROP TABLE b.c", "is more than one expression"),
            ("a;", "is more than one expression"),
            ("a -- b", "must not hold a comment"),
            ("a /* b */", "must not hold a comment"),
            ("/*+ x */ a", "must not hold a comment"),
            ("a) FROM b.c WHERE (true", None),
            ("1) + (2", None),
            ("a >", None),
            ("'a", "does not parse: a quote or comment is opened here and never closed"),
            ("(SELECT max(a) FROM b.c)", "has a subquery: a table is read in a body"),
            ("a IN (SELECT b FROM c.d)", "has a subquery: a table is read in a body"),
            ("EXISTS (SELECT 1 FROM c.d)", "has a subquery: a table is read in a body"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("row_by_row", [True, False])
    def test_are_nothing_else(self, text: str, said: str | None, row_by_row: bool):
        found = check_expression(text, row_by_row=row_by_row)

        assert found
        if said is None:
            assert found.startswith("does not parse: ")
        else:
            assert found == said

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("sum(a) > 1", "an aggregate"),
            ("count(*) > 1", "an aggregate"),
            ("max_by(a, b) = 1", "an aggregate"),
            ("percentile(a, 0.5) > 1", "an aggregate"),
            ("row_number() OVER (ORDER BY a) = 1", "a window"),
            ("lag(a) OVER (ORDER BY b) > 1", None),
            ("main.x.is_valid(a)", "a function of a schema"),
            ("x.is_valid(a)", "a function of a schema"),
        ],
    )
    def test_of_a_check_see_one_row_only(self, text: str, word: str | None):
        found = check_expression(text, row_by_row=True) or ""

        assert found.startswith(f"has {word}: " if word else "has a")
        assert found.endswith(": it must be decided for each row by itself")
        assert check_expression(text, row_by_row=False) is None
