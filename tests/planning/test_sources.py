"""The code of a part: it makes the queries that a preview makes, and reads well."""

from __future__ import annotations

import ast
import json
import keyword
import sys
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mdf_magics.planning.steps import Planned
from mdf_magics.transformations.parameters import in_sql
from mdf_magics.transformations.template import parse
from tests.planning.formatting import ruff
from tests.planning.plans import PROJECT, compiled, plan, queries, query, shown

PIPELINE = f"{PROJECT}groups: {{s: {{runs_on: pipeline}}}}\n"


def source(planned: Planned, part: str = "s") -> str:
    """The code of a part, which ruff has nothing to say about."""
    text = compiled(planned).files[f"src/{part}.py"]
    ast.parse(text)
    assert ruff(text, "check") == ""
    assert ruff(text, "format", "--diff") == ""
    return text


def tables_of(text: str) -> dict[str, Any]:
    """The TABLES that a job's code hands to the runtime."""
    given: dict[str, Any] = {}
    runtime = ModuleType("mdf_runtime")
    runtime.run_task = lambda spark, dbutils, tables, runs_schema: given.update(tables)  # type: ignore[attr-defined]
    before = sys.modules.get("mdf_runtime")
    sys.modules["mdf_runtime"] = runtime
    try:
        exec(compile(text, "part.py", "exec"), {"spark": None, "dbutils": None})
    finally:
        del sys.modules["mdf_runtime"]
        if before:
            sys.modules["mdf_runtime"] = before
    return given


def sql_of(planned: Planned, table: str) -> str:
    """The query that the generated code makes for a table."""
    described = tables_of(source(planned))[table]
    text: str = described["sql"](**described["arguments"])
    return text


def functions(text: str) -> list[str]:
    return [
        one.name for one in ast.parse(text).body if isinstance(one, ast.FunctionDef)
    ]


BODIES = [
    pytest.param("SELECT 1 AS x", {}, id="no parameter"),
    pytest.param("SELECT {{ a }} AS x", {"a": "it's"}, id="quote in a value"),
    pytest.param("SELECT {{ a }} AS x", {"a": "{b} {{ c }} {"}, id="braces in a value"),
    pytest.param("SELECT {{ a }} AS x", {"a": '"""'}, id="triple quotes in a value"),
    pytest.param("SELECT {{ a }} AS x", {"a": "\\d\n\t"}, id="backslash in a value"),
    pytest.param("SELECT '{b}' AS x", {}, id="braces alone"),
    pytest.param("SELECT '{b}' AS x, {{ a }} AS y", {"a": 1}, id="braces"),
    pytest.param("SELECT '\\\\d' AS x", {}, id="backslash alone"),
    pytest.param(
        "SELECT '\\\\{2}' AS x, {{ a }} AS y", {"a": 1}, id="backslash, brace"
    ),
    pytest.param("SELECT '\\N{b}' AS x, {{ a }} AS y", {"a": 1}, id="named escape"),
    pytest.param('SELECT \'a"""b\' AS x', {}, id="triple quotes alone"),
    pytest.param(
        'SELECT \'a"""b\\\\\' AS x, {{ a }} AS y',
        {"a": 1},
        id="triple quotes, backslash",
    ),
    pytest.param('SELECT 1 AS x, "" AS y\n-- the end"', {}, id="quote at the end"),
    pytest.param("SELECT 1 AS x, {{ a }} AS y\n/* {} */", {"a": 1}, id="comment"),
    pytest.param("SELECT 'é表😀' AS x", {}, id="not ASCII"),
    pytest.param("SELECT 1 AS x", {"a": 1}, id="unused parameter"),
    pytest.param(
        "SELECT {{ a }} AS x{% if a == 1 %}, '{}' AS y{% endif %}", {"a": 1}, id="block"
    ),
    pytest.param(
        "SELECT {% for one in a %}{{ one }} AS `{`{% if not loop.last %}, {% endif %}{% endfor %}",
        {"a": [1, 2]},
        id="loop with a brace",
    ),
]


