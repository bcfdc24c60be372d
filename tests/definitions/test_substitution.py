"""`${...}` in definitions (DESIGN, section 3)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.definitions.substitution import (
    ROOT,
    Scope,
    UnknownReference,
    references,
)

SCOPE = Scope(
    {
        "target": {"name": "dev", "catalog": "main"},
        "var": {
            "landing": "${project.root}/landing",
            "folder": "${var.landing}/${target.name}",
            "number": 7,
            "yes": True,
            "nothing": None,
            "day": dt.date(2013, 1, 31),
            "list": ["a", "${target.name}"],
            "mapping": {"k": "${var.number}", "${x": 1},
            "escaped": "$${var.number}",
            "one": "${var.other}",
            "other": "-${var.third}",
            "third": ["${var.one}"],
            "self": "${var.self}",
            "${target.name}_x": "odd",
        },
        "each": {"what": "planes", "keys": ["a", "b"], "raw": "${var.number} $${x}"},
    },
    lambda: "me",
)


class TestReferences:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("plain", "plain"),
            (5, 5),
            (None, None),
            ("${target.name}", "dev"),
            ("${target.name}_${target.catalog}", "dev_main"),
            ("${user}_x", "me_x"),
            ("${user}", "me"),
            ("${project.root}", ROOT),
            ("${project.root}/x", f"{ROOT}/x"),
            ("${var.folder}", f"{ROOT}/landing/dev"),
            ("bronze.${each.what}", "bronze.planes"),
            ("${var.number}", 7),
            ("x${var.number}", "x7"),
            ("${var.yes}", True),
            ("is ${var.yes}", "is true"),
            ("${var.nothing}", None),
            ("<${var.nothing}>", "<>"),
            ("${var.day}", dt.date(2013, 1, 31)),
            ("since ${var.day}", "since 2013-01-31"),
            ("${var.list}", ["a", "dev"]),
            ("${var.mapping}", {"k": 7, "${x": 1}),
            ("${each.keys}", ["a", "b"]),
            (["${each.what}", {"${each.what}": "${each.what}"}], ["planes", {"${each.what}": "planes"}]),
            ("$${var.number}", "${var.number}"),
            ("$$${var.number}", "$${var.number}"),
            ("a$${", "a${"),
            ("$ {var.number} $x {y}", "$ {var.number} $x {y}"),
            ("${var.escaped}", "${var.number}"),
            ("<${var.escaped}>", "<${var.number}>"),
            ("{{ job.id }}", "{{ job.id }}"),
        ],
        ids=repr,
    )  # fmt: skip
    def test_are_resolved(self, value: Any, expected: Any):
        found = SCOPE.substitute(value)

        assert found == expected
        assert type(found) is type(expected)

    def test_of_each_are_final(self):
        """What for_each gives has been resolved before, once."""
        assert SCOPE.substitute("${each.raw}") == "${var.number} $${x}"
        assert SCOPE.substitute("<${each.raw}>") == "<${var.number} $${x}>"

    def test_of_each_may_be_used_by_variables(self):
        scope = Scope({"var": {"path": "/${each.what}"}})
        paths = [
            scope.with_each({"what": what}).substitute("${var.path}") for what in "ab"
        ]

        assert paths == ["/a", "/b"]

    def test_leave_the_value_as_it_was(self):
        value = {"a": ["${var.number}"]}
        SCOPE.substitute(value)

        assert value == {"a": ["${var.number}"]}

    @given(st.text("${}.ax \n"))
    def test_written_as_literals_come_back(self, text: str):
        assert SCOPE.substitute(text.replace("${", "$${")) == text

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text("ab{} "),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text("$a{}"), inner, max_size=3)
            ),
        )
    )
    def test_values_without_any_stay_the_same(self, value: Any):
        assert SCOPE.substitute(value) == value
        assert references(value) == []


class TestUnknown:
    @pytest.mark.parametrize(
        ("value", "reference", "message", "hint"),
        [
            ("${var.numbr}", "var.numbr", "${var.numbr} names nothing", 'Did you mean "number"?'),
            ("${each.wat}", "each.wat", "${each.wat} names nothing", 'Did you mean "what"?'),
            ("${target.nam}", "target.nam", "${target.nam} names nothing", 'Did you mean "name"?'),
            ("${vars.number}", "vars.number", "${vars.number} names nothing", "References are ${target.x}, ${var.x}, ${each.x}, ${user} and ${project.root}."),
            ("${number}", "number", "${number} names nothing", "References are"),
            ("${}", "", "${} names nothing", "References are"),
            ("${ var.number }", " var.number ", "${ var.number } names nothing", "Write it without blanks:  ${var.number} ."),
            ("${project.rot}", "project.rot", "${project.rot} names nothing", "References are"),
            ("a ${var.number", "", '"${var.number" is not closed', "Write  ${...} , or  $${  for these characters themselves."),
            ("${var.${each.what}}", "", '"${var.${each.what}}" is not closed', "Write"),
            ("x${var.list}", "var.list", "${var.list} is a list and can't stand inside other text", "Let the value be that reference alone."),
            ("x${var.mapping}", "var.mapping", "${var.mapping} is a mapping and can't stand inside other text", "Let the value"),
            ("${var.self}", "var.self", "references go around in a circle: var.self -> var.self", ""),
            ("${var.one}", "var.one", "references go around in a circle: var.one -> var.other -> var.third -> var.one", ""),
        ],
        ids=lambda value: value,
    )  # fmt: skip
    def test_are_told_with_what_there_is(
        self, value: str, reference: str, message: str, hint: str
    ):
        with pytest.raises(UnknownReference) as error:
            SCOPE.substitute([value])

        assert str(error.value) == message
        assert error.value.reference == reference
        assert error.value.hint.startswith(hint)
        assert bool(error.value.hint) == bool(hint)

    def test_leave_the_scope_usable(self):
        for _ in range(2):
            with pytest.raises(UnknownReference, match="circle"):
                SCOPE.substitute("${var.one}")
        assert SCOPE.substitute("${var.number}") == 7

    def test_is_the_user_outside_of_development(self):
        with pytest.raises(UnknownReference) as error:
            Scope({}).substitute("${user}")

        assert str(error.value) == "${user} is for development targets only"
        assert error.value.hint == "Add  mode: development  to the target."

    @pytest.mark.parametrize(
        "variable",
        ["${{var.v{0}}}${{var.v{0}}}", "${{var.v{0}}}", "x${{var.v{0}}}"],
        ids=["twice", "alone", "in text"],
    )
    @pytest.mark.parametrize("last", ["", "x", ["x"]], ids=repr)
    def test_are_those_that_expand_without_end(self, variable: str, last: Any):
        variables = {f"v{one}": variable.format(one + 1) for one in range(5_000)}
        scope = Scope({"var": {**variables, "v5000": last}})
        with pytest.raises(UnknownReference, match="references lead too far"):
            scope.substitute("${var.v0}")

    def test_are_lists_that_expand_without_end(self):
        variables = {f"v{one}": [f"${{var.v{one + 1}}}"] * 9 for one in range(30)}
        scope = Scope({"var": {**variables, "v30": "x"}})
        with pytest.raises(UnknownReference, match="references lead too far"):
            scope.substitute("${var.v0}")


def test_references_are_listed_in_order():
    value = ["${a.b} $${no} ${c}", {"${key}": ["${d.e}"]}, 5, "${"]

    assert references(value) == ["a.b", "c", "d.e"]
