"""What is passed through to the Jobs and Pipelines APIs is checked before it is sent."""

from __future__ import annotations

import runpy
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mdf_magics.definitions.api_fields import (
    FILLED,
    KINDS,
    Kind,
    api_types,
    check_fields,
)
from mdf_magics.definitions.loading import load
from mdf_magics.definitions.reading import read_document
from mdf_magics.errors import Problem, Source
from mdf_magics.planning.steps import Settings, plan_target

ROOT = Path(__file__).parents[2]


def problems_of(kind: Kind, text: str) -> list[Problem]:
    """What is wrong with fields written in YAML."""
    document = read_document(Source("x.yml", textwrap.dedent(text)))
    assert document.problems == []
    return check_fields(
        kind, document.value, lambda at, key: document.place(at, key=key)
    )


def said(kind: Kind, text: str) -> list[str]:
    """The problems in short: code, line, column, message, hint."""
    return [
        f"{one.code} {one.place.line}:{one.place.column} {one.message}. {one.hint}"
        for one in problems_of(kind, text)
        if one.place
    ]


GOOD: list[tuple[Kind, str]] = [
    (
        "job",
        """
        max_concurrent_runs: 1
        timeout_seconds: 7200
        description: Runs at night.
        performance_target: STANDARD
        queue: {enabled: true}
        tags: {cost_center: a1}
        parameters: [{name: day, default: "2013-01-01"}]
        run_as: {service_principal_name: 0f1e}
        """,
    ),
    (
        "job",
        """
        job_clusters:
          - job_cluster_key: main
            new_cluster:
              spark_version: 16.4.x-scala2.12
              node_type_id: i3.xlarge
              autoscale: {min_workers: 1, max_workers: 4}
              data_security_mode: SINGLE_USER
              spark_conf: {spark.sql.shuffle.partitions: "64"}
              spark_env_vars: {TOKEN: "{{secrets/flights/token}}"}
              aws_attributes: {availability: SPOT_WITH_FALLBACK, first_on_demand: 1}
              init_scripts: [{volumes: {destination: /Volumes/a/b/c.sh}}]
              custom_tags: {team: data}
        """,
    ),
    (
        "job",
        """
        environments:
          - environment_key: default
            spec:
              environment_version: "4"
              dependencies: [simplejson==3.19.3, "/Volumes/a/b/c.whl"]
        """,
    ),
    (
        "job",
        """
        email_notifications:
          on_failure: [data@example.com]
          no_alert_for_skipped_runs: true
        webhook_notifications: {on_failure: [{id: 5a6b}]}
        notification_settings: {no_alert_for_canceled_runs: true}
        health:
          rules: [{metric: RUN_DURATION_SECONDS, op: GREATER_THAN, value: 3600}]
        trigger:
          pause_status: UNPAUSED
          file_arrival: {url: /Volumes/prod/landing/files/, min_time_between_triggers_seconds: 60}
        """,
    ),
    ("job", "continuous: {pause_status: PAUSED}"),
    (
        "job",
        "git_source: {git_url: 'https://a/b', git_provider: gitHub, git_branch: m}",
    ),
    (
        "pipeline",
        """
        serverless: true
        continuous: false
        channel: CURRENT
        edition: ADVANCED
        configuration: {landing: "${var.landing}"}
        environment: {dependencies: [simplejson]}
        event_log: {catalog: prod, schema: logs, name: events}
        notifications:
          - {email_recipients: [data@example.com], alerts: [on-update-failure]}
        restart_window: {start_hour: 3, days_of_week: [MONDAY]}
        tags: {team: data}
        """,
    ),
    (
        "pipeline",
        """
        clusters:
          - label: default
            node_type_id: "${var.node_type}"
            autoscale: {min_workers: 1, max_workers: 5, mode: ENHANCED}
            azure_attributes: {spot_bid_max_price: -1}
        photon: true
        """,
    ),
    (
        "task",
        """
        max_retries: 2
        min_retry_interval_millis: 60000
        retry_on_timeout: false
        timeout_seconds: 3600
        job_cluster_key: main
        run_if: ALL_DONE
        libraries: [{pypi: {package: simplejson}}, {whl: /Volumes/a/b.whl}]
        """,
    ),
    ("task", 'max_retries: "${var.retries}"'),
    ("task", 'max_retries: "{{job.parameters.retries}}"'),
    ("task", 'retry_on_timeout: "{{job.parameters.again}}"'),
    ("task", 'run_if: "${var.when}"'),
    ("task", 'libraries: "${var.libraries}"'),
    ("job", 'email_notifications: {on_failure: ["${var.team}@example.com"]}'),
    ("job", 'email_notifications: "${var.mails}"'),
    ("job", "{}"),
]


