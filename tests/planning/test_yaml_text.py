"""YAML as PyYAML dumps it, lists indented; whatever is written is read back."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mdf_magics.planning.yaml_text import yaml_text

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\ufeff"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1))
@example({"a": [[["b"], {}], [{"c": [1, 1.0, True]}], "- d", "e: f", "#g", "{{h}}"]})
@example({"no": "no", "null": "null", "1": "1", "2020-01-01": "2020-01-01", "": ""})
@example({"a": "b\nc\n", "d": " e ", "f": "\t", "g": "\x85\u2028"})
def test_text_is_read_back_as_the_same_value(value: dict[str, Any]) -> None:
    # repr: 1, 1.0 and True are equal.
    assert repr(yaml.safe_load(yaml_text(value))) == repr(value)


class Indented(yaml.SafeDumper):
    """PyYAML's own emitter in Python, told to indent lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


# What its emitter in C writes otherwise: an escape in upper case, for instance.
PLAIN = st.text(
    st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20
)
PLAIN_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3)
    ),
)


@given(st.dictionaries(PLAIN, PLAIN_VALUES, min_size=1))
def test_text_is_as_pyyaml_dumps_it(value: dict[str, Any]) -> None:
    expected = yaml.dump(value, Dumper=Indented, sort_keys=False, width=10**9)

    assert yaml_text(value) == expected
