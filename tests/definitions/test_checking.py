"""Values are checked against a model, and every violation has its place and words."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import Field

from mdf_magics.definitions.checking import checked
from mdf_magics.definitions.models import Model, Project, Table
from mdf_magics.definitions.reading import read_document
from mdf_magics.errors import Source


class Inner(Model):
    size: int = 1
    alias: str = ""


class Outer(Model):
    name: str
    inner: Inner = Inner()
    inners: list[Inner] = Field([])
    named: dict[str, Inner] = Field({})
    maybe: Inner | None = None
    choice: Inner | Literal["auto"] = "auto"
    several: list[str] | Literal["auto"] = "auto"
    on: bool = False
    ratio: float = 1.0


def problems(text: str, model: type[Model] = Outer) -> list[str]:
    document = read_document(Source("x.yml", text))
    assert document.problems == []
    value, found = checked(
        model, document.value, lambda at, key: document.place(at, key=key)
    )
    assert (value is None) == bool(found)
    return [
        f"{one.code} {one.place} {one.message} | {one.hint}".strip(" |")
        for one in found
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{name: a}", []),
        ("{name: a, choice: auto, several: [b], ratio: 1}", []),
        ("{name: a, choice: {size: 2}, maybe: }", []),
        ("{}", ['missing-key x.yml:1:1 the key "name" is missing | Add  name: ...']),
        ("{name: }", ["wrong-type x.yml:1:8 name must be text, not empty | Write a value, or leave the key out."]),
        ("{name: 5}", ['wrong-type x.yml:1:8 name must be text, not 5 | Write it in quotes:  "5"']),
        ("{name: true}", ['wrong-type x.yml:1:8 name must be text, not true | Write it in quotes:  "true"']),
        ("{name: [a]}", ["wrong-type x.yml:1:8 name must be text, not a list"]),
        ("{name: {a: b}}", ["wrong-type x.yml:1:8 name must be text, not a mapping"]),
        ("{name: a, on: 1}", ["wrong-type x.yml:1:15 on must be true or false, not 1"]),
        ('{name: a, on: "yes"}', ['wrong-type x.yml:1:15 on must be true or false, not "yes"']),
        ("{name: a, ratio: b}", ['wrong-type x.yml:1:18 ratio must be a number, not "b"']),
        ("{name: a, inner: []}", ["wrong-type x.yml:1:18 inner must be a mapping, not a list"]),
        ("{name: a, inner: {size: 1.5}}", ["wrong-type x.yml:1:25 inner.size must be a whole number, not 1.5"]),
        ("{name: a, inner: {siz: 1}}", ['unknown-key x.yml:1:19 there is no key "siz" here | Did you mean "size"? There are: alias, size.']),
        ("{name: a, inners: {size: 1}}", ["wrong-type x.yml:1:19 inners must be a list, not a mapping"]),
        ("{name: a, inners: [{}, {siz: 1}]}", ['unknown-key x.yml:1:25 there is no key "siz" here | Did you mean "size"? There are: alias, size.']),
        ("{name: a, named: {b: {siz: 1}}}", ['unknown-key x.yml:1:23 there is no key "siz" here | Did you mean "size"? There are: alias, size.']),
        ("{name: a, maybe: {siz: 1}}", ['unknown-key x.yml:1:19 there is no key "siz" here | Did you mean "size"? There are: alias, size.']),
        ("{name: a, choice: {siz: 1}}", ['unknown-key x.yml:1:20 there is no key "siz" here | Did you mean "size"? There are: alias, size.']),
        ("{name: a, choice: {size: b, alias: 1}}", ['wrong-type x.yml:1:26 choice.size must be a whole number, not "b"', 'wrong-type x.yml:1:36 choice.alias must be text, not 1 | Write it in quotes:  "1"']),
        ("{name: a, choice: aut}", ['wrong-type x.yml:1:19 choice must be a mapping or auto, not "aut"']),
        ("{name: a, several: [1]}", ['wrong-type x.yml:1:21 several.0 must be text, not 1 | Write it in quotes:  "1"']),
        ("{name: a, several: b}", ['wrong-type x.yml:1:20 several must be a list or auto, not "b" | Write it as a list:  [b]']),
        ("5", ["wrong-type x.yml:1:1 this must be a mapping, not 5"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_violations_are_told_in_words(text: str, said: list[str]):
    assert problems(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{name: a.b, write: mrge}", 'wrong-type x.yml:1:20 write must be overwrite, append, merge, scd2 or view, not "mrge" | Did you mean "merge"?'),
        ("{name: a.b, cluster_by: c}", 'wrong-type x.yml:1:25 cluster_by must be a list or auto, not "c" | Write it as a list:  [c]'),
        ("{name: a.b, columns: {c: {coment: d}}}", 'unknown-key x.yml:1:27 there is no key "coment" here | Did you mean "comment"? There are: comment, tags.'),
        ("{name: a.b, expectations: [{name: c, chek: d}]}", None),
        ("{name: a.b, sql: 5}", 'wrong-type x.yml:1:18 sql must be text, not 5 | Write it in quotes:  "5"'),
    ],
    ids=["write", "cluster_by", "columns", "expectations", "sql"],
)  # fmt: skip
def test_a_table_is_told_what_is_wrong(text: str, said: str | None):
    found = problems(text, Table)
    if said is None:
        assert [one.split()[0] for one in found] == ["unknown-key"]
        assert 'Did you mean "check"?' in found[0]
    else:
        assert found == [said]


def test_values_stay_as_they_are():
    given: dict[str, Any] = {
        "name": "a.b",
        "arguments": {"x": [1, 2.0, True, None, "y"]},
    }
    table, found = checked(Table, given, lambda _at, _key: None)  # type: ignore[arg-type,return-value]

    assert found == []
    assert table
    assert table.arguments == given["arguments"]
    assert table.write == "overwrite"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("false", []),
        ("{}", []),
        ("true", ["wrong-type x.yml:3:14 orchestrate must be a mapping or false, not true"]),
        ("", ["wrong-type x.yml:3:13 orchestrate must be a mapping or false, not empty | Write a value, or leave the key out."]),
    ],
    ids=["false", "mapping", "true", "empty"],
)  # fmt: skip
def test_the_job_of_all_can_be_left_out(written: str, said: list[str]):
    text = f"project: a\ntargets: {{}}\norchestrate: {written}\n"

    assert problems(text, Project) == said