def own(body: str, values: dict[str, Any], **keys: Any) -> Planned:
    """The plan of one table with a body of its own, on a job."""
    item = {"name": "s.t", "parameters": values, "sql": body, **keys}
    text = json.dumps(item, ensure_ascii=False)
    return plan(f"- {text.replace('${', '$${')}")


def rendered(planned: Planned, name: str) -> str:
    """A table's query as a preview makes it."""
    table = planned.tables[name]
    values = {
        one: in_sql(table.parameters[one].type, value, str)
        for one, value in table.arguments.items()
    }
    return parse(table.body.text).render(values).text.strip()


@pytest.mark.parametrize(("body", "values"), BODIES)
def test_generated_query_is_what_a_preview_runs(
    body: str, values: dict[str, Any]
) -> None:
    planned = own(body, values)

    assert sql_of(planned, "s.t").strip() == rendered(planned, "s.t")


HOSTILE = st.text(
    st.sampled_from("ab{}%#'\"`\\$\n\t -;.,()[]0\u00e9\u8868\U0001f600"), max_size=30
)
PIECES = st.sampled_from(
    [
        "'{}'",
        "'{a}'",
        "'{{a}}'".replace("{{", "{ {"),
        "'\\\\d'",
        '\'"""\'',
        "'%'",
        "`x y`",
        "1 -- {c}\n",
        '/* """ */ 2',
    ]
)


@given(
    texts=st.lists(HOSTILE, min_size=2, max_size=2),
    pieces=st.lists(PIECES, max_size=4),
    names=st.lists(
        st.from_regex(r"[a-z][a-z0-9_]{0,40}", fullmatch=True), unique=True, max_size=6
    ),
    description=HOSTILE,
)
@example(
    texts=["", "\\"],
    pieces=["'{}'"],
    names=["a" * 41, "b" * 40, "c" * 30],
    description='"',
)
def test_code_is_clean_and_right_whatever_the_texts_are(
    texts: list[str], pieces: list[str], names: list[str], description: str
) -> None:
    names = [name for name in names if not keyword.iskeyword(name) and name != "loop"]
    values: dict[str, Any] = dict.fromkeys(names, texts[0]) | {
        "p0": texts[1],
        "p1": [texts[0], 1],
    }
    columns = [f"{piece} AS c{number}" for number, piece in enumerate(pieces)]
    columns += [f"{{{{ {name} }}}} AS v{number}" for number, name in enumerate(names)]
    planned = own(
        "SELECT " + ",\n  ".join([*columns, "{{ p0 }} AS p"]),
        values,
        description=description,
        tags={"x": description},
        columns={"p": {"comment": description}},
    )

    assert sql_of(planned, "s.t").strip() == rendered(planned, "s.t")
    described = tables_of(source(planned))["s.t"]
    assert described.get("description", "") == description


@given(HOSTILE)
def test_looped_code_is_clean_and_right_whatever_the_text_is(text: str) -> None:
    body = (
        "SELECT {% for one in many %}{{ one }} AS `{c}{{ '' }}`, {% endfor %}'{}' AS x"
    )
    planned = own(body.replace("{{ '' }}", ""), {"many": [text, 1]})

    assert sql_of(planned, "s.t").strip() == rendered(planned, "s.t")


