"""A cell: YAML above, a body below, the name on the magic's line (DESIGN, section 2)."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.definitions.cells import (
    Cell,
    body_kind,
    read_cell,
    split_cells,
    with_line_value,
)
from mdf_magics.errors import DefinitionError, Source


def cell_of(text: str, line: str = "silver.x") -> Cell:
    cell, problems = read_cell("mdf_table", line, text)
    assert problems == []
    return cell


def parts(text: str) -> tuple[dict[str, object] | None, str | None]:
    """The YAML's value and the body's text."""
    cell = cell_of(text)
    return cell.document.value, cell.body.text if cell.body else None


class TestSplitting:
    @pytest.mark.parametrize(
        ("text", "value", "body"),
        [
            ("group: a\n---\nSELECT 1", {"group": "a"}, "SELECT 1\n"),
            ("---\ngroup: a\n---\nSELECT 1\n", {"group": "a"}, "SELECT 1\n"),
            ("---\ngroup: a", {"group": "a"}, None),
            ("---\nSELECT 1", None, "SELECT 1\n"),
            ("---\n---\nSELECT 1", None, "SELECT 1\n"),
            ("group: a\n---", {"group": "a"}, None),
            ("group: a\n---\n\n \n", {"group": "a"}, None),
            ("group: a\n---  \nSELECT 1", {"group": "a"}, "SELECT 1\n"),
            (
                "group: a\n---\nSELECT 1 -- x\n---\nFROM b",
                {"group": "a"},
                "SELECT 1 -- x\n---\nFROM b\n",
            ),
            ("SELECT 1\n---\nFROM b", None, "SELECT 1\n---\nFROM b\n"),
            ("- a\n- b\n---\nSELECT 1", None, "- a\n- b\n---\nSELECT 1\n"),
            ("group: a\n ---\n", {"group": "a ---"}, None),
            ("group: a\n----\nSELECT 1", None, None),
            ("", None, None),
            ("\n \n", None, None),
            ("---", None, None),
            ("SELECT 1", None, "SELECT 1\n"),
            ("group: a\nwrite: append", {"group": "a", "write": "append"}, None),
            ("nonsense_key: a", {"nonsense_key": "a"}, None),
            ("Group: a", None, "Group: a\n"),
            ("a b: c", None, "a b: c\n"),
            ("SELECT a: b", None, "SELECT a: b\n"),
            ("# group: a\n", None, None),
            ("{group: a, write: append}", {"group": "a", "write": "append"}, None),
            ("{group: a}\n---\nSELECT 1", {"group": "a"}, "SELECT 1\n"),
            ("  group: a\n  write: append\n---\nSELECT 1", {"group": "a", "write": "append"}, "SELECT 1\n"),
            ("  group: a\n  write: append\n", {"group": "a", "write": "append"}, None),
            ("group: a\n\n\n---\n\n\nSELECT 1\n\n\n", {"group": "a"}, "SELECT 1\n"),
            ("group: a\n---\n  SELECT 1\nFROM b", {"group": "a"}, "  SELECT 1\nFROM b\n"),
            ("group: a\n---\n\tSELECT 1\n", {"group": "a"}, "\tSELECT 1\n"),
            ("group: a\n---\nSELECT 1;\n", {"group": "a"}, "SELECT 1\n"),
            ("group: a\n---\nSELECT 1 ;  ;\n", {"group": "a"}, "SELECT 1\n"),
            ("group: a\n---\nSELECT ';'\n", {"group": "a"}, "SELECT ';'\n"),
            ("group: é😀\n---\nSELECT 'é😀'", {"group": "é😀"}, "SELECT 'é😀'\n"),
            ("group: a\r\n---\r\nSELECT 1\r\nFROM b\r\n", {"group": "a"}, "SELECT 1\nFROM b\n"),
            ("sql: |\n  SELECT 1", {"sql": "SELECT 1\n"}, None),
            ("description: >\n  one\n  two", {"description": "one two\n"}, None),
            (
                "for_each:\n  what: [a]\n  when: [b]\nname: x.${each.what}\n---\nSELECT 1",
                {"for_each": {"what": ["a"], "when": ["b"]}, "name": "x.${each.what}"},
                "SELECT 1\n",
            ),
        ],
    )  # fmt: skip
    def test_follows_the_rules(
        self, text: str, value: dict[str, object] | None, body: str | None
    ):
        if text.startswith("group: a\n----"):
            _, problems = read_cell("mdf_table", "silver.x", text)
            assert [one.code for one in problems] == ["yaml-syntax"]
            return
        assert parts(text) == (value, body)

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("group: [a\n---\nSELECT 1", (3, 1)),
            ("group: a\n write: b\n---\nSELECT 1", (3, 7)),
            ("# why\ngroup: a: b\n---\nSELECT 1", (3, 9)),
            ("group: a\n\twrite: b\n", (3, 1)),
            ("write: append\ngroup: [a\n", (4, 1)),
        ],
    )
    def test_broken_yaml_is_meant_as_yaml(self, text: str, place: tuple[int, int]):
        cell, (problem,) = read_cell("mdf_table", "silver.x", text)

        assert problem.code == "yaml-syntax"
        assert problem.place
        assert (problem.place.line, problem.place.column) == place
        assert problem.place.source.name == ""
        assert cell.body is None or cell.body.text == "SELECT 1\n"

    @pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000])
    def test_no_cell_is_too_deep(self, text: str):
        cell, _ = read_cell("mdf_table", "silver.x", text)
        assert cell.source.text.endswith(text)
        _, problems = read_cell(
            "mdf_table", "silver.x", f"group:\n  {text}\n---\nSELECT 1"
        )
        assert [one.code for one in problems] == ["too-deep"]

    @given(st.text("abc:-#|>{}[]'\"\n \t%&*!@`;é", max_size=80))
    def test_any_text_is_taken_apart(self, text: str):
        cell, _ = read_cell("mdf_table", "silver.x", text)

        whole = cell.header + (cell.body.text if cell.body else "") + cell.comment
        assert set(whole) <= set(text) | {"\n"}

    @given(
        st.dictionaries(
            st.sampled_from(["group", "write", "description"]),
            st.text("xyz é'\"#:", min_size=1),
            min_size=1,
        ),
        st.lists(st.text("SELECT 'é' --;\t", min_size=1), min_size=1, max_size=5),
    )
    def test_what_was_put_together_comes_apart(
        self, header: dict[str, str], lines: list[str]
    ):
        written = "".join(
            f"{key}: '{value.replace(chr(39), chr(39) * 2)}'\n"
            for key, value in header.items()
        )
        body = "\n".join(lines)
        value, found = parts(f"{written}---\n{body}\n")

        expected = body.rstrip(" \t;\n")
        while expected and not expected.split("\n")[0].strip():
            expected = expected.partition("\n")[2]
        assert value == header
        assert (found or "\n") == f"{expected}\n"


class TestComments:
    def test_before_the_yaml_are_kept_apart(self):
        cell = cell_of(
            "# Small files.\n\n# Sent whole.\ngroup: a # why\n# inside\nwrite: append\n---\nSELECT 1"
        )

        assert cell.comment == "# Small files.\n# Sent whole."
        assert cell.header == "group: a # why\n# inside\nwrite: append"
        assert cell.header_line == 5

    def test_alone_are_no_body(self):
        cell = cell_of("# nothing yet\n")

        assert cell.comment == "# nothing yet"
        assert (cell.header, cell.body) == ("", None)

    def test_before_a_marker_belong_to_the_entry(self):
        cell = cell_of("# why\n---\nSELECT 1")

        assert cell.comment == "# why"
        assert cell.body
        assert cell.body.text == "SELECT 1\n"

    def test_of_python_stay_in_the_body(self):
        cell = cell_of("# why\nimport re\n\ndef x(a): return a\n")

        assert cell.comment == ""
        assert cell.body
        assert cell.body.text.startswith("# why\n")


class TestBodyKind:
    @pytest.mark.parametrize(
        "text",
        [
            "def late(source): return source",
            "import re\n\ndef late(source):\n    return source\n",
            '"""Late."""\nfrom x import y\n\n\ndef late(source): ...\n',
            "# late\ndef late(source): ...\n",
            "@decorated\ndef late(source): ...\n",
            "async def late(source): ...\n",
            "import re\n",
            "from x import y\n",
            "def late(source:\n    return source",
            "import re\ndef late(source)\n    return source",
            "# late\n\ndef late(source)\n    return source",
            '"""Late."""\nimport re\n\ndef late(source)\n    return source',
            "x = 1\ndef late(source):\n    return source",
        ],
    )
    def test_is_python_when_a_function_is_defined_or_tried(self, text: str):
        assert body_kind(text) == "python"

    @pytest.mark.parametrize(
        "text",
        [
            "SELECT 1",
            "SELECT a\nFROM b.c\nWHERE x = 'def f():'",
            "FROM b.c SELECT a",
            "from b.c select a",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "-- def x():\nSELECT 1",
            "x",
            "1",
            "a, b",
            "SELEC 1",
            "select\n  default\nfrom b.c",
            "SELECT '\\d+'",
            "SELECT 1 \0",
        ],
    )
    def test_is_sql_otherwise(self, text: str):
        assert body_kind(text) == "sql"

    def test_says_nothing_about_escapes(self):
        r"""Python warns about \\d in a text; that is between it and the user."""
        assert body_kind("def f(s):\n    return s.where(\"a rlike '\\d'\")") == "python"


class TestPlaces:
    def test_of_yaml_and_body_are_lines_of_the_cell(self):
        cell = cell_of("# why\ngroup: a\n---\n\nSELECT 1,\n  2\n")

        assert str(cell.document.place(("group",))) == "cell line 3, column 8"
        assert cell.body
        assert str(cell.body.place_at(cell.body.text.index("2"))) == (
            "cell line 7, column 3"
        )
        assert cell.source.text.split("\n")[6] == "  2"

    def test_of_a_cell_in_a_file_are_lines_of_the_file(self):
        text = "# cells\n%%mdf_table a.x\ngroup: a\n---\nSELECT 1\n\n%%mdf_table a.y\nSELECT  2\n"
        source = Source("cells.txt", text)
        (line, magic, rest, body), second = split_cells(source)
        cell, _ = read_cell("mdf_table", rest, body, source, line)

        assert (line, magic, rest, second[0]) == (2, "mdf_table", "a.x", 7)
        assert str(cell.document.place(("group",))) == "cells.txt:3:8"
        assert cell.body
        assert str(cell.body.place(1)) == "cells.txt:5:1"
        assert str(cell.line_place) == "cells.txt:2:13"
        other, _ = read_cell("mdf_table", second[2], second[3], source, second[0])
        assert other.body
        assert str(other.body.place_at(8)) == "cells.txt:8:9"

    @pytest.mark.parametrize(
        ("line", "column", "length"),
        [("silver.x", 13, 8), ("", 1, 1), ("silver.x --rows 5", 13, 17)],
    )
    def test_of_the_line_is_behind_the_magic(self, line: str, column: int, length: int):
        place = cell_of("SELECT 1", line).line_place

        assert (place.line, place.column, place.length) == (1, column, length)

    @pytest.mark.parametrize("name", ["names", "trans", "mdf", "form_a", "n"])
    def test_of_a_name_on_the_line_is_where_it_stands(self, name: str):
        cell, _ = read_cell("mdf_transformation", name, "parameters: {}")
        cell = with_line_value(cell, "name", name)

        assert cell.document.value == {"name": name, "parameters": {}}
        place = cell.document.place(("name",))
        assert (place.line, place.column, place.length) == (1, 22, len(name))
        assert str(cell.document.place(("parameters",))) == "cell line 2, column 13"

    def test_of_a_value_without_yaml_too(self):
        cell = with_line_value(cell_of("SELECT 1"), "name", "silver.x")

        assert cell.document.value == {"name": "silver.x"}
        assert str(cell.document.place(("name",))) == "cell line 1, column 13"


class TestFilesOfCells:
    def test_are_split_at_the_magics(self):
        text = textwrap.dedent("""\
            # Cells of the example.

            %%mdf_transformation names
            parameters: {source: table}
            ---
            SELECT 1

            %%mdf_table\tsilver.x  --rows 5
            transformation: names
            %%mdf_tables
            name: a.${each.what}
            """)

        assert split_cells(Source("cells.txt", text)) == [
            (
                3,
                "mdf_transformation",
                "names",
                "parameters: {source: table}\n---\nSELECT 1\n",
            ),
            (8, "mdf_table", "silver.x  --rows 5", "transformation: names"),
            (10, "mdf_tables", "", "name: a.${each.what}"),
        ]

    def test_may_have_windows_line_ends(self):
        source = Source("c", "%%mdf_table a.x\r\ngroup: a\r\n---\r\nSELECT 1\r\n")

        assert split_cells(source) == [
            (1, "mdf_table", "a.x", "group: a\n---\nSELECT 1")
        ]

    def test_count_lines_as_editors_do(self):
        source = Source(
            "c", "%%mdf_table a.x\nSELECT '\x0c\u2028'\n%%mdf_table a.y\nSELECT 2"
        )

        assert [line for line, _, _, _ in split_cells(source)] == [1, 3]

    def test_may_hold_none(self):
        assert split_cells(Source("c", "\n# nothing\n")) == []

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                "SELECT 1\n%%mdf_table a.x\nSELECT 2",
                "no-cell: this stands before the first cell\n  cells.txt:1:1\n    1 | SELECT 1\n      | ^^^^^^^^\n  A cell starts with a line such as  %%mdf_table schema.table .",
            ),
            (
                "%%mdf_table a.x\nSELECT 1\n%%mdf_tabel a.y\nSELECT 2",
                'unknown-magic: there is no magic %%mdf_tabel\n  cells.txt:3:1\n    3 | %%mdf_tabel a.y\n      | ^^^^^^^^^^^\n  Did you mean "mdf_table"? There are: mdf_table, mdf_tables, mdf_transformation.',
            ),
            (
                "%%sql\nSELECT 1",
                "unknown-magic: there is no magic %%sql\n  cells.txt:1:1\n    1 | %%sql\n      | ^^^^^\n  There are: mdf_table, mdf_tables, mdf_transformation.",
            ),
        ],
        ids=["text before", "misspelt", "another magic"],
    )
    def test_lose_nothing(self, text: str, said: str):
        with pytest.raises(DefinitionError) as error:
            split_cells(Source("cells.txt", text))

        assert str(error.value) == f"{said}\n  Nothing was saved."
