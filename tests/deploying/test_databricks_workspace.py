"""The adapter to a Databricks workspace: what it sends, and what it makes of replies."""

from __future__ import annotations

from typing import Any

import pytest

from mdf_magics.deploying.workspaces.protocol import (
    NameTaken,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Refused,
    WorkspaceError,
)
from tests.deploying.remote import rest_of, workspace_of
from tests.workspace import USER, WorkspaceServer

NOTEBOOK = "# Databricks notebook source\nprint(1)\n"
CREATE = "POST /api/2.2/jobs/create"


def settings(name: str = "j", tasks: int = 0, **more: Any) -> dict[str, Any]:
    listed = [
        {"task_key": f"t{n}", "notebook_task": {"notebook_path": "/Workspace/Shared/n"}}
        for n in range(tasks)
    ]
    return {"name": name, "tags": {"mdf_key": name}, "tasks": listed, **more}


class TestResources:
    def test_knows_itself_and_its_user(self, server: WorkspaceServer):
        workspace = workspace_of(server)

        assert workspace.workspace_id == server.cloud.workspace_id
        assert workspace.user == USER
        assert server.lines()[-1] == "GET /api/2.0/preview/scim/v2/Me"

    @pytest.mark.parametrize("tasks", [0, 1, 100, 101, 1000])
    def test_a_job_comes_back_whole(self, server: WorkspaceServer, tasks: int):
        workspace = workspace_of(server)
        job_id = workspace.create("job", settings(tasks=tasks))

        job = workspace.get("job", job_id)

        assert len(job.settings.get("tasks", [])) == tasks
        assert job.tags == {"mdf_key": "j"}
        assert server.count("GET /api/2.2/jobs/get") == max(1, -(-tasks // 100))

    def test_finds_by_the_exact_name_oldest_first(self, server: WorkspaceServer):
        workspace = workspace_of(server)
        ids = [workspace.create("job", settings(name)) for name in ("j", "J", "j")]

        found = workspace.find("job", "j")

        assert [one.remote_id for one in found] == [ids[0], ids[2]]

    @pytest.mark.parametrize("kind", ["job", "pipeline"])
    def test_finds_more_than_a_page(self, server: WorkspaceServer, kind: str):
        workspace = workspace_of(server)
        for number in range(101):
            body = settings(f"n{number}")
            if kind == "pipeline":
                body = {"name": f"n{number}", "tags": body["tags"], "catalog": "main"}
            workspace.create(kind, body)

        assert len(workspace.find(kind, None)) == 101

    def test_a_pipeline_is_found_with_its_tags(self, server: WorkspaceServer):
        workspace = workspace_of(server)
        spec = {"catalog": "main", "tags": {"mdf_key": "p"}}
        for name in ("[dev] a_b", "[dev] axb"):
            workspace.create("pipeline", {"name": name, **spec})

        (found,) = workspace.find("pipeline", "[dev] a_b")

        assert (found.name, found.tags) == ("[dev] a_b", {"mdf_key": "p"})

    def test_others_pipelines_are_no_obstacle(self, server: WorkspaceServer):
        workspace = workspace_of(server)
        ids = [
            workspace.create("pipeline", {"name": name, "catalog": "main"})
            for name in "ab"
        ]
        server.cloud.hidden.add(ids[0])

        assert [one.remote_id for one in workspace.find("pipeline", None)] == ids[1:]

    def test_an_update_replaces_everything(self, server: WorkspaceServer):
        workspace = workspace_of(server)
        job_id = workspace.create("job", settings(description="old"))
        pipeline_id = workspace.create(
            "pipeline", {"name": "p", "catalog": "main", "channel": "PREVIEW"}
        )

        workspace.update("job", job_id, settings("k"))
        workspace.update("pipeline", pipeline_id, {"name": "q", "catalog": "main"})

        job = workspace.get("job", job_id)
        assert (job.name, job.settings.get("description")) == ("k", None)
        pipeline = workspace.get("pipeline", pipeline_id)
        assert (pipeline.name, pipeline.settings["channel"]) == ("q", "CURRENT")

    def test_deleting_a_pipeline_keeps_its_tables(self, server: WorkspaceServer):
        workspace = workspace_of(server)
        pipeline_id = workspace.create("pipeline", {"name": "p", "catalog": "main"})

        workspace.delete("pipeline", pipeline_id)

        assert server.pipelines.cascaded == []
        with pytest.raises(NotFound):
            workspace.get("pipeline", pipeline_id)

    def test_permissions_keep_the_owner(self, server: WorkspaceServer):
        workspace = workspace_of(server)
        job_id = workspace.create("job", settings())
        viewers = {"group_name": "users", "permission_level": "CAN_VIEW"}

        workspace.permit("job", job_id, [viewers])

        owner = {"user_name": USER, "permission_level": "IS_OWNER"}
        assert server.people.lists[f"jobs/{job_id}"] == [owner, viewers]

    def test_links_lead_to_pages_of_the_workspace(self, server: WorkspaceServer):
        workspace = workspace_of(server)

        assert workspace.url("job", "7") == f"{server.host}/jobs/7?o=900800700600"


class TestReplies:
    def test_missing_is_not_found(self, server: WorkspaceServer):
        workspace = workspace_of(server)

        for call in (
            lambda: workspace.get("job", "1"),
            lambda: workspace.update("job", "1", settings()),
            lambda: workspace.delete("job", "1"),
            lambda: workspace.get("pipeline", "x"),
            lambda: workspace.delete("pipeline", "x"),
        ):
            with pytest.raises(NotFound):
                call()

    def test_forbidden_never_means_gone(self, server: WorkspaceServer):
        workspace = workspace_of(server)
        server.cloud.hidden |= {"1", "x"}
        server.cloud.forbid_missing = True

        for call in (
            lambda: workspace.get("job", "1"),
            lambda: workspace.delete("job", "2"),
            lambda: workspace.get("pipeline", "x"),
        ):
            with pytest.raises(PermissionDenied):
                call()

    def test_a_taken_name_is_said_so(self, server: WorkspaceServer):
        workspace = workspace_of(server)
        workspace.create("pipeline", {"name": "p", "catalog": "main"})

        with pytest.raises(NameTaken, match="already used"):
            workspace.create("pipeline", {"name": "p", "catalog": "main"})

    def test_what_the_api_refuses_is_refused(self, server: WorkspaceServer):
        workspace = workspace_of(server)

        with pytest.raises(Refused, match="unknown field: nmae"):
            workspace.create("job", settings(nmae="x"))

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("effect", ["drop", "hang", 429, 500, 503, 504, "page"])
    def test_a_create_is_sent_once_whatever_happens(
        self, server: WorkspaceServer, effect: Any, when: str
    ):
        seconds = 3.0 if effect == "hang" else 20.0
        workspace = workspace_of(server, rest=rest_of(server, call_seconds=seconds))
        server.fault(
            CREATE,
            effect,
            when=when,
            seconds=9,
            retry_after=0,
            message="Unexpected error",
        )

        with pytest.raises(OutcomeUnknown):
            workspace.create("job", settings())

        assert server.count(CREATE) == 1
        assert len(server.jobs.jobs) == (1 if when == "after" else 0)

    @pytest.mark.parametrize("effect", [403, 409, 400])
    def test_a_refused_create_is_sent_once(self, server: WorkspaceServer, effect: int):
        workspace = workspace_of(server)
        server.fault(CREATE, effect)

        with pytest.raises(WorkspaceError) as raised:
            workspace.create("job", settings())

        assert not isinstance(raised.value, OutcomeUnknown)
        assert server.count(CREATE) == 1

    @pytest.mark.parametrize("effect", ["drop", 429, 500, 503, 504])
    def test_reads_and_updates_are_sent_again(
        self, server: WorkspaceServer, effect: Any
    ):
        workspace = workspace_of(server, rest=rest_of(server, patience_seconds=60))
        job_id = workspace.create("job", settings())
        server.fault("GET .*/jobs/get", effect, times=3, retry_after=0)
        server.fault("POST .*/jobs/reset", effect, when="after", times=3, retry_after=0)

        workspace.update("job", job_id, settings("k"))

        assert workspace.get("job", job_id).name == "k"
        assert server.count("POST /api/2.2/jobs/reset") == 4

    def test_patience_ends(self, server: WorkspaceServer):
        workspace = workspace_of(server)
        server.fault("jobs/get", 503, times=None)

        with pytest.raises(WorkspaceError, match="ordered to fail with 503"):
            workspace.get("job", "1")

        assert server.count("GET /api/2.2/jobs/get") <= 2

    def test_a_fence_is_asked_before_each_request_that_changes(
        self, server: WorkspaceServer
    ):
        workspace = workspace_of(server)
        job_id = workspace.create("job", settings())

        def closed() -> None:
            raise InterruptedError

        workspace.guard(closed)

        for call in (
            lambda: workspace.create("job", settings()),
            lambda: workspace.update("job", job_id, settings()),
            lambda: workspace.upload("src/a.py", NOTEBOOK),
        ):
            with pytest.raises(InterruptedError):
                call()
        workspace.get("job", job_id)
        assert server.lines(writes=True) == [CREATE]


class TestFiles:
    def test_notebooks_and_files_lie_where_settings_name_them(
        self, server: WorkspaceServer
    ):
        workspace = workspace_of(server)

        workspace.upload("src/gold.py", NOTEBOOK)
        workspace.upload("src/silver.py", "x = 1\n")

        root = f"/Workspace/Users/{USER}/.mdf/flights/dev.me"
        assert workspace.path_of("src/gold.py", notebook=True) == f"{root}/src/gold"
        assert (
            workspace.path_of("src/silver.py", notebook=False)
            == f"{root}/src/silver.py"
        )
        assert server.files.text(f"{root}/src/gold") == NOTEBOOK
        assert server.files.text(f"{root}/src/silver.py") == "x = 1\n"

    def test_a_root_path_is_taken_as_it_is(self, server: WorkspaceServer):
        workspace = workspace_of(server, target="prod", root_path="/Shared/flights/")

        place = workspace.path_of("src/a.sql", notebook=False)

        assert place == "/Workspace/Shared/flights/prod/src/a.sql"

    def test_remembers_hashes_and_notices_hands(self, server: WorkspaceServer):
        workspace = workspace_of(server)
        assert workspace.uploaded() == {}
        workspace.upload("src/gold.py", NOTEBOOK)
        workspace.upload("src/silver.py", "x = 1\n")
        workspace.upload("src/notebooks/own.py", NOTEBOOK)
        workspace.uploads_ended()

        another = workspace_of(server)
        known = another.uploaded()
        server.files.edit(another.path_of("src/gold.py", notebook=True), NOTEBOOK + "#")
        changed = another.uploaded()

        assert set(known) == {"src/gold.py", "src/silver.py", "src/notebooks/own.py"}
        assert "" not in known.values()
        assert changed == known | {"src/gold.py": ""}

    def test_a_file_that_becomes_a_notebook_leaves_nothing_behind(
        self, server: WorkspaceServer
    ):
        workspace = workspace_of(server)
        workspace.upload("src/gold.py", "x = 1\n")
        workspace.uploads_ended()

        again = workspace_of(server)
        again.uploaded()
        again.upload("src/gold.py", NOTEBOOK)
        again.uploads_ended()

        assert list(again.uploaded()) == ["src/gold.py"]
        again.remove("src/gold.py")
        again.remove("src/gold.py")
        assert again.uploaded() == {}

    def test_anothers_folder_is_refused(self, server: WorkspaceServer):
        first = workspace_of(server, root_path="/Shared/x")
        first.upload("src/a.py", NOTEBOOK)
        first.uploads_ended()
        record = "/Shared/x/dev.me/uploaded.json"
        server.files.edit(
            record, server.files.text(record).replace("flights", "trains")
        )

        with pytest.raises(Refused, match=r"belongs to dev\.me of trains"):
            first.uploaded()

    def test_a_forbidden_folder_is_said_so(self, server: WorkspaceServer):
        server.files.read_only.add("/Shared")
        workspace = workspace_of(server, root_path="/Shared/x")

        with pytest.raises(PermissionDenied, match="no permission to write in /Shared"):
            workspace.upload("src/a.py", NOTEBOOK)
