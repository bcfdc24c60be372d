"""The stand-in against databricks-sdk's own client: what it promises, it does."""

from __future__ import annotations

import base64
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
    ResourceConflict,
    ResourceDoesNotExist,
)
from databricks.sdk.service import iam
from databricks.sdk.service.jobs import NotebookTask, RunJobTask, Task, TaskDependency
from databricks.sdk.service.workspace import ImportFormat

from tests.workspace import USER, Outcome, WorkspaceServer


@pytest.fixture
def server() -> Iterator[WorkspaceServer]:
    with WorkspaceServer() as server:
        server.metadata = {"oidc_endpoint": f"{server.host}/oidc"}
        yield server


@pytest.fixture
def client(server: WorkspaceServer) -> WorkspaceClient:
    config = Config(
        host=server.host, token=server.token, auth_type="pat", retry_timeout_seconds=1
    )
    return WorkspaceClient(config=config)


def task(key: str, *after: str) -> Task:
    return Task(
        task_key=key,
        notebook_task=NotebookTask(f"/Workspace/Shared/{key}"),
        depends_on=[TaskDependency(one) for one in after],
    )


def test_who_is_asking_and_where(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    assert client.current_user.me().user_name == USER
    assert str(client.get_workspace_id()) == server.cloud.workspace_id


@pytest.mark.parametrize("count", [0, 1, 100, 101, 250, 1000])
def test_tasks_come_a_hundred_at_a_time(
    server: WorkspaceServer, client: WorkspaceClient, count: int
) -> None:
    made = client.jobs.create(name="j", tasks=[task(f"t{n}") for n in range(count)])

    job = client.jobs.get(made.job_id or 0)

    assert job.settings
    assert len(job.settings.tasks or []) == count
    assert server.count("GET /api/2.2/jobs/get") == max(1, -(-count // 100))


def test_names_of_jobs_repeat_and_are_found_in_any_case(
    client: WorkspaceClient,
) -> None:
    for name in ("Nightly", "nightly", "nightly-2"):
        client.jobs.create(name=name)

    assert len(list(client.jobs.list(name="NIGHTLY"))) == 2


def test_listings_have_pages(server: WorkspaceServer, client: WorkspaceClient) -> None:
    for number in range(101):
        client.jobs.create(name=f"j{number}")
        client.pipelines.create(name=f"p{number}", catalog="main")

    assert len({job.job_id for job in client.jobs.list(limit=100)}) == 101
    assert server.count("GET /api/2.2/jobs/list") == 2
    found = client.pipelines.list_pipelines(max_results=100, filter="name LIKE 'p10%'")
    assert [one.name for one in found] == ["p10", "p100"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"nmae": "x"}, "unknown field: nmae"),
        ({"tasks": [{"task_key": "a", "notebook": {}}]}, "unknown field: tasks.0.notebook"),
        ({"max_concurrent_runs": "2"}, "max_concurrent_runs must be int, not '2'"),
        ({"tags": {f"t{n}": "x" for n in range(26)}}, "There are 26 tags"),
        ({"tasks": [{"task_key": "a", "notebook_task": {"notebook_path": "a"}}]}, "Only absolute paths"),
        ({"tasks": [{"task_key": "a b", "run_job_task": {"job_id": 1}}]}, "'a b' is not allowed"),
    ],
)  # fmt: skip
def test_what_the_api_does_not_know_is_refused(
    client: WorkspaceClient, body: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        client.api_client.do("POST", "/api/2.2/jobs/create", body=body)


def test_a_reset_replaces_everything_but_who_it_runs_as(
    client: WorkspaceClient,
) -> None:
    job_id = client.api_client.do(
        "POST",
        "/api/2.2/jobs/create",
        body={"name": "a", "description": "d", "run_as": {"user_name": USER}},
    )["job_id"]

    client.api_client.do(
        "POST",
        "/api/2.2/jobs/reset",
        body={"job_id": job_id, "new_settings": {"name": "b"}},
    )

    settings = client.jobs.get(job_id).settings
    assert settings
    assert (settings.name, settings.description) == ("b", None)
    assert settings.run_as
    assert settings.run_as.user_name == USER


def test_what_is_missing_and_what_is_hidden(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    with pytest.raises(ResourceDoesNotExist):
        client.jobs.get(1)
    with pytest.raises(NotFound):
        client.pipelines.get("x")
    server.cloud.hidden.add("1")
    with pytest.raises(PermissionDenied):
        client.jobs.get(1)


def test_a_name_of_a_pipeline_is_taken_once(client: WorkspaceClient) -> None:
    client.pipelines.create(name="p", catalog="main")

    with pytest.raises(ResourceConflict, match="already used by another pipeline"):
        client.pipelines.create(name="p", catalog="main")


def test_a_pipeline_is_deleted_with_its_tables_unless_told(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    first = client.pipelines.create(name="a", catalog="main").pipeline_id or ""
    second = client.pipelines.create(name="b", catalog="main").pipeline_id or ""

    client.pipelines.delete(first)
    client.pipelines.delete(second, cascade=False)

    assert server.pipelines.cascaded == [first]


def test_notebooks_lose_their_suffix_and_files_keep_it(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    def put(path: str, text: str) -> None:
        content = base64.b64encode(text.encode()).decode()
        client.workspace.import_(
            path, content=content, format=ImportFormat.AUTO, overwrite=True
        )

    with pytest.raises(NotFound, match="parent folder"):
        put("/Workspace/Shared/p/a.py", "x = 1\n")
    client.workspace.mkdirs("/Workspace/Shared/p")
    put("/Workspace/Shared/p/a.py", "x = 1\n")
    put("/Workspace/Shared/p/b.py", "# Databricks notebook source\nx = 1\n")

    found = {one.path: one.object_type for one in client.workspace.list("/Shared/p")}
    assert {path: kind.value for path, kind in found.items() if kind} == {
        "/Shared/p/a.py": "FILE",
        "/Shared/p/b": "NOTEBOOK",
    }


def test_a_run_goes_through_its_tasks(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    server.runs.outcomes["b"] = Outcome(
        succeeds=False, error="no such column", seconds=0
    )
    part = client.jobs.create(
        name="part", tasks=[task("a"), task("b", "a"), task("c", "b")]
    )
    whole = client.jobs.create(
        name="all",
        tasks=[Task(task_key="part", run_job_task=RunJobTask(part.job_id or 0))],
    )
    start = {"job_id": whole.job_id, "idempotency_token": "t"}
    run_id = client.api_client.do("POST", "/api/2.2/jobs/run-now", body=start)["run_id"]
    assert (
        client.api_client.do("POST", "/api/2.2/jobs/run-now", body=start)["run_id"]
        == run_id
    )

    server.cloud.seconds_later = 1
    run = client.jobs.get_run(run_id)

    assert run.tasks
    output = client.jobs.get_run_output(run.tasks[0].run_id or 0)
    assert output.run_job_output
    child = client.jobs.get_run(output.run_job_output.run_id or 0)
    results = {
        one.task_key: one.state.result_state for one in child.tasks or [] if one.state
    }
    assert {key: result.value for key, result in results.items() if result} == {
        "a": "SUCCESS",
        "b": "FAILED",
        "c": "UPSTREAM_FAILED",
    }


def test_an_update_tells_of_each_table(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    server.pipelines.tables["p"] = ["main.s.a", "main.s.b"]
    server.pipelines.outcomes["main.s.b"] = Outcome(
        succeeds=False, error="no such column", seconds=30
    )
    pipeline_id = client.pipelines.create(name="p", catalog="main").pipeline_id or ""

    update = client.pipelines.start_update(pipeline_id)
    with pytest.raises(ResourceConflict, match="active update"):
        client.pipelines.start_update(pipeline_id)
    server.cloud.seconds_later = 60

    info = client.pipelines.get_update(pipeline_id, update.update_id or "").update
    assert info
    assert info.state
    assert info.state.value == "FAILED"
    errors = client.pipelines.list_pipeline_events(pipeline_id, filter="level='ERROR'")
    assert "main.s.b" in {one.origin.dataset_name for one in errors if one.origin}


def test_permissions_need_one_owner_and_known_groups(client: WorkspaceClient) -> None:
    job_id = str(client.jobs.create(name="j").job_id)
    viewer = iam.AccessControlRequest(
        group_name="users", permission_level=iam.PermissionLevel.CAN_VIEW
    )
    owner = iam.AccessControlRequest(
        user_name=USER, permission_level=iam.PermissionLevel.IS_OWNER
    )

    with pytest.raises(InvalidParameterValue, match="exactly one owner"):
        client.permissions.set("jobs", job_id, access_control_list=[viewer])
    client.permissions.set("jobs", job_id, access_control_list=[viewer, owner])
    viewer.group_name = "strangers"
    with pytest.raises(NotFound, match="strangers"):
        client.permissions.update("jobs", job_id, access_control_list=[viewer])


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("effect", ["drop", 429, 500, 503, 504, 403, 409])
def test_what_was_ordered_goes_wrong(
    server: WorkspaceServer, effect: Any, when: Any
) -> None:
    server.fault("POST .*/jobs/create", effect, when=when, retry_after=5)
    request = urllib.request.Request(
        f"{server.host}/api/2.2/jobs/create",
        data=b'{"name": "j"}',
        headers={"Authorization": f"Bearer {server.token}"},
    )

    with pytest.raises(OSError, match=r"closed connection|reset by peer|HTTP Error"):
        urllib.request.urlopen(request)

    assert server.count("POST /api/2.2/jobs/create") == 1
    assert len(server.jobs.jobs) == (1 if when == "after" else 0)


def test_listings_may_be_late(server: WorkspaceServer, client: WorkspaceClient) -> None:
    server.cloud.list_lag_calls = 2
    client.jobs.create(name="j")

    seen = [len(list(client.jobs.list(name="j"))) for _ in range(3)]

    assert seen == [0, 0, 1]


def test_wrong_and_expired_tokens(server: WorkspaceServer) -> None:
    server.add_user("old@example.com", "dapi-old", expired=True)
    for token in ("dapi-wrong", "dapi-old"):
        config = Config(host=server.host, token=token, auth_type="pat")
        with pytest.raises(PermissionDenied, match=r"[Tt]oken"):
            WorkspaceClient(config=config).current_user.me()
