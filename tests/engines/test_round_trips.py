"""What a preview on a workspace asks of it: each question costs a user's time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mdf_magics.errors import EngineError
from mdf_magics.project import Project
from tests.engines.conftest import AS_SERVERLESS
from tests.engines.stand_in import TOKEN, Workspace

TABLES = """\
tables:
  - name: s.numbers
    sql: SELECT id, id % 3 AS k FROM range(9)
  - name: s.counts
    sql: SELECT k, count(*) AS n FROM s.numbers GROUP BY k
  - name: s.first
    python: |
      def first(numbers: DataFrame):
          return numbers.select(numbers.columns[0])
    parameters: {numbers: {type: table, value: s.numbers}}
  - name: s.lost
    sql: SELECT * FROM raw.nowhere
"""


@pytest.fixture
def project(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """A project of which nothing is built, whose engine has been used."""
    monkeypatch.setenv("DATABRICKS_HOST", workspace.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    monkeypatch.setenv("HOME", str(tmp_path))
    definitions = tmp_path / "definitions"
    (definitions / "tables").mkdir(parents=True)
    (definitions / "tables" / "s.yml").write_text(TABLES)
    (definitions / "mdf.yml").write_text(
        "project: trips\n"
        "default_target: dev\n"
        "targets: {dev: {engine: databricks, catalog: main, root_path: /x}}\n"
    )
    project = Project(tmp_path)
    engine = project.engine(project.planned())
    for name, value in AS_SERVERLESS.items():
        engine.session.conf.set(name, value)
    engine.run(f"CREATE SCHEMA main.s LOCATION '{tmp_path}/s'")
    yield project
    project.close()


def build(project: Project, name: str) -> None:
    planned = project.planned()
    query = planned.tables[name].body.text
    text = f"CREATE TABLE main.{name} USING delta AS {query}"
    project.engine(planned).run(text.replace(" s.", " main.s."))


def questions(workspace: Workspace) -> list[str]:
    """What the engine was asked, without what pyspark sends by the way."""
    asked = []
    for call in workspace.calls:
        if call.method == "AnalyzePlan":
            asked.append(str(call.request.WhichOneof("analyze")))
        elif call.method == "ExecutePlan":
            plan = call.request.plan
            kind = plan.root.WhichOneof("rel_type") or "sql"
            asked.append(plan.root.catalog.WhichOneof("cat_type") or kind)
    return asked


def test_a_preview_asks_what_the_bare_query_does_and_whether_the_table_is_there(
    project, workspace
):
    build(project, "s.numbers")
    workspace.calls.clear()

    shown = project.preview("s.counts").preview

    assert sorted(shown.rows.rows) == [(0, 3), (1, 3), (2, 3)]
    assert shown.upstream == {"s.numbers": "read"}
    assert questions(workspace) == ["sql", "schema", "limit", "table_exists"]


def test_a_table_that_is_there_costs_one_more_for_its_columns(project, workspace):
    build(project, "s.numbers")
    build(project, "s.counts")
    workspace.calls.clear()

    shown = project.preview("s.counts").preview

    assert shown.next_run.columns == ()
    asked = ["sql", "schema", "limit", "table_exists", "schema"]
    assert questions(workspace) == asked


@pytest.mark.parametrize("name", ["s.counts", "s.first"])
def test_an_upstream_table_that_turns_out_not_to_be_there_is_computed(project, name):
    shown = project.preview(name).preview

    assert shown.upstream == {"s.numbers": "computed"}
    assert len(shown.rows.rows) == {"s.counts": 3, "s.first": 9}[name]


def test_a_table_that_nobody_makes_is_an_error_at_its_place(project):
    with pytest.raises(EngineError) as raised:
        project.preview("s.lost")
    [problem] = raised.value.problems
    assert problem.message == "there is no table raw.nowhere"
    assert str(problem.place) == "definitions/tables/s.yml:12:24"


def test_another_login_in_the_definitions_makes_another_engine(project, workspace):
    project.preview("s.numbers")
    file = project.root / "definitions" / "mdf.yml"
    text = file.read_text()
    before = project.engine(project.planned())
    file.write_text(text.replace("root_path: /x", "root_path: /y"))
    assert project.engine(project.planned()) is before
    file.write_text(text.replace("catalog: main", "catalog: main, cluster_id: c"))
    assert project.engine(project.planned()) is not before
    assert len(workspace.asked("ReleaseSession")) == 1
