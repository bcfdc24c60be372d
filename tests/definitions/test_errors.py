"""Problems as people and programs read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.errors import (
    WIDEST,
    DefinitionError,
    MdfError,
    Place,
    Problem,
    Source,
    closest,
    did_you_mean,
)

FILE = Source("definitions/tables/a.yml", "tables:\n  - name: bronze.a\n    grup: x\n")


class TestText:
    def test_shows_the_line_with_a_caret_and_the_hint_below(self):
        problem = Problem(
            "unknown-key", 'there is no key "grup"', "Write  group .\nOr not.",
            Place(FILE, 3, 5, 4),
        )  # fmt: skip

        assert str(problem) == (
            'unknown-key: there is no key "grup"\n'
            "  definitions/tables/a.yml:3:5\n"
            "    3 |     grup: x\n"
            "      |     ^^^^\n"
            "  Write  group .\n"
            "  Or not."
        )

    def test_shows_earlier_lines_where_they_are_asked_for(self):
        text = "\n".join(f"line {number}" for number in range(1, 12))
        problem = Problem("x", "y", place=Place(Source("", text), 10, 6, 2, 2))

        assert str(problem) == (
            "x: y\n"
            "  cell line 10, column 6\n"
            "     8 | line 8\n"
            "     9 | line 9\n"
            "    10 | line 10\n"
            "       |      ^^"
        )

    def test_marks_warnings(self):
        assert str(Problem("x", "y", severity="warning")) == "warning: x: y"

    @pytest.mark.parametrize("line", [0, 4, 99])
    def test_leaves_lines_out_that_arent_there(self, line: int):
        text = str(Problem("x", "y", place=Place(Source("f", "a\nb\nc"), line)))

        assert text == f"x: y\n  f:{line}:1"

    def test_cuts_a_long_line_around_the_place(self):
        text = "a" * 300 + "HERE" + "b" * 300
        lines = str(Problem("x", "y", place=Place(Source("f", text), 1, 301, 4)))
        shown, carets = lines.splitlines()[2:]

        assert len(shown) <= WIDEST + 8
        assert shown[carets.index("^") :].startswith("HERE")
        assert carets.count("^") == 4

    def test_shows_tabs_and_crlf_without_moving_the_caret(self):
        problem = Problem("x", "y", place=Place(Source("f", "\ta: b\r\nc\r\n"), 1, 5))

        assert str(problem).splitlines()[2:] == ["    1 |  a: b", "      |     ^"]

    @pytest.mark.parametrize(
        "character", ["\x1b", "\x07", "\x00", "\x9b", "\u202e", "\u2066", "\u200f"]
    )
    def test_lets_no_control_character_through(self, character: str):
        """A name may not move a terminal's cursor or turn its text around."""
        source = Source("f", f"a: {character}[2Jx")
        text = str(Problem("x", f"y {character}", f"z {character}", Place(source, 1)))

        assert character not in text
        assert text.count("\N{REPLACEMENT CHARACTER}") == 3

    @given(st.text(), st.integers(-2, 9), st.integers(1, 400), st.integers(0, 99))
    def test_any_place_in_any_text_can_be_shown(
        self, text: str, line: int, column: int, length: int
    ):
        assert str(
            Problem("x", "y", place=Place(Source("f", text), line, column, length))
        )


def test_json_has_the_documented_shape():
    problem = Problem("unknown-key", "m", "h", Place(FILE, 3, 5, 4))

    assert problem.to_json() == {
        "code": "unknown-key",
        "severity": "error",
        "file": "definitions/tables/a.yml",
        "line": 3,
        "column": 5,
        "message": "m",
        "hint": "h",
    }
    nowhere = Problem("x", "m").to_json()
    assert (nowhere["file"], nowhere["line"], nowhere["column"]) == (None, None, None)
    in_a_cell = Problem("x", "m", place=Place(Source("", "a"), 1)).to_json()
    assert (in_a_cell["file"], in_a_cell["line"]) == (None, 1)


def test_an_error_shows_all_its_problems_and_its_note():
    one, two = Problem("a", "first"), Problem("b", "second", "Do it.")

    assert str(DefinitionError(one, note="Nothing was saved.")) == (
        "a: first\n  Nothing was saved."
    )
    assert str(MdfError(one, two, note="Nothing was saved.")) == (
        "a: first\n\nb: second\n  Do it.\n\nNothing was saved."
    )
    assert MdfError(one, two).problems == [one, two]


class TestCloseNames:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("new_file", "new_files"),
            ("New_Files", "new_files"),
            ("averges", "averages"),
            ("xyz", None),
            ("", None),
        ],
    )
    def test_the_closest_is_what_was_most_likely_meant(
        self, written: str, meant: str | None
    ):
        assert closest(written, ["averages", "changes", "new_files"]) == meant

    def test_a_hint_names_the_closest_and_what_there_is(self):
        names = ["b_two", "a_one"]

        assert (
            did_you_mean("a_on", names)
            == 'Did you mean "a_one"? There are: a_one, b_two.'
        )
        assert did_you_mean("zzz", names) == "There are: a_one, b_two."
        assert did_you_mean("x", []) == ""
        assert did_you_mean("zzz", names, limit=1) == "There are: a_one and 1 more."
