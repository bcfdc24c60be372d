"""Literals are what Python reads back, laid out as `ruff format` has them."""

from __future__ import annotations

import ast
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mdf_magics.planning.literals import Name, literal
from tests.planning.formatting import ruff

ALPHABET = st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs", "Cc"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(ALPHABET, max_size=60),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(ALPHABET, max_size=20), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
@example({"a": ["x" * 80, "'", '"', "\\", "\n"]})
def test_literal_is_read_back_as_the_same_value(value: Any) -> None:
    assert ast.literal_eval(literal(value, 0, 0)) == value


# Where ruff splits depends on how wide characters are shown: those that everyone uses.
PLAIN = st.text(
    st.sampled_from("abc xyz0189_.,:'\"\\{}()[]#\n\t\u00e9\u00df\u0416\u8868\u540d")
)
NESTED = st.recursive(
    PLAIN | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=5)
        | st.dictionaries(PLAIN, inner, min_size=1, max_size=5)
    ),
    max_leaves=20,
)


@given(st.dictionaries(PLAIN, NESTED, max_size=4), st.integers(0, 2))
def test_literal_is_as_ruff_format_writes_it(value: Any, split: int) -> None:
    text = f"TABLES = {literal(value, 0, len('TABLES = '), split=split)}\n"

    assert ruff(text, "format", "--diff") == ""


def test_value_and_a_comma_behind_it_take_88_columns_at_most() -> None:
    fits = "a" * (88 - len('x = [""],'))

    assert literal([fits], 0, len("x = ")) == f'["{fits}"]'
    assert literal([f"{fits}a"], 0, len("x = ")) == f'[\n    "{fits}a",\n]'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("it's", '"it\'s"', id="one quote"),
        pytest.param('say "x"', "'say \"x\"'", id="double quotes"),
        pytest.param("'\"", '"\'\\""', id="one of each"),
        pytest.param("a\\d", '"a\\\\d"', id="backslash"),
        pytest.param("\x1b\u2028", '"\\x1b\\u2028"', id="not printable"),
        pytest.param(1e16, "1e16", id="large"),
        pytest.param(-0.5, "-0.5", id="negative"),
        pytest.param(Name("late"), "late", id="name"),
        pytest.param({}, "{}", id="empty"),
        pytest.param({"a": []}, '{"a": []}', id="empty inside"),
    ],
)
def test_literal(value: Any, expected: str) -> None:
    assert literal(value, 0, 0) == expected


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_floats_that_have_no_literal_are_made(value: float) -> None:
    made = eval(literal(value, 0, 0))

    assert repr(made) == repr(value)
