"""Jobs and pipelines as the workspace's API wants them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mdf_magics.definitions.names import task_key
from mdf_magics.planning.resources import Resource
from tests.planning.plans import (
    PROJECT,
    compiled,
    plan,
    queries,
    query,
    resource,
    shown,
)

DEVELOPMENT = """\
project: shop
default_target: dev
targets: {dev: {engine: embedded, catalog: lab, schema_prefix: "${user}_", mode: development}}
"""

CRON = '{quartz_cron_expression: "0 0 6 * * ?", timezone_id: UTC}'
SCHEDULE = {"quartz_cron_expression": "0 0 6 * * ?", "timezone_id": "UTC"}


def keys(planned: Any) -> list[str]:
    return [one.key for one in compiled(planned).resources]


class TestJobs:
    def test_table_is_a_task_that_waits_for_what_it_reads_in_its_part(self) -> None:
        planned = plan(
            queries(query("s.b", "s.a r.x"), query("s.a", "o.y"), query("r.x"))
        )

        assert resource(planned, "s") == Resource(
            key="s",
            kind="job",
            spec={
                "name": "[local] shop s",
                "tags": {"mdf_project": "shop", "mdf_target": "local", "mdf_key": "s"},
                "tasks": [
                    {
                        "task_key": "s-a",
                        "notebook_task": {
                            "notebook_path": "../src/s.py",
                            "base_parameters": {
                                "table": "s.a",
                                "run_id": "{{job.run_id}}",
                            },
                        },
                    },
                    {
                        "task_key": "s-b",
                        "depends_on": [{"task_key": "s-a"}],
                        "notebook_task": {
                            "notebook_path": "../src/s.py",
                            "base_parameters": {
                                "table": "s.b",
                                "run_id": "{{job.run_id}}",
                            },
                        },
                    },
                ],
            },
            tables=("s.a", "s.b"),
            files=("src/mdf_runtime.py", "src/s.py"),
        )

    def test_tasks_and_what_they_wait_for_are_sorted(self) -> None:
        planned = plan(
            queries(
                query("s.c", "s.b s.a"),
                query("s.b"),
                query("s.a"),
                query("s.d", "s.c s.a"),
            )
        )

        tasks = resource(planned, "s").spec["tasks"]
        waits = {
            one["task_key"]: [each["task_key"] for each in one.get("depends_on", [])]
            for one in tasks
        }
        assert list(waits.items()) == [
            ("s-a", []),
            ("s-b", []),
            ("s-c", ["s-a", "s-b"]),
            ("s-d", ["s-a", "s-c"]),
        ]

    def test_fields_of_table_group_and_project_pass_through_the_nearest_first(
        self,
    ) -> None:
        planned = plan(
            queries(query("s.t", task="{max_retries: 3}")),
            project=f"""\
{PROJECT}
job: {{max_concurrent_runs: 1, timeout_seconds: 60, tags: {{a: project, b: project}}}}
task: {{max_retries: 1, timeout_seconds: 10, min_retry_interval_millis: 5}}
groups:
  s:
    tags: {{a: group, c: group}}
    job: {{timeout_seconds: 70}}
    task: {{max_retries: 2, timeout_seconds: 20}}
