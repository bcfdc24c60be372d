"""Python bodies: imports and one function, whose signature gives the parameters."""

from __future__ import annotations

import ast
import datetime as dt
import traceback
import warnings
from typing import Any

import pytest

from mdf_magics.definitions.bodies import Body
from mdf_magics.errors import Source
from mdf_magics.transformations.parameters import Parameter
from mdf_magics.transformations.python import (
    compiled,
    declared,
    parse_function,
    renamed,
)
from mdf_magics.transformations.template import TemplateFault

LATE = """\
from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def late(source: DataFrame, minutes: int = 15) -> DataFrame:
    hours = F.floor(F.col("dep_delay") / 60)
    return source.where(F.col("dep_delay") >= minutes).withColumn("hours_late", hours)
"""


def fault(text: str) -> TemplateFault:
    with pytest.raises(TemplateFault) as error:
        parse_function(text)
    return error.value


def marked(text: str) -> str:
    found = fault(text)
    return text[found.offset :][: found.length]


def signature(text: str) -> list[tuple[str, str, bool, Any]]:
    return [
        (one.name, one.type, one.required, one.default)
        for one in parse_function(text).parameters
    ]


class TestFunction:
    def test_of_the_example_is_taken_apart(self):
        function = parse_function(LATE)

        assert function.name == "late"
        assert function.source == LATE.partition("\n\n\n")[2].rstrip()
        assert function.bound == (
            ("DataFrame", "from pyspark.sql import DataFrame"),
            ("F", "from pyspark.sql import functions as F"),
        )
        assert not function.wants_spark
        assert function.parameters == (
            Parameter("source", "table"),
            Parameter("minutes", "int", False, 15, in_signature=True),
        )

    @pytest.mark.parametrize(
        ("imports", "bound"),
        [
            ("import re", [("re", "import re")]),
            ("import re, json as j", [("re", "import re"), ("j", "import json as j")]),
            ("import os.path", [("os", "import os.path")]),
            ("import a.b as c", [("c", "import a.b as c")]),
            ("from a import (\n    b,\n    c as d,\n)", [("b", "from a import b"), ("d", "from a import c as d")]),
            ("from __future__ import annotations", [("annotations", "from __future__ import annotations")]),
            ("", []),
        ],
    )  # fmt: skip
    def test_has_imports_above_it(self, imports: str, bound: list[tuple[str, str]]):
        function = parse_function(f'"""Why."""\n{imports}\n\ndef f(a: int): ...\n')

        assert list(function.bound) == bound
        assert function.source == "def f(a: int): ..."

    def test_keeps_decorators_comments_and_blank_lines(self):
        text = "import x\n\n# about f\n@x.y\n@x.z(\n    1,\n)\ndef f(a: int):\n\n    # é\n    return a\n\n# end\n"

        assert parse_function(text).source == (
            "@x.y\n@x.z(\n    1,\n)\ndef f(a: int):\n\n    # é\n    return a"
        )

    def test_is_passed_spark_where_it_names_it(self):
        function = parse_function("def f(spark, source: DataFrame): ...")

        assert function.wants_spark
        assert [one.name for one in function.parameters] == ["source"]

    def test_may_define_others_inside(self):
        assert (
            parse_function("def f(a: int):\n    def g(): ...\n    return g").name == "f"
        )

    def test_may_hold_escapes_that_python_warns_about(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert parse_function("def f(a: int):\n    return '\\d'").name == "f"


class TestSignature:
    @pytest.mark.parametrize(
        ("annotation", "kind"),
        [
            ("DataFrame", "table"),
            ("sql.DataFrame", "table"),
            ("'DataFrame'", "table"),
            ("DataFrame | None", "table"),
            ("None | DataFrame", "table"),
            ("Optional[DataFrame]", "table"),
            ("typing.Optional['DataFrame']", "table"),
            ("str", "string"),
            ("int", "int"),
            ("float", "float"),
            ("bool", "bool"),
            ("date", "date"),
            ("datetime.date", "date"),
            ("datetime", "timestamp"),
            ("dt.datetime", "timestamp"),
            ("list", "list"),
            ("list[str]", "columns"),
            ("List[str]", "columns"),
            ("typing.List[str]", "columns"),
            ("list[str] | None", "columns"),
            ("list[int]", "list"),
            ("list[float]", "list"),
            ("list[date]", "list"),
            ("list[datetime.date]", "list"),
            ("dict[str, str]", ""),
            ("int | str", ""),
            ("Any", ""),
            ("f()", ""),
        ],
    )
    def test_annotations_are_types(self, annotation: str, kind: str):
        assert signature(f"def f(a: {annotation}): ...") == [("a", kind, True, None)]

    @pytest.mark.parametrize(
        ("written", "parameter"),
        [
            ("a=1", ("a", "int", False, 1)),
            ("a='x'", ("a", "string", False, "x")),
            ("a=True", ("a", "bool", False, True)),
            ("a=-1.5", ("a", "float", False, -1.5)),
            ("a=['x', 'y']", ("a", "list", False, ["x", "y"])),
            ("a: list[str] = ('x',)", ("a", "columns", False, ("x",))),
            ("a=None", ("a", "", False, None)),
            ("a: int = None", ("a", "int", False, None)),
            ("a: date = date(2013, 1, 1)", ("a", "date", False, None)),
            ("a: int = {[1]: 2}", ("a", "int", False, None)),
            ("*, a: int", ("a", "int", True, None)),
            ("*, a: int = 1", ("a", "int", False, 1)),
            ("a", ("a", "", True, None)),
        ],
    )
    def test_defaults_make_parameters_optional(
        self, written: str, parameter: tuple[str, str, bool, Any]
    ):
        assert signature(f"def f({written}): ...") == [parameter]

    def test_the_header_says_more(self):
        function = parse_function(
            "def f(a: DataFrame, b=None, c: int = 5, d: int = 6): ..."
        )
        header = {
            "a": Parameter("a", "stream"),
            "b": Parameter("b", "date"),
            "c": Parameter("c", "float", False, 1.5),
        }

        assert list(declared(function, header).values()) == [
            Parameter("a", "stream"),
            Parameter("b", "date", False, None, in_signature=True),
            Parameter("c", "float", False, 1.5),
            Parameter("d", "int", False, 6, in_signature=True),
        ]


REFUSED = {
    "no function": ("import re\n", "a Python body is imports and one function; there is no function", None),
    "two functions": ("def f(a: int): ...\ndef g(): ...\n", "a Python body is imports and one function; there are two functions", "def g(): ..."),
    "a statement": ("x = 1\n\ndef f(a: int): ...", "a Python body is imports and one function", "x = 1"),
    "a call behind it": ("def f(a: int): ...\nf(é=1)", "a Python body is imports and one function", "f(é=1)"),
    "a class": ("class A: ...\ndef f(a: int): ...", "a Python body is imports and one function", "class A: ..."),
    "a coroutine": ("async def f(a: int): ...", "a Python body is imports and one function", "async def f(a: int): ..."),
    "imports that are tried": ("try:\n    import x\nexcept ImportError: ...\ndef f(a: int): ...", "a Python body is imports and one function", "t"),
    "relative imports": ("from . import x\ndef f(a: int): ...", "a Python body can't import from a folder around it", "from . import x"),
    "any arguments": ("def f(*a): ...", "*args and **kwargs can't be parameters of a transformation", "def f(*a): ..."),
    "any named arguments": ("def f(a: int, **b): ...", "*args and **kwargs can't be parameters of a transformation", "def f(a: int, **b): ..."),
    "nameless arguments": ("def f(a: int, /): ...", "arguments are passed by name: there can be no / in the signature", "def f(a: int, /): ..."),
    "a table's name": ("def f(spark):\n    é = 1\n    return spark.table('silver.planes')", '"silver.planes" is written out in a Python body', "'silver.planes'"),
    "a table's name after é": ("def f(spark): return 'é', spark.read.table(\"silver.planes\")", '"silver.planes" is written out in a Python body', '"silver.planes"'),
    "a table's name as a keyword": ("def f(spark): return spark.table(tableName='silver.planes')", '"silver.planes" is written out in a Python body', "'silver.planes'"),
    "a streamed table's name": ("def f(spark): return spark.readStream.option('a', 'b').table('silver.planes')", '"silver.planes" is written out in a Python body', "'silver.planes'"),
}  # fmt: skip


class TestRefusals:
    @pytest.mark.parametrize(("text", "message", "spot"), REFUSED.values(), ids=REFUSED)
    def test_keep_bodies_to_what_runs_everywhere(
        self, text: str, message: str, spot: str | None
    ):
        found = fault(text)

        assert found.code in ("python-body", "written-table")
        assert str(found) == message
        assert marked(text) == spot or spot is None

    @pytest.mark.parametrize("name", ["main.silver.planes", "planes", "a.b.c.d"])
    def test_leave_other_names_to_those_who_know_them(self, name: str):
        parse_function(f"def f(spark): return spark.table('{name}')")

    @pytest.mark.parametrize(
        ("text", "offset"),
        [
            ("def f(:\n    pass", 6),
            ("import re\ndef f(a: int)\n    return a", 23),
            ("def f(a: int):\nreturn a", 15),
            ("def f(a):\n    é = 'x\n    return a", 18),
            ("def f(a):\n  if a:\n\treturn 1", None),
            ("def f(a): " + "(" * 300, None),
            ("def f(a): " + "-" * 100_000 + "1", None),
        ],
    )
    def test_of_broken_python_have_a_place(self, text: str, offset: int | None):
        found = fault(text)

        assert found.code == "python-syntax"
        assert str(found).startswith("this is not valid Python: ")
        assert found.offset == offset or offset is None
        assert 0 <= found.offset <= len(text)


class TestRenaming:
    @pytest.mark.parametrize(
        "source",
        [
            "def {}(a: int): ...",
            "def   {} (a: int):\n    return a",
            "@x.defined\n@x.y(lambda: 1)\ndef {}(a: int):\n    'def f is late'",
        ],
    )
    def test_changes_the_functions_name_only(self, source: str):
        text = source.format("late")
        function = parse_function(text)

        assert renamed(function, "late") == text
        new = renamed(function, "gold__late")
        assert new == source.format("gold__late")
        ast.parse(new)

    def test_a_function_that_calls_itself_still_does(self):
        text = "def f(n: int):\n    'f'\n    return 'ä', n and f(n - 1)  # f\n"

        new = renamed(parse_function(text), "g")

        assert new == "def g(n: int):\n    'f'\n    return 'ä', n and g(n - 1)  # f"

    def test_what_only_bears_the_functions_name_stays(self):
        text = "def f(f: int):\n    return f.f(f=f)"

        assert (
            renamed(parse_function(text), "g") == "def g(f: int):\n    return f.f(f=f)"
        )


class TestCompiled:
    def body(self, text: str, line: int = 1, name: str = "definitions/t.yml") -> Body:
        return Body("python", text, Source(name, "\n" * 100), lambda: (line, 0))

    def test_runs(self):
        text = (
            "import math\n\n\ndef f(a: int) -> int:\n    return math.floor(a + 0.5)\n"
        )

        assert compiled(self.body(text))(2.7) == 3

    def test_bears_the_line_of_the_definition(self):
        """A traceback points at the YAML, or at the cell."""
        text = "def f(a: int):\n    b = a\n    return b / 0\n"
        for name, shown in (("definitions/t.yml", "definitions/t.yml"), ("", "<cell>")):
            try:
                compiled(self.body(text, 7, name))(1)
            except ZeroDivisionError as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                assert (last.filename, last.lineno, last.name) == (shown, 9, "f")

    def test_sees_nothing_of_others(self):
        with pytest.raises(NameError):
            compiled(self.body("def f(a: int):\n    return Body"))(1)

    def test_dates_stay_dates(self):
        text = "import datetime as dt\ndef f(a: dt.date):\n    return a"

        assert compiled(self.body(text))(dt.date(2013, 1, 1)) == dt.date(2013, 1, 1)
