"""YAML is read as plain values; what it would misread or can't hold is a problem."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.definitions import composing
from mdf_magics.definitions.composing import DEEPEST
from mdf_magics.definitions.reading import (
    LARGEST_FILE,
    Document,
    read_document,
    read_text,
)
from mdf_magics.errors import Problem, Source


def read(text: str, name: str = "definitions/x.yml") -> Document:
    return read_document(Source(name, text))


def told(problem: Problem) -> tuple[str, int, int]:
    assert problem.place
    return problem.code, problem.place.line, problem.place.column


def only(document: Document) -> Problem:
    (problem,) = document.problems
    return problem


class TestValues:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("plain text", "plain text"),
            ("'no'", "no"),
            ('"012"', "012"),
            ("y", "y"),
            ("true", True),
            ("False", False),
            ("0", 0),
            ("-12", -12),
            ("+3", 3),
            ("1.5", 1.5),
            ("1.5e+3", 1500.0),
            ("1e5", 100000.0),
            ("-2.5E3", -2500.0),
            (".inf", math.inf),
            ("-.INF", -math.inf),
            ("~", None),
            ("", None),
            ("2024-02-29", dt.date(2024, 2, 29)),
            ("2024-01-01 06:30:00", dt.datetime(2024, 1, 1, 6, 30)),  # noqa: DTZ001
            (
                "2024-01-01T06:30:00Z",
                dt.datetime(2024, 1, 1, 6, 30, tzinfo=dt.UTC),
            ),
            ("=", "="),
            ("!!str 012", "012"),
            ("!!str no", "no"),
            ("08", "08"),
            ("1.2.3", "1.2.3"),
            ("${var.x}", "${var.x}"),
            ("é€😀", "é€😀"),
            ("[a, [1], {b: c}]", ["a", [1], {"b": "c"}]),
            ("|\n  a\n  b\n", "a\nb\n"),
            (">-\n  a\n  b\n", "a b"),
        ],
    )
    def test_are_what_a_reader_expects(self, text: str, value: Any):
        document = read(f"key: {text}\n")

        assert document.problems == []
        assert document.value == {"key": value}
        assert type(document.value["key"]) is type(value)

    def test_nan_equals_itself_so_that_a_definition_equals_itself(self):
        assert read("x: .nan").value == read("x: .NaN").value

    @pytest.mark.parametrize("key", ["on", "no", "2013", "12:30:45", "~", "a b", "'x'"])
    def test_a_key_is_always_text(self, key: str):
        document = read(f"{key}: 1\n")

        assert document.problems == []
        assert document.value == {key.strip("'"): 1}

    def test_anchors_and_merges_are_followed_and_own_keys_win(self):
        document = read(
            "a: &a {x: 1, y: 1}\n"
            "b: &b {y: 2, z: 2}\n"
            "c: {<<: [*a, *b], z: 3}\n"
            "d: {x: 4, <<: *a}\n"
            "e: [*a]\n"
        )

        assert document.problems == []
        assert document.value["c"] == {"x": 1, "y": 1, "z": 3}
        assert document.value["d"] == {"x": 4, "y": 1}
        assert document.value["e"] == [{"x": 1, "y": 1}]

    @pytest.mark.parametrize(
        "text",
        ["", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "~"],
        ids=["nothing", "blank lines", "comment", "marker", "both markers", "null"],
    )
    def test_an_empty_text_is_no_value_and_no_problem(self, text: str):
        assert read(text).value is None
        assert read(text).problems == []

    def test_crlf_and_final_newline_make_no_difference(self):
        text = "a: |\n  SELECT 1\n  FROM x\nb: [c]\n"

        assert read(text.replace("\n", "\r\n")).value == read(text).value
        assert read(text.rstrip()).value == read(text).value

    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.text(), inner, max_size=4)
            ),
            max_leaves=12,
        ),
        st.sampled_from([None, 2, "\t"]),
        st.booleans(),
    )
    def test_a_json_file_is_read_as_json_reads_it(
        self, value: Any, indent: int | str | None, ascii_only: bool
    ):
        text = json.dumps(
            {"value": value}, indent=indent, ensure_ascii=ascii_only, allow_nan=False
        )
        document = read(text, "definitions/tables/x.json")
        if not document.problems:
            assert document.value == {"value": value}
        else:
            codes = {problem.code for problem in document.problems}
            assert codes <= {"bad-character", "yaml-syntax"}
            assert not ascii_only or any(len(key) > 500 for key in text.split('"'))

    @given(st.text(max_size=300))
    def test_any_text_gives_a_document_or_a_problem_with_a_place(self, text: str):
        document = read(text)

        for problem in document.problems:
            assert problem.place
            assert problem.place.line >= 1
            assert problem.place.column >= 1
            assert str(problem)


class TestSurprises:
    """What YAML 1.1 reads as something that nobody wrote."""

    @pytest.mark.parametrize(
        ("written", "said"),
        [
            ("no", 'YAML reads no as the truth value false\nWrite  "no"  if text is meant, or  false  if not.'),
            ("On", 'YAML reads On as the truth value true\nWrite  "On"  if text is meant, or  true  if not.'),
            ("YES", 'YAML reads YES as the truth value true\nWrite  "YES"  if text is meant, or  true  if not.'),
            ("012", 'YAML reads 012 as the octal number 10\nWrite  "012"  if text is meant, or  12  if not.'),
            ("0_7", 'YAML reads 0_7 as the octal number 7\nWrite  "0_7"  if text is meant, or  7  if not.'),
            ("0x1F", 'YAML reads 0x1F as the number 31\nWrite  "0x1F"  if text is meant, or  31  if not.'),
            ("0b11", 'YAML reads 0b11 as the number 3\nWrite  "0b11"  if text is meant, or  3  if not.'),
            ("1_000", 'YAML reads 1_000 as the number 1000\nWrite  "1_000"  if text is meant, or  1000  if not.'),
            ("1_0.5", 'YAML reads 1_0.5 as the number 10.5\nWrite  "1_0.5"  if text is meant, or  10.5  if not.'),
            ("0b_", 'YAML reads 0b_ as a number that there isn\'t\nWrite  "0b_"  if text is meant.'),
            ("12:30:45", 'YAML reads 12:30:45 as a number in base 60\nWrite  "12:30:45"  if text is meant.'),
            ("1:30.5", 'YAML reads 1:30.5 as a number in base 60\nWrite  "1:30.5"  if text is meant.'),
            ("2024-02-30", 'YAML reads 2024-02-30 as a date or time that there isn\'t\nWrite  "2024-02-30"  if text is meant.'),
            ("2024-01-01 25:00:00", 'YAML reads 2024-01-01 25:00:00 as a date or time that there isn\'t\nWrite  "2024-01-01 25:00:00"  if text is meant.'),
        ],
    )  # fmt: skip
    def test_are_problems_with_the_fix(self, written: str, said: str):
        document = read(f"list:\n  - {written}\n")
        problem = only(document)

        assert told(problem) == ("yaml-surprise", 2, 5)
        assert f"{problem.message}\n{problem.hint}" == said
        assert document.value == {"list": [written]}
        assert problem.place
        assert problem.place.length == len(written)

    def test_a_number_of_thousands_of_digits_is_none(self):
        assert told(only(read(f"x: {'9' * 5000}"))) == ("yaml-surprise", 1, 4)

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("a: !!python/object:os.system x", (1, 4)),
            ("a: !!python/object/apply:os.system {x: 1}", (1, 4)),
            ("a: !!python/tuple [1]", (1, 4)),
            ("a: !custom x", (1, 4)),
            ("a: !custom [x]", (1, 4)),
            ("a:\n  - !!binary aGk=", (2, 5)),
            ('a: !!binary "aGk="', (1, 4)),
            ("a: !!set {x, y}", (1, 4)),
            ("a: !!omap [x: 1]", (1, 4)),
            ("a: !!int abc", (1, 4)),
            ('a: !!int "5"', (1, 4)),
            ("a: !!float x", (1, 4)),
            ("a: !!bool maybe", (1, 4)),
        ],
    )
    def test_tags_mean_nothing(self, text: str, place: tuple[int, int]):
        problem = only(read(text))

        assert told(problem) == ("yaml-tag", *place)
        assert problem.hint == "Remove it: definitions are plain values."

    def test_a_surprise_behind_an_anchor_is_reported_once(self):
        document = read("a: &a [no]\nb: [*a, *a]\nc: *a\n")

        assert [told(one) for one in document.problems] == [("yaml-surprise", 1, 8)]


class TestKeys:
    def test_a_key_that_is_there_twice_is_a_problem_at_the_second(self):
        problem = only(read("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n"))

        assert told(problem) == ("duplicate-key", 5, 3)
        assert problem.message == 'the key "c" is there already, in line 3'
        assert problem.hint == "Keep one of them."

    def test_every_repetition_is_told(self):
        document = read("{a: 1, a: 2, a: 3}")

        assert [told(one)[2] for one in document.problems] == [8, 14]

    def test_a_merged_key_may_be_there_again(self):
        assert read("a: &a {x: 1}\nb: {<<: *a, x: 2}").problems == []

    @pytest.mark.parametrize(
        ("text", "place"),
        [("? [a, b]\n: 1\n", (1, 3)), ("? {a: b}\n: 1\n", (1, 3))],
        ids=["list", "mapping"],
    )
    def test_a_list_or_mapping_is_no_key(self, text: str, place: tuple[int, int]):
        assert told(only(read(text))) == ("bad-key", *place)

    @pytest.mark.parametrize("value", ["5", "[1]", "[{a: 1}, b]", "~"])
    def test_only_mappings_are_merged(self, value: str):
        problem = only(read(f"x:\n  <<: {value}\n"))

        assert told(problem) == ("bad-merge", 2, 7)

    def test_many_keys_take_linear_time(self):
        """placement.yml has a line for each table."""
        text = "".join(f"silver.t{number}: silver\n" for number in range(20_000))
        began = time.process_time()

        assert len(read(text).value) == 20_000
        assert time.process_time() - began < 10


class TestSyntax:
    @pytest.mark.parametrize(
        ("text", "place", "hint"),
        [
            (
                "a:\n\tb: 1\n",
                (2, 1),
                "A tab can't indent YAML: use spaces.",
            ),
            (
                "a: b: c\n",
                (1, 5),
                'A text that holds ": " needs quotes; a key needs a line of its own, and a blank behind its colon.',
            ),
            (
                "a: 1\n---\nb: 2\n",
                (2, 1),
                "Write one document: remove the line `---` between them.",
            ),
            (
                "a: [1, 2\nb: 3\n",
                (2, 2),
                "Close the [ of line 1 before this.",
            ),
            (
                "a: 'x\nb: 1\n",
                (1, 4),
                "Close it.",
            ),
            (
                "a: 1\n b: 2\n",
                (2, 3),
                'A text that holds ": " needs quotes; a key needs a line of its own, and a blank behind its colon.',
            ),
            (
                "a: *nothing\n",
                (1, 4),
                "An alias *x repeats what was marked with &x before it.",
            ),
            (
                "a: @x\n",
                (1, 4),
                "A text that starts with @ needs quotes.",
            ),
            (
                "a: `x`\n",
                (1, 4),
                "A text that starts with ` needs quotes.",
            ),
            (
                "a: %x\n",
                (1, 4),
                "A text that starts with % needs quotes.",
            ),
            (
                "a: {{ x }}\n",
                (1, 4),
                "A text that starts with { needs quotes.",
            ),
        ],
        ids=lambda value: (
            repr(value) if isinstance(value, str) and ":" in value else ""
        ),
    )
    def test_errors_have_a_place_and_a_fix(
        self, text: str, place: tuple[int, int], hint: str
    ):
        problem = only(read(text))

        assert told(problem) == (
            "bad-key" if "{{" in text else "yaml-syntax",
            *place,
        )
        assert problem.hint == hint

    @pytest.mark.parametrize(
        ("character", "name"),
        [
            ("\0", "U+0000"),
            ("\x07", "U+0007"),
            ("\x1b", "U+001B"),
            ("\x7f", "U+007F"),
            ("\x0c", "U+000C"),
            ("\ufffe", "U+FFFE"),
        ],
    )
    def test_control_characters_are_refused(self, character: str, name: str):
        problem = only(read(f"a: 1\nbc: x{character}y\n"))

        assert told(problem) == ("bad-character", 2, 6)
        assert problem.message == f"the character {name} is not allowed in YAML"

    @pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
    def test_line_ends_that_only_yaml_sees_are_refused(self, character: str):
        """Editors don't count them, so that lines would have two numbers."""
        problem = only(read(f"a: 1\nbc: x{character}y\n"))

        assert told(problem) == ("bad-character", 2, 6)
        assert problem.hint == (
            f"Remove it, or write it as  \\u{ord(character):04x}  between double quotes."
        )
        escaped = read(f'a: "\\u{ord(character):04x}"')
        assert escaped.value == {"a": character}

    def test_a_byte_order_mark_inside_is_refused(self):
        """Libyaml skips it and doesn't count it: edits would miss their place."""
        assert told(only(read("\ufeffa: 1\n"))) == ("bad-character", 1, 1)


