"""A new name, everywhere the old one is written; renamed back, every byte is back."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdf_magics import Project
from mdf_magics.errors import DefinitionError

MDF = """\
project: shop
variables: {people: raw.people, other: 1}
targets:
  local: {engine: embedded, catalog: main}
"""

TABLES = """\
# all of them
tables:

# about people
-   name: raw.people        # trailing
    sql: SELECT 1 AS id
    expectations: [{name: known, check: id > 0, on_failure: quarantine}]
    keys: []


-   {name: mart.flow, transformation: pick, arguments: {source: raw.people}}   # flow
-
    name: "mart.quoted"
    transformation: 'pick'
    arguments: {"source": 'raw.people'}
    depends_on: [mart.flow, "raw.people"]
-   name: mart.query
    parameters: {x: {type: table, value: raw.people}}
    sql: |
        SELECT * FROM {{ x }} -- raw.people in a comment
        JOIN Raw.People ON true JOIN `raw`.`people` ON 'raw.people' = 'é'
        JOIN raw.people_quarantine
-   name: mart.python
    transformation: again
    arguments: {source: Raw.People}
-   name: mart.${each.w}
    for_each: {w: [p, q], s: [raw.people, mart.flow]}
    transformation: pick
    arguments: {source: "${each.s}"}
-   name: mart.m_${each.w}
    for_each: [{w: p, s: raw.people}, {w: q, s: mart.flow}]
    transformation: pick
    arguments: {source: "${each.s}"}
-   name: mart.variable
    transformation: pick
    arguments: {source: "${var.people}"}
"""

TRANSFORMATIONS = """\
transformations:
- name: again   # recursive
  parameters: {source: table, depth: {type: int, default: 3}}
  python: |
    def again(source, depth):
        "é"; result = source if depth == 0 else again(source, depth - 1)
        return result.again if False else result  # again
- name: pick
  parameters: {source: table}
  sql: SELECT * FROM {{ source }}
"""

TEST = "table: mart.query\ngiven:\n  raw.people: {columns: {}, rows: []}\nexpect: {columns: {}, rows: []}\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name, text in {
        "mdf.yml": MDF,
        "tables/all.yml": TABLES,
        "transformations/all.yml": TRANSFORMATIONS,
        "tests/query.yml": TEST,
    }.items():
        path = tmp_path / "definitions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    project = Project(tmp_path)
    assert not project.validate().problems
    return project


def text(project: Project, name: str = "tables/all.yml") -> str:
    return (project.root / "definitions" / name).read_bytes().decode()


def test_a_table_is_renamed_wherever_it_is_read(project: Project) -> None:
    changed = project.rename("raw.people", "raw.persons")

    stored = text(project)
    assert changed.left == ()
    assert stored == (
        TABLES.replace("raw.people", "raw.persons")
        .replace("raw.persons in a comment", "raw.people in a comment")
        .replace("'raw.persons' =", "'raw.people' =")
        .replace("Raw.People ON", "raw.persons ON")
        .replace("`raw`.`people`", "`raw`.`persons`")
        .replace("{source: Raw.People}", "{source: raw.persons}")
        .replace("    keys: []\n", "    keys: []\n    renamed_from: raw.people\n")
    )
    assert "people: raw.persons," in text(project, "mdf.yml")
    assert "  raw.persons: {" in text(project, "tests/query.yml")
    assert not project.validate().problems


def test_a_part_stays_what_it_was(project: Project) -> None:
    project.rename("raw.people", "raw.persons")

    placement = text(project, "placement.yml")
    assert "raw.persons: raw\n" in placement
    assert "raw.people" not in placement


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("raw.people", "raw.persons"),
        ("mart.flow", "stage.flow"),
        ("mart.quoted", "mart.q2"),
        ("again", "once_more"),
        ("pick", "choose"),
    ],
)
def test_renamed_back_everything_is_as_before(
    project: Project, old: str, new: str
) -> None:
    (project.root / "definitions/tables/all.yml").write_text(
        TABLES.replace("Raw.People", "raw.people")
    )
    names = ("mdf.yml", "tables/all.yml", "transformations/all.yml", "tests/query.yml")
    before = [text(project, name) for name in names]

    project.rename(old, new)
    assert not project.validate().problems
    project.rename(new, old)

    assert [text(project, name) for name in names] == before


def test_a_function_that_calls_itself_is_renamed_inside(project: Project) -> None:
    project.rename("again", "once_more")

    stored = text(project, "transformations/all.yml")
    assert "def once_more(source, depth):" in stored
    assert "else once_more(source, depth - 1)" in stored
    assert "result.again if False else result  # again" in stored
    assert "transformation: once_more" in text(project)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mart.p", "mart.z", "expanded-table"),
        ("mart.flow", "Mart.Flow2", "must be lower case"),
        ("mart.flow", "mart.query", "is there already"),
        ("pick", "class", "word of Python"),
        ("mart.flwo", "mart.x", "nothing called"),
    ],
)
def test_a_name_that_can_t_be_given_is_refused(
    project: Project, old: str, new: str, said: str
) -> None:
    with pytest.raises(DefinitionError, match=said):
        project.rename(old, new)

    assert text(project) == TABLES


def test_what_a_template_puts_together_is_reported(project: Project) -> None:
    path = project.root / "definitions/tables/all.yml"
    path.write_text(
        TABLES
        + (
            "-   name: late.${each.w}\n    for_each: {w: [people]}\n"
            '    transformation: pick\n    arguments: {source: "raw.${each.w}"}\n'
        )
    )

    changed = project.rename("raw.people", "raw.persons")

    line = (
        path.read_text().splitlines().index('    arguments: {source: "raw.${each.w}"}')
    )
    assert changed.left == (f"definitions/tables/all.yml:{line + 1}:25",)