class TestFunctions:
    def test_one_serves_all_tables_of_a_transformation(self) -> None:
        planned = plan(
            """
            - {name: "s.${each.x}", for_each: {x: [a, b]}, transformation: copy, arguments: {source: "r.${each.x}"}}
            """,
            copy="parameters: {source: table}\nsql: SELECT * FROM {{ source }}",
        )

        assert functions(source(planned)) == ["copy"]
        assert sql_of(planned, "s.b").strip() == "SELECT * FROM `main`.`r`.`b`"

    def test_those_with_blocks_are_one_per_table(self) -> None:
        planned = plan(
            """
            - {name: "s.${each.x}", for_each: {x: [a, b]}, transformation: t, arguments: {many: ["${each.x}"]}}
            """,
            t="parameters: {many: columns}\nsql: SELECT {% for c in many %}{{ c }}{% endfor %} FROM r.t",
        )

        assert functions(source(planned)) == ["s__a", "s__b"]
        assert sql_of(planned, "s.b").strip() == "SELECT `b` FROM `main`.`r`.`t`"

    @pytest.mark.parametrize("name", ["spark", "mdf_runtime", "dbutils", "sys"])
    def test_names_that_mean_something_else_are_left_to_that(self, name: str) -> None:
        planned = plan(
            f"- {{name: s.t, transformation: {name}}}",
            **dict.fromkeys([name], "sql: SELECT 1 AS x"),  # type: ignore[arg-type]
        )

        assert functions(source(planned)) == [f"{name}_2"]
        assert sql_of(planned, "s.t").strip() == "SELECT 1 AS x"

    def test_transformation_may_have_the_name_of_an_import(self) -> None:
        planned = plan(
            """
            - {name: s.a, transformation: upper}
            - {name: s.b, transformation: other}
            """,
            upper="sql: SELECT 1 AS x",
            other="python: |\n  from json import loads as upper\n\n  def other(spark):\n      return upper(spark)",
        )

        assert functions(source(planned)) == ["other", "upper_2"]

    def test_two_of_one_name_are_told_apart(self) -> None:
        planned = plan(
            """
            - {name: "s.${each.a_b}", for_each: {a_b: [p, q]}, sql: "SELECT 1 AS x"}
            - {name: "s.${each.a}_b", for_each: {a: [r, s]}, sql: "SELECT 2 AS x"}
            """,
        )

        assert sorted(functions(source(planned))) == ["s__each_a_b", "s__each_a_b_2"]
        assert sql_of(planned, "s.s_b").strip() == "SELECT 2 AS x"

    def test_name_is_made_of_what_python_allows(self) -> None:
        planned = plan(
            """
            - name: "${each.the schema}.${each.was-t}_x"
              for_each: {the schema: [s], was-t: [t]}
              sql: SELECT 1 AS x
            """
        )

        assert functions(source(planned)) == ["each_the_schema__each_was_t_x"]

    def test_long_name_stays_on_its_line(self) -> None:
        name = f"s.{'t' * 120}"

        assert f"def s__{'t' * 120}():\n" in source(plan(queries(query(name))))

    def test_many_parameters_have_a_line_each(self) -> None:
        names = [f"a_rather_long_parameter_{number}" for number in range(5)]
        body = f"SELECT {', '.join(f'{{{{ {one} }}}} AS c' for one in names)}"

        text = source(own(body, dict.fromkeys(names, 1)))

        assert "def s__t(\n    a_rather_long_parameter_0,\n" in text

    def test_slot_of_a_looped_body_stays_one(self) -> None:
        planned = plan(
            """
            - name: s.t
              write: append
              parameters:
                source: {type: files, value: {path: /f, format: json}}
                many: [1, 2]
              sql: "SELECT *, '{}' AS x{% for one in many %}, {{ one }} AS y{{ '' }}{% endfor %} FROM {{ source }}"
            """.replace("{{ '' }}", "")
        )

        described = tables_of(source(planned))["s.t"]

        assert described["arguments"] == {
            "source": {"files": {"path": "/f", "format": "json", "options": {}}}
        }
        assert described["sql"](source="{source}").strip() == (
            "SELECT *, '{}' AS x, 1 AS y, 2 AS y FROM {source}"
        )


PYTHON = """\
parameters: {{source: {kind}}}
python: |
  import datetime as dt
  from pyspark.sql import DataFrame


  def t(source: DataFrame, day: dt.date, at: dt.datetime, share: float = 0.5):
      return source
"""