""",
        )

        spec = resource(planned, "s").spec
        assert list(spec) == [
            "name",
            "tags",
            "max_concurrent_runs",
            "timeout_seconds",
            "tasks",
        ]
        assert spec["timeout_seconds"] == 70
        assert spec["tags"]["b"] == "project"
        assert spec["tags"]["c"] == "group"
        task = spec["tasks"][0]
        assert task["max_retries"] == 3
        assert task["timeout_seconds"] == 20
        assert task["min_retry_interval_millis"] == 5

    def test_long_task_keys_are_cut_and_stay_apart(self) -> None:
        long = "t" * 120

        planned = plan(queries(query(f"s.{long}1"), query(f"s.{long}2", f"s.{long}1")))

        tasks = resource(planned, "s").spec["tasks"]
        found = [one["task_key"] for one in tasks]
        assert found == [task_key(f"s.{long}1"), task_key(f"s.{long}2")]
        assert len(set(found)) == 2
        assert [len(one) for one in found] == [100, 100]
        assert tasks[1]["depends_on"] == [{"task_key": found[0]}]

    def test_table_that_is_off_has_no_task_and_nobody_waits_for_it(self) -> None:
        planned = plan(
            queries(
                query("s.a", enabled="false"),
                query("s.b", "s.a"),
                query("r.x", "s.a", enabled="false"),
            )
        )

        assert keys(planned) == ["s"]
        assert [one["task_key"] for one in resource(planned, "s").spec["tasks"]] == [
            "s-b"
        ]
        assert "depends_on" not in resource(planned, "s").spec["tasks"][0]

    def test_target_says_whose_rights_jobs_and_pipelines_have(self) -> None:
        project = """\
            project: shop
            targets: {local: {engine: embedded, catalog: main, run_as: {service_principal_name: robot}}}
            groups: {p: {runs_on: pipeline}}
            """

        planned = plan(queries(query("s.t"), query("p.t")), project=project)

        assert {one.key: one.spec["run_as"] for one in compiled(planned).resources} == {
            key: {"service_principal_name": "robot"} for key in ("all", "p", "s")
        }


class TestNotebooks:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for folder in ("one", "two"):
            file = tmp_path / "definitions" / "transformations" / folder / "load.py"
            file.parent.mkdir(parents=True)
            file.write_text(f"# Databricks notebook source\nprint('{folder}')\n")
        return tmp_path

    LOAD = """\
parameters:
  source: table
  title: {type: string, default: x}
  day: {type: date, default: "2013-01-31"}
  at: {type: timestamp, default: "2013-01-31 06:30:00"}
  most: {type: int, default: 3}
  share: {type: float, default: 0.5}
  is_full: {type: bool, default: true}
  keys: {type: columns, default: [a, b]}
