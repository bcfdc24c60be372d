"""An edit changes the text of one entry, and no other byte."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mdf_magics.definitions.cells import read_cell
from mdf_magics.definitions.editing import appended, entry_lines, replaced
from mdf_magics.definitions.entry_text import EntryText
from mdf_magics.definitions.loading import load
from mdf_magics.definitions.proving import alike, proven_line
from mdf_magics.definitions.reading import Document, Path_, read_document
from mdf_magics.definitions.recalling import recalled
from mdf_magics.definitions.removing import removed
from mdf_magics.definitions.setting import with_value, without_value
from mdf_magics.errors import DefinitionError, Source

from .conftest import MDF
from .storing_cells import saving

NEW = EntryText(("name: a.new", "sql: |", "  SELECT 1"))


def read(text: str) -> Document:
    document = read_document(Source("definitions/tables/a.yml", text))
    assert document.problems == []
    return document


class TestAppending:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (
                "tables:\n  - name: a.x\n",
                "tables:\n  - name: a.x\n\n  - name: a.new\n    sql: |\n      SELECT 1\n",
            ),
            (
                "tables:\n- name: a.x\n- name: a.y\n",
                "tables:\n- name: a.x\n- name: a.y\n- name: a.new\n  sql: |\n    SELECT 1\n",
            ),
            (
                "tables:\n    -   name: a.x\n\n    -   name: a.y",
                "tables:\n    -   name: a.x\n\n    -   name: a.y\n\n    -   name: a.new\n        sql: |\n          SELECT 1",
            ),
            (
                "tables:\n  - name: a.x # why\n\n\n# the end\n",
                "tables:\n  - name: a.x # why\n\n  - name: a.new\n    sql: |\n      SELECT 1\n\n\n# the end\n",
            ),
            (
                "tables:\n  - name: a.x\n    sql: |\n      SELECT 1\n\n      # in it\n\ndefaults: {group: a}\n",
                "tables:\n  - name: a.x\n    sql: |\n      SELECT 1\n\n      # in it\n\n  - name: a.new\n    sql: |\n      SELECT 1\n\ndefaults: {group: a}\n",
            ),
            (
                "tables:\n  - name: a.x\n    sql: |+\n      SELECT 1\n\n\ndefaults: {group: a}\n",
                "tables:\n  - name: a.x\n    sql: |+\n      SELECT 1\n\n\n  - name: a.new\n    sql: |\n      SELECT 1\ndefaults: {group: a}\n",
            ),
            (
                "tables:\n  - name: a.x\n    keys: &k [b]\n  - name: a.y\n    keys:\n      - *k\n      # of keys\n",
                "tables:\n  - name: a.x\n    keys: &k [b]\n  - name: a.y\n    keys:\n      - *k\n      # of keys\n  - name: a.new\n    sql: |\n      SELECT 1\n",
            ),
            (
                "tables:\n  -\n    name: a.x\n  - # - of y\n    # too\n    name: a.y\n",
                "tables:\n  -\n    name: a.x\n  - # - of y\n    # too\n    name: a.y\n  - name: a.new\n    sql: |\n      SELECT 1\n",
            ),
            (
                "tables:\n  - name: a.x\n    sql: |\n      SELECT 1\n    # of x\n\n    # too\n  # of none\n",
                "tables:\n  - name: a.x\n    sql: |\n      SELECT 1\n    # of x\n\n    # too\n\n  - name: a.new\n    sql: |\n      SELECT 1\n  # of none\n",
            ),
            (
                "tables:\r\n  - name: a.x\r\n",
                "tables:\r\n  - name: a.x\r\n\r\n  - name: a.new\r\n    sql: |\r\n      SELECT 1\r\n",
            ),
            (
                "tables:\n  - name: a.x\n    enabled:\n",
                "tables:\n  - name: a.x\n    enabled:\n\n  - name: a.new\n    sql: |\n      SELECT 1\n",
            ),
            (
                "tables: &all\n  - &x\n    name: a.x\n  - {name: a.y}\n",
                "tables: &all\n  - &x\n    name: a.x\n  - {name: a.y}\n  - name: a.new\n    sql: |\n      SELECT 1\n",
            ),
        ],
        ids=["one item", "no indent", "wide", "comments", "body", "kept blank lines", "alias", "own lines", "comments of an entry", "crlf", "null", "anchors"],
    )  # fmt: skip
    def test_follows_the_style_of_the_file(self, before: str, after: str):
        document = read(before)
        text = appended(document, "tables", NEW)

        assert text == after
        entry = {"name": "a.new", "sql": "SELECT 1\n"}
        value = read(text).value["tables"]
        if not text.endswith("\n"):
            entry["sql"] = "SELECT 1"
        assert value == [*document.value["tables"], entry]


class TestReplacing:
    @pytest.mark.parametrize(
        ("before", "index", "after"),
        [
            (
                "tables:\n  - name: a.x\n    sql: SELECT 0\n\n  # of y\n  - name: a.y\n",
                0,
                "tables:\n  - name: a.new\n    sql: |\n      SELECT 1\n\n  # of y\n  - name: a.y\n",
            ),
            (
                "tables:\n- name: a.x\n- {name: a.y}  # gone\n# stays\n- name: a.z\n",
                1,
                "tables:\n- name: a.x\n- name: a.new\n  sql: |\n    SELECT 1\n# stays\n- name: a.z\n",
            ),
            (
                "tables:\n  - # - of x\n    name: a.x\n    sql: |+\n      SELECT 1\n\n  - name: a.y\n",
                0,
                "tables:\n  - name: a.new\n    sql: |\n      SELECT 1\n  - name: a.y\n",
            ),
            (
                "tables:\n  - name: a.x\n  -   name: a.y\n      keys:\n        - b\n",
                1,
                "tables:\n  - name: a.x\n  -   name: a.new\n      sql: |\n        SELECT 1\n",
            ),
            (
                "tables:\r\n  - name: a.x\r\n  - name: a.y",
                1,
                "tables:\r\n  - name: a.x\r\n  - name: a.new\r\n    sql: |\r\n      SELECT 1",
            ),
        ],
        ids=["comment stays", "flow entry", "comment at the dash", "columns", "crlf"],
    )
    def test_keeps_everything_around(self, before: str, index: int, after: str):
        assert replaced(read(before), ("tables", index), NEW) == after

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("# top\nname: a\nsql: SELECT 0 # old\n# end", "# top\nname: a.new\nsql: |\n  SELECT 1\n# end"),
            ("---\nname: a\n...\n", "---\nname: a.new\nsql: |\n  SELECT 1\n...\n"),
            ("  name: a\n  sql: SELECT 0\n", "  name: a.new\n  sql: |\n    SELECT 1\n"),
            ("{name: a, sql: SELECT 0}\n", "name: a.new\nsql: |\n  SELECT 1\n"),
        ],
        ids=["comments", "markers", "indented", "flow"],
    )  # fmt: skip
    def test_of_a_file_of_one_entry(self, before: str, after: str):
        assert replaced(read(before), (), NEW) == after

    @pytest.mark.parametrize(
        ("text", "path", "said"),
        [
            ("a: &a {name: b}\ntables:\n  - *a\n", ("tables", 0), "the entry is an alias of another one"),
            ("tables: []", ("tables", 0), "there is no entry to replace"),
        ],
        ids=["alias", "nothing"],
    )  # fmt: skip
    def test_says_why_it_cant(self, text: str, path: Path_, said: str):
        with pytest.raises(DefinitionError) as error:
            replaced(read(text), path, NEW)

        assert error.value.problems[0].message == said


class TestSettingAValue:
    @pytest.mark.parametrize(
        ("before", "path", "after"),
        [
            ("a: {b: 1}\n", ("a",), "a: {b: 1, key: v}\n"),
            ("a: {b: 1,}\n", ("a",), "a: {b: 1, key: v,}\n"),
            ("a: {b: 1, # x\n  }\n", ("a",), "a: {b: 1, key: v, # x\n  }\n"),
            ("x: &x 1\na: {b: *x}\n", ("a",), "x: &x 1\na: {b: *x, key: v}\n"),
            ("a:\n  b: 1 # x\n\nc: 2\n", ("a",), "a:\n  b: 1 # x\n  key: v\n\nc: 2\n"),
            ("a:\r\n    b: 1", ("a",), "a:\r\n    b: 1\r\n    key: v"),
            ("a:\n  key: old # x\n  b: 1\n", ("a",), "a:\n  key: v # x\n  b: 1\n"),
            ("a:\n  key: 'old'\n", ("a",), "a:\n  key: v\n"),
            ("a:\n  key:\n  b: 1\n", ("a",), "a:\n  key: v\n  b: 1\n"),
            ("a:\n  key: # x\n  b: 1\n", ("a",), "a:\n  key: v # x\n  b: 1\n"),
            ("a: {key: old, b: 1}\n", ("a",), "a: {key: v, b: 1}\n"),
            ("a: {key: , b: 1}\n", ("a",), "a: {key: v, b: 1}\n"),
            ("x: &x 1\na:\n  key: *x\n  b: 1\n", ("a",), "x: &x 1\na:\n  key: v\n  b: 1\n"),
            ("x: &x {key: 1}\na:\n  <<: *x\n", ("a",), "x: &x {key: 1}\na:\n  <<: *x\n  key: v\n"),
            ("a:\n  key: |\n    old\n\n  b: 1\n", ("a",), "a:\n  key: v\n\n  b: 1\n"),
            ("a:\n  key:\n    - 1\n    - 2\n  b: 1\n", ("a",), "a:\n  key:\n    v\n  b: 1\n"),
            ("tables:\n  - name: a\n  - name: b\n", ("tables", 0), "tables:\n  - name: a\n    key: v\n  - name: b\n"),
            ("b: 1", (), "b: 1\nkey: v"),
        ],
    )  # fmt: skip
    def test_keeps_everything_around(self, before: str, path: Path_, after: str):
        text = with_value(read(before), path, "key", "v")

        assert text == after
        value = read(text).value
        for step in path:
            value = value[step]
        assert value["key"] == "v"

    @pytest.mark.parametrize(
        "text", ["a: {}\n", "a: [b]\n", "a: b\n", "c: d\n", "a:\n"]
    )
    def test_wants_a_mapping(self, text: str):
        with pytest.raises(DefinitionError, match="there is no mapping to set key in"):
            with_value(read(text), ("a",), "key", "v")


class TestLines:
    TEXT = (
        "# top\ntables:\n  - name: a.x\n    sql: |\n      SELECT 1\n\n\n  # of y\n"
        "  - name: a.y\n    keys:\n    - b # c\n\n# end\n"
    )

    @pytest.mark.parametrize(
        ("path", "lines"),
        [
            (("tables", 0), (3, 5)),
            (("tables", 1), (9, 11)),
            (("tables",), (3, 11)),
            ((), (2, 11)),
            (("tables", 2), (1, 1)),
        ],
    )
    def test_of_an_entry_leave_out_what_follows(
        self, path: Path_, lines: tuple[int, int]
    ):
        assert entry_lines(read(self.TEXT), path) == lines
        crlf = read(self.TEXT.replace("\n", "\r\n"))
        assert entry_lines(crlf, path) == lines


class TestRemoving:
    """The inverse of adding."""

    @pytest.mark.parametrize(
        ("before", "index", "after"),
        [
            ("tables:\n  # of x\n  - name: a.x\n    sql: |\n      SELECT 1\n\n  # of y\n  - name: a.y\n", 0, "tables:\n  # of y\n  - name: a.y\n"),
            ("tables:\n- name: a.x\n  # of x\n\n# not of y\n\n# of y\n- name: a.y\n# end\n", 1, "tables:\n- name: a.x\n  # of x\n\n# not of y\n# end\n"),
            ("tables:\n  - # - of x\n    name: a.x\n  - name: a.y\n", 0, "tables:\n  - name: a.y\n"),
            ("tables:\n  - name: a.x\n    # of x\n\n    # too\n\n  # of y\n  - name: a.y\n    # of y\n", 0, "tables:\n  # of y\n  - name: a.y\n    # of y\n"),
            ("tables:\n  - name: a.x\ndefaults: {}\n", 0, "tables: []\ndefaults: {}\n"),
            ("tables:\n  - name: a.x\n", 0, None),
        ],
    )  # fmt: skip
    def test_keeps_everything_around(self, before: str, index: int, after: str | None):
        assert removed(read(before), ("tables", index)) == after


@dataclass(frozen=True)
class Style:
    """How a file is laid out."""

    newline: str
    dash: int
    gap: int
    dash_alone: bool
    final_newline: bool


SNIPPETS = (
    "group: b",
    "group: 'b'  # why",
    "tags: {b: c, d: [e, f]}  # - {x}",
    "keys: [b, c]",
    "keys:\n- b\n- c",
    "keys:\n  - b  # first\n\n  - c",
    "depends_on:\n  # none\n  - b\n  # end",
    "sql: |\n  SELECT 1\n  # no comment\n\n  FROM b",
    "sql: |-\n  - name: a.no\n    x: y",
    "sql: |+\n  SELECT 1\n",
    "sql: >\n  SELECT\n  1",
    'description: "b: #\\n c"',
    "description: b\n  - name c",
    "description: 'b\n\n  c'",
    "columns:\n    b:\n        comment: c",
    "enabled:",
    "adopt: true",
    "expectations:\n  - {name: b, check: c}\n  # end\n  - name: d\n    check: e",
    "parameters:\n  b: {c: d,\n    e: f}",
    "task: &t@ {x: 1}\narguments: *t@",
    "? write\n: append",
)
BETWEEN = ("", "\n", "\n\n", "# c\n", "\n  # - name: c\n", "# {\n\n# }\n", " \n")
CELLS = (
    "group: a\n---\nSELECT 2",
    "# why\n# so\ngroup: a\ntags:\n  a: b\n---\n\n  SELECT 2\n\nFROM c",
    "{group: a, keys: [d]}\n---\ndef f(): ...\n# end",
    "---\nSELECT 2",
    "  group: a\n  columns:\n    d: {comment: 'e'}",
    "description: |\n  c\n\n  d\ntransformation: t",
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[list[str], list[str], Style]:
    """A file in pieces: what stands before each entry, the entries, the end."""
    style = Style(
        newline=draw(st.sampled_from(["\n", "\r\n"])),
        dash=draw(st.sampled_from([0, 2, 4])),
        gap=draw(st.sampled_from([1, 3])),
        dash_alone=draw(st.booleans()),
        final_newline=draw(st.booleans()),
    )
    margin = " " * (style.dash + 1 + style.gap)
    entries = []
    for number in range(draw(st.integers(1, 4))):
        snippets = draw(
            st.lists(
                st.sampled_from(SNIPPETS),
                max_size=4,
                unique_by=lambda one: one.lstrip("? ").split(":")[0].split("\n")[0],
            )
        )
        text = "\n".join([f"name: a.t{number}", *snippets])
        lines = text.replace("@", str(number)).split("\n")
        text = "\n".join(margin + line if line else "" for line in lines)
        if style.dash_alone and number % 2:
            text = f"{' ' * style.dash}- # - a.c\n{text}"
        else:
            text = f"{' ' * style.dash}-{text[style.dash + 1 :]}"
        entries.append(text)
    gaps = [draw(st.sampled_from(BETWEEN)) for _ in [*entries, None]]
    gaps[0] = (
        draw(st.sampled_from(["", "# top\n\n", "defaults:\n  group: x\n"]))
        + "tables:\n"
        + gaps[0]
    )
    if "defaults" not in gaps[0]:
        gaps[-1] += draw(st.sampled_from(["", "# end\n", "defaults: {group: x}\n"]))
    return gaps, entries, style


def texts(gaps: list[str], entries: list[str], style: Style) -> tuple[str, ...]:
    """Gap, entry, gap, ... with the file's line ends; each entry without its last."""
    pieces: list[str] = []
    for gap, entry in zip(gaps, [*entries, None], strict=True):
        first = "" if not pieces else "\n"
        pieces.append(first + gap)
        if entry is not None:
            pieces.append(entry)
    if not style.final_newline:
        pieces[-1] = pieces[-1].rstrip()
    return tuple(piece.replace("\n", style.newline) for piece in pieces)


