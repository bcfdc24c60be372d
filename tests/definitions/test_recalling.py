"""The cell that `%mdf_edit` brings back makes the same entry again."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdf_magics import Project
from mdf_magics.adding import AddOptions
from mdf_magics.errors import Source

ENTRIES = {
    "body first, comments between": (
        (
            "  - sql: |\n      SELECT 1 AS a\n\n      -- end\n    # why\n"
            "    description: >\n      folded\n      text\n\n    name: t.x   # the name\n"
            '    # deeper\n    tags: {owner: "da\n      ta"}\n'
        ),
        (
            "%%mdf_table t.x\n# why\ndescription: >\n  folded\n  text\n\n# deeper\n"
            'tags: {owner: "da\n  ta"}\n---\nSELECT 1 AS a\n\n-- end'
        ),
    ),
    "in braces": (
        '  - {name: t.x, sql: "SELECT 1 AS a",\n     tags: {a: b}}   # all\n',
        '%%mdf_table t.x\nsql: "SELECT 1 AS a"\ntags: {a: b}',
    ),
    "a plain body": (
        "  - name: t.x\n    sql: SELECT 1\n      AS a\n",
        "%%mdf_table t.x\nsql: SELECT 1\n  AS a",
    ),
    "aliases": (
        (
            "  - &base\n    name: t.y\n    tags: &tags {a: b}\n    sql: SELECT 1 AS x\n"
            "  - <<: *base\n    name: t.x\n    columns: {x: {tags: *tags}}\n"
        ),
        (
            "%%mdf_table t.x\ntags:\n  a: b\nsql: SELECT 1 AS x\ncolumns:\n  x:\n"
            "    tags:\n      a: b"
        ),
    ),
    "a body with blank lines kept": (
        (
            "  - name: t.x\n    python: |+\n      def f(spark):\n\n"
            "          return spark.range(1)\n\n\n  - name: t.z\n    sql: SELECT 1 AS a\n"
        ),
        "%%mdf_table t.x\n---\ndef f(spark):\n\n    return spark.range(1)",
    ),
    "a body that starts with blanks": (
        "  - name: t.x\n    sql: |2\n         SELECT 1 AS y\n",
        "%%mdf_table t.x\n---\n   SELECT 1 AS y",
    ),
    "wide": (
        (
            "  -   tags:\n          a: b\n      name:\n        t.x\n      sql:\n"
            "        |\n        SELECT 2 AS z"
        ),
        "%%mdf_table t.x\ntags:\n    a: b\n---\nSELECT 2 AS z",
    ),
    "for_each": (
        "  - name: t.${each.w}\n    for_each: {w: [x]}\n    sql: SELECT 1 AS a\n",
        "%%mdf_tables\nname: t.${each.w}\nfor_each: {w: [x]}\nsql: SELECT 1 AS a",
    ),
    "a key in quotes": (
        "  - 'name': \"t.x\"\n    \"sql\": 'SELECT 1 AS a'\n",
        "%%mdf_table t.x\n\"sql\": 'SELECT 1 AS a'",
    ),
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(("entry", "cell"), ENTRIES.values(), ids=ENTRIES)
def test_a_recalled_cell_says_the_same_and_changes_nothing(
    entry: str, cell: str, newline: str, tmp_path: Path
) -> None:
    file = tmp_path / "definitions" / "tables" / "t.yml"
    file.parent.mkdir(parents=True)
    (file.parents[1] / "mdf.yml").write_text(
        "project: p\ntargets: {local: {engine: embedded, catalog: main}}\n"
    )
    file.write_bytes(f"# top\ntables:\n{entry}".replace("\n", newline).encode())
    before = file.read_bytes()
    project = Project(tmp_path)

    recalled = project.cell("t.x")
    added = project.add_file(Source("", recalled), AddOptions(no_preview=True))

    assert recalled == cell
    assert added.added[0].diff == ""
    assert file.read_bytes() == before


def test_json_is_recalled_as_yaml(tmp_path: Path) -> None:
    folder = tmp_path / "definitions" / "tables"
    folder.mkdir(parents=True)
    (tmp_path / "definitions" / "mdf.yml").write_text(
        "project: p\ntargets: {local: {engine: embedded, catalog: main}}\n"
    )
    (folder / "t.json").write_text(
        '{"tables": [{"name": "t.x", "sql": "SELECT 1 AS a", "tags": {"a": "\\u00e9"}}]}'
    )

    assert Project(tmp_path).cell("t.x") == (
        "%%mdf_table t.x\nsql: SELECT 1 AS a\ntags:\n  a: é"
    )