@pytest.mark.parametrize(
    ("kind", "write", "source_value", "expected"),
    [
        pytest.param("table", "overwrite", "r.x", {"table": "main.r.x"}, id="table"),
        pytest.param("stream", "append", "r.x", {"stream": "main.r.x"}, id="stream"),
        pytest.param(
            "files",
            "append",
            {"path": "/f", "format": "csv", "options": {"header": True}},
            {"files": {"path": "/f", "format": "csv", "options": {"header": "true"}}},
            id="files",
        ),
    ],
)
def test_arguments_of_python_are_what_the_runtime_opens(
    kind: str, write: str, source_value: Any, expected: Any
) -> None:
    arguments = json.dumps(
        {
            "source": source_value,
            "day": "2013-01-31",
            "at": "2013-01-31 06:30:00",
            "share": 1,
        }
    )
    planned = plan(
        f"- {{name: s.t, transformation: t, write: {write}, watermark: w, arguments: {arguments}}}",
        t=PYTHON.format(kind=kind),
    )

    assert tables_of(source(planned))["s.t"]["arguments"] == {
        "source": expected,
        "day": {"date": "2013-01-31"},
        "at": {"timestamp": "2013-01-31 06:30:00"},
        "share": 1.0,
    }


def test_list_of_dates_is_refused_where_it_can_not_be_written() -> None:
    tables = "- {name: s.t, transformation: t, arguments: {days: [2013-01-31]}}"

    planned = plan(tables, t="python: |\n  def t(days: list):\n      return days")

    assert [one.message for one in planned.problems] == [
        "days is a list of dates, which a function can't be given"
    ]
    assert (
        plan(
            tables, t="parameters: {days: list}\nsql: SELECT 1 IN ({{ days }}) AS x"
        ).problems
        == ()
    )


def test_names_lead_home_however_they_are_spelt() -> None:
    planned = plan(
        """
        - {name: s.a, sql: SELECT 1 AS x}
        - {name: s.b, sql: "SELECT * FROM S.A JOIN `s`.`a` JOIN other.T JOIN c.s.a"}
        """,
        project=PROJECT.replace("main", "main, schema_prefix: p_, source_catalog: raw"),
    )

    assert sql_of(planned, "s.b").strip() == (
        "SELECT * FROM `main`.`p_s`.`a` JOIN `main`.`p_s`.`a` JOIN `raw`.`other`.`t` JOIN `c`.`s`.`a`"
    )


def python(*imports: str, name: str = "t") -> str:
    """A Python transformation that uses what it imports."""
    used = ", ".join(one.split()[-1].split(".")[0] for one in imports)
    lines = [*imports, "", "", f"def {name}(spark):", f"    return {used}"]
    return "python: |\n" + "\n".join(f"  {one}" for one in lines)


class TestImports:
    @pytest.mark.parametrize("runs_on", ["job", "pipeline"])
    def test_each_stands_once_in_its_section(self, runs_on: str) -> None:
        planned = plan(
            "- {name: s.a, transformation: a}\n- {name: s.b, transformation: b}",
            project=f"{PROJECT}groups: {{s: {{runs_on: {runs_on}}}}}\n",
            a=python(
                "from pyspark.sql import Row", "import json", "import os.path", name="a"
            ),
            b=python("import json", "import os", "import pyspark", name="b"),
        )

        text = source(planned)

        assert "import json\nimport os\nimport os.path\n\n" in text
        assert text.count("import json\n") == 1
        assert text.index("import json") < text.index("import pyspark")

    def test_one_name_for_two_things_is_an_error(self) -> None:
        planned = plan(
            "- {name: s.a, transformation: a}\n- {name: s.b, transformation: b}",
            a=python("from json import loads", name="a"),
            b=python("from pickle import loads", name="b"),
        )

        assert shown(planned.problems) == (
            'import-conflict: "loads" is imported as two things in the part s: from json import loads'
            " (for s.a) and from pickle import loads (for s.b)\n"
            "  definitions/transformations/b.yml:3:3\n"
            "    3 |   from pickle import loads\n"
            "      |   ^\n"
            "  Give one of them another name:  import ... as ... ."
        )

    def test_two_parts_may_give_one_name_to_two_things(self) -> None:
        planned = plan(
            "- {name: s.a, transformation: a}\n- {name: r.b, transformation: b}",
            a=python("from json import loads", name="a"),
            b=python("from pickle import loads", name="b"),
        )

        assert planned.problems == ()

    def test_submodules_of_one_package_are_no_two_things(self) -> None:
        planned = plan(
            "- {name: s.a, transformation: a}\n- {name: s.b, transformation: b}",
            a=python("import xml.dom", name="a"),
            b=python("import xml.sax", name="b"),
        )

        text = source(planned)

        assert "import xml.dom\nimport xml.sax\n" in text