class TestBombs:
    """Texts made to bring a reader down."""

    @pytest.mark.parametrize(
        "text",
        [
            "[" * 100_000,
            "{a: " * 100_000,
            "- " * 100_000,
            "? " * 100_000,
            '["]",' * 100_000,
            "[']','}'," * 100_000,
            "".join(f"{' ' * level}a:\n" for level in range(3_000)),
            "x: " + "[" * 600 + "]" * 600,
        ],
        ids=["lists", "maps", "dashes", "keys", "quoted", "both", "indented", "closed"],
    )
    def test_nesting_is_cut_off(self, text: str):
        """Libyaml's composer ends the process beyond some thousand levels."""
        problem = only(read(text))

        assert problem.code == "too-deep"
        assert problem.message == f"values are nested deeper than {DEEPEST} levels"

    def test_brackets_in_texts_are_no_nesting(self):
        text = "".join(
            f"- sql: |\n    SELECT regexp_replace(a, '[{{', '') AS c{number}\n"
            for number in range(1_000)
        )

        assert read(text).problems == []

    def test_what_is_allowed_can_be_nested(self):
        inner = DEEPEST - 2
        assert read("x: " + "[" * inner + "]" * inner).problems == []

    @pytest.mark.parametrize("inner", ["[{}]", "{{{}}}"], ids=["lists", "mappings"])
    def test_aliases_that_expand_without_end_are_cut_off(
        self, inner: str, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(composing, "MOST_NODES", 100_000)
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        for level in range(1, 30):
            aliases = [f"*a{level - 1}" for _ in range(9)]
            if inner[0] == "{":
                aliases = [f"k{place}: {one}" for place, one in enumerate(aliases)]
            lines.append(f"a{level}: &a{level} " + inner.format(", ".join(aliases)))
        document = read("\n".join(lines).replace("{{", "{").replace("}}", "}"))

        assert [one.code for one in document.problems] == ["too-many-values"]

    def test_merges_that_expand_without_end_are_followed_once(self):
        lines = ["a0: &a0 {x: 1}"]
        for level in range(1, 40):
            merged = ", ".join([f"*a{level - 1}"] * 9)
            lines.append(f"a{level}: &a{level} {{<<: [{merged}], k{level}: 1}}")
        document = read("\n".join(lines))

        assert document.problems == []
        assert len(document.value["a39"]) == 40
        assert document.place(("a39", "x")).line == 1

    @pytest.mark.parametrize(
        "text", ["a: &a [*a]", "a: &a {b: *a}", "&a [x, *a]"], ids=repr
    )
    def test_a_value_inside_itself_is_cut_off(self, text: str):
        assert [one.code for one in read(text).problems] == ["too-deep"]

    def test_a_mapping_merged_into_itself_adds_nothing(self):
        assert read("a: &a {<<: *a, x: 1}").value == {"a": {"x": 1}}

    def test_values_are_counted_before_they_fill_the_memory(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(composing, "MOST_NODES", 1_000)
        document = read("[" + "a," * 1_001 + "]")

        assert [one.code for one in document.problems] == ["too-many-values"]

    def test_long_lines_and_texts_are_fine(self):
        text = f"a: {'x' * 300_000}\nb: |\n" + "  SELECT 1,\n" * 20_000

        assert read(text).problems == []


class TestFiles:
    def test_are_utf_8_with_or_without_a_mark(self, tmp_path: Path):
        for mark in (b"", b"\xef\xbb\xbf"):
            (tmp_path / "x.yml").write_bytes(mark + "a: é".encode())

            assert read_text(tmp_path / "x.yml", "x.yml") == ("a: é", None)

    def test_keep_their_line_ends(self, tmp_path: Path):
        (tmp_path / "x.yml").write_bytes(b"a: 1\r\nb: 2\r\n")

        assert read_text(tmp_path / "x.yml", "x.yml")[0] == "a: 1\r\nb: 2\r\n"

    def test_in_latin_1_have_a_problem_at_the_byte(self, tmp_path: Path):
        path = tmp_path / "x.yml"
        path.write_bytes("# Å\na: 1\nname: é ".encode() + b"\x85 caf\xe9\n")
        _, problem = read_text(path, "definitions/x.yml")

        assert str(problem) == (
            "not-utf8: byte 0x85 is not UTF-8\n"
            "  definitions/x.yml:3:9\n"
            "    3 | name: é \N{REPLACEMENT CHARACTER} caf\N{REPLACEMENT CHARACTER}\n"
            "      |         ^\n"
            "  Save the file as UTF-8 (it looks like Latin-1 or Windows-1252)."
        )

    def test_in_utf_16_have_a_problem_too(self, tmp_path: Path):
        (tmp_path / "x.yml").write_bytes("a: 1".encode("utf-16"))
        _, problem = read_text(tmp_path / "x.yml", "x.yml")

        assert problem
        assert told(problem) == ("not-utf8", 1, 1)
        assert problem.hint == "Save the file as UTF-8 (it looks like UTF-16)."

    def test_that_are_too_large_are_not_read(self, tmp_path: Path):
        with (tmp_path / "x.yml").open("wb") as file:
            file.truncate(LARGEST_FILE + 1)
        text, problem = read_text(tmp_path / "x.yml", "x.yml")

        assert text == ""
        assert problem
        assert problem.code == "file-too-large"

    def test_that_cant_be_read_say_why(self, tmp_path: Path):
        (tmp_path / "folder.yml").mkdir()
        (tmp_path / "a.yml").symlink_to("b.yml")
        (tmp_path / "b.yml").symlink_to("a.yml")
        (tmp_path / "broken.yml").symlink_to("nothing.yml")
        os.mkfifo(tmp_path / "pipe.yml")
        said = {}
        for name in ("folder.yml", "a.yml", "broken.yml", "pipe.yml", "missing.yml"):
            _, problem = read_text(tmp_path / name, name)
            assert problem
            assert told(problem) == ("unreadable-file", 1, 1)
            said[name] = problem.message.removeprefix("this file can't be read: ")

        assert said == {
            "folder.yml": "it is a folder",
            "a.yml": "too many levels of symbolic links",
            "broken.yml": "no such file or directory",
            "pipe.yml": "it is no ordinary file",
            "missing.yml": "no such file or directory",
        }

    def test_through_a_symlink_are_read(self, tmp_path: Path):
        (tmp_path / "real.yml").write_text("a: 1", encoding="utf-8")
        (tmp_path / "x.yml").symlink_to("real.yml")

        assert read_text(tmp_path / "x.yml", "x.yml") == ("a: 1", None)


class TestPlaces:
    TEXT = "name: é😀x\nlist:\n  - a: 1\n    b: [one, 'two']\n  - c\n"

    @pytest.mark.parametrize(
        ("path", "key", "place"),
        [
            ((), False, (1, 1, 1)),
            (("name",), False, (1, 7, 3)),
            (("name",), True, (1, 1, 4)),
            (("list", 0, "a"), False, (3, 8, 1)),
            (("list", 0, "b"), True, (4, 5, 1)),
            (("list", 0, "b", 1), False, (4, 14, 5)),
            (("list", 1), False, (5, 5, 1)),
            (("list", 0, "b", 7), False, (4, 8, 1)),
            (("list", 0, "missing", "deep"), False, (3, 5, 1)),
            (("list", "a"), False, (3, 3, 1)),
            (("nothing",), False, (1, 1, 1)),
        ],
    )
    def test_of_values_and_keys(
        self, path: tuple[str | int, ...], key: bool, place: tuple[int, int, int]
    ):
        found = read(self.TEXT).place(path, key=key)

        assert (found.line, found.column, found.length) == place

    def test_what_is_there_is_known(self):
        document = read(self.TEXT)

        assert document.has(("list", 0, "b", 1))
        assert not document.has(("list", 0, "b", 2))
        assert not document.has(("list", 2))
        assert not document.has(("name", "x"))
        assert document.node_at(("list", 0, "z")) is None

    def test_of_what_an_alias_repeats_are_where_it_is_written(self):
        document = read("a: &a {x: [1, 2]}\nb:\n  <<: *a\nc: *a\n")

        assert str(document.place(("b", "x", 1))) == "definitions/x.yml:1:15"
        assert str(document.place(("c", "x"), key=True)) == "definitions/x.yml:1:8"

    def test_count_lines_of_crlf_files_as_editors_do(self):
        document = read(self.TEXT.replace("\n", "\r\n"))

        assert str(document.place(("list", 1))) == "definitions/x.yml:5:5"

    @given(
        st.dictionaries(
            st.text("abcé", min_size=1),
            st.lists(st.text("xyzé 😀:#'\"\n", max_size=8), max_size=4),
            max_size=6,
        )
    )
    def test_of_every_value_are_where_the_text_has_it(
        self, value: dict[str, list[str]]
    ):
        text = yaml.safe_dump(value, allow_unicode=True, default_style='"', width=1000)
        document = read(text)
        lines = text.split("\n")

        assert document.value == value
        for key, items in value.items():
            for index, item in enumerate(items):
                place = document.place((key, index))
                there = lines[place.line - 1][place.column - 1 :][: place.length]
                assert yaml.safe_load(there) == item
