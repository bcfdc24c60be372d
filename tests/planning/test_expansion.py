"""Entries become tables: for_each, defaults, references, names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.planning.plans import PROJECT, plan, shown

COPY = 'parameters: {source: table, day: {type: date, default: "2013-01-01"}}\nsql: SELECT * FROM {{ source }} WHERE day > {{ day }}'


def names(tables: str) -> list[str]:
    planned = plan(tables)
    assert planned.problems == ()
    return sorted(planned.tables)


class TestForEach:
    def test_lists_are_walked_side_by_side(self) -> None:
        planned = plan(
            """
            - name: s.${each.what}
              for_each: {what: [a, b], keys: [[x], [y, z]]}
              keys: ${each.keys}
              description: Rows of ${each.what}.
              sql: SELECT 1 AS x
            """
        )

        settings = {name: one.settings for name, one in planned.tables.items()}
        assert {name: one.keys for name, one in settings.items()} == {
            "s.a": ["x"],
            "s.b": ["y", "z"],
        }
        assert settings["s.b"].description == "Rows of b."

    def test_list_of_mappings_is_walked_as_it_is(self) -> None:
        assert names(
            """
            - name: ${each.schema}.${each.what}
              for_each: [{schema: s, what: a}, {schema: r, what: b}]
              sql: SELECT 1 AS x
            """
        ) == ["r.b", "s.a"]

    def test_list_may_come_from_a_variable(self) -> None:
        planned = plan(
            '- {name: "s.${each.x}", for_each: {x: "${var.all}"}, sql: SELECT 1 AS x}',
            project=f"{PROJECT}variables: {{all: [a, b]}}\n",
        )

        assert sorted(planned.tables) == ["s.a", "s.b"]

    def test_group_may_differ_by_each(self) -> None:
        planned = plan(
            """
            - {name: "s.${each.x}", for_each: {x: [a, b]}, group: "of_${each.x}", sql: SELECT 1 AS x}
            """
        )

        assert {name: one.group for name, one in planned.tables.items()} == {
            "s.a": "of_a",
            "s.b": "of_b",
        }

    @pytest.mark.parametrize(
        ("for_each", "expected"),
        [
            pytest.param(
                "{x: [a, b], y: [c]}",
                "for-each: the lists of for_each are not equally long: x has 2, y has 1\n"
                "  definitions/tables/t.yml:3:15\n"
                "    3 |     for_each: {x: [a, b], y: [c]}\n"
                "      |               ^\n"
                "  They are walked side by side: one value each for every table.",
                id="unequal lists",
            ),
            pytest.param(
                "[{x: a}, {y: b}]",
                "for-each: the items of for_each differ in their keys: x, y\n"
                "  definitions/tables/t.yml:3:24\n"
                "    3 |     for_each: [{x: a}, {y: b}]\n"
                "      |                        ^\n"
                "  Give every item the same keys.",
                id="unequal items",
            ),
            pytest.param(
                "{x: []}",
                "for-each: for_each has no items, so this entry makes no table\n"
                "  definitions/tables/t.yml:3:15\n"
                "    3 |     for_each: {x: []}\n"
                "      |               ^\n"
                "  Remove the entry.",
                id="empty list",
            ),
            pytest.param(
                "a, b",
                "for-each: for_each is a mapping of lists, or a list of mappings\n"
                "  definitions/tables/t.yml:3:15\n"
                "    3 |     for_each: a, b\n"
                "      |               ^^^^\n"
                "  Write  {what: [a, b]}  or a list of mappings.",
                id="text",
            ),
            pytest.param(
                "{x: ['${var.none}']}",
                "unknown-reference: ${var.none} names nothing\n"
                "  definitions/tables/t.yml:3:15\n"
                "    3 |     for_each: {x: ['${var.none}']}\n"
                "      |               ^\n"
                "  List it in  variables:  of mdf.yml.",
                id="unknown variable",
            ),
        ],
    )
    def test_what_is_not_walkable_is_an_error(
        self, for_each: str, expected: str
    ) -> None:
        entry = (
            f"- name: s.${{each.x}}\n    for_each: {for_each}\n    sql: SELECT 1 AS x"
        )

        planned = plan(f"tables:\n  {entry}\n")

        assert shown(planned.problems) == expected


class TestNames:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            pytest.param("t", 'the table name "t" must be schema.table', id="one part"),
            pytest.param(
                "a.b.c",
                'the table name "a.b.c" must be b.c: the catalog is the target\'s',
                id="three parts",
            ),
            pytest.param(
                "S.T",
                'the table name "S.T" must be lower case, as Unity Catalog stores it: s.t',
                id="upper case",
            ),
            pytest.param(
                "s.t-1",
                'the table name "s.t-1" must be letters, digits and _ on both sides of the dot',
                id="dash",
            ),
            pytest.param(
                "s.t_quarantine",
                'the table name "s.t_quarantine" must not end in _quarantine: that is where rejected rows go',
                id="quarantine",
            ),
            pytest.param(
                "s.${var.x}",
                "${var.x} names nothing; a name uses ${each.x} only",
                id="variable",
            ),
        ],
    )
    def test_wrong_ones_are_refused(self, name: str, expected: str) -> None:
        planned = plan(
            f'- {{name: "{name}", sql: SELECT 1 AS x}}',
            project=f"{PROJECT}variables: {{x: y}}\n",
        )

        assert [one.message for one in planned.problems] == [expected]

    def test_table_is_made_once(self) -> None:
        planned = plan(
            """
            - {name: s.a, sql: SELECT 1 AS x}
            - {name: "s.${each.x}", for_each: {x: [a, b]}, sql: SELECT 2 AS x}
            """
        )

        assert shown(planned.problems) == (
            'duplicate-table: the table "s.a" is there already, in definitions/tables/t.yml:2:4\n'
            "  definitions/tables/t.yml:3:4\n"
            '    3 | - {name: "s.${each.x}", for_each: {x: [a, b]}, sql: SELECT 2 AS x}\n'
            "      |    ^^^^\n"
            "  A table is made once: rename or remove one of them."
        )
        assert sorted(planned.tables) == ["s.a", "s.b"]

    def test_entries_of_many_tables_are_known_by_name_and_transformation(self) -> None:
        planned = plan(
            """
            - {name: "s.${each.x}", for_each: {x: [a]}, sql: SELECT 1 AS x}
            - {name: "s.${each.x}", for_each: {x: [b]}, transformation: one}
            - {name: "s.${each.x}", for_each: {x: [c]}, sql: SELECT 1 AS x}
            """,
            one="sql: SELECT 1 AS x",
        )

        assert [
            (one.code, one.place.line) for one in planned.problems if one.place
        ] == [("duplicate-entry", 4)]

    def test_home_is_in_the_targets_catalog_behind_its_prefix(self) -> None:
        project = """\
            project: shop
            default_target: dev
            targets:
              dev: {engine: embedded, catalog: "${var.env}", schema_prefix: "${user}_", mode: development}
            variables: {env: lab}
            """

        planned = plan(
            "- {name: s.t, sql: SELECT 1 AS x}", project=project, target="dev"
        )

        assert planned.problems == ()
        assert planned.tables["s.t"].home == "lab.me_s.t"

    def test_group_is_the_schema_unless_it_is_named(self) -> None:
        planned = plan(
            """
            - {name: s.a, sql: SELECT 1 AS x}
            - {name: s.b, group: g, sql: SELECT 1 AS x}
            """
        )

        assert {name: one.group for name, one in planned.tables.items()} == {
            "s.a": "s",
            "s.b": "g",
        }


class TestDefaults:
    def settings(self, defaults: str, entry: str, **keys: Any) -> Any:
        planned = plan(
            f"defaults: {defaults}\ntables:\n  - {entry}\n", copy=COPY, **keys
        )
        assert planned.problems == (), shown(planned.problems)
        (table,) = planned.tables.values()
        return table

    def test_arguments_tags_and_columns_merge_by_key(self) -> None:
        table = self.settings(
            "{transformation: copy, arguments: {day: 2020-01-01}, tags: {a: x, b: x}, columns: {c: {comment: x}}}",
            "{name: s.t, arguments: {source: r.x}, tags: {b: y}, columns: {d: {comment: y}}}",
        )

        assert table.settings.arguments.keys() == {"day", "source"}
        assert table.settings.tags == {"a": "x", "b": "y"}
        assert table.settings.columns.keys() == {"c", "d"}

    def test_everything_else_replaces(self) -> None:
        table = self.settings(
            "{group: g, keys: [a, b], sequence_by: at, write: merge, transformation: copy, task: {max_retries: 1}}",
            "{name: s.t, keys: [c], arguments: {source: r.x}, task: {timeout_seconds: 9}}",
        )

        assert table.group == "g"
        assert table.settings.keys == ["c"]
        assert table.settings.task == {"timeout_seconds": 9}

    def test_default_arguments_go_where_they_are_declared(self) -> None:
        table = self.settings(
            "{arguments: {source: r.x, other: 1}}", "{name: s.t, transformation: copy}"
        )

        assert table.settings.arguments == {"source": "r.x"}

    def test_the_same_where_the_transformation_differs_by_each(self) -> None:
        planned = plan(
            """
            defaults: {arguments: {source: r.x, other: 1}}
            tables:
              - {name: "s.${each.t}", for_each: {t: [copy, fixed]}, transformation: "${each.t}"}
            """,
            copy=COPY,
            fixed="parameters: {other: int}\nsql: SELECT {{ other }} AS x",
        )

        assert planned.problems == ()
        assert planned.tables["s.fixed"].arguments == {"other": 1}

    def test_body_of_its_own_cancels_the_transformation(self) -> None:
        table = self.settings(
            "{transformation: copy, arguments: {source: r.x}}",
            "{name: s.t, sql: SELECT 1 AS x}",
        )

        assert table.settings.transformation is None
        assert table.arguments == {}

    def test_arguments_of_its_own_beside_a_body_are_still_wrong(self) -> None:
        planned = plan(
            """
            defaults: {transformation: copy, arguments: {source: r.x}}
            tables:
              - {name: s.t, arguments: {day: 2020-01-01}, sql: SELECT 1 AS x}
            """,
            copy=COPY,
        )

        assert [one.message for one in planned.problems] == [
            "s.t has a body of its own, so its parameters have values"
        ]

    def test_default_that_is_replaced_may_refer_to_what_is_not_there(self) -> None:
        table = self.settings(
            '{keys: "${each.keys}", description: x}',
            "{name: s.t, keys: [a], sql: SELECT 1 AS x}",
        )

        assert table.settings.keys == ["a"]

    def test_place_of_a_wrong_default_is_in_the_defaults(self) -> None:
        planned = plan(
            "defaults: {write: upsert}\ntables:\n  - {name: s.t, sql: SELECT 1 AS x}\n"
        )

        assert [str(one.place) for one in planned.problems] == [
            "definitions/tables/t.yml:1:19"
        ]


class TestReferences:
    def test_unknown_one_is_shown_where_it_stands(self) -> None:
        planned = plan(
            """
            - name: s.t
              transformation: copy
              arguments: {source: r.x, day: "${var.since}"}
            """,
            project=f'{PROJECT}variables: {{sinse: "2020-01-01"}}\n',
            copy=COPY,
        )

        assert shown(planned.problems) == (
            "unknown-reference: ${var.since} names nothing\n"
            "  definitions/tables/t.yml:4:33\n"
            '    4 |   arguments: {source: r.x, day: "${var.since}"}\n'
            "      |                                 ^^^^^^^^^^^^^^\n"
            '  Did you mean "sinse"? There are: sinse.'
        )

    def test_command_line_overrides_the_target_and_that_the_project(self) -> None:
        project = """\
            project: shop
            variables: {a: 1, b: 1, c: 1}
            targets: {local: {engine: embedded, catalog: main, variables: {b: 2, c: 2}}}
            """
        tables = (
            "- {name: s.t, description: '${var.a}${var.b}${var.c}', sql: SELECT 1 AS x}"
        )

        planned = plan(tables, project=project, variables={"c": "3"})

        assert planned.tables["s.t"].settings.description == "123"

    def test_group_of_a_table_is_the_same_for_all_targets(self) -> None:
        planned = plan("- {name: s.t, group: '${target.name}', sql: SELECT 1 AS x}")

        assert [one.message for one in planned.problems] == [
            "${target.name} names nothing; a group uses ${each.x} only"
        ]

    def test_bodies_are_left_alone(self) -> None:
        planned = plan("- {name: s.t, sql: \"SELECT '$x' AS x\"}")

        assert planned.tables["s.t"].body.text == "SELECT '$x' AS x\n"

    def test_project_root_stays(self) -> None:
        planned = plan(
            "- {name: s.t, description: '${project.root}/x', sql: SELECT 1 AS x}"
        )

        assert planned.tables["s.t"].settings.description == "${project.root}/x"


class TestTransformations:
    def test_unknown_one_names_the_closest(self) -> None:
        planned = plan(
            """
            - name: s.t
              transformation: cpoy
            """,
            copy=COPY,
        )

        assert shown(planned.problems) == (
            'unknown-transformation: there is no transformation "cpoy"\n'
            "  definitions/tables/t.yml:3:19\n"
            "    3 |   transformation: cpoy\n"
            "      |                   ^^^^\n"
            '  Did you mean "copy"? There are: copy.'
        )

    def test_table_without_any_body_is_refused(self) -> None:
        planned = plan("- {name: s.t}")

        assert [one.code for one in planned.problems] == ["missing-body"]

    @pytest.mark.parametrize("used", [True, False], ids=["used", "not used"])
    def test_its_faults_are_told_once_whether_it_is_used_or_not(
        self, used: bool
    ) -> None:
        tables = "- {name: 's.${each.x}', for_each: {x: [a, b]}, transformation: t}"

        planned = plan(
            tables if used else "",
            t="parameters: {p: it}\nsql: SELECT {{ q }} AS x",
        )

        assert [one.code for one in planned.problems] == [
            "unknown-type",
            "unknown-parameter",
        ]

    @pytest.mark.parametrize("used", [True, False], ids=["used", "not used"])
    def test_so_are_those_of_its_query(self, used: bool) -> None:
        tables = "- {name: 's.${each.x}', for_each: {x: [a, b]}, transformation: t}"

        planned = plan(tables if used else "", t="sql: SELECT 1 AS x, FROM r.x")

        assert [one.code for one in planned.problems] == ["sql-syntax"]

    def test_every_problem_of_an_entry_is_told(self) -> None:
        planned = plan(
            """
            - name: s.t
              write: upsert
              keys: id
              expectations: [{name: a}]
              sql: SELECT 1 AS x
            """
        )

        assert [one.place.line for one in planned.problems if one.place] == [3, 4, 5]
