"""What `mdf.yml` says of groups: compute, schedules, permissions, tags, names."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from mdf_magics.planning.resources import resource_path
from tests.planning.plans import (
    PROJECT,
    compiled,
    plan,
    queries,
    query,
    resource,
    shown,
)

CRON = '{quartz_cron_expression: "0 0 6 * * ?", timezone_id: UTC}'


def project(groups: str, more: str = "") -> str:
    return f"{PROJECT}{more}groups:\n  {groups}\n"


def found(groups: str, more: str = "", tables: str | None = None) -> list[str]:
    planned = plan(tables or queries(query("s.t")), project=project(groups, more))
    return [f"{one.code}: {one.message}" for one in planned.problems]


class TestSchedules:
    def test_on_a_group_and_on_the_whole_is_an_error(self) -> None:
        planned = plan(
            queries(query("s.t")),
            project=project(
                f"s: {{schedule: {CRON}}}", f"orchestrate: {{schedule: {CRON}}}\n"
            ),
        )

        assert shown(planned.problems) == (
            "two-schedules: s has a schedule, and the whole project a schedule\n"
            "  definitions/mdf.yml:6:7\n"
            f"    6 |   s: {{schedule: {CRON}}}\n"
            "      |       ^^^^^^^^\n"
            "  Keep the one in  orchestrate: , or those of the groups."
        )

    def test_trigger_counts_as_well(self) -> None:
        trigger = "s: {job: {trigger: {periodic: {interval: 1, unit: DAYS}}}}"

        assert found(trigger, f"orchestrate: {{schedule: {CRON}}}\n") == [
            "two-schedules: s has a trigger, and the whole project a schedule"
        ]

    def test_group_that_starts_in_two_ways_is_an_error(self) -> None:
        group = f"s: {{runs_on: pipeline, pipeline: {{continuous: true}}, schedule: {CRON}}}"

        assert found(group) == [
            "two-schedules: s starts by itself in two ways: continuous and schedule"
        ]

    def test_what_is_no_quartz_cron_is_told_with_what_was_meant(self) -> None:
        schedule = '{quartz_cron_expression: "0 6 * * 1", timezone_id: Berlin}'

        planned = plan(
            queries(query("s.t")), project=project(f"s: {{schedule: {schedule}}}")
        )

        line = f"    5 |   s: {{schedule: {schedule}}}\n"
        assert shown(planned.problems) == (
            'bad-schedule: "0 6 * * 1" is no Quartz cron expression: it has 5 fields,'
            " not six or seven\n"
            f"  definitions/mdf.yml:5:42\n{line}"
            "      |                                          ^^^^^^^^^^^\n"
            "  Seconds come first, and ? is the day that is left open: "
            ' "0 0 6 ? * MON" .\n\n'
            'bad-schedule: there is no time zone "Berlin"\n'
            f"  definitions/mdf.yml:5:68\n{line}"
            "      |                                                                    ^^^^^^\n"
            '  Write one such as  "Europe/Berlin"  or  "UTC" .'
        )


class TestContinuous:
    def test_part_that_always_runs_is_started_by_nobody(self) -> None:
        """A job's task can't run a continuous pipeline: it would never end."""
        planned = plan(
            queries(query("a.t"), query("b.t", "a.t"), query("c.t", "b.t")),
            project=project("a: {runs_on: pipeline, pipeline: {continuous: true}}"),
        )

        tasks = resource(planned, "all").spec["tasks"]
        assert [one["task_key"] for one in tasks] == ["b", "c"]
        assert "depends_on" not in tasks[0]

    def test_in_development_pipelines_are_in_development_and_triggered(self) -> None:
        planned = plan(
            queries(query("a.t")),
            project="""\
