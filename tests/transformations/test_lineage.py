"""The tables that a body names itself, as offsets in the body."""

from __future__ import annotations

from typing import Any

import pytest

from mdf_magics.definitions.bodies import Body
from mdf_magics.errors import Source
from mdf_magics.transformations.lineage import written_names
from mdf_magics.transformations.parameters import TYPES, Parameter
from mdf_magics.transformations.template import TemplateFault

PARAMETERS = {kind: Parameter(kind, kind) for kind in TYPES if kind != "list"} | {
    "items": Parameter("items", "list")
}


def body(text: str) -> Body:
    return Body("sql", text, Source("t.yml", text))


def spelt(text: str, **arguments: Any) -> list[str]:
    names = written_names(body(text), PARAMETERS, arguments)
    for one in names:
        assert text[one.start : one.end].replace("`", "").lower() == one.name
    return [f"{one.name}@{one.start}" for one in names]


def fault(text: str) -> TemplateFault:
    with pytest.raises(TemplateFault) as error:
        written_names(body(text), PARAMETERS, {})
    return error.value


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SELECT * FROM silver.a", ["silver.a@14"]),
        ("SELECT {{ columns }} FROM silver.a JOIN b.c", ["silver.a@26", "b.c@40"]),
        ("SELECT * FROM {{ table }} AS t JOIN silver.a", ["silver.a@36"]),
        ("SELECT * FROM {{ stream }}, {{ files }}", []),
        ("SELECT {{ string }}, {{ int }}, {{ float }}, {{ bool }}, {{ date }}, {{ timestamp }}, {{ expression }}, {{ column }}\nFROM silver.a WHERE x IN ({{ items }})", ["silver.a@122"]),
        ("WITH x AS (SELECT * FROM {{ table }}) SELECT * FROM x", []),
        ("SELECT 1\n{% for c in columns %}\n, {{ c }} AS {{ c }}\n{% endfor %}\nFROM silver.a", ["silver.a@71"]),
        ("SELECT * FROM `Silver`.`A`", ["silver.a@14"]),
    ],
)  # fmt: skip
def test_names_are_found_between_placeholders(text: str, names: list[str]):
    assert spelt(text) == names


def test_names_of_a_branch_are_those_of_its_arguments():
    text = "SELECT * FROM {% if bool %}silver.a{% else %}silver.b{% endif %}"

    assert spelt(text, bool=True) == ["silver.a@27"]
    assert spelt(text, bool=False) == ["silver.b@45"]


def test_a_name_in_a_loop_is_named_once_for_each_turn_at_one_place():
    text = "SELECT 1 AS a{% for c in columns %} UNION SELECT {{ c }} FROM silver.a{% endfor %}"
    names = written_names(body(text), PARAMETERS, {})

    assert {(one.name, text[one.start : one.end]) for one in names} == {
        ("silver.a", "silver.a")
    }


def test_of_other_bodies_there_are_none():
    python = Body("python", "def f(a): ...", Source("t.yml", ""))

    assert written_names(python, PARAMETERS, {}) == ()


@pytest.mark.parametrize(
    ("text", "code", "message", "spot"),
    [
        ("SELECT {{ columns }},\nFROM silver.a", "sql-syntax", "expected a column or an expression, found FROM", "FROM"),
        ("SELECT {{ columns }} {{ column }} x FROM silver.a", "sql-syntax", "x can't stand here", "x"),
        ("SELECT {{ columns }} FROM a", "unqualified-table", 'the table "a" has no schema', "a"),
        ("SELECT * FROM {{ column }}", "unqualified-table", "{{ column }} is no table", "{{ column }}"),
        ("SELECT * FROM {{ string }} AS x", "unqualified-table", "{{ string }} is no table", "{{ string }}"),
        ("SELECT * FROM silver.{{ column }}", "built-name", "a table's name can't be put together from parameters", "silver.{{ column }}"),
        ("SELECT * FROM {{ column }}.a", "built-name", "a table's name can't be put together from parameters", "{{ column }}.a"),
        ("SELECT * FROM STREAM({{ table }})", "written-read", "STREAM(...) can't be written out", "STREAM"),
        ("SELECT * FROM {{ table }}; DELETE FROM a.b", "not-one-query", "a body is one query, this is several statements", ";"),
        ("SELECT '{{ string }}'", "quoted-placeholder", "{{ string }} stands inside a string", "'{{ string }}'"),
        ("SELECT {{ nothing }}", "unknown-parameter", "{{ nothing }} is no parameter", "{"),
    ],
)  # fmt: skip
def test_faults_are_told_at_their_place_in_the_body(
    text: str, code: str, message: str, spot: str
):
    found = fault(text)

    assert (found.code, str(found)) == (code, message)
    assert text[found.offset :][: found.length] == spot


def test_the_cause_of_a_fault_is_in_the_body_too():
    text = "SELECT {{ columns }},\nFROM silver.a"

    assert text[fault(text).cause or 0] == ","


def test_one_parse_serves_all_tables_of_a_transformation():
    text = "SELECT {{ string }} FROM silver.once"
    first = written_names(body(text), PARAMETERS, {"string": "a"})

    assert written_names(body(text), PARAMETERS, {"string": "b"}) is first
