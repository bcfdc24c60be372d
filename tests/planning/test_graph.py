"""Who reads whom, found in arguments and in queries."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.planning.graph import cycle_in, topological_order
from tests.planning.plans import PROJECT, plan, queries, query, shown

READ = "parameters: {source: table}\nsql: SELECT * FROM {{ source }} AS a JOIN r.fixed AS b ON a.x = b.x"


class TestReads:
    def test_tables_are_found_in_arguments_and_in_the_query(self) -> None:
        planned = plan(
            """
            - {name: s.a, sql: SELECT 1 AS x}
            - {name: r.fixed, sql: SELECT 1 AS x}
            - {name: s.b, transformation: joined, arguments: {source: s.a}}
            - {name: s.c, transformation: joined, arguments: {source: other.x}}
            """,
            joined=READ,
        )

        assert planned.graph.upstream == {
            "s.a": (),
            "r.fixed": (),
            "s.b": ("r.fixed", "s.a"),
            "s.c": ("r.fixed",),
        }
        assert planned.graph.sources["s.c"] == ("main.other.x",)

    @pytest.mark.parametrize(
        ("sql", "upstream", "sources"),
        [
            pytest.param("SELECT * FROM s.a", ["s.a"], [], id="plain"),
            pytest.param("SELECT * FROM `s`.`a`", ["s.a"], [], id="quoted"),
            pytest.param("SELECT * FROM S.A", ["s.a"], [], id="upper case"),
            pytest.param(
                "WITH a AS (SELECT * FROM s.a) SELECT * FROM a", ["s.a"], [], id="CTE"
            ),
            pytest.param(
                "SELECT * FROM (SELECT * FROM s.a)", ["s.a"], [], id="subquery"
            ),
            pytest.param(
                "SELECT 1 WHERE EXISTS (SELECT * FROM s.a)", ["s.a"], [], id="exists"
            ),
            pytest.param(
                "SELECT * FROM s.a UNION ALL SELECT * FROM r.x",
                ["s.a"],
                ["main.r.x"],
                id="union",
            ),
            pytest.param(
                "SELECT 's.a' AS x -- FROM s.a", [], [], id="text and comment"
            ),
            pytest.param(
                "SELECT * FROM cat.s.a", [], ["cat.s.a"], id="another catalog"
            ),
        ],
    )
    def test_names_in_a_query(
        self, sql: str, upstream: list[str], sources: list[str]
    ) -> None:
        planned = plan(
            f'- {{name: s.a, sql: SELECT 1 AS x}}\n- {{name: s.b, sql: "{sql}"}}'
        )

        assert planned.problems == ()
        assert planned.graph.upstream["s.b"] == tuple(upstream)
        assert planned.graph.sources["s.b"] == tuple(sources)

    def test_branch_that_is_not_taken_reads_nothing(self) -> None:
        planned = plan(
            """
            - {name: "s.${each.x}", for_each: {x: [a, b], all: [true, false]}, transformation: t, arguments: {all: "${each.all}"}}
            """,
            t="parameters: {all: bool}\nsql: SELECT 1 AS x {% if all %} FROM r.x {% endif %}",
        )

        assert planned.graph.sources == {"s.a": ("main.r.x",), "s.b": ()}

    def test_depends_on_adds_what_parsing_can_not_see(self) -> None:
        planned = plan(
            """
            - {name: s.a, sql: SELECT 1 AS x}
            - {name: s.b, depends_on: [s.a], sql: SELECT 1 AS x}
            """
        )

        assert planned.graph.upstream["s.b"] == ("s.a",)

    def test_sources_are_in_their_own_catalog_without_a_prefix(self) -> None:
        project = PROJECT.replace(
            "main", "main, source_catalog: raw, schema_prefix: p_"
        )

        planned = plan(queries(query("s.t", "s.other x.y")), project=project)

        assert planned.graph.sources == {"s.t": ("raw.s.other", "raw.x.y")}


class TestProblems:
    def test_circle_is_shown_whole(self) -> None:
        planned = plan(
            queries(
                query("s.a", "s.c"),
                query("s.b", "s.a"),
                query("s.c", "s.b"),
                query("s.d", "s.a"),
            )
        )

        assert shown(planned.problems) == (
            "cycle: tables read each other in a circle: s.a -> s.b -> s.c -> s.a\n"
            "  definitions/tables/t.yml:2:5\n"
            "    2 |   - name: s.a\n"
            "      |     ^^^^\n"
            "  Take one of these steps out; a table can't be built from itself."
        )

    def test_table_that_reads_itself_is_a_circle(self) -> None:
        planned = plan(queries(query("s.a", "s.a")))

        assert [one.message for one in planned.problems] == [
            "tables read each other in a circle: s.a -> s.a"
        ]

    def test_table_of_ours_in_full_is_an_error(self) -> None:
        planned = plan(queries(query("s.a"), query("s.b", "main.s.a")))

        assert shown(planned.problems) == (
            'own-table-in-full: "main.s.a" is the table s.a of this project\n'
            "  definitions/tables/t.yml:5:24\n"
            "    5 |     sql: SELECT * FROM main.s.a\n"
            "      |                        ^^^^^^^^\n"
            "  Write  s.a : the target says which catalog that is in."
        )

    @pytest.mark.parametrize(
        "name",
        [
            pytest.param("bronze.flight", id="a letter is missing"),
            pytest.param("bronze.flightss", id="a letter too many"),
            pytest.param("bronze.flyghts", id="another letter"),
            pytest.param("bronze.flihgts", id="two letters exchanged"),
            pytest.param("bronz.flights", id="in the schema"),
        ],
    )
    def test_source_with_almost_a_name_of_ours_is_a_warning(self, name: str) -> None:
        planned = plan(queries(query("bronze.flights"), query("s.t", name)))

        assert shown(planned.problems) == (
            f'warning: close-source-name: "{name}" is no table of this project, so it is read as a source\n'
            "  definitions/tables/t.yml:5:24\n"
            f"    5 |     sql: SELECT * FROM {name}\n"
            f"      |                        {'^' * len(name)}\n"
            '  Did you mean "bronze.flights"?'
        )
        assert planned.errors == []

    @pytest.mark.parametrize(
        "name",
        ["bronze.raw_flights", "bronze.flights2", "other.flights", "cat.bronze.flight"],
    )
    def test_other_names_are_none(self, name: str) -> None:
        assert plan(queries(query("bronze.flights"), query("s.t", name))).problems == ()

    def test_numbered_names_are_not_mistaken_for_each_other(self) -> None:
        assert (
            plan(
                queries(query("b.orders_2019"), query("s.t", "b.orders_2018"))
            ).problems
            == ()
        )

    def test_placeholder_that_nobody_declares_is_told_once(self) -> None:
        planned = plan(
            "- {name: s.t, parameters: {day: 1}, sql: 'SELECT {{ dya }} AS x'}"
        )

        assert [one.message for one in planned.problems] == [
            "{{ dya }} is no parameter"
        ]

    @pytest.mark.parametrize(
        ("sql", "code"),
        [
            pytest.param("SELECT a, FROM r.x", "sql-syntax", id="trailing comma"),
            pytest.param("SELEC a FROM r.x", "sql-syntax", id="misspelt"),
            pytest.param("SELECT a FROM x", "unqualified-table", id="one part"),
            pytest.param("DROP TABLE r.x", "not-one-query", id="statement"),
            pytest.param("SELECT 1; SELECT 2", "not-one-query", id="two"),
            pytest.param(
                "SELECT * FROM read_files('/x')", "written-read", id="read_files"
            ),
        ],
    )
    def test_body_that_is_no_query_is_an_error_at_its_line(
        self, sql: str, code: str
    ) -> None:
        planned = plan(f"- name: s.t\n  sql: |\n    {sql}\n")

        assert [
            (one.code, one.place.line) for one in planned.problems if one.place
        ] == [(code, 4)]


EDGES = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.sets(st.sampled_from("abcdefgh"), max_size=3),
    max_size=8,
)


@given(EDGES)
def test_order_puts_everything_behind_what_it_reads(
    upstream: dict[str, set[str]],
) -> None:
    order = topological_order(upstream)
    circle = cycle_in(upstream)

    assert sorted(order) == sorted(upstream)
    if circle:
        assert circle[0] == circle[-1]
        assert all(read in upstream[reader] for reader, read in pairwise(circle))
    else:
        at = {name: index for index, name in enumerate(order)}
        assert all(
            at[one] < at[name] for name in order for one in upstream[name] if one in at
        )


@given(EDGES, st.randoms(use_true_random=False))
def test_order_does_not_depend_on_that_of_its_input(
    upstream: dict[str, set[str]], random: Random
) -> None:
    names = sorted(upstream)
    random.shuffle(names)

    assert topological_order(
        {name: upstream[name] for name in names}
    ) == topological_order(upstream)


def test_ancestors_and_downstream_go_all_the_way() -> None:
    graph = plan(
        queries(query("s.a"), query("s.b", "s.a"), query("s.c", "s.b"), query("s.d"))
    ).graph

    assert graph.ancestors("s.c") == {"s.a", "s.b"}
    assert graph.downstream("s.a") == {"s.b", "s.c"}


def test_rejected_rows_that_no_rule_rejects_cannot_be_read() -> None:
    problems = plan(query("a.t") + query("b.t", "a.t_quarantine")).problems

    assert [one.code for one in problems] == ["no-rejected-rows"]
    assert problems[0].message == (
        "no expectation sends rows to a.t_quarantine, so it is never made"
    )
