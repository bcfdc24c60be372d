"""References in mdf.yml itself: in a target, and in what jobs and pipelines are given."""

from __future__ import annotations

import pytest

from tests.planning.plans import plan, queries, query, resource, shown

TABLES = queries(query("s.t"))


def test_fields_of_jobs_and_pipelines_are_resolved() -> None:
    project = """\
        project: shop
        variables: {mail: ops@example.com, most: 3}
        targets: {local: {engine: embedded, catalog: main}}
        job: {email_notifications: {on_failure: ["${var.mail}"]}}
        task: {max_retries: "${var.most}"}
        groups:
          s: {tags: {where: "${target.name} in ${target.catalog}"}}
        """

    spec = resource(plan(TABLES, project=project), "s").spec

    assert spec["email_notifications"] == {"on_failure": ["ops@example.com"]}
    assert spec["tags"]["where"] == "local in main"
    assert spec["tasks"][0]["max_retries"] == 3


def test_fields_of_a_target_are_resolved() -> None:
    project = """\
        project: shop
        default_target: dev
        variables: {env: lab}
        targets:
          dev:
            engine: embedded
            catalog: "${var.env}"
            source_catalog: "${var.env}_raw"
            schema_prefix: "${user}_"
            mode: development
            root_path: /Workspace/Users/${user}/${target.name}
        """

    planned = plan(queries(query("s.t", "r.x")), project=project, target="dev")

    assert planned.problems == ()
    assert planned.target.root_path == "/Workspace/Users/me/dev"
    assert planned.graph.sources == {"s.t": ("lab_raw.r.x",)}
    assert planned.runs_schema == "lab.me_mdf_runs"


def test_references_of_the_platform_are_left_alone() -> None:
    project = """\
        project: shop
        targets: {local: {engine: embedded, catalog: main}}
        groups: {s: {task: {description: "{{job.start_time.iso_date}} $${x}"}}}
        """

    spec = resource(plan(TABLES, project=project), "s").spec

    assert spec["tasks"][0]["description"] == "{{job.start_time.iso_date}} ${x}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            'groups: {s: {job: {description: "${var.x}"}}}',
            "unknown-reference: ${var.x} names nothing\n"
            "  definitions/mdf.yml:3:33\n"
            '    3 | groups: {s: {job: {description: "${var.x}"}}}\n'
            "      |                                 ^^^^^^^^^^\n"
            "  List it in  variables:  of mdf.yml.",
            id="in a group",
        ),
        pytest.param(
            'task: {description: "${user}"}',
            "unknown-reference: ${user} is for development targets only\n"
            "  definitions/mdf.yml:3:21\n"
            '    3 | task: {description: "${user}"}\n'
            "      |                     ^^^^^^^^^\n"
            "  Add  mode: development  to the target.",
            id="user of a shared target",
        ),
        pytest.param(
            'job: {description: "${each.x}"}',
            "unknown-reference: ${each.x} names nothing\n"
            "  definitions/mdf.yml:3:20\n"
            '    3 | job: {description: "${each.x}"}\n'
            "      |                    ^^^^^^^^^^^\n"
            "  References are ${target.x}, ${var.x}, ${user} and ${project.root}.",
            id="each outside of an entry",
        ),
    ],
)
def test_unknown_ones_are_shown_where_they_stand(line: str, expected: str) -> None:
    project = f"project: shop\ntargets: {{local: {{engine: embedded, catalog: main}}}}\n{line}\n"

    assert shown(plan(TABLES, project=project).problems) == expected


def test_unknown_one_of_a_target_is_an_error_for_that_target_only() -> None:
    project = """\
        project: shop
        targets:
          local: {engine: embedded, catalog: main}
          prod: {engine: embedded, catalog: "${var.env}"}
        """

    assert plan(TABLES, project=project).problems == ()
    assert shown(plan(TABLES, project=project, target="prod").problems) == (
        "unknown-reference: ${var.env} names nothing\n"
        "  definitions/mdf.yml:4:37\n"
        '    4 |   prod: {engine: embedded, catalog: "${var.env}"}\n'
        "      |                                     ^^^^^^^^^^^^\n"
        "  List it in  variables:  of mdf.yml."
    )


def test_what_a_reference_gives_is_checked_like_what_is_written() -> None:
    project = """\
        project: shop
        variables: {who: 7}
        targets: {local: {engine: embedded, catalog: main, schema_prefix: "${var.who}"}}
        """

    assert [one.message for one in plan(TABLES, project=project).problems] == [
        "schema_prefix must be text, not 7"
    ]
