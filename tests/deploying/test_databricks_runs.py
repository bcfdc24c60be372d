"""Running what is deployed to a workspace, and watching it table by table."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.deploying.deployer import Deployer, Terms
from mdf_magics.deploying.runs import DeployedRuns
from mdf_magics.deploying.survey import Wish
from mdf_magics.deploying.workspaces.protocol import (
    RunRequest,
    TableRun,
    WorkspaceError,
)
from mdf_magics.errors import RunError
from mdf_magics.state.sqlite import SQLiteStore
from tests.deploying.desired import FLIGHTS, compiled, part
from tests.deploying.place import ORIGIN
from tests.deploying.remote import rest_of, workspace_of
from tests.workspace import Outcome, WorkspaceServer

TABLES = (
    "bronze.airlines", "bronze.flights", "silver.flights", "gold.delays", "gold.routes",
)  # fmt: skip
HOMES = {name: f"dev.me_{name}" for name in TABLES}
RUN_NOW = "POST /api/2.2/jobs/run-now"


@pytest.fixture
def runs(server: WorkspaceServer, tmp_path: Path) -> DeployedRuns:
    """The project of the design's example, deployed."""
    store = SQLiteStore(tmp_path / "state.db", project="flights", target="local")
    workspace = workspace_of(server, target="local")
    Deployer(store, workspace).deploy(Wish(FLIGHTS), Terms(ORIGIN))
    server.pipelines.tables["[local] flights silver"] = [HOMES["silver.flights"]]
    server.calls.clear()
    return DeployedRuns(store, workspace)


def request(*tables: str, **more: Any) -> RunRequest:
    chosen = frozenset(tables) if tables else None
    return RunRequest("r" * 32, chosen, homes=HOMES, **more)


def statuses(outcomes: Iterable[TableRun]) -> dict[str, str]:
    return {one.name: one.status for one in outcomes}


def asked(server: WorkspaceServer, line: str) -> list[dict[str, Any]]:
    return [call.body for call in server.calls if call.line == line]