notebook: one/load.py
"""

    def test_arguments_arrive_as_texts_of_widgets(self, root: Path) -> None:
        planned = plan(
            "- {name: s.t, transformation: load, arguments: {source: r.x}}",
            root=root,
            load=self.LOAD,
        )

        found = resource(planned, "s")
        assert found.spec["tasks"][0]["notebook_task"] == {
            "notebook_path": "../src/notebooks/load.py",
            "base_parameters": {
                "home": "main.s.t",
                "source": "main.r.x",
                "title": "x",
                "day": "2013-01-31",
                "at": "2013-01-31 06:30:00",
                "most": "3",
                "share": "0.5",
                "is_full": "true",
                "keys": '["a", "b"]',
            },
        }
        assert found.files == ("src/notebooks/load.py",)
        assert (
            compiled(planned).files["src/notebooks/load.py"].endswith("print('one')\n")
        )

    def test_two_of_one_file_name_are_refused(self, root: Path) -> None:
        planned = plan(
            """
            - {name: s.a, transformation: load, arguments: {source: r.x}}
            - {name: s.b, transformation: other}
            """,
            root=root,
            load=self.LOAD,
            other="notebook: two/load.py",
        )

        assert shown(planned.problems).startswith(
            "two-notebooks: two notebooks are called load.py\n"
        )

    def test_one_for_many_tables_is_uploaded_once(self, root: Path) -> None:
        planned = plan(
            "- {name: 's.${each.x}', for_each: {x: [a, b]}, transformation: load, arguments: {source: r.x}}",
            root=root,
            load=self.LOAD,
        )

        assert [path for path in compiled(planned).files if "notebooks" in path] == [
            "src/notebooks/load.py"
        ]


class TestPipelines:
    def spec(self, settings: str) -> dict[str, Any]:
        planned = plan(
            queries(query("s.t"), query("s.v", write="view")),
            project=f"{PROJECT}groups: {{s: {{runs_on: pipeline, pipeline: {settings}}}}}\n",
        )
        return resource(planned, "s").spec

    def test_it_has_its_code_and_its_views(self) -> None:
        assert self.spec("{channel: PREVIEW}") == {
            "name": "[local] shop s",
            "tags": {"mdf_project": "shop", "mdf_target": "local", "mdf_key": "s"},
            "catalog": "main",
            "schema": "s",
            "serverless": True,
            "channel": "PREVIEW",
            "root_path": "../src",
            "libraries": [
                {"file": {"path": "../src/s.py"}},
                {"file": {"path": "../src/s_views.sql"}},
            ],
        }

    @pytest.mark.parametrize(
        "settings", ["{clusters: [{label: default}]}", "{serverless: false}"]
    )
    def test_compute_that_is_named_is_not_replaced(self, settings: str) -> None:
        assert self.spec(settings).get("serverless", False) is False

    def test_schema_bears_the_prefix(self) -> None:
        planned = plan(
            queries(query("s.t")),
            project=f"{DEVELOPMENT}groups: {{s: {{runs_on: pipeline}}}}\n",
            target="dev",
        )

        assert resource(planned, "s").spec["schema"] == "me_s"


class TestWhole:
    def test_parts_run_in_their_order(self) -> None:
        planned = plan(
            queries(query("a.t"), query("b.t", "a.t"), query("c.t", "a.t b.t")),
            project=f"{PROJECT}groups: {{b: {{runs_on: pipeline}}}}\n",
        )

        assert resource(planned, "all").spec["tasks"] == [
            {"task_key": "a", "run_job_task": {"job_id": "${resources.jobs.a.id}"}},
            {
                "task_key": "b",
                "depends_on": [{"task_key": "a"}],
                "pipeline_task": {"pipeline_id": "${resources.pipelines.b.id}"},
            },
            {
                "task_key": "c",
                "depends_on": [{"task_key": "a"}, {"task_key": "b"}],
                "run_job_task": {"job_id": "${resources.jobs.c.id}"},
            },
        ]

    def test_one_part_needs_none(self) -> None:
        assert keys(plan(queries(query("s.t")))) == ["s"]

    def test_one_part_has_it_when_it_is_scheduled_there(self) -> None:
        planned = plan(
            queries(query("s.t")),
            project=f"{PROJECT}orchestrate: {{schedule: {CRON}}}\n",
        )

        assert keys(planned) == ["all", "s"]
        assert resource(planned, "all").spec["schedule"] == SCHEDULE

    def test_it_can_be_left_out(self) -> None:
        planned = plan(
            queries(query("a.t"), query("b.t")),
            project=f"{PROJECT}orchestrate: false\n",
        )

        assert keys(planned) == ["a", "b"]

    def test_no_table_needs_nothing(self) -> None:
        assert (
            compiled(
                plan(project=f"{PROJECT}orchestrate: {{schedule: {CRON}}}\n")
            ).files
            == {}
        )

    def test_its_own_fields_pass_through(self) -> None:
        planned = plan(
            queries(query("a.t"), query("b.t")),
            project=f"{PROJECT}orchestrate: {{job: {{timeout_seconds: 9, tags: {{x: y}}}}}}\n",
        )

        spec = resource(planned, "all").spec
        assert spec["timeout_seconds"] == 9
        assert spec["tags"] == {
            "x": "y",
            "mdf_project": "shop",
            "mdf_target": "local",
            "mdf_key": "all",
        }


class TestSchedules:
    def test_group_of_one_job_has_its_own(self) -> None:
        planned = plan(
            queries(query("s.t")),
            project=f"{PROJECT}groups: {{s: {{schedule: {CRON}}}}}\n",
        )

        assert keys(planned) == ["s"]
        assert resource(planned, "s").spec["schedule"] == SCHEDULE

    @pytest.mark.parametrize(
        ("settings", "task"),
        [
            pytest.param(
                "runs_on: pipeline",
                {
                    "task_key": "s",
                    "pipeline_task": {"pipeline_id": "${resources.pipelines.s.id}"},
                },
                id="pipeline",
            ),
            pytest.param(
                "max_tables: 1",
                {"task_key": "s", "run_job_task": {"job_id": "${resources.jobs.s.id}"}},
                id="several parts",
            ),
        ],
    )
    def test_other_groups_get_a_job_for_it(
        self, settings: str, task: dict[str, Any]
    ) -> None:
        planned = plan(
            queries(query("s.a"), query("s.b", "s.a")),
            project=f"{PROJECT}groups: {{s: {{{settings}, schedule: {CRON}}}}}\n",
        )

        spec = resource(planned, "s-schedule").spec
        assert spec["name"] == "[local] shop s-schedule"
        assert spec["tags"]["mdf_key"] == "s-schedule"
        assert spec["schedule"] == SCHEDULE
        assert spec["tasks"][0] == task
        assert "schedule" not in resource(planned, "s").spec


class TestDevelopment:
    def test_names_and_tags_bear_the_user(self) -> None:
        spec = resource(
            plan(queries(query("s.t")), project=DEVELOPMENT, target="dev"), "s"
        ).spec

        assert spec["name"] == "[dev me] shop s"
        assert spec["tags"]["mdf_target"] == "dev.me"

    def test_nothing_starts_by_itself(self) -> None:
        planned = plan(
            queries(query("a.t"), query("b.t"), query("c.t")),
            project=f"""\
{DEVELOPMENT}
groups:
  a: {{schedule: {CRON}}}
  b: {{runs_on: pipeline, schedule: {CRON}}}
  c: {{job: {{trigger: {{pause_status: UNPAUSED, file_arrival: {{url: /x}}}}}}}}