@pytest.mark.parametrize(("kind", "text"), GOOD)
def test_fields_of_the_api_pass(kind: Kind, text: str) -> None:
    assert problems_of(kind, text) == []


BAD: list[tuple[Kind, str, str]] = [
    (
        "job",
        "max_concurent_runs: 1",
        'unknown-field 1:1 there is no field "max_concurent_runs" in job. Did you mean "max_concurrent_runs"? There are: budget_policy_id, continuous, deployment, ',
    ),
    (
        "job",
        "max_concurrent_runs: one",
        'wrong-type 1:22 job.max_concurrent_runs must be a whole number, not "one". ',
    ),
    (
        "job",
        "max_concurrent_runs: 1.5",
        "wrong-type 1:22 job.max_concurrent_runs must be a whole number, not 1.5. ",
    ),
    (
        "job",
        "max_concurrent_runs: true",
        "wrong-type 1:22 job.max_concurrent_runs must be a whole number, not true. ",
    ),
    (
        "job",
        "timeout_seconds:",
        "wrong-type 1:17 job.timeout_seconds must be a whole number, not empty. Write a value, or leave the key out.",
    ),
    (
        "job",
        'timeout_seconds: "${var.minutes}0"',
        'wrong-type 1:18 job.timeout_seconds must be a whole number, not "${var.minutes}0". ',
    ),
    (
        "job",
        "queue: {enabled: 1}",
        "wrong-type 1:18 job.queue.enabled must be true or false, not 1. ",
    ),
    (
        "job",
        "email_notifications: {on_failure: data@example.com}",
        'wrong-type 1:35 job.email_notifications.on_failure must be a list, not "data@example.com". Write it as a list:  [data@example.com]',
    ),
    (
        "job",
        "email_notifications: {on_failures: []}",
        'unknown-field 1:23 there is no field "on_failures" in job.email_notifications. Did you mean "on_failure"? There are: no_alert_for_skipped_runs, ',
    ),
    (
        "job",
        "health: {rules: [{metric: RUN_DURATION, op: GREATER_THAN, value: 60}]}",
        'wrong-type 1:27 job.health.rules.0.metric must be one of 5 words, not "RUN_DURATION". Did you mean "RUN_DURATION_SECONDS"? There are: ',
    ),
    (
        "job",
        "health: {rules: [{metric: RUN_DURATION_SECONDS, op: '>', value: 60}]}",
        'wrong-type 1:53 job.health.rules.0.op must be GREATER_THAN, not ">". There are: GREATER_THAN.',
    ),
    (
        "job",
        "trigger: {file_arrival: /Volumes/a}",
        'wrong-type 1:25 job.trigger.file_arrival must be a mapping, not "/Volumes/a". Its fields are: min_time_between_triggers_seconds, url, wait_after_last_change_seconds.',
    ),
    (
        "job",
        "trigger: {pause_status: paused, periodic: {interval: 1, unit: DAYS}}",
        'wrong-type 1:25 job.trigger.pause_status must be PAUSED or UNPAUSED, not "paused". Did you mean "PAUSED"? There are: PAUSED, UNPAUSED.',
    ),
    (
        "job",
        """
        job_clusters:
          - job_cluster_key: main
            new_cluster:
              spark_conf: {spark.sql.shuffle.partitions: 64}
        """,
        'wrong-type 5:50 job.job_clusters.0.new_cluster.spark_conf.spark.sql.shuffle.partitions must be text, not 64. Write it in quotes:  "64"',
    ),
    (
        "job",
        "job_clusters: [{job_cluster_key: main, new_cluster: {node_type: i3}}]",
        'unknown-field 1:54 there is no field "node_type" in job.job_clusters.0.new_cluster. Did you mean "node_type_id"? There are: ',
    ),
    (
        "job",
        "environments: {environment_key: default}",
        "wrong-type 1:15 job.environments must be a list, not a mapping. ",
    ),
    (
        "job",
        "environments: [{environment_key: a, spec: {environment_version: 4}}]",
        'wrong-type 1:65 job.environments.0.spec.environment_version must be text, not 4. Write it in quotes:  "4"',
    ),
    (
        "job",
        "name: nightly",
        "filled-field 1:1 job.name is filled in by mdf. A job or pipeline is named after target, project and part.",
    ),
    (
        "job",
        "tasks: []",
        "filled-field 1:1 job.tasks is filled in by mdf. Write tables: each becomes a task.",
    ),
    (
        "job",
        "schedule: {quartz_cron_expression: '0 0 6 * * ?', timezone_id: UTC}",
        "filled-field 1:1 job.schedule is filled in by mdf. Write  schedule:  in the group, or in  orchestrate: .",
    ),
    (
        "job",
        "tags: {mdf_key: x}",
        "filled-field 1:8 job.tags.mdf_key is filled in by mdf. Tags that start with mdf_ tell which resources are ours: rename it.",
    ),
    (
        "job",
        "tags: [a]",
        "wrong-type 1:7 job.tags must be a mapping, not a list. ",
    ),
    (
        "pipeline",
        "libraries: [{notebook: {path: /x}}]",
        "filled-field 1:1 pipeline.libraries is filled in by mdf. Its code is the group's tables; packages go into  environment: {dependencies: []} .",
    ),
    (
        "pipeline",
        "catalog: prod",
        "filled-field 1:1 pipeline.catalog is filled in by mdf. Tables go where the target's  catalog:  and  schema_prefix:  say.",
    ),
    (
        "pipeline",
        "root_path: /x",
        "filled-field 1:1 pipeline.root_path is filled in by mdf. Files go where the target's  root_path:  says.",
    ),
    (
        "pipeline",
        "serverles: true",
        'unknown-field 1:1 there is no field "serverles" in pipeline. Did you mean "serverless"? There are: ',
    ),
    (
        "pipeline",
        'serverless: "yes"',
        'wrong-type 1:13 pipeline.serverless must be true or false, not "yes". ',
    ),
    (
        "pipeline",
        "clusters: [{autoscale: {min_workers: 1, max_workers: 5, mode: FAST}}]",
        'wrong-type 1:63 pipeline.clusters.0.autoscale.mode must be ENHANCED or LEGACY, not "FAST". There are: ENHANCED, LEGACY.',
    ),
    (
        "pipeline",
        "notifications: [{email_recipients: [a], alerts: [{on: failure}]}]",
        "wrong-type 1:50 pipeline.notifications.0.alerts.0 must be text, not a mapping. ",
    ),
    (
        "pipeline",
        "event_log: events",
        'wrong-type 1:12 pipeline.event_log must be a mapping, not "events". Its fields are: catalog, name, schema.',
    ),
    (
        "task",
        "retries: 3",
        'unknown-field 1:1 there is no field "retries" in task. Did you mean "max_retries"? There are: ',
    ),
    (
        "task",
        "notebook_task: {notebook_path: /x}",
        "filled-field 1:1 task.notebook_task is filled in by mdf. A table's task runs its body; a notebook of your own is a transformation.",
    ),
    (
        "task",
        "sql_task: {warehouse_id: a}",
        "filled-field 1:1 task.sql_task is filled in by mdf. A table's task runs its body; a notebook of your own is a transformation.",
    ),
    (
        "task",
        "depends_on: [{task_key: a}]",
        "filled-field 1:1 task.depends_on is filled in by mdf. What a table reads comes first; add to it in its  depends_on: .",
    ),
    (
        "task",
        "libraries: [simplejson]",
        'wrong-type 1:13 task.libraries.0 must be a mapping, not "simplejson". Its fields are: cran, egg, jar, maven, pypi, requirements, whl.',
    ),
    (
        "task",
        "description: 2024-01-01",
        'wrong-type 1:14 task.description must be text, not 2024-01-01. Write it in quotes:  "2024-01-01"',
    ),
]