def closed(text: str) -> str:
    """The text with a final line end, without which a block would lose its own."""
    return text if text.endswith("\n") else f"{text}\n"


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    (folder / "definitions/tables").mkdir(parents=True)
    (folder / "definitions/mdf.yml").write_text(MDF, encoding="utf-8")
    yield folder
    shutil.rmtree(folder)


class TestRandomFiles:
    @given(documents(), st.sampled_from(CELLS), st.integers(0, 4))
    def test_an_edit_is_the_models_edit_and_keeps_all_other_bytes(
        self,
        root: Path,
        made: tuple[list[str], list[str], Style],
        cell: str,
        number: int,
    ):
        gaps, entries, style = made
        pieces = texts(gaps, entries, style)
        before = "".join(pieces)
        name = f"a.t{number}" if number < len(entries) else "a.new"
        (root / "definitions/tables/a.yml").write_bytes(before.encode())
        planned = saving(root, "mdf_table", name, cell)
        after = planned.change.after

        assert after
        assert planned.change.path == "definitions/tables/a.yml"
        document, result = read(closed(before)), read(closed(after))
        items = list(document.value["tables"])
        items[number : number + 1] = [planned.entry.value]
        assert alike(result.value, {**document.value, "tables": items})
        there = after.split(style.newline)[planned.line - 1]
        assert there.endswith(f"name: {name}")
        assert after.count("\r\n") in (0, after.count("\n"))
        if name == "a.new":
            self.check_added(before, after, len(items))
        else:
            self.check_replaced(pieces, after, 2 * number + 1, cell, style)

    def check_added(self, before: str, after: str, count: int) -> None:
        added = len(after) - len(before)
        assert any(
            before == after[:at] + after[at + added :] for at in range(len(before) + 1)
        )
        if "|+" not in before:
            assert removed(read(after), ("tables", count - 1)) == before

    def check_replaced(
        self, pieces: tuple[str, ...], after: str, at: int, cell: str, style: Style
    ) -> None:
        head, tail = "".join(pieces[:at]), "".join(pieces[at + 1 :])
        if pieces[at].rstrip().endswith("|+"):
            return
        if "|+" in pieces[at].split("sql:")[-1]:
            tail = tail.lstrip()
        own = style.dash + style.gap + 3
        tail = re.sub(rf"\A(\s*\n {{{own},}}#[^\r\n]*)*", "", tail)
        if cell.startswith("#"):
            lines = head.splitlines(keepends=True)
            while lines and lines[-1].lstrip().startswith("#"):
                lines.pop()
            head = "".join(lines)
        assert after.startswith(head)
        assert after.endswith(tail)

    @given(documents(), st.sampled_from(CELLS), st.integers(0, 3))
    def test_the_same_cell_again_changes_nothing(
        self,
        root: Path,
        made: tuple[list[str], list[str], Style],
        cell: str,
        number: int,
    ):
        before = "".join(texts(*made))
        (root / "definitions/tables/a.yml").write_bytes(before.encode())
        first = saving(root, "mdf_table", f"a.t{number}", cell)
        unsaved = {first.change.path: first.change.after}
        again = saving(root, "mdf_table", f"a.t{number}", cell, unsaved)

        assert not again.change.changes
        assert again.line == first.line

    @given(documents(), st.integers(0, 3))
    def test_a_recalled_cell_is_the_entry(
        self, root: Path, made: tuple[list[str], list[str], Style], number: int
    ):
        before = "".join(texts(*made))
        (root / "definitions/tables/a.yml").write_bytes(before.encode())
        entries = load(root).tables
        entry = entries[number % len(entries)]
        cell = recalled(entry, is_table=True)
        first, _, text = cell.partition("\n")
        again = saving(root, "mdf_table", first.split()[-1], text)

        assert not again.change.changes, cell

    @given(
        documents(),
        st.sampled_from(["renamed_from", "cluster_by", "watermark"]),
        st.sampled_from(["v", "'v'", "[v]", "{v: w}"]),
        st.integers(0, 3),
    )
    def test_a_value_that_is_set_and_taken_out_leaves_every_byte(
        self,
        made: tuple[list[str], list[str], Style],
        key: str,
        value: str,
        number: int,
    ):
        before = "".join(texts(*made))
        document = read(before)
        path = ("tables", number % len(document.value["tables"]))
        after = read(with_value(document, path, key, value))

        assert without_value(after, path, key) == before

    @given(documents(), st.sampled_from(["v", "'v'", "[v]"]), st.integers(0, 3))
    def test_a_value_that_is_set_is_the_only_change(
        self,
        made: tuple[list[str], list[str], Style],
        value: str,
        number: int,
    ):
        text = "".join(texts(*made))
        document = read(closed(text))
        items = document.value["tables"]
        at = number % len(items)
        for key in ("renamed_from", "group"):
            after = read(with_value(document, ("tables", at), key, value)).value
            expected = [dict(one) for one in items]
            expected[at][key] = ["v"] if value == "[v]" else "v"
            assert alike(after, {**document.value, "tables": expected})


