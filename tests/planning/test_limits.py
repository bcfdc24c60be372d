"""What the platform allows: more is an error or warning with its reason and place."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdf_magics.errors import DefinitionError
from mdf_magics.planning.limits import MOST_FILE
from mdf_magics.planning.steps import compile_target
from tests.planning.plans import PROJECT, plan, queries, query, shown

NOTEBOOK = "parameters: {title: {type: string, default: x}}\nnotebook: load.py\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "definitions" / "transformations"
    folder.mkdir(parents=True)
    (folder / "load.py").write_text("# Databricks notebook source\n")
    return tmp_path


def project(group: str) -> str:
    return f"{PROJECT}groups: {{s: {{{group}}}}}\n"


@pytest.mark.parametrize(
    ("home", "reason"),
    [
        ("job", "a job takes 1,000 tasks"),
        ("pipeline", "a pipeline takes 1,000 tables, those of rejected rows included"),
    ],
)
def test_max_tables_above_the_limit_is_capped_and_said(home: str, reason: str) -> None:
    (problem,) = plan(
        queries(query("s.t")), project=project(f"runs_on: {home}, max_tables: 5000")
    ).problems

    assert (problem.code, problem.severity) == ("limit-exceeded", "warning")
    assert problem.message == "max_tables of s is 5,000, not 1,000"
    assert problem.hint == f"At most: {reason}."
    assert str(problem.place).startswith("definitions/mdf.yml:4:")


def test_rejected_rows_count_as_tables_of_a_pipeline() -> None:
    names = [f"s.t{number}" for number in range(600)]
    tables = f"""tables:
  - name: s.t${{each.x}}
    for_each: {{x: {list(range(600))}}}
    sql: SELECT 1 AS x
    expectations: [{{name: e, check: x > 0, on_failure: quarantine}}]
"""
    group = project("runs_on: pipeline, max_tables: 1000")

    planned = plan(
        tables, project=group, placement="".join(f"{one}: s\n" for one in names)
    )

    assert [one.message for one in planned.errors] == [
        "the pipeline s holds 1,200 tables"
    ]


class TestContexts:
    """A classic cluster runs 145 notebooks at once; what comes then fails."""

    CLUSTER = "max_tables: 500, job: {job_clusters: [{job_cluster_key: c}]}"

    def tables(self, count: int, **keys: str) -> list[str]:
        return [query(f"s.t{number:03}", **keys) for number in range(count)]

    def test_more_tables_that_start_together_on_one_cluster(self) -> None:
        (problem,) = plan(
            queries(*self.tables(146)), project=project(self.CLUSTER)
        ).problems

        assert (problem.code, problem.severity) == ("crowded-cluster", "error")
        assert problem.message == ('146 tables of s start on the cluster "c" at once')
        assert "mdf regroup s --size 145" in problem.hint
        assert str(problem.place) == "definitions/tables/t.yml:2:5"

    def test_cluster_that_is_there_counts_as_well(self) -> None:
        tables = self.tables(146, task="{existing_cluster_id: x-1}")

        (problem,) = plan(queries(*tables)).problems

        assert '"x-1" at once' in problem.message

    @pytest.mark.parametrize(
        ("tables", "group"),
        [
            pytest.param(145, CLUSTER, id="room for all"),
            pytest.param(400, "max_tables: 500", id="serverless"),
            pytest.param(
                400, "max_tables: 500, task: {new_cluster: {}}", id="one for each"
            ),
            pytest.param(
                400, "job: {job_clusters: [{job_cluster_key: c}]}", id="parts"
            ),
        ],
    )
    def test_fewer_are_fine(self, tables: int, group: str) -> None:
        planned = plan(queries(*self.tables(tables)), project=project(group))

        assert planned.errors == []

    def test_tables_that_wait_for_others_do_not_start_with_them(self) -> None:
        first = self.tables(140)
        later = [query(f"s.u{number:03}", "s.t000") for number in range(140)]

        planned = plan(queries(*first, *later), project=project(self.CLUSTER))

        assert planned.problems == ()


def test_arguments_of_one_notebook_task_above_a_megabyte(root: Path) -> None:
    tables = f"- name: s.t\n  transformation: load\n  arguments: {{title: {'x' * 1_000_001}}}\n"

    (problem,) = plan(tables, root=root, load=NOTEBOOK).problems

    assert problem.message == "the arguments of s.t have 1.0 MB"
    assert "1 MB of parameters" in problem.hint
    assert str(problem.place).startswith("definitions/tables/t.yml:")


def test_request_above_ten_megabytes(root: Path) -> None:
    tables = "tables:\n" + "".join(
        f"  - {{name: s.t{number}, transformation: load, arguments: {{title: {'x' * 900_000}}}}}\n"
        for number in range(12)
    )

    planned = plan(tables, root=root, load=NOTEBOOK)

    with pytest.raises(DefinitionError, match=r"the job s would have 10\.8 MB"):
        compile_target(planned)


def test_file_above_ten_megabytes_names_the_largest_query() -> None:
    tables = queries(*(query(f"s.{name}") for name in "abcd"))
    large = tables.replace("SELECT 1 AS x", f"SELECT '{'x' * (MOST_FILE // 4)}' AS x")

    planned = plan(large)

    assert planned.errors == [], shown(planned.errors)
    with pytest.raises(DefinitionError) as error:
        compile_target(planned)
    (problem,) = error.value.problems
    assert problem.message == "the file src/s.py would have 10.0 MB"
    assert str(problem.place).startswith("definitions/tables/t.yml:")


def test_whole_of_more_than_a_thousand_parts() -> None:
    items = list(range(1001))
    tables = (
        f"- {{name: 's.t${{each.x}}', for_each: {{x: {items}}}, sql: SELECT 1 AS x}}"
    )

    planned = plan(tables, project=project("max_tables: 1"))

    with pytest.raises(DefinitionError, match="the job all would have 1,001 tasks"):
        compile_target(planned)


def test_description_that_the_api_refuses() -> None:
    (problem,) = plan(
        queries(query("s.t")),
        project=project(f"job: {{description: {'x' * 27_701}}}"),
    ).problems

    assert problem.message == "the description of s has 27,701 characters"