@pytest.mark.parametrize(("kind", "text", "expected"), BAD)
def test_what_the_api_has_not_is_a_problem(
    kind: Kind, text: str, expected: str
) -> None:
    (found,) = said(kind, text)

    assert found.startswith(expected)


def test_every_problem_is_reported() -> None:
    found = said("job", "name: a\nqueue: {enabled: 1, size: 2}\nformat: X\nx: 1\n")

    assert [line.split(" ")[:2] for line in found] == [
        ["filled-field", "1:1"],
        ["wrong-type", "2:18"],
        ["unknown-field", "2:21"],
        ["wrong-type", "3:9"],
        ["unknown-field", "4:1"],
    ]


def test_everything_in_a_project_is_checked(tmp_path: Path) -> None:
    files = {
        "mdf.yml": """
            project: flights
            targets: {local: {engine: embedded, catalog: main}}
            job: {max_runs: 1}
            pipeline: {photon: 1}
            task: {max_retries: a}
            orchestrate: {job: {name: all}}
            groups:
              gold:
                job: {tasks: []}
                pipeline: {storage: /x}
                task: {retries: 1}
                tags: {mdf_target: x}
            """,
        "tables/gold.yml": """
            defaults: {task: {max_retries: b}}
            tables:
              - {name: gold.a, sql: SELECT 1 AS a}
              - {name: gold.b, sql: SELECT 1 AS a}
              - name: gold.${each.what}
                for_each: {what: [c, d]}
                sql: SELECT 1 AS a
                task: {run_if: "${each.what}"}
              - {name: gold.e, sql: SELECT 1 AS a, task: {timeout_seconds: "${var.x}"}}
            """,
    }
    for name, text in files.items():
        path = tmp_path / "definitions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())
    settings = Settings("local", {"x": "soon"}, lambda: "me")

    problems = plan_target(load(tmp_path), settings).problems

    assert [f"{one.code} {one.place}" for one in problems] == [
        "unknown-field definitions/mdf.yml:3:7",
        "wrong-type definitions/mdf.yml:4:20",
        "wrong-type definitions/mdf.yml:5:21",
        "filled-field definitions/mdf.yml:6:21",
        "filled-field definitions/mdf.yml:9:11",
        "filled-field definitions/mdf.yml:10:16",
        "unknown-field definitions/mdf.yml:11:12",
        "filled-field definitions/mdf.yml:12:12",
        "wrong-type definitions/tables/gold.yml:1:32",
        "wrong-type definitions/tables/gold.yml:8:20",
        "wrong-type definitions/tables/gold.yml:8:20",
        "wrong-type definitions/tables/gold.yml:9:64",
    ]


def test_the_table_is_what_the_installed_sdk_says() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "api_fields.py"))

    derived = script["text"]()

    committed = script["FILE"].read_text(encoding="utf-8")
    assert derived == committed, "run  make api-fields"


def test_every_type_in_the_table_is_there() -> None:
    types = api_types()
    used = {
        kind.strip("[]{}")
        for fields in types.values()
        if isinstance(fields, dict)
        for kind in fields.values()
    }

    assert used | set(KINDS) == set(types) | {"str", "int", "float", "bool"}


def test_a_filled_field_is_not_in_the_table() -> None:
    for kind in KINDS:
        assert not set(FILLED[kind]) & set(api_types()[kind])


def test_checking_does_not_import_the_sdk() -> None:
    code = (
        "import sys\n"
        "from mdf_magics.definitions.api_fields import check_fields\n"
        "check_fields('job', {'queue': {}}, None)\n"
        "sys.exit('databricks' in sys.modules)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)

    assert done.returncode == 0
