"""Whole deploys to the stand-in of a workspace: what is sent, once, and what it costs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.service.jobs import JobSettings
from databricks.sdk.service.pipelines import PipelineSpec

from mdf_magics.deploying.deployer import Deployer, Terms
from mdf_magics.deploying.result import DeployResult
from mdf_magics.deploying.survey import Wish
from mdf_magics.planning.resources import Compiled
from mdf_magics.state.sqlite import SQLiteStore
from tests.deploying.desired import FLIGHTS, GOLD, compiled, part
from tests.deploying.place import ORIGIN
from tests.deploying.remote import rest_of, workspace_of
from tests.workspace import USER, WorkspaceServer

CREATE = "POST /api/2.2/jobs/create"
VIEWERS = {"group_name": "users", "permission_level": "CAN_VIEW"}


@pytest.fixture
def deployer(server: WorkspaceServer, tmp_path: Path) -> Deployer:
    store = SQLiteStore(tmp_path / "state.db", project="flights", target="local")
    workspace = workspace_of(
        server, rest=rest_of(server, patience_seconds=30), target="local"
    )
    return Deployer(store, workspace, sleep=lambda _: None)


def deploy(deployer: Deployer, desired: Compiled) -> DeployResult:
    return deployer.deploy(Wish(desired), Terms(ORIGIN))


def test_what_arrives_is_what_databricks_sdk_reads(
    deployer: Deployer, server: WorkspaceServer
):
    """Each field is known to the SDK's classes, so nothing is lost on the way."""
    deploy(deployer, FLIGHTS)

    for job in server.jobs.jobs.values():
        assert JobSettings.from_dict(job.settings).as_dict().keys() == {
            name for name, value in job.settings.items() if value not in ({}, [])
        } | {"email_notifications", "webhook_notifications"}
    (pipeline,) = server.pipelines.pipelines.values()
    assert PipelineSpec.from_dict(pipeline.spec).as_dict() == pipeline.spec


def test_the_second_deploy_only_reads(deployer: Deployer, server: WorkspaceServer):
    deploy(deployer, FLIGHTS)
    server.calls.clear()

    result = deploy(deployer, FLIGHTS)

    assert result.done == ()
    assert Counter(server.lines()) == {
        "GET /api/2.2/jobs/get": 3,
        **{line: 1 for line in server.lines() if "pipelines/" in line},
        "GET /api/2.0/workspace/export": 1,
        "GET /api/2.0/workspace/list": 1,
    }


def test_a_job_of_many_tables_costs_a_read_per_hundred(
    deployer: Deployer, server: WorkspaceServer
):
    desired = compiled(part("big", *(f"s.t{n}" for n in range(250))))
    deploy(deployer, desired)
    server.calls.clear()

    deploy(deployer, desired)

    assert server.count("GET /api/2.2/jobs/get") == 3
    assert server.lines(writes=True) == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("effect", ["drop", 429, 500, 503, 504])
@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_reply_makes_no_second_job(
    deployer: Deployer, server: WorkspaceServer, effect: Any, when: str, times: int
):
    server.fault(CREATE, effect, when=when, times=times, retry_after=0)

    result = deploy(deployer, FLIGHTS)

    assert result.succeeded
    names = Counter(job.settings["name"] for job in server.jobs.jobs.values())
    assert set(names.values()) == {1}
    assert len(names) == 3
    assert deploy(deployer, FLIGHTS).done == ()


def test_no_create_is_dropped_in_a_storm(deployer: Deployer, server: WorkspaceServer):
    server.fault("POST .*(create|pipelines)", 429, times=12, retry_after=0)

    assert deploy(deployer, FLIGHTS).succeeded
    assert len(server.jobs.jobs) == 3


class TestPermissions:
    @pytest.fixture
    def desired(self) -> Compiled:
        return compiled(replace(GOLD, permissions=(VIEWERS,)))

    def granted(self, server: WorkspaceServer) -> list[dict[str, Any]]:
        (entries,) = server.people.lists.values()
        return entries

    def test_are_set_and_then_left_alone(
        self, deployer: Deployer, server: WorkspaceServer, desired: Compiled
    ):
        deploy(deployer, desired)
        server.calls.clear()

        result = deploy(deployer, desired)

        owner = {"user_name": USER, "permission_level": "IS_OWNER"}
        assert self.granted(server) == [owner, VIEWERS]
        assert result.done == ()
        assert server.lines(writes=True) == []

    def test_that_fail_lose_no_job_and_are_set_by_the_next_deploy(
        self, deployer: Deployer, server: WorkspaceServer, desired: Compiled
    ):
        server.cloud.groups.remove("users")

        failed = deploy(deployer, desired)
        server.cloud.groups.add("users")
        again = deploy(deployer, desired)

        (failure,) = failed.failed
        assert failure.problem.message == (
            "the permissions of job gold could not be set:"
            " Principal: GroupName(users) does not exist"
        )
        assert [done.action for done in again.done] == ["update"]
        assert len(server.jobs.jobs) == 1
        assert VIEWERS in self.granted(server)

    def test_are_taken_away_again(
        self, deployer: Deployer, server: WorkspaceServer, desired: Compiled
    ):
        deploy(deployer, desired)

        deploy(deployer, compiled(GOLD))

        owner = {"user_name": USER, "permission_level": "IS_OWNER"}
        assert self.granted(server) == [owner]


def test_a_file_changed_by_hand_is_uploaded_again(
    deployer: Deployer, server: WorkspaceServer
):
    deploy(deployer, compiled(GOLD))
    path = deployer.workspace.path_of("src/gold.py", notebook=False)
    text = server.files.text(path)
    server.files.edit(path, "print('mine')\n")

    (action,) = deployer.plan(compiled(GOLD)).actions
    deploy(deployer, compiled(GOLD))

    assert action.reasons == ("src/gold.py was changed by hand",)
    assert server.files.text(path) == text
