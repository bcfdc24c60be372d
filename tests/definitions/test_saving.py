"""Where a cell goes, and what its file becomes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mdf_magics import Project
from mdf_magics.adding import AddOptions
from mdf_magics.definitions.cells import split_cells
from mdf_magics.definitions.loading import load
from mdf_magics.errors import DefinitionError, Source

from .conftest import Write
from .storing_cells import saving, store

EXAMPLE = Path(__file__).parents[1] / "data" / "flights"


def files(root: Path) -> dict[str, bytes]:
    folder = root / "definitions"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def cells() -> list[str]:
    source = Source("cells.txt", (EXAMPLE / "cells.txt").read_text(encoding="utf-8"))
    return [f"%%{magic} {name}\n{text}" for _, magic, name, text in split_cells(source)]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example's project before its first cell: mdf.yml and the notebook."""
    folder = tmp_path / "definitions"
    for name in ("mdf.yml", "placement.yml", "transformations/notebooks/report.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(EXAMPLE / "definitions" / name, folder / name)
    return tmp_path


class TestTheExample:
    def test_cells_make_its_files_byte_for_byte(self, example: Path):
        for cell in cells():
            store(example, cell)

        assert files(example) == files(EXAMPLE)
        assert load(example).problems == ()

    def test_running_every_cell_again_changes_no_byte(self, example: Path):
        shutil.copytree(
            EXAMPLE / "definitions", example / "definitions", dirs_exist_ok=True
        )
        for cell in cells():
            change = store(example, cell).change
            assert not change.changes
            assert change.diff() == ""

        assert files(example) == files(EXAMPLE)

    def test_every_entry_is_said_to_be_where_it_is(self, example: Path):
        for cell in cells():
            saved = store(example, cell)
            lines = (
                (example / saved.change.path).read_text(encoding="utf-8").split("\n")
            )
            assert lines[saved.line - 1].strip("- ") == f"name: {saved.entry.name}"

    def test_a_cell_changed_and_changed_back_restores_every_byte(self, example: Path):
        shutil.copytree(
            EXAMPLE / "definitions", example / "definitions", dirs_exist_ok=True
        )
        for cell in cells():
            line, _, rest = cell.partition("\n")
            described = "description:" in rest
            changed = (
                cell.replace("description:", "description: Not")
                if described
                else f"{line}\ndescription: changed\n{rest}"
            )
            assert store(example, changed).change.changes
            assert files(example) != files(EXAMPLE)
            assert store(example, cell).change.changes
            assert files(example) == files(EXAMPLE)


class TestPlaces:
    """Where a cell goes: DESIGN, section 2."""

    @pytest.mark.parametrize(
        ("cell", "file"),
        [
            ("%%mdf_table silver.a\nsql: SELECT 1", "tables/silver.yml"),
            ("%%mdf_table silver.a\ngroup: gold\nsql: SELECT 1", "tables/gold.yml"),
            ("%%mdf_tables\nname: silver.${each.a}\nfor_each: {a: [b]}\nsql: SELECT 1", "tables/silver.yml"),
            ("%%mdf_tables t\nname: silver.${each.a}\nfor_each: {a: [b]}\ngroup: x", "tables/x.yml"),
            ("%%mdf_tables t\nname: silver.${each.a}\nfor_each: {a: [b]}\ngroup: x_${each.a}", "tables/tables.yml"),
            ("%%mdf_tables t\nname: ${each.a}.x\nfor_each: {a: [b]}", "tables/tables.yml"),
            ("%%mdf_transformation names\nsql: SELECT 1", "transformations/names.yml"),
        ],
    )  # fmt: skip
    def test_of_new_entries_follow_group_and_name(
        self, written: Write, cell: str, file: str
    ):
        assert store(written({}), cell).change.path == f"definitions/{file}"

    def test_of_stored_ones_stay_also_when_the_group_changes(self, written: Write):
        root = written(
            {"tables/any/file.yaml": "tables:\n- name: silver.a\n  sql: SELECT 1\n"}
        )
        saved = store(root, "%%mdf_table silver.a\ngroup: gold\n---\nSELECT 2")

        assert saved.change.path == "definitions/tables/any/file.yaml"
        assert files(root)["tables/any/file.yaml"] == (
            b"tables:\n- name: silver.a\n  group: gold\n  sql: |\n    SELECT 2\n"
        )

    def test_of_stored_transformations_stay(self, written: Write):
        root = written(
            {
                "transformations/all.yml": "transformations:\n  - name: a\n    sql: SELECT 1\n\n  - name: b\n    sql: SELECT 1\n"
            }
        )
        saved = store(root, "%%mdf_transformation a\nSELECT 2")

        assert (saved.change.path, saved.line) == (
            "definitions/transformations/all.yml",
            2,
        )
        assert files(root)["transformations/all.yml"] == (
            b"transformations:\n  - name: a\n    sql: |\n      SELECT 2\n\n  - name: b\n    sql: SELECT 1\n"
        )

    @pytest.mark.parametrize("group", ["../../x", "a/b", "A", "5", "[a]", "..", "''"])
    def test_never_leave_the_folder(self, written: Write, group: str, tmp_path: Path):
        root = written({})
        if group == "''":
            assert (
                store(root, f"%%mdf_table a.b\ngroup: {group}\n---\nSELECT 1").line == 2
            )
            return
        with pytest.raises(DefinitionError) as error:
            store(root, f"%%mdf_table a.b\ngroup: {group}\n---\nSELECT 1")

        (problem,) = error.value.problems
        assert (problem.code, str(problem.place)) == (
            "bad-name",
            "cell line 2, column 8",
        )
        assert list(files(root)) == ["mdf.yml"]


class TestNewFiles:
    def test_may_exist_empty_or_with_comments(self, written: Write):
        root = written(
            {
                "tables/a.yml": "# ours",
                "tables/b.yml": "tables: []  # none yet\n# end\n",
                "tables/c.yml": "# top\ntables:\n# end\n",
                "tables/d.yml": "defaults: {group: d}\n# end\n",
                "tables/e.yml": "tables: # none\n\ndefaults: {}\n",
                "tables/f.yml": "",
            }
        )
        for schema in "abcdef":
            saved = store(root, f"%%mdf_table {schema}.x\nSELECT 1")
            text = files(root)[f"tables/{schema}.yml"].decode()
            assert text.split("\n")[saved.line - 1] == f"  - name: {schema}.x"
        assert load(root).problems == ()
        entry = "  - name: {}.x\n    sql: |\n      SELECT 1\n"

        assert {
            name: text.decode() for name, text in files(root).items() if "/" in name
        } == {
            "tables/a.yml": "# ours\ntables:\n" + entry.format("a"),
            "tables/b.yml": "tables:  # none yet\n" + entry.format("b") + "# end\n",
            "tables/c.yml": "# top\ntables:\n" + entry.format("c") + "# end\n",
            "tables/d.yml": "defaults: {group: d}\ntables:\n"
            + entry.format("d")
            + "# end\n",
            "tables/e.yml": "tables: # none\n" + entry.format("e") + "\ndefaults: {}\n",
            "tables/f.yml": "tables:\n" + entry.format("f"),
        }

    def test_of_transformations_may_hold_a_list(self, written: Write):
        root = written(
            {
                "transformations/b.yml": "transformations:\n  - name: a\n    sql: SELECT 1\n"
            }
        )
        store(root, "%%mdf_transformation b\nSELECT 1")

        assert list(load(root).transformations) == ["a", "b"]

    def test_of_transformations_that_hold_another_are_left_alone(self, written: Write):
        root = written({"transformations/b.yml": "name: a\nsql: SELECT 1\n"})
        with pytest.raises(DefinitionError) as error:
            store(root, "%%mdf_transformation b\nSELECT 1")

        assert str(error.value) == (
            "unwritable-entry: this file holds the transformation a\n"
            "  definitions/transformations/b.yml:1:1\n"
            "    1 | name: a\n"
            "      | ^\n"
            "  Give the file that name, then run the cell again.\n"
            "  Nothing was saved."
        )


class TestEntries:
    def test_that_are_broken_are_put_right_in_their_place(self, written: Write):
        """A table with an unknown key isn't loaded; its cell must not add a second."""
        root = written(
            {
                "tables/a.yml": "tables:\n  - name: a.x\n    grup: a\n\n  - name: a.y\n    sql: SELECT 1\n",
                "transformations/t.yml": "name: t\nparameter: {}\nsql: SELECT 1\n",
            }
        )
        assert len(load(root).problems) == 2
        store(root, "%%mdf_table a.x\nSELECT 2")
        store(root, "%%mdf_transformation t\nSELECT 2")

        assert load(root).problems == ()
        assert [one.name for one in load(root).tables] == ["a.x", "a.y"]

    @pytest.mark.parametrize("name", ["no", "on", "null", "true", "yes", "off"])
    def test_named_as_words_of_yaml_are_quoted(self, written: Write, name: str):
        root = written({})
        store(root, f"%%mdf_transformation {name}\nSELECT 1")
        store(root, f"%%mdf_tables {name}\nname: a.${{each.x}}\nfor_each: {{x: [b]}}")

        assert files(root)[f"transformations/{name}.yml"].startswith(
            f'name: "{name}"\n'.encode()
        )
        assert load(root).problems == ()
        assert load(root).tables[0].transformation == name

    @pytest.mark.parametrize(
        ("header", "stored"),
        [
            ("{group: a, write: append}", "group: a\nwrite: append"),
            ("{\n  group: a,  # why\n  tags: {a: b,\n    c: d}\n}", "group: a\ntags: {a: b,\n  c: d}"),
            ("{tags: {a: b,  # why\n c: d}, description: 'x\n  y'}", "tags: {a: b,  # why\n  c: d}\ndescription: 'x\n  y'"),
            ("  group: a\n  # inside\n  tags:\n    a: b", "group: a\n# inside\ntags:\n  a: b"),
            ("group: a   \n\n\nwrite: append # why", "group: a\n\n\nwrite: append # why"),
            ("description: |+\n  one\n\n  two", "description: |+\n  one\n\n  two"),
            ("description: >-\n  one\n  two\ngroup: a", "description: >-\n  one\n  two\ngroup: a"),
            ("tags: {a: .nan}", "tags: {a: .nan}"),
            ('description: "a\\tb: #"', 'description: "a\\tb: #"'),
            ("tags: &t {a: b}\ntask: *t", "tags: &t {a: b}\ntask: *t"),
            ("group: é😀", None),
        ],
    )  # fmt: skip
    def test_are_stored_as_typed(self, written: Write, header: str, stored: str | None):
        root = written({"tables/a.yml": "tables:\n- name: a.w\n  sql: SELECT 1\n"})
        cell = f"%%mdf_table a.x\n{header}\n---\nSELECT 1\n"
        if stored is None:
            with pytest.raises(DefinitionError, match="bad-name"):
                store(root, cell)
            return
        store(root, cell)
        text = files(root)["tables/a.yml"].decode()

        lines = "".join(f"  {line}\n" if line else "\n" for line in stored.split("\n"))
        assert text.endswith(f"\n- name: a.x\n{lines}  sql: |\n    SELECT 1\n")
        assert not store(root, cell).change.changes

    @pytest.mark.parametrize(
        ("body", "stored"),
        [
            ("SELECT 1\n\n\nFROM b", "|\n    SELECT 1\n\n\n    FROM b\n"),
            ("  SELECT 1\nFROM b", "|2\n      SELECT 1\n    FROM b\n"),
            ("SELECT 1\n---\nFROM b", "|\n    SELECT 1\n    ---\n    FROM b\n"),
            ("SELECT '# no comment' -- x: y", "|\n    SELECT '# no comment' -- x: y\n"),
            ("\tSELECT 1", "|2\n    \tSELECT 1\n"),
            ("SELECT 1 \n  \nFROM b  ", "|\n    SELECT 1 \n      \n    FROM b\n"),
            ("SELECT 'é😀\u00a0'", "|\n    SELECT 'é😀\u00a0'\n"),
        ],
    )
    def test_have_bodies_that_read_well(self, written: Write, body: str, stored: str):
        root = written({})
        cell = f"%%mdf_table a.x\ngroup: a\n---\n{body}"
        store(root, cell)

        assert files(root)["tables/a.yml"].decode().partition("sql: ")[
            2
        ] == stored.replace("\n    ", "\n      ")
        found = load(root).tables[0].body
        assert found
        assert found.text == f"{body.rstrip()}\n"
        assert not store(root, cell).change.changes

    @pytest.mark.parametrize("character", ["\0", "\x07", "\x0c", "\x85", "\u2028"])
    def test_refuse_characters_that_yaml_cant_hold(
        self, written: Write, character: str
    ):
        root = written({})
        for cell in (
            f"%%mdf_table a.x\ngroup: a\n---\nSELECT\n  '{character}'",
            f"%%mdf_table a.x\nSELECT 1\n,'{character}'",
            f"%%mdf_table a.x\ndescription: '{character}'\n---\nSELECT 1",
        ):
            with pytest.raises(DefinitionError) as error:
                store(root, cell)
            place = error.value.problems[0].place
            assert error.value.problems[0].code == "bad-character"
            assert place
            line = cell.split("\n")[place.line - 1]
            assert line[place.column - 1] == character

    @pytest.mark.parametrize(
        ("old", "new"), [("1", "1.0"), ("1", "true"), ("'1'", "1"), ("a", "[a]")]
    )
    def test_that_differ_in_a_type_are_stored_anew(
        self, written: Write, old: str, new: str
    ):
        root = written({})
        cell = "%%mdf_table a.x\nparameters: {{p: {}}}\n---\nSELECT {{{{ p }}}}"
        store(root, cell.format(old))

        assert store(root, cell.format(new)).change.changes
        assert not store(root, cell.format(new)).change.changes

    def test_of_several_tables_are_known_by_name_and_transformation(
        self, written: Write
    ):
        root = written({"a.sql": "SELECT 1"})
        several = "name: a.${each.x}\nfor_each: {x: [b]}\n"
        for cell in (
            f"%%mdf_tables t\n{several}",
            f"%%mdf_tables u\n{several}",
            f"%%mdf_tables\n{several}---\nSELECT 1",
        ):
            assert store(root, cell).stored is None
            stored = store(root, cell.replace("[b]", "[b, c]")).stored
            assert stored
        again = store(root, f"%%mdf_tables\n{several}file: ../a.sql\n").stored
        assert again
        assert again.transformation is None

        assert [one.transformation for one in load(root).tables] == ["t", "u", None]

    def test_may_stand_in_any_order_in_the_cell(self, written: Write):
        root = written({})
        store(
            root,
            "%%mdf_tables\nfor_each:\n  x: [b]\n# named so\nname: a.${each.x}  # here\ngroup: a\n---\nSELECT 1",
        )

        assert files(root)["tables/a.yml"].decode() == (
            "tables:\n  - name: a.${each.x}\n    for_each:\n      x: [b]\n    # named so\n    group: a\n    sql: |\n      SELECT 1\n"
        )

    def test_bring_their_comment_and_replace_the_one_above(self, written: Write):
        root = written(
            {
                "tables/a.yml": "tables:\n  # one\n  # two\n  - name: a.x\n    sql: SELECT 1\n\n  # of y\n  - name: a.y\n    python: |\n      def y(): ...\n      # end\n  - name: a.z\n    sql: SELECT 1\n"
            }
        )
        store(root, "%%mdf_table a.x\n# three\ngroup: a\n---\nSELECT 1")
        store(root, "%%mdf_table a.y\ngroup: a\n---\ndef y(): ...\n# end")
        store(root, "%%mdf_table a.z\n# of z\ngroup: a\n---\nSELECT 1")

        assert files(root)["tables/a.yml"].decode() == (
            "tables:\n  # three\n  - name: a.x\n    group: a\n    sql: |\n      SELECT 1\n\n  # of y\n  - name: a.y\n    group: a\n    python: |\n      def y(): ...\n      # end\n  # of z\n  - name: a.z\n    group: a\n    sql: |\n      SELECT 1\n"
        )

    def test_leave_what_an_editor_reads_alone(self, written: Write):
        modeline = "# yaml-language-server: $schema=../schema.json\n"
        root = written(
            {"transformations/t.yml": f"{modeline}# old\nname: t\nsql: SELECT 1\n"}
        )
        store(root, "%%mdf_transformation t\n# new\nparameters: {}\n---\nSELECT 1")

        assert (
            files(root)["transformations/t.yml"]
            .decode()
            .startswith(f"{modeline}# new\nname: t\n")
        )


REFUSED = {
    "no name": ("%%mdf_table\nSELECT 1", "missing-name"),
    "no transformation's name": ("%%mdf_transformation\nSELECT 1", "missing-name"),
    "a bad table name": ("%%mdf_table Silver.X\nSELECT 1", "bad-name"),
    "one part": ("%%mdf_table x\nSELECT 1", "bad-name"),
    "a bad transformation name": ("%%mdf_transformation a.b\nSELECT 1", "bad-name"),
    "a word of Python": ("%%mdf_transformation class\nSELECT 1", "bad-name"),
    "a second name": ("%%mdf_table a.b\nname: a.c\n---\nSELECT 1", "two-names"),
    "a second transformation's name": ("%%mdf_transformation a\nname: b\n---\nSELECT 1", "two-names"),
    "a transformation twice": ("%%mdf_tables t\nname: a.${each.b}\nfor_each: {b: [c]}\ntransformation: t", "two-bodies"),
    "two bodies": ("%%mdf_table a.b\nsql: SELECT 1\n---\nSELECT 1", "two-bodies"),
    "no tables' name": ("%%mdf_tables\nfor_each: {b: [c]}\n---\nSELECT 1", "missing-name"),
    "no for_each": ("%%mdf_tables\nname: a.b\n---\nSELECT 1", "missing-key"),
    "for_each of one table": ("%%mdf_table a.b\nfor_each: {b: [c]}\n---\nSELECT 1", "unknown-key"),
    "an unknown key": ("%%mdf_table a.b\ngrup: a\n---\nSELECT 1", "unknown-key"),
    "an unknown key alone": ("%%mdf_table a.b\ngrup: a", "unknown-key"),
    "no body": ("%%mdf_transformation a\ndescription: b", "missing-body"),
    "a missing notebook": ("%%mdf_transformation a\nnotebook: b.py", "missing-file"),
    "one of several": ("%%mdf_table many.one\nSELECT 1", "expanded-table"),
}  # fmt: skip


@pytest.mark.parametrize(("cell", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cant_be_an_entry_is_refused(written: Write, cell: str, code: str):
    root = written(
        {
            "tables/many.yml": "tables:\n- name: many.${each.x}\n  transformation: t\n  for_each: {x: [one]}\n"
        }
    )
    before = files(root)
    with pytest.raises(DefinitionError) as error:
        store(root, cell)

    assert [one.code for one in error.value.problems] == [code]
    assert all(one.place for one in error.value.problems)
    assert error.value.note == "Nothing was saved."
    assert files(root) == before


BROKEN = {
    "a mapping": ("tables: {a: b}\n", "tables is no list"),
    "a number": ("tables: 5\n", "tables is no list"),
    "a list": ("- name: a.b\n  sql: SELECT 1\n", "this file has no list tables"),
    "a text": ("hello\n", "this file has no list tables"),
    "syntax": ("tables: [\n", "this is not valid YAML: did not find expected node content"),
    "a surprise": ("tables:\n- {name: no}\n", "YAML reads no as the truth value false"),
    "an alias": ("defaults: {tags: &a []}\ntables: *a\n", "tables is an alias of another list"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("name", ["a.b", "a.c"])
def test_a_file_that_cant_be_edited_is_left_as_it_is(
    written: Write, text: str, said: str, name: str
):
    root = written({"tables/a.yml": text})
    with pytest.raises(DefinitionError) as error:
        store(root, f"%%mdf_table {name}\nSELECT 2")

    problem = error.value.problems[0]
    assert problem.message == said
    assert problem.place
    assert problem.place.source.name == "definitions/tables/a.yml"
    assert error.value.note == "Nothing was saved."
    assert files(root)["tables/a.yml"].decode() == text


def test_files_that_cant_be_read_are_left_as_they_are(written: Write):
    root = written({})
    (root / "definitions/tables/b.yml").mkdir(parents=True)
    (root / "definitions/tables/a.yml").write_bytes(b"# caf\xe9\n")
    for name, code in (("a.x", "not-utf8"), ("b.x", "unreadable-file")):
        with pytest.raises(DefinitionError, match=code):
            store(root, f"%%mdf_table {name}\nSELECT 2")

    assert (root / "definitions/tables/a.yml").read_bytes() == b"# caf\xe9\n"


def test_json_is_read_but_not_edited(written: Write):
    text = '{"tables": [{"name": "a.x", "sql": "SELECT 1\\n"}]}'
    root = written({"tables/a.json": text})

    assert not store(root, "%%mdf_table a.x\nsql: |\n  SELECT 1").change.changes
    with pytest.raises(DefinitionError) as error:
        store(root, "%%mdf_table a.x\nSELECT 2")
    assert str(error.value) == (
        "unwritable-entry: definitions in JSON are read, but not edited\n"
        "  definitions/tables/a.json:1:13\n"
        f"    1 | {text}\n"
        "      |             ^\n"
        "  Change it there, or write that file as YAML.\n"
        "  Nothing was saved."
    )
    assert store(root, "%%mdf_table a.y\nSELECT 2").change.path.endswith("/a.yml")


def test_cells_see_those_before_them(written: Write):
    root = written({"tables/a.yml": "tables:\n- name: a.x\n  sql: SELECT 1\n"})
    first = saving(root, "mdf_table", "a.y", "SELECT 2").change
    unsaved = {first.path: first.after}
    second = saving(root, "mdf_table", "a.z", "SELECT 3", unsaved).change
    gone = saving(root, "mdf_table", "a.z", "SELECT 3", {first.path: None}).change

    assert second.before == first.after
    assert (gone.before, gone.after) == (
        None,
        "tables:\n  - name: a.z\n    sql: |\n      SELECT 3\n",
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda project: project.remove("a.two"),
        lambda project: project.rename("a.one", "a.uno"),
        lambda project: project.add_file(
            Source("", "%%mdf_table a.two\nSELECT 2 AS x"), AddOptions(no_preview=True)
        ),
    ],
    ids=["remove", "rename", "add"],
)
def test_json_is_left_as_it_is(written: Write, change: Callable[[Project], object]):
    root = written(
        {
            "tables/a.json": '{"tables": [{"name": "a.one", "sql": "SELECT 1 AS x"},'
            ' {"name": "a.two", "sql": "SELECT x FROM a.one"}]}'
        }
    )
    before = files(root)
    with pytest.raises(DefinitionError, match="JSON are read, but not edited"):
        change(Project(root))

    assert files(root) == before
