"""A body's placeholders and blocks, rendered by type (DESIGN, section 4)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.transformations import rendering
from mdf_magics.transformations.parameters import in_sql, inferred_type, typed
from mdf_magics.transformations.template import (
    RESERVED,
    Template,
    TemplateFault,
    Value,
    parse,
)


def values(**raw: Any) -> dict[str, Value]:
    """Values of the types that are inferred for them, lists as columns."""
    result = {}
    for name, one in raw.items():
        kind = "columns" if isinstance(one, list) else inferred_type(one) or "string"
        result[name] = in_sql(kind, typed(kind, one), str)
    return result


def rendered(text: str, **raw: Any) -> str:
    return parse(text).render(values(**raw)).text


def fault(text: str, **raw: Any) -> TemplateFault:
    with pytest.raises(TemplateFault) as error:
        parse(text).render(values(**raw))
    return error.value


class TestPlain:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("SELECT 1", "SELECT 1"),
            ("SELECT {{ n }}", "SELECT 5"),
            ("SELECT {{n}}, {{  n\n}}", "SELECT 5, 5"),
            ("WHERE a >= {{ s }}", "WHERE a >= 'it\\'s'"),
            ("SELECT {{ keys }}\nFROM a", "SELECT `a`, `b`\nFROM a"),
            ("SELECT ({{ n }})\n", "SELECT (5)\n"),
            ("a.{{ keys }}", "a.`a`, `b`"),
            ("{{ n }}{# why #}\n", "5"),
            ("SELECT '{', '}', '{a}', \"%}\"", "SELECT '{', '}', '{a}', \"%}\""),
            ("{% raw %}'{{ n }}'{% endraw %} {{ n }}", "'{{ n }}' 5"),
            ("SELECT 'it''s', {{ n }}", "SELECT 'it''s', 5"),
            ("SELECT 'a\\'', {{ n }}", "SELECT 'a\\'', 5"),
            ("SELECT `it's`, \"it's\", {{ n }}", "SELECT `it's`, \"it's\", 5"),
            ("SELECT 1 -- it's\n, {{ n }}", "SELECT 1 -- it's\n, 5"),
            ("SELECT 1 /* it's */, {{ n }}", "SELECT 1 /* it's */, 5"),
            ("(\n\n{{- n -}}\n\n)", "(5)"),
        ],
    )
    def test_text_and_placeholders(self, text: str, expected: str):
        template = parse(text)

        assert template.render(values(n=5, s="it's", keys=["a", "b"])).text == expected
        assert template.plain
        assert not template.branches

    def test_is_parsed_once(self):
        assert parse("SELECT {{ once }}") is parse("SELECT {{ once }}")


class TestBlocks:
    def test_of_the_example(self):
        text = (
            "SELECT\n  {{ keys }},\n{% for value in values %}\n"
            "  round(avg({{ value }}), 1) AS {{ value }},\n{% endfor %}\n"
            "  count(*) AS flights\nFROM a\nGROUP BY {{ keys }}\n"
        )

        assert rendered(text, keys=["origin"], values=["x", "y"]) == (
            "SELECT\n  `origin`,\n"
            "  round(avg(`x`), 1) AS `x`,\n"
            "  round(avg(`y`), 1) AS `y`,\n"
            "  count(*) AS flights\nFROM a\nGROUP BY `origin`\n"
        )

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a\n  {% if n > 4 %}\n  b\n  {% endif %}\nc\n", "a\n  b\nc\n"),
            ("{% if n == 5 and not off %}a{% else %}b{% endif %}", "a"),
            ("{% if off %}a{% elif n in (4, 5) %}b{% endif %}", "b"),
            ("{% if s == \"x\" or s != 'x' %}a{% endif %}", "a"),
            ("{% if 'a' in keys %}a{% endif %}{% if 'z' in keys %}z{% endif %}", "a"),
            ("{% if 1 < n <= 5 < 6 %}a{% endif %}", "a"),
            ("{% if keys %}a{% endif %}", "a"),
            ("{% for k in keys %}{{ k }}{% if not loop.last %}, {% endif %}{% endfor %}", "`a`, `b`"),
            ("{% for k in keys if k != 'a' %}{{ k }}{% else %}none{% endfor %}", "`b`"),
            ("{% for k in keys if k == 'z' %}{{ k }}{% else %}none{% endfor %}", "none"),
            ("{% for k in keys %}{% for j in keys %} {{ k }}.{{ j }}{% endfor %}{% endfor %}", " `a`.`a` `a`.`b` `b`.`a` `b`.`b`"),
            ("{% for n in keys %}{{ n }} {% endfor %}{{ n }}", "`a` `b` 5"),
        ],
    )  # fmt: skip
    def test_choose_and_repeat(self, text: str, expected: str):
        template = parse(text)
        given_values = values(n=5, s="x", keys=["a", "b"], off=False)

        assert template.render(given_values).text == expected
        assert not template.plain

    def test_that_depend_on_values_are_known(self):
        assert parse("{% if a %}x{% endif %}").branches
        assert parse("{% for a in b if a %}x{% endfor %}").branches
        assert not parse("{% for a in b %}{{ a }}{% endfor %}").branches

    def test_name_what_they_use(self):
        template = parse("{{ b }}{% for x in c if x != d %}{{ x }} {{ b }}{% endfor %}")

        assert template.names == {"b": 0, "c": 7, "d": 7}


REFUSED = {
    "a filter": ("SELECT {{ x }}, {{ x|upper }}", "{{ x|upper }} is more than a parameter", 16),
    "an attribute": ("SELECT {{ x.raw }}", "{{ x.raw }} is more than a parameter", 7),
    "an item": ("SELECT {{ x[0] }}", "{{ x[0] }} is more than a parameter", 7),
    "a call": ("SELECT {{ x() }}", "{{ x() }} is more than a parameter", 7),
    "a sum": ("SELECT {{ x + 1 }}", "{{ x + 1 }} is more than a parameter", 7),
    "a text": ("SELECT {{ 'x' }}", "{{ 'x' }} is more than a parameter", 7),
    "a number": ("SELECT {{ 1 }}", "{{ 1 }} is more than a parameter", 7),
    "a choice": ("SELECT {{ x if y else z }}", "{{ x if y else z }} is more than a parameter", 7),
    "the loop": ("{% for a in x %}{{ loop }}{% endfor %}", "{{ loop }} is more than a parameter", 16),
    "truth": ("SELECT {{ true }}", "{{ true }} is more than a parameter", 7),
    "itself": ("SELECT {{ self }}", "{{ self }} is more than a parameter", 7),
    "set": ("a\n{% set y = 1 %}", "{% set y = 1 %} has no place in a body", 2),
    "a macro": ("{% macro m() %}a{% endmacro %}", "{% macro m() %} has no place in a body", 0),
    "include": ("{% include '/etc/passwd' %}", "{% include '/etc/passwd' %} has no place in a body", 0),
    "import": ("a {% import 'x' as y %}", "{% import 'x' as y %} has no place in a body", 2),
    "from": ("{% from 'x' import y %}", "{% from 'x' import y %} has no place in a body", 0),
    "extends": ("{% extends 'x' %}", "{% extends 'x' %} has no place in a body", 0),
    "a block": ("{% block x %}a{% endblock %}", "{% block x %} has no place in a body", 0),
    "with": ("{% with a = 1 %}b{% endwith %}", "{% with a = 1 %} has no place in a body", 0),
    "a filter block": ("{% filter upper %}b{% endfilter %}", "{% filter upper %} has no place in a body", 0),
    "a loop over a call": ("{% for a in range(3) %}b{% endfor %}", "{% for a in range(3) %} has no place in a body", 0),
    "a loop over a list": ("{% for a in [1, 2] %}{{ a }}{% endfor %}", "{% for a in [1, 2] %} has no place in a body", 0),
    "a loop over pairs": ("{% for a, b in x %}b{% endfor %}", "{% for a, b in x %} has no place in a body", 0),
    "recursion": ("{% for a in x recursive %}b{% endfor %}", "{% for a in x recursive %} has no place in a body", 0),
    "a test": ("{{ x }} {% if x is defined %}b{% endif %}", "{% if x is defined %} has no place in a body", 8),
    "a condition's filter": ("{% if x %}{% endif %}{% if x|length > 3 %}b{% endif %}", "{% if x|length > 3 %} has no place in a body", 21),
    "a condition's attribute": ("{% if x %}{% endif %}{% if x.__class__ %}b{% endif %}", "{% if x.__class__ %} has no place in a body", 21),
    "loop's other values": ("{% for a in x %}{% if loop.cycle %}b{% endif %}{% endfor %}", "{% if loop.cycle %} has no place in a body", 16),
    "arithmetic": ("{% if 9 ** 9 ** 9 %}b{% endif %}", "{% if 9 ** 9 ** 9 %} has no place in a body", 0),
    "repetition": ("{% if 'a' * 9999999 %}b{% endif %}", "{% if 'a' * 9999999 %} has no place in a body", 0),
    "a long one": ("{{ x.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa }}", f"{{{{ x.{'a' * 32}... is more than a parameter", 0),
}  # fmt: skip


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "message", "offset"), REFUSED.values(), ids=REFUSED
    )
    def test_keep_bodies_to_parameters_loops_and_conditions(
        self, text: str, message: str, offset: int
    ):
        found = fault(text)

        assert (found.code, str(found), found.offset) == ("template", message, offset)
        assert found.hint == (
            "A body takes {{ parameter }}, {% for x in parameter %} and {% if %}."
        )
        end = text.index("}}" if text[offset + 1] == "{" else "%}", offset) + 2
        assert found.length == end - offset

    @pytest.mark.parametrize(
        ("text", "offset"),
        [
            ("SELECT {{ x", 7),
            ("SELECT {{ }}", 7),
            ("a\nb {% for x %}", 4),
            ("a {% for x in y %} b", 2),
            ("a {% endfor %}", 2),
            ("a {% unknown %}", 2),
            ("a {# b", 2),
            ("a {{ 'x }}", 2),
            ("a {{ x y }}", 2),
            ("a {% raw %} b", 2),
        ],
    )
    def test_of_broken_templates_have_a_place(self, text: str, offset: int):
        found = fault(text)

        assert (found.code, found.offset) == ("template-syntax", offset)
        assert str(found).startswith("the template can't be read: ")

    @pytest.mark.parametrize(
        ("text", "start", "marked", "place"),
        [
            ("WHERE a >= '{{ x }}' AND b", 11, "'{{ x }}'", "a string"),
            ('WHERE a >= "x {{ x }}"', 11, '"x {{ x }}"', "a string"),
            ("SELECT `a_{{ x }}` FROM b", 7, "`a_{{ x }}`", "a quoted name"),
            ("SELECT 1 -- {{ x }}\nFROM b", 9, "-- {{ x }}", "a comment"),
            ("SELECT 1 -- {{ x }}", 9, "-- {{ x }}", "a comment"),
            ("SELECT /* {{ x }}\n*/ 1", 7, "/* {{ x }}\n*/", "a comment"),
            ("SELECT 'it''s {{ x }}'", 7, "'it''s {{ x }}'", "a string"),
            ("SELECT 'it\\'s {{ x }}'", 7, "'it\\'s {{ x }}'", "a string"),
            ("SELECT '{{ x }} FROM", 7, "'{{ x }} FROM", "a string"),
            ("SELECT 'a', '{{ x }}'", 12, "'{{ x }}'", "a string"),
            ("{% for y in z %}'{{ x }}'{% endfor %}", 16, "'{{ x }}'", "a string"),
            ("{% for y in z %}'{% if y %}{{ x }}{% endif %}'{% endfor %}", 16, "'{% if y %}{{ x }}{% endif %}'", "a string"),
        ],
    )  # fmt: skip
    def test_of_placeholders_inside_quotes_mark_the_quotes(
        self, text: str, start: int, marked: str, place: str
    ):
        found = fault(text)

        assert found.code == "quoted-placeholder"
        assert str(found) == f"{{{{ x }}}} stands inside {place}"
        assert text[found.offset :][: found.length] == marked
        assert found.offset == start
        assert bool(found.hint)

    @pytest.mark.parametrize(
        "text", ["r{{ x }}", "a -{{ x }}", "''{{ x }}", '"a"{{ x }}', "`a`{{ x }}", "5{{ x }}", "$ {% if x %}X{% endif %}{{ x }}"]
    )  # fmt: skip
    def test_of_placeholders_that_touch_what_would_change_them(self, text: str):
        r"""In r'a\' -- ' the value would end early, a--5 would be a comment."""
        found = fault(text)

        assert found.code == "touching-placeholder"
        assert text[found.offset :][: found.length] == "{{ x }}"
        assert found.hint == (
            "Put a blank before  {{ x }} : a value brings its own quotes or sign."
        )

    @pytest.mark.parametrize("character", ["\0", "\x01", "\x02", "\x07", "\r", "\x7f"])
    def test_of_control_characters(self, character: str):
        found = fault(f"SELECT {character}")

        assert (found.code, found.offset) == ("bad-character", 7)

    @pytest.mark.parametrize("name", sorted(RESERVED))
    def test_of_words_that_jinja_keeps_for_itself(self, name: str):
        assert fault(f"{{{{ {name} }}}}", **{name: 1}).code == "template"

    def test_of_names_without_a_value(self):
        found = fault("SELECT {{ a }}, {{ b }}", a=1)

        assert (found.code, str(found), found.offset) == (
            "unknown-parameter",
            "{{ b }} is no parameter",
            16,
        )

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a {% for x in n %}b{% endfor %}", "the template fails: 5 is no list"),
            ("a {% for x in s %}b{% endfor %}", "the template fails: 'x' is no list"),
            ("a {% if n > 'x' %}b{% endif %}", "the template fails: '>' not supported between instances of 'int' and 'str'"),
            ("a {% if 'x' in n %}b{% endif %}", None),
            ("a {% for x in keys %}{% for y in x %}b{% endfor %}{% endfor %}", "the template fails: `a` is no list"),
        ],
    )  # fmt: skip
    def test_of_what_fails_on_rendering(self, text: str, message: str | None):
        if message is None:
            assert rendered(text, n=5) == "a "
            return
        found = fault(text, n=5, s="x", keys=["a"])

        assert (found.code, str(found), found.offset) == ("template", message, 2)


class TestLimits:
    NESTED = "{% for a in x %}{% for b in x %}{% for c in x %}{{ c }}{% endfor %}{% endfor %}{% endfor %}"  # fmt: skip

    def test_stop_loops_that_give_much(self):
        began = time.monotonic()
        found = fault(self.NESTED, x=[f"c{one}" for one in range(1000)])

        assert found.code == "template-limit"
        assert found.hint == "At most 4,000,000 characters in 5 s."
        assert (found.offset, found.length) == (0, len(self.NESTED))
        assert time.monotonic() - began < 30

    def test_stop_loops_that_give_nothing(self):
        text = self.NESTED.replace("{{ c }}", "")

        assert fault(text, x=["c"] * 1000).code == "template-limit"

    def test_stop_long_output(self):
        text = "{% for a in x %}{{ s }} {% endfor %}"

        assert fault(text, x=["c"] * 50, s="x" * 100_000).code == "template-limit"

    def test_stop_after_some_time(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(rendering, "LONGEST_TIME", -1.0)

        assert fault("SELECT 1").code == "template-limit"

    @pytest.mark.parametrize("text", ["{% if a %}" * 5000, "{{ a.a" + ".a" * 9000])
    def test_hold_for_deep_bodies(self, text: str):
        assert fault(text).code == "template-syntax"

    def test_leave_long_bodies_alone(self):
        assert rendered("{{ a }} " * 5000 + "(" * 5000, a=1).startswith("1 1 1 ")

    def test_leave_a_thousand_columns_alone(self):
        columns = [f"c{one}" for one in range(1000)]
        text = "{% for a in x %}avg({{ a }}) AS {{ a }},\n{% endfor %}"

        assert rendered(text, x=columns).count("avg(") == 1000


WORDS = st.text("abz .,()=\n*", min_size=1, max_size=12)


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """Text, placeholders and blocks, nested; never touching, never quoted."""
    parts = []
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["text", "text", "name", "for", "if"]))
        if kind == "text":
            parts.append(draw(WORDS))
        elif kind == "name":
            parts.append(f" {{{{ {draw(st.sampled_from(['n', 's', 'keys']))} }}}}")
        elif kind == "for":
            inner = draw(WORDS)
            parts.append(
                f"\n{{% for k in keys %}}\n {inner} {{{{ k }}}},\n{{% endfor %}}\n"
            )
        else:
            parts.append(
                f"{{% if n > {draw(st.integers(3, 7))} %}}{draw(WORDS)} {{{{ s }}}}{{% endif %}}"
            )
    return "".join(parts)


class TestOrigins:
    @pytest.mark.parametrize(
        ("text", "found", "origin"),
        [
            ("SELECT {{ keys }}, b FROM c", "SELECT", 0),
            ("SELECT {{ keys }}, b FROM c", "`a`", 7),
            ("SELECT {{ keys }}, b FROM c", "`b`", 7),
            ("SELECT {{ keys }}, b FROM c", "b FROM", 19),
            ("SELECT {{ keys }}, b FROM c", "c", 26),
            ("a\n{% for k in keys %}\n  avg({{ k }}),\n{% endfor %}\nz", "avg(`b`", 24),
            ("a\n{% for k in keys %}\n  avg({{ k }}),\n{% endfor %}\nz", "`b`", 28),
            ("a\n{% for k in keys %}\n  avg({{ k }}),\n{% endfor %}\nz", "z", 51),
        ],
    )
    def test_of_text_and_placeholders(self, text: str, found: str, origin: int):
        result = parse(text).render(values(keys=["a", "b"]))

        assert result.origin(result.text.rindex(found)) == origin

    def test_of_names_that_are_replaced(self):
        text = "SELECT * FROM a.b JOIN {{ n }} ON a.b"
        result = parse(text).render(values(n=1), {(14, 17): "`main`.`a`.`b`"})

        assert result.text == "SELECT * FROM `main`.`a`.`b` JOIN 1 ON a.b"
        assert {result.origin(offset) for offset in range(14, 28)} == {14}
        assert result.origin(result.text.index("JOIN")) == text.index("JOIN")
        assert result.origin(result.text.index("ON")) == text.index("ON")

    def test_of_names_in_a_loop(self):
        text = "{% for k in keys %}SELECT {{ k }} FROM a.b;{% endfor %}"
        at = text.index("a.b")
        result = parse(text).render(values(keys=["x", "y"]), {(at, at + 3): "`c`"})

        assert result.text == "SELECT `x` FROM `c`;SELECT `y` FROM `c`;"
        assert [result.origin(one) for one in (16, 36)] == [at, at]
        assert result.origin(result.text.rindex("SELECT")) == text.index("SELECT")

    @given(bodies(), st.integers(0, 9), st.text("ab'`\\\0\n"))
    def test_lead_every_character_back(self, text: str, number: int, word: str):
        template = Template(text)
        result = template.render(values(n=number, s=word, keys=["k1", "k2"]))

        assert "\0" not in result.text
        for offset, character in enumerate(result.text):
            origin = result.origin(offset)
            if text[origin] != "{" or text[origin + 1] != "{":
                assert text[origin] == character

    @given(bodies(), st.integers(0, 9))
    def test_are_the_same_when_nothing_is_to_fill_in(self, text: str, number: int):
        """A name replaced by itself changes no origin outside of it."""
        words = [at for at in range(len(text)) if text.startswith("ab", at)]
        inside = [piece for piece in Template(text)._pieces if not piece.placeholder]
        same = {
            (at, at + 2): "ab"
            for at in words
            if any(
                one.offset <= at and at + 2 <= one.offset + len(one.text)
                for one in inside
            )
        }
        given_values = values(n=number, s="x", keys=["k"])
        plain = Template(text).render(given_values)
        replaced = Template(text).render(given_values, same)

        assert replaced.text == plain.text
        for offset in range(len(plain.text)):
            assert replaced.origin(offset) in (
                plain.origin(offset),
                plain.origin(offset) - 1,
            )