class TestProof:
    """Nothing is written that doesn't say what is meant."""

    BEFORE = "tables:\n" + "".join(
        f"  - name: a.t{one}\n    keys: [a]\n" for one in range(5)
    )

    @pytest.mark.parametrize("index", [0, 1, 3, 4])
    def test_knows_the_line_of_what_was_edited(self, index: int):
        before = read(self.BEFORE)
        after = replaced(before, ("tables", index), NEW)
        value = {"name": "a.new", "sql": "SELECT 1\n"}

        assert proven_line(before, after, ("tables", index), value) == 2 * index + 2

    @pytest.mark.parametrize("index", [0, 1, 3, 4])
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda text: text.replace("a.t2", "a.t9"),
            lambda text: text + "  - name: a.more\n",
            lambda text: text.replace("SELECT 1", "SELECT 2"),
            lambda text: text.replace("  - name: a.new\n", "    name: a.new\n"),
            lambda text: text + "  broken: [\n",
            lambda text: (
                "# new comment\n" + text.replace("tables:\n", "tables:\n- a\n")
            ),
        ],
        ids=["other entry", "one more", "other value", "no dash", "broken", "list"],
    )
    def test_finds_everything_else(self, index: int, spoil):
        before = read(self.BEFORE)
        after = spoil(replaced(before, ("tables", index), NEW))
        value = {"name": "a.new", "sql": "SELECT 1\n"}

        assert proven_line(before, after, ("tables", index), value) is None

    def test_sees_anchors_that_others_use(self, root: Path):
        text = "tables:\n  - name: a.t0\n    keys: &k [a]\n  - name: a.t1\n    sql: x\n  - name: a.t2\n    sql: x\n  - name: a.t3\n    keys: *k\n"
        (root / "definitions/tables/a.yml").write_text(text, encoding="utf-8")
        with pytest.raises(DefinitionError) as error:
            saving(root, "mdf_table", "a.t0", "SELECT 1")

        assert str(error.value) == (
            "unwritable-entry: &k is set in the entry a.t0 and repeated here\n"
            "  definitions/tables/a.yml:9:11\n"
            "    9 |     keys: *k\n"
            "      |           ^^\n"
            "  Write out here what *k stands for, then try again.\n"
            "  Nothing was saved."
        )

    @pytest.mark.parametrize(
        ("one", "other"),
        [(1, 1.0), (1, True), (0, False), ("1", 1), ([1], (1,)), ({"a": 1}, {"a": True}), ([1], [1, 2]), (None, "")],
    )  # fmt: skip
    def test_tells_types_apart(self, one: object, other: object):
        assert not alike(one, other)
        assert alike(one, one)


@given(st.text("abc:#-|> \t'\"é{}[]\n", max_size=60))
@example("  a\n\tb")
def test_any_body_comes_back(text: str):
    cell, _ = read_cell("mdf_table", "a.x", f"group: a\n---\nSELECT {text}")
    assert cell.body
    lines = ["name: a.x", "sql: |", *(f"  {one}" if one else "" for one in cell.body.text.rstrip().split("\n"))]  # fmt: skip
    document = read("tables:\n  - name: a.w\n")
    value = read(appended(document, "tables", EntryText(tuple(lines)))).value

    assert value["tables"][1]["sql"] == cell.body.text
