"""Lists in brackets are edited as others are: one entry changes, and no other byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.definitions.editing import appended, replaced
from mdf_magics.definitions.entry_text import EntryText
from mdf_magics.definitions.flow_lists import flow_item
from mdf_magics.definitions.proving import alike
from mdf_magics.definitions.reading import Document, read_document
from mdf_magics.definitions.removing import removed
from mdf_magics.definitions.setting import with_value, without_value
from mdf_magics.errors import Source

from .conftest import Write
from .storing_cells import store

NEW = EntryText(("name: a.new", "keys: [k]"))
WHY = EntryText(NEW.lines, ("# why",))


def read(text: str) -> Document:
    document = read_document(Source("definitions/tables/a.yml", text))
    assert document.problems == []
    return document


@pytest.mark.parametrize(
    ("lines", "item"),
    [
        (("name: a.b", "keys: ['k', \"l\"]"), "{name: a.b, keys: ['k', \"l\"]}"),
        (("name: a.b", "tags:", "  x: 'y'  # z", "  u: v"), "{name: a.b, tags: {x: y, u: v}}"),
        (("name: a.b", "sql: |", "  SELECT 1,", "", "    2"), '{name: a.b, sql: "SELECT 1,\\n\\n  2\\n"}'),
        (("name: ${each.x}.b", "description: a, b: c"), "{name: '${each.x}.b', description: 'a, b: c'}"),
        (("name: a.b", "enabled: false", "description:"), "{name: a.b, enabled: false, description: null}"),
    ],
    ids=["as typed", "block mapping", "body", "commas", "words"],
)  # fmt: skip
def test_an_entry_goes_into_braces(lines: tuple[str, ...], item: str) -> None:
    lines = tuple(line.replace("a, b: c", "'a, b: c'") for line in lines)

    assert flow_item(lines) == item


@pytest.mark.parametrize(
    ("before", "entry", "after"),
    [
        ("tables: [{name: a.x}]\n", NEW, "tables: [{name: a.x}, {name: a.new, keys: [k]}]\n"),
        ("tables: [ {name: a.x} , ] # end", NEW, "tables: [ {name: a.x} , {name: a.new, keys: [k]}, ] # end"),
        ("tables: [{name: a.x}] # end\n", WHY, "tables: [{name: a.x},\n         # why\n         {name: a.new, keys: [k]}] # end\n"),
        ("tables: [\n  {name: a.x},  # of x\n  # end\n]\n", NEW, "tables: [\n  {name: a.x},  # of x\n  {name: a.new, keys: [k]},\n  # end\n]\n"),
        ("tables: [\n  {name: a.x},\n  {name: a.y}  # of y\n  ]\n", WHY, "tables: [\n  {name: a.x},\n  {name: a.y},  # of y\n  # why\n  {name: a.new, keys: [k]}\n  ]\n"),
        ("tables: [{name: a.x},\n         {name: a.y}]\n", NEW, "tables: [{name: a.x},\n         {name: a.y},\n         {name: a.new, keys: [k]}]\n"),
        ("tables: [\r\n  {name: a.x}\r\n]\r\n", NEW, "tables: [\r\n  {name: a.x},\r\n  {name: a.new, keys: [k]}\r\n]\r\n"),
        ("tables: [\n  {name: a.x,\n   keys: [k]}\n]\n", NEW, "tables: [\n  {name: a.x,\n   keys: [k]},\n  {name: a.new, keys: [k]}\n]\n"),
        ("x: &x {name: a.x}\ntables: [*x]\n", NEW, "x: &x {name: a.x}\ntables: [*x, {name: a.new, keys: [k]}]\n"),
        ("{tables: [{name: a.x}], defaults: {}}", NEW, "{tables: [{name: a.x}, {name: a.new, keys: [k]}], defaults: {}}"),
        ("{tables: []}", NEW, "{tables: [{name: a.new, keys: [k]}]}"),
        ("tables: [\n  # none yet\n]\n", NEW, "tables: [\n  # none yet\n  {name: a.new, keys: [k]}\n]\n"),
    ],
    ids=["one line", "comma at the end", "own comment", "lines", "no comma", "hanging", "crlf", "long items", "alias", "braces around", "empty in braces", "empty with a comment"],
)  # fmt: skip
def test_a_new_entry_follows_the_style_of_the_list(
    before: str, entry: EntryText, after: str
) -> None:
    document = read(before)

    assert appended(document, "tables", entry) == after
    added = {"name": "a.new", "keys": ["k"]}
    assert read(after).value["tables"] == [*document.value["tables"], added]


@pytest.mark.parametrize(
    ("before", "index", "after"),
    [
        ("tables: [{name: a.x}, {name: a.y}]\n", 0, "tables: [{name: a.y}]\n"),
        ("tables: [\n  # of x\n  {name: a.x},  # x\n  # of y\n  {name: a.y}\n]\n", 0, "tables: [\n  # of y\n  {name: a.y}\n]\n"),
        ("tables: [\n  {name: a.x},  # x\n  # of y\n  {name: a.y}  # y\n]\n", 1, "tables: [\n  {name: a.x}  # x\n]\n"),
        ("tables: [{name: a.x}, # x\n  # of y\n  {name: a.y}]\n", 0, "tables: [\n  # of y\n  {name: a.y}]\n"),
        ("tables: [{name: a.x}, # x\n  # of y\n  {name: a.y}]\n", 1, "tables: [{name: a.x} # x\n  ]\n"),
        ("tables: [{name: a.x}, {name: a.y},]\n", 1, "tables: [{name: a.x},]\n"),
        ("tables: [{name: a.x}]\ndefaults: {}\n", 0, "tables: []\ndefaults: {}\n"),
    ],
    ids=["first", "own line", "last", "beside the bracket", "before the bracket", "comma at the end", "only one"],
)  # fmt: skip
def test_an_entry_goes_with_its_own_comments(
    before: str, index: int, after: str
) -> None:
    text = removed(read(before), ("tables", index))

    assert text is not None
    items = read(before).value["tables"]
    assert read(text).value["tables"] == [*items[:index], *items[index + 1 :]]
    assert text == after


@st.composite
def flow_files(draw: st.DrawFn) -> tuple[str, int]:
    """A file with its tables in brackets, and how many there are."""
    count = draw(st.integers(1, 4))
    several, comma = draw(st.booleans()), draw(st.booleans())
    pad = draw(st.sampled_from(["", " "]))
    text = "tables: [" + ("\n" if several else pad)
    for number in range(count):
        more = draw(
            st.sampled_from(
                ["", ", keys: [k, 'l']", ', sql: "a, ] # b"', ", tags: {a: b,}"]
            )
        )
        closing = "," if number < count - 1 or comma else ""
        item = f"{{name: a.t{number}{more}}}{closing}"
        if several:
            above = draw(st.sampled_from(["", "  # {, above\n", "\n"]))
            behind = draw(st.sampled_from(["", "  # behind, ]"]))
            text += f"{above}  {item}{behind}\n"
        else:
            text += item + (" " if number < count - 1 else pad)
    text += "]" + draw(
        st.sampled_from(["", "  # end", "\n", "\ndefaults: {group: x}\n"])
    )
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    return text.replace("\n", newline), count


class TestRandomLists:
    @given(flow_files(), st.sampled_from([NEW, WHY]))
    def test_adding_is_the_models_edit_and_is_undone_by_removing(
        self, made: tuple[str, int], entry: EntryText
    ) -> None:
        before, count = made
        document = read(before)
        after = appended(document, "tables", entry)
        added = {"name": "a.new", "keys": ["k"]}

        items = [*document.value["tables"], added]
        assert alike(read(after).value, {**document.value, "tables": items})
        assert after.count("\r\n") in (0, after.count("\n"))
        assert removed(read(after), ("tables", count)) == before

    @given(flow_files(), st.integers(0, 3))
    def test_replacing_touches_the_entry_alone(
        self, made: tuple[str, int], number: int
    ) -> None:
        before, count = made
        at = number % count
        document = read(before)
        after = replaced(document, ("tables", at), NEW)

        node = document.node_at(("tables", at))
        assert node is not None
        start, end = node.start_mark.index, node.end_mark.index
        assert after == before[:start] + "{name: a.new, keys: [k]}" + before[end:]

    @given(flow_files(), st.integers(0, 3))
    def test_removing_leaves_the_others(
        self, made: tuple[str, int], number: int
    ) -> None:
        before, count = made
        at = number % count
        document = read(before)
        after = removed(document, ("tables", at))

        items = [*document.value["tables"]]
        del items[at]
        if after is None:
            assert items == []
            return
        assert alike(read(after).value, {**document.value, "tables": items})
        for line in before.splitlines():
            if line.strip().startswith("{") and f"a.t{at}" not in line:
                assert line.split(",")[0] in after

    @given(flow_files(), st.integers(0, 3))
    def test_a_key_that_is_set_and_taken_out_leaves_every_byte(
        self, made: tuple[str, int], number: int
    ) -> None:
        before, count = made
        path = ("tables", number % count)
        after = read(with_value(read(before), path, "group", "b"))

        assert after.value["tables"][number % count]["group"] == "b"
        assert without_value(after, path, "group") == before


def test_cells_are_stored_in_brackets(written: Write) -> None:
    root = written(
        {"tables/a.yml": "tables: [{name: a.b, sql: SELECT 1 AS x}]  # all\n"}
    )
    store(
        root, "%%mdf_table a.c\ngroup: a\ntags:\n  x: y\n---\nSELECT 2 AS x,\n  3 AS y"
    )
    file = root / "definitions/tables/a.yml"

    assert file.read_text() == (
        "tables: [{name: a.b, sql: SELECT 1 AS x}, "
        '{name: a.c, group: a, tags: {x: y}, sql: "SELECT 2 AS x,\\n  3 AS y\\n"}]  # all\n'
    )
    before = file.read_text()
    store(
        root, "%%mdf_table a.c\ngroup: a\ntags:\n  x: y\n---\nSELECT 2 AS x,\n  3 AS y"
    )
    assert file.read_text() == before
