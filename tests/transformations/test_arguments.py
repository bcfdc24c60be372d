"""What a transformation declares, and what a table passes for it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from mdf_magics.definitions.models import Table
from mdf_magics.errors import Problem
from mdf_magics.transformations.arguments import (
    bound_arguments,
    bound_values,
    declared_parameters,
)
from mdf_magics.transformations.parameters import Parameter

from .conftest import table, transformation

SQL = "name: t\nparameters: {}\nsql: |\n  SELECT 1\n"


def told(problems: list[Problem]) -> list[str]:
    return [
        f"{one.code} {one.place} {one.message} | {one.hint}".removesuffix(" | ")
        for one in problems
    ]


def declare(
    parameters: str, body: str = "sql: SELECT 1"
) -> tuple[dict[str, Parameter], list[str]]:
    entry = transformation(f"name: t\nparameters: {parameters}\n{body}\n")
    found, problems = declared_parameters(entry)
    return found, told(problems)


def bind(
    parameters: str, table_text: str, body: str = "sql: SELECT 1"
) -> tuple[dict[str, Any], list[str]]:
    made_by = transformation(f"name: t\nparameters: {parameters}\n{body}\n")
    declared, problems = declared_parameters(made_by)
    assert problems == []
    entry = table(f"name: a.x\n{table_text}")
    settings = Table.model_validate(
        {key: value for key, value in entry.value.items() if key != "for_each"}
    )
    values = bound_arguments(settings, made_by, declared, entry, problems)
    return values, told(problems)


def own(
    parameters: str, body: str
) -> tuple[dict[str, Parameter], dict[str, Any], list[str]]:
    entry = table(f"name: a.x\nparameters: {parameters}\n{body}")
    problems: list[Problem] = []
    assert entry.body
    settings = Table.model_validate(entry.value)
    found, values = bound_values(settings, entry.body, entry, problems)
    return found, values, told(problems)


class TestDeclaring:
    def test_takes_types_and_more(self):
        found, problems = declare(
            "{source: table, n: {type: int, default: 5, description: how many}, "
            "d: {type: date, default: '2013-01-01'}, s: {type: string, description: why}}"
        )

        assert problems == []
        assert list(found.values()) == [
            Parameter("source", "table"),
            Parameter("n", "int", False, 5, "how many"),
            Parameter("d", "date", False, dt.date(2013, 1, 1)),
            Parameter("s", "string", description="why"),
        ]

    @pytest.mark.parametrize(
        ("parameters", "said"),
        [
            ("{a: tabel}", 'unknown-type t.yml:2:17 there is no type "tabel" | Did you mean "table"? There are: bool, column, columns, date, expression, files, float, int, list, stream, string, table, timestamp.'),
            ("{a: 5}", "wrong-type t.yml:2:17 this must be a mapping, not 5"),
            ("{a: [int]}", "wrong-type t.yml:2:17 this must be a mapping, not a list"),
            ("{a: }", "wrong-type t.yml:2:17 this must be a mapping, not empty | Write a value, or leave the key out."),
            ("{a: {default: 5}}", 'missing-key t.yml:2:17 the key "type" is missing | Add  type: ...'),
            ("{a: {type: int, defalt: 5}}", 'unknown-key t.yml:2:29 there is no key "defalt" here | Did you mean "default"? There are: default, description, type.'),
            ("{a: {type: integer}}", 'wrong-type t.yml:2:24 type must be table, stream, files, column, columns, string, int, float, bool, date, timestamp, list or expression, not "integer" | Did you mean "int"?'),
            ("{a: {type: int, default: x}}", 'wrong-type t.yml:2:38 a (int) must be a whole number, not "x"'),
            ("{a: {type: string, default: }}", "wrong-type t.yml:2:41 a (string) must be text"),
            ("{a: {type: columns, default: b}}", "wrong-type t.yml:2:42 a (columns) must be a list of columns | Write  [b] ."),
            ("{a: {type: expression, default: 'b,'}}", "bad-expression t.yml:2:45 a (expression) does not parse: expected a column or an expression, found the end | Write one SQL expression, such as  upper(name) ."),
            ("{a-b: int}", 'bad-name t.yml:2:14 "a-b" can\'t name a parameter | Use letters, digits and _, starting with a letter; no word of Python or Jinja.'),
            ("{1a: int}", 'bad-name t.yml:2:14 "1a" can\'t name a parameter | Use letters, digits and _, starting with a letter; no word of Python or Jinja.'),
            ("{é: int}", 'bad-name t.yml:2:14 "é" can\'t name a parameter | Use letters, digits and _, starting with a letter; no word of Python or Jinja.'),
            ("{loop: int}", 'bad-name t.yml:2:14 "loop" can\'t name a parameter | Use letters, digits and _, starting with a letter; no word of Python or Jinja.'),
            ("{self: int}", 'bad-name t.yml:2:14 "self" can\'t name a parameter | Use letters, digits and _, starting with a letter; no word of Python or Jinja.'),
            ("{true: int}", 'bad-name t.yml:2:14 "true" can\'t name a parameter | Use letters, digits and _, starting with a letter; no word of Python or Jinja.'),
            ("{class: int}", 'bad-name t.yml:2:14 "class" can\'t name a parameter | Use letters, digits and _, starting with a letter; no word of Python or Jinja.'),
        ],
        ids=lambda value: value if value.startswith("{") else "",
    )  # fmt: skip
    def test_tells_what_is_wrong(self, parameters: str, said: str):
        assert declare(parameters)[1] == [said]

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ("sql: |\n  SELECT {{ b }},\n    {{ c }}", ["unknown-parameter t.yml:4:10 {{ b }} is no parameter | There are: a.\nAdd  b: ...  to  parameters: .", "unknown-parameter t.yml:5:5 {{ c }} is no parameter | There are: a.\nAdd  c: ...  to  parameters: ."]),
            ("sql: |\n  SELECT '{{ a }}'", ["quoted-placeholder t.yml:4:10 {{ a }} stands inside a string | Write  {{ a }}  without quotes: it brings its own."]),
            ("sql: |\n  {% for x in b %}{{ x }}{% endfor %}", ["unknown-parameter t.yml:4:3 {{ b }} is no parameter | There are: a.\nAdd  b: ...  to  parameters: ."]),
            ("python: |\n  def t(a: int, b): ...", ['unknown-type t.yml:4:17 the parameter "b" has no type | Annotate it, b: DataFrame for a table or b: str for a text; or write  parameters: {b: table} .']),
            ("python: |\n  def t(b: int): ...", ['unknown-parameter t.yml:2:14 the function t has no parameter "a" | There are: b.']),
            ("python: |\n  # def a\n  def late(a: int): ...", ["function-name t.yml:5:7 the function is called late, not t | Write  def t(...) ."]),
            ("python: |\n  def t(a):\n      return a b", ["python-syntax t.yml:5:16 this is not valid Python: invalid syntax"]),
        ],
        ids=["unknown", "quoted", "loop", "no type", "not there", "name", "syntax"],
    )  # fmt: skip
    def test_looks_into_the_body(self, body: str, said: list[str]):
        assert declare("{a: int}", body)[1] == said

    def test_of_a_function_adds_header_and_signature(self):
        found, problems = declare(
            "{source: stream}",
            "python: |\n  def t(source: DataFrame, n: int = 5, spark=None): ...",
        )

        assert problems == []
        assert [(one.name, one.type, one.required) for one in found.values()] == [
            ("source", "stream", True),
            ("n", "int", False),
        ]

    def test_names_without_type_are_told_where_they_stand(self):
        _, problems = declare("{}", "python: |\n  def t(an: int, a): ...")

        assert problems[0].startswith("unknown-type t.yml:4:18 ")


class TestPassing:
    def test_gives_typed_values_and_defaults(self):
        values, problems = bind(
            "{source: table, d: date, n: {type: int, default: 5}, c: {type: columns, default: [a]}}",
            "transformation: t\narguments: {source: silver.planes, d: '2013-01-01'}",
        )

        assert problems == []
        assert values == {
            "source": "silver.planes",
            "d": dt.date(2013, 1, 1),
            "n": 5,
            "c": ["a"],
        }

    def test_leaves_defaults_of_a_signature_to_the_function(self):
        values, problems = bind(
            "{source: stream}",
            "transformation: t\narguments: {source: silver.planes}",
            "python: |\n  def t(source: DataFrame, n: int = 5): ...",
        )

        assert problems == []
        assert values == {"source": "silver.planes"}

    @pytest.mark.parametrize(
        ("table_text", "said"),
        [
            ("transformation: t\narguments: {source: a.b}", ['missing-argument a.yml:4:16 a.x gives no value for "code" (column) of t | Add  code: ...  or give "code" a default in t.yml.']),
            ("transformation: t", ['missing-argument a.yml:2:5 a.x gives no value for "source" (table) of t | Add  source: ...  or give "source" a default in t.yml.', 'missing-argument a.yml:2:5 a.x gives no value for "code" (column) of t | Add  code: ...  or give "code" a default in t.yml.']),
            ("for_each: {what: [y]}\ntransformation: t\narguments: {source: a.b}", ['missing-argument a.yml:5:16 a.x gives no value for "code" (column) of t | Add  code: "${each.code}"  or give "code" a default in t.yml.']),
            ("transformation: t\narguments:\n  source: a.b\n  code: c\n  cod: d", ['unknown-argument a.yml:7:7 t has no parameter "cod" | Did you mean "code"? There are: code, source.']),
            ("transformation: t\narguments: {source: 5, code: c}", ["wrong-type a.yml:4:25 source (table) must be a table's name | Write  schema.table ."]),
            ("transformation: t\narguments: {source: a.b, code: c}\nparameters: {code: c}", ["unknown-key a.yml:5:5 a.x uses a transformation, so it passes arguments | Write  arguments:  instead of  parameters: ."]),
        ],
        ids=["missing", "all missing", "for each", "unknown", "wrong type", "parameters"],
    )  # fmt: skip
    def test_tells_what_is_wrong(self, table_text: str, said: list[str]):
        assert bind("{source: table, code: column}", table_text)[1] == said

    def test_of_a_wrong_expression_is_told(self):
        for written, code in (
            ("upper(a)", None),
            ("a, b", "bad-expression"),
            ("(SELECT a FROM b.c)", "bad-expression"),
        ):
            _, problems = bind(
                "{e: expression}", f"transformation: t\narguments: {{e: '{written}'}}"
            )
            assert [one.split()[0] for one in problems] == [code] * bool(code)


class TestOwnBodies:
    """The parameters of a table's own body are values."""

    def test_are_typed_by_the_value_or_by_a_type(self):
        found, values, problems = own(
            "{n: 1, s: x, b: true, f: 1.5, d: 2013-01-01, l: [1], "
            "source: {type: stream, value: bronze.s}, c: {type: columns, value: [a]}}",
            "sql: SELECT 1",
        )

        assert problems == []
        assert {name: one.type for name, one in found.items()} == {
            "n": "int",
            "s": "string",
            "b": "bool",
            "f": "float",
            "d": "date",
            "l": "list",
            "source": "stream",
            "c": "columns",
        }
        assert values["d"] == dt.date(2013, 1, 1)
        assert values["source"] == "bronze.s"

    def test_are_typed_by_a_signature(self):
        found, values, problems = own(
            "{source: bronze.s, keys: [a], day: '2013-01-01', word: table}",
            "python: |\n  def f(source: DataFrame, keys: list[str], day: date, word: str, n: int = 5): ...",
        )

        assert problems == []
        assert [one.type for one in found.values()] == [
            "table",
            "columns",
            "date",
            "string",
        ]
        assert values == {
            "source": "bronze.s",
            "keys": ["a"],
            "day": dt.date(2013, 1, 1),
            "word": "table",
        }

    @pytest.mark.parametrize(
        ("parameters", "body", "said"),
        [
            ("{a: table}", "sql: SELECT 1", ['missing-argument a.yml:3:21 "table" is a type; a table\'s own parameters are values | Write  a: {type: table, value: ...} .']),
            ("{a: {type: tabel, value: b.c}}", "sql: SELECT 1", ['unknown-type a.yml:3:28 there is no type "tabel" | Did you mean "table"? There are: bool, column, columns, date, expression, files, float, int, list, stream, string, table, timestamp.']),
            ("{a: {type: [b], value: b.c}}", "sql: SELECT 1", ["unknown-type a.yml:3:28 there is no type a list | There are: bool, column, columns, date, expression, files, float, int, list, stream, string, table, timestamp."]),
            ("{a: {type: table}}", "sql: SELECT 1", ['missing-argument a.yml:3:21 the parameter "a" has a type, but no value | Write  a: {type: table, value: ...} .']),
            ("{a: }", "sql: SELECT 1", ['unknown-type a.yml:3:21 the type of "a" can\'t be told from its value | Write  a: {type: ..., value: ...} .']),
            ("{a: {path: /x, format: csv}}", "sql: SELECT 1", ['unknown-type a.yml:3:21 the type of "a" can\'t be told from its value | Write  a: {type: ..., value: ...} .']),
            ("{a: {type: int, value: x}}", "sql: SELECT 1", ['wrong-type a.yml:3:40 a (int) must be a whole number, not "x"']),
            ("{a b: 1}", "sql: SELECT 1", ['bad-name a.yml:3:18 "a b" can\'t name a parameter | Use letters, digits and _, starting with a letter; no word of Python or Jinja.']),
            ("{a: 1}", "sql: 'SELECT {{ b }}'", ["unknown-parameter a.yml:4:18 {{ b }} is no parameter | There are: a.\nAdd  b: ...  to  parameters: ."]),
            ("{}", "sql: 'SELECT {{ b }}'", ["unknown-parameter a.yml:4:18 {{ b }} is no parameter | Add  b: ...  to  parameters: ."]),
            ("{a: 1}", "sql: 'SELECT {{ a|x }}'", ["template a.yml:4:18 {{ a|x }} is more than a parameter | A body takes {{ parameter }}, {% for x in parameter %} and {% if %}."]),
            ("{a: 1}", "python: |\n  def f(b: int = 1): ...", ['unknown-argument a.yml:3:18 the function has no parameter "a" | There are: b.']),
            ("{a: 1}", "python: |\n  def f(a: int, b: str): ...", ['missing-argument a.yml:3:17 the parameter "b" of the function has no value | Add  b: ...  to  parameters: .']),
            ("{a: x}", "python: |\n  def f(a: int): ...", ['wrong-type a.yml:3:21 a (int) must be a whole number, not "x"']),
            ("{a: x}\narguments: {b: 1}", "sql: SELECT 1", ["unknown-key a.yml:4:5 a.x has a body of its own, so its parameters have values | Write  parameters:  instead of  arguments: ."]),
        ],
        ids=["bare type", "unknown type", "odd type", "no value", "empty", "mapping", "wrong type", "name", "undeclared", "none", "template", "function without", "function with more", "function's type", "arguments"],
    )  # fmt: skip
    def test_tell_what_is_wrong(self, parameters: str, body: str, said: list[str]):
        assert own(parameters, body)[2] == said