class TestPipelineViews:
    def views(self, *bodies: str) -> str:
        items = [
            json.dumps({"name": f"s.v{number}", "write": "view", "sql": body})
            for number, body in enumerate(bodies)
        ]
        tables = "".join(f"- {one}\n" for one in items)
        return compiled(plan(tables, project=PIPELINE)).files["src/s_views.sql"]

    def test_each_is_a_statement(self) -> None:
        assert self.views("SELECT 1 AS x", "SELECT 2 AS x;") == (
            "-- Written by mdf from definitions/ (part s, target local). Edit those, not this.\n"
            "\n"
            "CREATE VIEW `main`.`s`.`v0` AS\n"
            "SELECT 1 AS x;\n"
            "\n"
            "CREATE VIEW `main`.`s`.`v1` AS\n"
            "SELECT 2 AS x;\n"
        )

    def test_comment_at_the_end_does_not_swallow_the_semicolon(self) -> None:
        assert self.views("SELECT 1 AS x -- one").endswith("SELECT 1 AS x -- one\n;\n")

    def test_part_of_views_alone_has_no_code(self) -> None:
        planned = plan(
            "- {name: s.v, write: view, sql: SELECT 1 AS x}", project=PIPELINE
        )

        assert sorted(compiled(planned).files) == ["pipelines/s.yml", "src/s_views.sql"]

    def test_views_of_a_job_are_run_by_its_tasks(self) -> None:
        planned = plan("- {name: s.v, write: view, sql: SELECT 1 AS x}")

        assert tables_of(source(planned))["s.v"]["write"] == "view"


def test_last_call_is_split_where_its_line_is_too_long() -> None:
    project = PROJECT.replace(
        "main", "a_catalog_with_a_rather_long_name_of_fifty_letters"
    )

    text = source(plan(queries(query("s.t")), project=project))

    assert text.endswith(
        "mdf_runtime.run_task(\n"
        "    spark,\n"
        "    dbutils,\n"
        "    TABLES,\n"
        '    runs_schema="a_catalog_with_a_rather_long_name_of_fifty_letters.mdf_runs",\n'
        ")\n"
    )


def test_settings_are_told_as_they_are_defined() -> None:
    planned = plan(
        """
        - name: s.t
          write: merge
          keys: [id]
          sequence_by: at
          apply_as_deletes: gone
          expectations: [{name: has_id, check: id > 0, on_failure: drop}, {name: b, check: id < 9}]
          description: A table.
          columns: {id: {comment: key}, at: {}}
          tags: {owner: me}
          cluster_by: [id]
          on_schema_change: add_columns
          adopt: true
          sql: SELECT * FROM r.x
        """
    )

    described = tables_of(source(planned))["s.t"]

    assert {key: value for key, value in described.items() if key != "sql"} == {
        "home": "main.s.t",
        "write": "merge",
        "keys": ["id"],
        "sequence_by": "at",
        "apply_as_deletes": "gone",
        "arguments": {},
        "expectations": [
            {"name": "has_id", "check": "id > 0", "on_failure": "drop"},
            {"name": "b", "check": "id < 9", "on_failure": "warn"},
        ],
        "description": "A table.",
        "columns": {"id": {"comment": "key"}, "at": {}},
        "tags": {"owner": "me"},
        "cluster_by": ["id"],
        "on_schema_change": "add_columns",
        "adopt": True,
    }
