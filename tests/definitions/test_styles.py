"""Files as people write them: every command edits each of their tables.

`tests/data/styles` holds them: after dbt, bundles and other frameworks, compact,
commented, with anchors, from Windows.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mdf_magics import Project
from mdf_magics.adding import AddOptions
from mdf_magics.definitions.editing import dash_of
from mdf_magics.definitions.loading import Entry, load
from mdf_magics.definitions.reading import Document, read_document
from mdf_magics.definitions.setting import with_value, without_value
from mdf_magics.errors import DefinitionError, Source

from .conftest import Write

STYLES = sorted((Path(__file__).parents[1] / "data" / "styles").glob("*.yml"))
NEWEST = """\
name: newest
parameters: {source: table, keys: columns, order_by: {type: column, default: loaded_at}}
sql: SELECT * FROM {{ source }} ORDER BY {{ keys }}, {{ order_by }}
"""
NEEDED = {"hub.first", "hub.third"}
"""Entries with an anchor that others repeat."""


class Styled:
    """A project with one file of tables."""

    def __init__(self, root: Path, style: Path) -> None:
        self.root = root
        self.file = root / "definitions" / "tables" / style.name
        self.before = style.read_bytes()
        self.project = Project(root)

    def add(self, cell: str) -> None:
        self.project.add_file(Source("", cell), AddOptions(no_preview=True))

    def tables(self) -> list[Entry]:
        """Entries that make one table each."""
        return [one for one in load(self.root).tables if "for_each" not in one.value]

    def unchanged(self) -> bool:
        return self.file.read_bytes() == self.before

    def reset(self) -> None:
        self.file.write_bytes(self.before)

    def around(self, entry: Entry) -> tuple[bytes, bytes]:
        """What stands before an entry, its dash included, and behind it."""
        text, node = entry.document.source.text, entry.document.node_at(entry.path)
        assert node is not None
        start = node.start_mark.index if self.in_brackets else dash_of(text, node)[0]
        return text[:start].encode(), text[node.end_mark.index :].strip().encode()

    @property
    def in_brackets(self) -> bool:
        return b"tables: [" in self.before


@pytest.fixture(params=STYLES, ids=lambda one: one.stem)
def styled(request: pytest.FixtureRequest, written: Write) -> Styled:
    style: Path = request.param
    root = written({"transformations/newest.yml": NEWEST})
    result = Styled(root, style)
    result.file.parent.mkdir(exist_ok=True)
    result.reset()
    return result


def test_there_is_nothing_wrong_with_them(styled: Styled) -> None:
    assert styled.project.validate().problems == ()
    assert styled.tables()


def test_a_cell_that_was_brought_back_changes_nothing(styled: Styled) -> None:
    for entry in styled.tables():
        styled.add(styled.project.cell(entry.name))

        assert styled.unchanged(), entry.name


def test_renaming_back_restores_every_byte(styled: Styled) -> None:
    for entry in styled.tables():
        styled.project.rename(entry.name, f"{entry.name}_new")
        assert not styled.unchanged()
        assert styled.project.validate().problems == ()
        styled.project.rename(f"{entry.name}_new", entry.name)

        assert styled.unchanged(), entry.name


def test_removing_what_was_added_restores_every_byte(styled: Styled) -> None:
    group = styled.file.stem
    styled.add(
        f"%%mdf_table {group}.added\ngroup: {group}\n---\nSELECT 5 AS x,\n  6 AS y"
    )
    assert not styled.unchanged()
    styled.project.remove(f"{group}.added")

    assert styled.unchanged()


def test_replacing_an_entry_keeps_what_is_around(styled: Styled) -> None:
    for entry in styled.tables():
        cell = f"%%mdf_table {entry.name}\n---\nSELECT 5 AS x, 6 AS id"
        if entry.name in NEEDED:
            with pytest.raises(DefinitionError, match="and repeated here"):
                styled.add(cell)
            assert styled.unchanged()
            continue
        before, behind = styled.around(entry)
        styled.add(cell)

        after = styled.file.read_bytes()
        assert after.startswith(before)
        assert after.rstrip().endswith(behind)
        styled.reset()


def test_removing_an_entry_keeps_the_others(styled: Styled) -> None:
    for entry in styled.tables():
        entries = load(styled.root).tables
        others = [said(one) for one in entries if one.name != entry.name]
        if entry.name in NEEDED:
            with pytest.raises(DefinitionError, match="and repeated here"):
                styled.project.remove(entry.name, force=True)
            continue
        styled.project.remove(entry.name, force=True)

        assert [said(one) for one in load(styled.root).tables] == others
        if not styled.in_brackets:
            left = styled.file.read_bytes().splitlines()
            assert set(left) <= {*styled.before.splitlines()}
        styled.reset()


def said(entry: Entry) -> dict[str, object]:
    """What an entry says; a line end behind its body says nothing."""
    return {**entry.value, "sql": str(entry.value.get("sql")).rstrip()}


def test_a_key_that_is_set_and_taken_out_restores_every_byte(styled: Styled) -> None:
    text = styled.before.decode()
    for entry in styled.tables():
        after = read(with_value(entry.document, entry.path, "renamed_from", "x.y"))

        assert after.value["tables"][entry.path[1]]["renamed_from"] == "x.y"
        assert without_value(after, entry.path, "renamed_from") == text


def read(text: str) -> Document:
    document = read_document(Source("definitions/tables/a.yml", text))
    assert document.problems == []
    return document