""",
            target="dev",
        )

        assert resource(planned, "a").spec["schedule"]["pause_status"] == "PAUSED"
        assert (
            resource(planned, "b-schedule").spec["schedule"]["pause_status"] == "PAUSED"
        )
        assert resource(planned, "c").spec["trigger"] == {
            "pause_status": "PAUSED",
            "file_arrival": {"url": "/x"},
        }

    def test_elsewhere_a_schedule_is_as_it_is_written(self) -> None:
        planned = plan(
            queries(query("s.t")),
            project=f"{PROJECT}groups: {{s: {{schedule: {{quartz_cron_expression: '0 0 6 * * ?', timezone_id: UTC, pause_status: PAUSED}}}}}}\n",
        )

        assert resource(planned, "s").spec["schedule"] == SCHEDULE | {
            "pause_status": "PAUSED"
        }


class TestFilledFields:
    @pytest.mark.parametrize(
        "settings",
        [
            "job: {name: x}",
            "job: {tasks: []}",
            "job: {tags: {mdf_key: x}}",
            "pipeline: {libraries: []}",
            "pipeline: {root_path: /x}",
            "pipeline: {catalog: x}",
            "pipeline: {schema: x}",
            "task: {task_key: x}",
            "task: {depends_on: []}",
            "task: {notebook_task: {}}",
            "tags: {mdf_key: x}",
        ],
    )
    def test_what_the_definitions_say_is_refused(self, settings: str) -> None:
        planned = plan(
            queries(query("s.t")), project=f"{PROJECT}groups: {{s: {{{settings}}}}}\n"
        )

        assert len(planned.errors) == 1
        assert planned.errors[0].code == "filled-field"

    def test_so_it_is_in_the_task_of_a_table(self) -> None:
        planned = plan(queries(query("s.t", task="{task_key: x}")))

        assert [one.code for one in planned.errors] == ["filled-field"]


def test_file_of_a_resource_is_a_bundles_under_its_target() -> None:
    text = compiled(plan(queries(query("s.t")))).files["jobs/s.yml"]

    assert text.startswith(
        "# Written by mdf from definitions/. Edit those, not this.\n"
    )
    content = yaml.safe_load(text)
    assert (
        content["targets"]["local"]["resources"]["jobs"]["s"]["name"]
        == "[local] shop s"
    )
