"""Previews: rows of tables that aren't built, computed from what they read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mdf_magics import Project
from mdf_magics.adding import AddOptions
from mdf_magics.errors import DefinitionError, EngineError, Source
from mdf_magics.results import ShownQuery

GROUPS = "groups: {live: {runs_on: pipeline}}\n"

CELLS = """\
%%mdf_table bronze.people
---
SELECT * FROM VALUES ('ada', 36, 1), ('bob', -1, 2), (NULL, 50, 3) AS v(name, age, at)

%%mdf_transformation loud
parameters: {source: table}
---
import cleaning

def loud(source):
    return cleaning.loud(source)

%%mdf_table silver.loud
transformation: loud
arguments: {source: bronze.people}

%%mdf_table silver.people
expectations:
  - {name: named, check: name IS NOT NULL, on_failure: quarantine}
  - {name: born, check: age >= 0, on_failure: drop}
---
SELECT name, age
FROM bronze.people

%%mdf_table live.counted
parameters: {source: {type: table, value: bronze.people}}
---
def counted(source):
    some = source.limit(1)
    if source.count() > 2:
        return some
    return source

%%mdf_table bronze.history
write: scd2
keys: [nam]
sequence_by: moment
apply_as_deletes: gone
parameters: {source: {type: stream, value: bronze.seen}}
---
SELECT * FROM {{ source }}

%%mdf_table bronze.raw
write: append
watermark: moment
parameters: {source: {type: stream, value: bronze.seen}}
---
SELECT name, age, at FROM {{ source }}

%%mdf_table bronze.deleting
write: scd2
keys: [name]
sequence_by: at
apply_as_deletes: gone
parameters: {source: {type: stream, value: bronze.seen}}
---
SELECT * FROM {{ source }}

%%mdf_table bronze.seen
write: append
parameters: {source: {type: stream, value: bronze.people}}
watermark: at
---
SELECT * FROM {{ source }}

%%mdf_table bronze.nothing
parameters: {source: {type: table, value: bronze.people}}
---
def nothing(source):
    source.select("name")

%%mdf_table gold.rejected
---
SELECT count(*) AS n, max(mdf_failed[0]) AS why FROM silver.people_quarantine
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = tmp_path_factory.mktemp("people")
    Project.init(root)
    settings = root / "definitions" / "mdf.yml"
    settings.write_text(
        f"{settings.read_text()}modules: [lib/cleaning.py, lib/words.py]\n{GROUPS}"
    )
    (root / "lib").mkdir()
    (root / "lib" / "words.py").write_text(
        "def shout(text):\n    return text and text.upper()\n"
    )
    (root / "lib" / "cleaning.py").write_text(
        "import words\nfrom pyspark.sql import functions as F\n\n\n"
        "def loud(rows):\n    shout = F.udf(words.shout, 'string')\n"
        "    return rows.select(shout('name').alias('name'))\n"
    )
    project = Project(root)
    project.add_file(Source("cells.txt", CELLS), AddOptions(no_preview=True))
    yield project
    project.close()


def rows(project: Project, table: str) -> list[tuple[Any, ...]]:
    return sorted(project.preview(table).preview.rows.rows, key=repr)


def test_a_function_imports_the_projects_modules_and_those_each_other(
    project: Project,
) -> None:
    assert rows(project, "silver.loud") == [("ADA",), ("BOB",), (None,)]


def test_rejected_rows_are_a_table_like_any_other(project: Project) -> None:
    assert rows(project, "silver.people") == [("ada", 36)]
    assert rows(project, "silver.people_quarantine") == [(None, 50, ["named"])]
    assert rows(project, "gold.rejected") == [(1, "named")]

    listed = {one.name: one for one in project.list().tables}
    assert listed["silver.people_quarantine"].upstream == ("silver.people",)
    assert "silver.people_quarantine  silver  job       overwrite  (rejected rows)" in (
        project.list().text()
    )


def test_rejected_rows_of_a_table_without_such_a_rule_are_no_table(
    project: Project,
) -> None:
    with pytest.raises(
        DefinitionError, match=r'there is no table "silver.loud_quarantine"'
    ):
        project.preview("silver.loud_quarantine")


def test_a_query_is_shown_as_the_target_has_it(project: Project) -> None:
    shown = project.show("gold.rejected", sql=True)

    assert isinstance(shown, ShownQuery)
    assert shown.text() == (
        "-- gold.rejected for local; lines of definitions/tables/gold.yml\n"
        "4  SELECT count(*) AS n, max(mdf_failed[0]) AS why"
        " FROM `main`.`silver`.`people_quarantine`"
    )


def test_a_function_is_not_shown_as_a_query(project: Project) -> None:
    with pytest.raises(
        DefinitionError, match=r"silver.loud is made by a Python function"
    ):
        project.show("silver.loud", sql=True)


def test_a_pipelines_function_may_not_compute_anything(project: Project) -> None:
    """Databricks refuses it, so a preview does."""
    with pytest.raises(EngineError) as error:
        project.preview("live.counted")

    said = str(error.value)
    assert "a pipeline's function computes or writes something (collect, count" in said
    assert "tables/live.yml:7" in said
    assert "if source.count() > 2:" in said


def test_columns_that_a_write_goes_by_must_be_there(project: Project) -> None:
    with pytest.raises(EngineError) as error:
        project.preview("bronze.raw")

    said = str(error.value)
    assert 'the query of bronze.raw has no column "moment", its watermark' in said
    assert "watermark: moment" in said
    assert "There are: age, at, name." in said


def test_all_of_them_are_told_at_once(project: Project) -> None:
    with pytest.raises(EngineError) as error:
        project.preview("bronze.history")

    said = str(error.value)
    assert 'has no column "nam", its keys' in said
    assert 'has no column "moment", its sequence_by' in said


def test_unknown_column_of_deletions_is_an_error_with_a_place(
    project: Project,
) -> None:
    with pytest.raises(EngineError, match="there is no column") as error:
        project.preview("bronze.deleting")

    assert "tables/bronze.yml" in str(error.value)


def test_function_that_returns_nothing_is_told_what_to_return(
    project: Project,
) -> None:
    with pytest.raises(EngineError) as error:
        project.preview("bronze.nothing")

    assert "the function returns nothing, not a DataFrame" in str(error.value)
    assert "End it in  return  and a DataFrame." in str(error.value)