class TestWhole:
    def test_all_runs_every_table_and_tells_rows_seconds_and_links(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        seen: list[TableRun] = []

        outcomes = runs.run(request(), progress=seen.append)

        assert statuses(outcomes) == dict.fromkeys(TABLES, "succeeded")
        assert {one.rows for one in outcomes} == {7}
        assert {one.seconds for one in outcomes} == {0.05}
        assert all((one.url or "").startswith(server.host) for one in outcomes)
        assert [one for one in seen if one.status != "running"] == outcomes
        (body,) = asked(server, RUN_NOW)
        assert set(body) == {"job_id", "idempotency_token"}

    def test_a_lost_reply_starts_no_second_run(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        server.fault(RUN_NOW, "drop", when="after")
        workspace = replace(runs, workspace=patient(server))

        workspace.run(request())

        started = [run for run in server.runs.runs.values() if len(run.steps) == 3]
        assert len(started) == 1

    def test_a_failure_stops_what_reads_it(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        error = "bronze.flights: expectation has_carrier failed for 3 rows"
        server.runs.outcomes["bronze-flights"] = Outcome(succeeds=False, error=error)

        outcomes = {one.name: one for one in runs.run(request())}

        assert outcomes["bronze.airlines"].status == "succeeded"
        assert outcomes["bronze.flights"].status == "failed"
        assert outcomes["bronze.flights"].error == error
        assert statuses([outcomes["silver"], outcomes["gold"]]) == {
            "silver": "skipped",
            "gold": "skipped",
        }

    def test_a_pipelines_table_fails_with_its_own_error(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        home = HOMES["silver.flights"]
        server.pipelines.outcomes[home] = Outcome(succeeds=False, error="no column x")

        outcomes = {one.name: one for one in runs.run(request())}

        failed = outcomes["silver.flights"]
        assert (failed.status, failed.error) == ("failed", "no column x")
        assert outcomes["gold"].status == "skipped"

    def test_full_refresh_is_for_pipelines(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        runs.run(request(full_refresh=True))

        (body,) = asked(server, RUN_NOW)
        assert body["pipeline_params"] == {"full_refresh": True}

    def test_more_tables_than_a_page(self, server: WorkspaceServer, tmp_path: Path):
        store = SQLiteStore(tmp_path / "big.db", project="flights", target="local")
        workspace = workspace_of(server, target="local")
        names = [f"s.t{number:03}" for number in range(101)]
        desired = compiled(part("big", *names))
        Deployer(store, workspace).deploy(Wish(desired), Terms(ORIGIN))

        outcomes = DeployedRuns(store, workspace).run(request())

        assert sorted(statuses(outcomes)) == names


class TestSelected:
    def test_runs_only_the_tasks_and_tables_that_were_asked_for(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        outcomes = runs.run(request("bronze.flights", "silver.flights"))

        assert list(statuses(outcomes)) == ["bronze.flights", "silver.flights"]
        (job,) = asked(server, RUN_NOW)
        assert job["only"] == ["bronze-flights"]
        (update,) = [
            call.body
            for call in server.calls
            if call.method == "POST" and call.path.endswith("/updates")
        ]
        assert update == {"refresh_selection": [HOMES["silver.flights"]]}

    def test_full_refresh_of_one_table(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        runs.run(request("silver.flights", full_refresh=True))

        bodies = [c.body for c in server.calls if c.path.endswith("/updates")]
        assert {"full_refresh_selection": [HOMES["silver.flights"]]} in bodies

    def test_what_reads_a_failed_one_is_skipped(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        server.runs.outcomes["bronze-flights"] = Outcome(succeeds=False, error="no")

        outcomes = runs.run(request("bronze.flights", "silver.flights"))

        skipped = {"silver": "skipped", "gold": "skipped"}
        assert statuses(outcomes) == {"bronze.flights": "failed", **skipped}

    def test_an_update_that_was_lost_is_found_again(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        server.fault("POST .*/updates", "drop", when="after")

        outcomes = runs.run(request("silver.flights"))

        assert statuses(outcomes) == {"silver.flights": "succeeded"}
        (pipeline,) = server.pipelines.pipelines.values()
        assert len(pipeline.updates) == 1

    def test_a_pipeline_that_runs_already_is_said_so(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        server.pipelines.outcomes[HOMES["silver.flights"]] = Outcome(seconds=60)
        (pipeline_id,) = server.pipelines.pipelines
        server.pipelines.start(pipeline_id, {}, "API_CALL", time.time())

        with pytest.raises(WorkspaceError, match="active update already exists"):
            runs.run(request("silver.flights"))


class TestLater:
    def test_stopping_to_watch_leaves_the_run_alone(
        self,
        runs: DeployedRuns,
        server: WorkspaceServer,
        monkeypatch: pytest.MonkeyPatch,
    ):
        server.runs.outcomes["bronze-flights"] = Outcome(seconds=0.5)
        started: list[str] = []

        def interrupt(_seconds: float) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(time, "sleep", interrupt)
            with pytest.raises(RunError) as raised:
                runs.run(request(started=started.append))

        (run_id,) = started
        assert str(raised.value).splitlines()[:3] == [
            f"still-running: the run {run_id} goes on; only watching it was stopped",
            f"  Watch it again:  mdf run --watch {run_id}",
            f"  Cancel it:  mdf run --cancel {run_id}",
        ]
        outcomes = runs.watch(run_id, request(), lambda _: None)
        assert statuses(outcomes) == dict.fromkeys(TABLES, "succeeded")

    def test_an_interrupt_before_the_run_is_known_says_where_to_look(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        def interrupt() -> None:
            raise KeyboardInterrupt

        runs.workspace.guard(interrupt)  # the request may be on its way
        with pytest.raises(RunError) as raised:
            runs.run(request())

        assert raised.value.problems[0].message == (
            "a run of [local] flights all may have begun: starting it was interrupted"
        )
        job_id = runs.store.snapshot().resources["all"].remote_id
        assert raised.value.problems[0].hint.endswith(f"{server.host}/jobs/{job_id}")

    def test_an_interrupt_right_after_the_start_says_how_to_watch(
        self, runs: DeployedRuns
    ):
        def interrupt(_: str) -> None:
            raise KeyboardInterrupt

        with pytest.raises(RunError, match="Watch it again:  mdf run --watch"):
            runs.run(request(started=interrupt))

    def test_a_cancelled_run_says_so(self, runs: DeployedRuns, server: WorkspaceServer):
        server.runs.outcomes["bronze-flights"] = Outcome(seconds=60)
        started: list[str] = []

        def cancel(one: TableRun) -> None:
            if one.name == "bronze.airlines" and one.status == "succeeded":
                runs.workspace.cancel(started[0])

        outcomes = runs.run(request(started=started.append), progress=cancel)

        cancelled = dict.fromkeys(TABLES, "cancelled")
        assert statuses(outcomes) == cancelled | {"bronze.airlines": "succeeded"}

    def test_repair_runs_again_only_what_failed(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        server.runs.outcomes["gold-delays"] = Outcome(succeeds=False, error="no")
        started: list[str] = []
        runs.run(request(started=started.append))
        server.runs.outcomes.clear()

        runs.workspace.repair(started[0])
        outcomes = runs.watch(started[0], request(), lambda _: None)
        with pytest.raises(WorkspaceError, match="no tasks to rerun"):
            runs.workspace.repair(started[0])

        assert statuses(outcomes) == dict.fromkeys(TABLES, "succeeded")
        assert server.count(RUN_NOW) == 1

    def test_the_last_runs_are_known_to_the_workspace(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        server.runs.outcomes["gold-delays"] = Outcome(succeeds=False, error="no")
        runs.run(request())
        server.calls.clear()

        last = runs.last(request()) or {}

        assert statuses(last.values()) == {
            **dict.fromkeys(TABLES, "succeeded"),
            "gold.delays": "failed",
        }
        assert last["gold.delays"].error == "no"
        assert all(one.finished for one in last.values())
        assert server.lines(writes=True) == []

    def test_what_a_users_notebook_leaves_is_its_own_affair(
        self, runs: DeployedRuns, server: WorkspaceServer
    ):
        server.runs.outcomes["gold-delays"] = Outcome(result="done!")
        server.runs.outcomes["gold-routes"] = Outcome(result=json.dumps([1]))

        outcomes = {one.name: one for one in runs.run(request())}

        assert outcomes["gold.delays"].status == "succeeded"
        assert {outcomes[f"gold.{one}"].rows for one in ("delays", "routes")} == {None}


def patient(server: WorkspaceServer) -> Any:
    rest = rest_of(server, patience_seconds=30)
    return workspace_of(server, rest=rest, target="local")
