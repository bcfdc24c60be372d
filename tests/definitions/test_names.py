"""Names, their homes and their task keys (DESIGN, sections 3 and 7)."""

from __future__ import annotations

import keyword
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.definitions.names import (
    QUARANTINE,
    RESERVED_GROUPS,
    Homes,
    function_fault,
    quoted,
    table_fault,
    task_key,
    word_fault,
)

HOMES = Homes("main", "raw", "me_", frozenset({"silver.planes", "gold.a"}))


class TestWords:
    @pytest.mark.parametrize("name", ["a", "flights", "a1_b", "a" * 60, "x_1_y"])
    def test_name_projects_groups_and_transformations(self, name: str):
        assert word_fault(name) is None
        assert function_fault(name) is None

    @pytest.mark.parametrize(
        "name",
        ["", "A", "1a", "_a", "a-b", "a.b", "a b", "a" * 61, "é", "a\n", "\uff41", "a/b", "..", "a\0"],
    )  # fmt: skip
    def test_are_lower_case_letters_digits_and_underscores(self, name: str):
        assert word_fault(name) == (
            "must be lower case letters, digits and _, start with a letter, up to 60"
        )

    @pytest.mark.parametrize("name", ["a__b", "a_", "a__"])
    def test_leave_double_underscores_to_what_is_generated(self, name: str):
        assert word_fault(name) == "must not contain __ or end in _"

    @pytest.mark.parametrize("name", [one for one in keyword.kwlist if one.islower()])
    def test_of_python_name_no_transformation(self, name: str):
        """Generated code has a function of that name."""
        assert function_fault(name) == (
            "is a word of Python: generated code can't call a function so"
        )

    def test_that_mean_something_name_no_group(self):
        assert {"all", "mdf_runtime"} == RESERVED_GROUPS


class TestTables:
    @pytest.mark.parametrize(
        "name", ["a.b", "_a._b", "silver.planes_2", f"{'a' * 255}.{'b' * 255}"]
    )
    def test_are_named_by_schema_and_table(self, name: str):
        assert table_fault(name) is None

    @pytest.mark.parametrize(
        ("name", "fault"),
        [
            ("planes", "must be schema.table"),
            ("a.b.c", "must be b.c: the catalog is the target's"),
            ("", "must be schema.table"),
            ("Silver.Planes", "must be lower case, as Unity Catalog stores it: silver.planes"),
            ("a.", "must be letters, digits and _ on both sides of the dot"),
            (".b", "must be letters, digits and _ on both sides of the dot"),
            ("a.b-c", "must be letters, digits and _ on both sides of the dot"),
            ("a.1b", "must be letters, digits and _ on both sides of the dot"),
            ("a.b\n", "must be letters, digits and _ on both sides of the dot"),
            ("a.`b`", "must be letters, digits and _ on both sides of the dot"),
            (f"a.{'b' * 256}", "must be letters, digits and _ on both sides of the dot"),
            ("a.b_quarantine", "must not end in _quarantine: that is where rejected rows go"),
        ],
    )  # fmt: skip
    def test_say_what_a_name_must_be(self, name: str, fault: str):
        assert table_fault(name) == fault

    @given(st.from_regex(r"[a-z0-9_.]{0,12}", fullmatch=True))
    def test_a_good_name_needs_no_quotes(self, name: str):
        if table_fault(name) is None:
            assert quoted(name) == "`" + name.replace(".", "`.`") + "`"


class TestHomes:
    @pytest.mark.parametrize(
        ("name", "home"),
        [
            ("silver.planes", "main.me_silver.planes"),
            ("silver.planes_quarantine", "main.me_silver.planes_quarantine"),
            ("silver.boats", "raw.silver.boats"),
            ("silver.boats_quarantine", "raw.silver.boats_quarantine"),
            ("other.silver.planes", "other.silver.planes"),
            ("main.me_silver.planes", "main.me_silver.planes"),
        ],
    )
    def test_of_ours_sources_and_three_parts(self, name: str, home: str):
        assert HOMES.resolve(name) == home

    @pytest.mark.parametrize(
        ("home", "name"),
        [
            ("main.me_silver.planes", "silver.planes"),
            ("main.me_silver.planes_quarantine", "silver.planes_quarantine"),
            ("main.silver.planes", None),
            ("main.me_silver.boats", None),
            ("raw.me_silver.planes", None),
        ],
    )
    def test_tell_which_are_ours(self, home: str, name: str | None):
        assert HOMES.ours(home) == name

    def test_know_who_makes_a_table_of_rejected_rows(self):
        assert HOMES.made_by(f"gold.a{QUARANTINE}") == "gold.a"
        assert HOMES.made_by("gold.a") == "gold.a"
        assert HOMES.made_by("gold.b") is None

    @given(st.text(min_size=1).filter(lambda text: "." not in text))
    def test_are_quoted_so_that_nothing_breaks_out(self, part: str):
        text = quoted(f"a.{part}")

        assert text.startswith("`a`.`")
        assert text[5:-1].replace("``", "").count("`") == 0
        assert text[5:-1].replace("``", "`") == part


class TestTaskKeys:
    def test_have_a_dash_for_the_dot(self):
        assert task_key("silver.planes") == "silver-planes"

    @given(st.integers(1, 255), st.integers(1, 255))
    def test_fit_the_jobs_api(self, schema: int, table: int):
        assert re.fullmatch(
            r"[a-z0-9_-]{1,100}", task_key(f"{'s' * schema}.{'t' * table}")
        )

    def test_are_cut_with_a_hash_only_above_100_characters(self):
        fits, long, other = (f"{'s' * 49}.{'t' * size}" for size in (50, 51, 52))

        assert task_key(fits) == fits.replace(".", "-")
        assert len(task_key(long)) == len(task_key(other)) == 100
        assert task_key(long)[:91] == task_key(other)[:91]
        assert task_key(long) != task_key(other)
        assert task_key(long) == task_key(long)