project: shop
default_target: dev
targets: {dev: {engine: embedded, catalog: lab, mode: development}}
groups: {a: {runs_on: pipeline, pipeline: {continuous: true}}}
""",
            target="dev",
        )

        spec = resource(planned, "a").spec
        assert spec["development"]
        assert "continuous" not in spec


class TestCompute:
    CLUSTER = "{job_cluster_key: KEY, new_cluster: {spark_version: x, num_workers: 1}}"

    def clusters(self, *keys: str) -> str:
        return ", ".join(self.CLUSTER.replace("KEY", one) for one in keys)

    def task(self, group: str, table: str = "") -> dict[str, Any]:
        tables = queries(query("s.t", **({"task": table} if table else {})))
        planned = plan(tables, project=project(f"s: {{{group}}}"))
        tasks: list[dict[str, Any]] = resource(planned, "s").spec["tasks"]
        return tasks[0]

    def test_only_cluster_of_a_job_is_what_its_tasks_run_on(self) -> None:
        group = f"job: {{job_clusters: [{self.clusters('main')}]}}"

        assert self.task(group)["job_cluster_key"] == "main"

    def test_only_environment_is_what_its_tasks_use(self) -> None:
        group = "job: {environments: [{environment_key: deps, spec: {environment_version: '4', dependencies: [faker]}}]}"

        assert self.task(group)["environment_key"] == "deps"

    def test_table_that_names_its_compute_keeps_it(self) -> None:
        group = f"job: {{job_clusters: [{self.clusters('main')}]}}"

        task = self.task(group, "{existing_cluster_id: mine}")

        assert task["existing_cluster_id"] == "mine"
        assert "job_cluster_key" not in task

    def test_one_of_several_clusters_has_to_be_named(self) -> None:
        group = f"s: {{job: {{job_clusters: [{self.clusters('small', 'large')}]}}}}"

        assert found(group) == ["unknown-compute: s.t doesn't say where it runs"]
        named = queries(query("s.t", task="{job_cluster_key: large}"))
        assert found(group, tables=named) == []

    def test_unknown_cluster_is_told_with_the_near_one(self) -> None:
        group = f"s: {{job: {{job_clusters: [{self.clusters('large')}]}}}}"
        tables = queries(query("s.t", task="{job_cluster_key: larg}"))

        (problem,) = plan(tables, project=project(group)).problems

        assert problem.message == 's.t runs on "larg", which its job hasn\'t got'
        assert problem.hint == 'Did you mean "large"? There are: large.'
        assert str(problem.place) == "definitions/tables/t.yml:3:29"

    def test_serverless_pipeline_has_no_clusters(self) -> None:
        group = "s: {runs_on: pipeline, pipeline: {serverless: true, clusters: [{num_workers: 1}]}}"

        assert found(group) == [
            "two-computes: the pipelines of s are serverless and have clusters"
        ]


class TestPermissions:
    GROUP = "s: {permissions: [{group_name: analysts, permission_level: CAN_RUN}]}"

    def test_stand_beside_the_spec_as_the_api_wants_them(self) -> None:
        found = resource(plan(queries(query("s.t")), project=project(self.GROUP)), "s")

        assert found.permissions == (
            {"permission_level": "CAN_MANAGE_RUN", "group_name": "analysts"},
        )
        assert "permissions" not in found.spec

    def test_stand_in_the_file_as_a_bundle_wants_them(self) -> None:
        planned = plan(queries(query("s.t")), project=project(self.GROUP))

        text = compiled(planned).files[resource_path(resource(planned, "s"))]

        job = yaml.safe_load(text)["targets"]["local"]["resources"]["jobs"]["s"]
        assert job["permissions"] == [
            {"level": "CAN_MANAGE_RUN", "group_name": "analysts"}
        ]

    def test_who_may_run_a_pipeline_may_run_the_job_that_starts_it(self) -> None:
        group = self.GROUP.replace(
            "s: {", f"s: {{runs_on: pipeline, schedule: {CRON}, "
        )
        planned = plan(queries(query("s.t")), project=project(group))

        levels = {
            one.key: one.permissions[0]["permission_level"]
            for one in compiled(planned).resources
        }

        assert levels == {"s": "CAN_RUN", "s-schedule": "CAN_MANAGE_RUN"}

    @pytest.mark.parametrize(
        ("permission", "message"),
        [
            ("{permission_level: CAN_VIEW}", "a permission of s names 0 holders"),
            (
                "{permission_level: CAN_VIEW, group_name: a, user_name: b}",
                "a permission of s names 2 holders",
            ),
        ],
    )
    def test_name_exactly_one_holder(self, permission: str, message: str) -> None:
        assert found(f"s: {{permissions: [{permission}]}}") == [
            f"bad-permission: {message}, not one"
        ]


class TestTags:
    def test_room_is_left_for_our_own(self) -> None:
        tags = ", ".join(f"t{number}: x" for number in range(21))

        assert found(f"s: {{tags: {{{tags}}}}}") == [
            "too-many-tags: there are 21 tags, and room for 20"
        ]


class TestRenames:
    def test_parts_keep_their_tables_and_know_their_earlier_keys(self) -> None:
        planned = plan(
            queries(query("s.a", group="orders"), query("s.b", group="orders")),
            project=project("orders: {max_tables: 1, renamed_from: sales}"),
            placement="s.a: sales-2\ns.b: sales\n",
        )

        assert planned.problems == ()
        assert planned.parts.placement == {"s.a": "orders-2", "s.b": "orders"}
        assert {one.key: one.renamed_from for one in compiled(planned).resources} == {
            "all": None,
            "orders": "sales",
            "orders-2": "sales-2",
        }

    def test_table_that_still_names_the_earlier_group_is_told(self) -> None:
        tables = queries(query("s.a", group="sales"))

        assert found("orders: {renamed_from: sales}", tables=tables) == [
            'renamed-group: the group "sales" is called orders now'
        ]

    def test_group_of_the_earlier_name_may_not_be_there(self) -> None:
        tables = queries(query("sales.a"), query("orders.a"))
        groups = "sales: {}\n  orders: {renamed_from: sales}"

        assert found(groups, tables=tables) == [
            "renamed-group: the group sales is there, so orders can't be it"
        ]


def test_group_that_no_table_is_in_is_a_warning() -> None:
    (problem,) = plan(queries(query("s.t")), project=project("gold: {}")).problems

    assert (problem.code, problem.severity) == ("empty-group", "warning")
    assert problem.message == "the group gold has no tables, so nothing comes of it"
    assert str(problem.place) == "definitions/mdf.yml:5:3"
