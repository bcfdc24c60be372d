"""The engine `databricks`, against a workspace that records what it is asked."""

from __future__ import annotations

import os
import signal
import threading
import time
from importlib.metadata import version

import pytest

from mdf_magics.engines import Column, databricks
from mdf_magics.errors import EngineError, EngineUnavailable
from tests.engines.endless import ENDLESS, EndlessQuery
from tests.engines.stand_in import fail, once

DENIED = "[INSUFFICIENT_PERMISSIONS] Insufficient privileges:\n"
CLIENT = version("databricks-connect")


def problem_of(engine, query="SELECT 1"):
    with pytest.raises(EngineError) as raised:
        engine.preview(query, 1)
    [problem] = raised.value.problems
    assert "\n" not in problem.message
    return problem


def test_serverless_compute_gets_what_databricks_connect_sends(connect_to, workspace):
    engine = connect_to()

    rows = engine.preview("SELECT 1 AS one", 5)

    assert (rows.columns, rows.rows) == ((Column("one", "int"),), ((1,),))
    for call in workspace.asked("ExecutePlan"):
        agent = call.request.client_type
        assert agent.startswith(f"mdf_magics/{version('mdf_magics')} ")
        assert f"dbconnect/{CLIENT}" in agent
        session = call.headers["x-databricks-session-id"]
        assert call.request.session_id == session
        assert call.headers["x-databricks-client-image-version"].isdigit()
        assert "x-databricks-cluster-id" not in call.headers
        assert [tag.partition("-")[0] for tag in call.request.tags] == ["mdf"]
    sent = [
        pair.value
        for call in workspace.asked("Config")
        for pair in call.request.operation.set.pairs
        if pair.key == "spark.databricks.connect.version"
    ]
    assert sent == [CLIENT]


def test_a_cluster_is_looked_at_first_and_then_named_in_every_call(
    connect_to, workspace
):
    engine = connect_to(cluster_id="0123-456-abc")

    engine.preview("SELECT 1", 1)

    [asked] = workspace.asked("GET /api/2.1/clusters/get")
    assert asked.request == {"cluster_id": "0123-456-abc"}
    assert {
        call.headers["x-databricks-cluster-id"]
        for call in workspace.calls
        if not call.method.startswith("GET")
    } == {"0123-456-abc"}


def test_a_kernel_shares_one_session(connect_to, workspace):
    engine = connect_to()
    engine.warm_up()
    engine.preview("SELECT 1", 1)
    engine.schema("SELECT 1")

    assert (
        len({call.request.session_id for call in workspace.asked("ExecutePlan")}) == 1
    )
    engine.close()
    assert len(workspace.asked("ReleaseSession")) == 1


def test_the_limit_is_in_the_plan(connect_to, workspace):
    engine = connect_to()

    rows = engine.preview("SELECT id FROM range(1000000000000)", 20)

    assert (len(rows.rows), rows.more) == (20, True)
    limits = [
        call.request.plan.root.limit.limit
        for call in workspace.asked("ExecutePlan")
        if call.request.plan.root.WhichOneof("rel_type") == "limit"
    ]
    assert limits == [21]


@pytest.mark.parametrize("cluster", [None, "0123-456-abc"])
def test_a_client_newer_than_the_server_is_told_which_one_fits(
    connect_to, workspace, cluster
):
    workspace.version = "16.4.x-scala2.13"
    workspace.rest["/api/2.1/clusters/get"]["spark_version"] = "16.4.x-scala2.12"
    engine = connect_to(cluster_id=cluster)

    problem = problem_of(engine)

    where = f"the cluster {cluster}" if cluster else "serverless compute"
    assert problem.code == "client-too-new"
    assert problem.message == (
        f"databricks-connect {CLIENT} is newer than {where}, which has version 16.4"
    )
    assert problem.hint.endswith('pip install "databricks-connect==16.4.*"')
    if cluster:
        assert not workspace.asked("ExecutePlan")


@pytest.mark.parametrize(
    ("state", "message", "hint"),
    [
        ("TERMINATED", "is not running: terminated", "databricks clusters start 0123"),
        ("TERMINATING", "is not running: terminating", "clusters start 0123"),
        ("PENDING", "is starting", "Run this again in a few minutes"),
        ("ERROR", "is not running: error", "databricks clusters start 0123"),
        ("", "is not running", "databricks clusters start 0123"),
    ],
)
def test_a_cluster_that_does_not_run_is_not_started(
    connect_to, workspace, state, message, hint
):
    workspace.rest["/api/2.1/clusters/get"]["state"] = state
    problem = problem_of(connect_to(cluster_id="0123"))
    assert problem.message == f"the cluster 0123 {message}"
    assert hint in problem.hint
    assert not workspace.asked("Config")


def test_another_pyspark_is_no_databricks_connect(
    connect_to, workspace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(databricks, "installed", lambda name: "")
    problem = problem_of(connect_to())
    assert problem.message == "the databricks engine needs databricks-connect"
    assert problem.hint.endswith('pip install "mdf_magics[connect]"')
    assert workspace.calls == []


def test_a_cluster_that_is_not_there_is_told_from_its_name(connect_to, workspace):
    workspace.rest["/api/2.1/clusters/get"] = 404
    problem = problem_of(connect_to(cluster_id="my cluster"))
    assert problem.message == "the cluster my cluster can't be used: no (404)"
    assert "(or DATABRICKS_CLUSTER_ID), an id such as 0123-456789" in problem.hint
    assert not workspace.asked("Config")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("PERMISSION_DENIED", "Serverless compute is not enabled for this workspace."),
        ("INVALID_ARGUMENT", "Serverless is not available in this region"),
        ("FAILED_PRECONDITION", "Serverless compute for notebooks isn't enabled"),
    ],
)
def test_a_workspace_without_serverless_compute_is_asked_once(
    connect_to, workspace, code, said
):
    workspace.faults["AnalyzePlan"] = fail(code, said)

    problem = problem_of(connect_to())

    assert problem.message == "the workspace has no serverless compute for you"
    assert "cluster_id" in problem.hint
    assert len(workspace.asked("AnalyzePlan")) == 1


@pytest.mark.parametrize(
    "condition", ["INVALID_HANDLE.SESSION_CLOSED", "INVALID_HANDLE.SESSION_CHANGED"]
)
def test_after_an_expired_session_reads_are_done_again_in_a_new_one(
    connect_to, workspace, condition
):
    engine = connect_to()
    engine.preview("SELECT 1", 1)
    message = f"[{condition}] The handle is invalid."
    workspace.faults["ExecutePlan"] = once(fail("INTERNAL", message, condition))

    assert engine.preview("SELECT 2 AS two", 1).rows == ((2,),)

    sessions = [call.request.session_id for call in workspace.asked("ExecutePlan")]
    assert len(set(sessions)) == 2


def test_after_an_expired_session_nothing_is_written_again(connect_to, workspace):
    engine = connect_to()
    engine.preview("SELECT 1", 1)
    condition = "INVALID_HANDLE.SESSION_CLOSED"
    workspace.faults["ExecutePlan"] = once(fail("INTERNAL", "closed", condition))
    before = len(workspace.asked("ExecutePlan"))

    with pytest.raises(EngineUnavailable) as raised:
        engine.run("CREATE SCHEMA main.other")
    assert len(workspace.asked("ExecutePlan")) == before + 1
    [problem] = raised.value.problems
    assert problem.code == "session-expired"
    assert "Run it again" in problem.hint
    engine.run("CREATE SCHEMA main.other LOCATION '/nowhere/other'")


def test_a_server_that_is_gone_in_the_middle_is_a_sentence(connect_to, stand_in):
    engine = connect_to()
    engine.preview("SELECT 1", 1)
    stand_in.vanish()
    problem = problem_of(engine)
    assert problem.code == "engine-unavailable"
    assert "can't be reached" in problem.message


def test_a_server_that_takes_its_time_to_start_is_waited_for(connect_to, workspace):
    begun = time.monotonic()

    def slow(call, context):
        if time.monotonic() - begun < 2:
            fail("UNAVAILABLE", "The compute is starting.")(call, context)

    workspace.faults["Config"] = slow
    assert connect_to().preview("SELECT 1 AS one", 1).rows == ((1,),)


def test_a_server_that_never_starts_is_a_sentence(connect_to, workspace):
    workspace.faults["AnalyzePlan"] = fail("UNAVAILABLE", "The compute is starting.")
    problem = problem_of(connect_to())
    assert problem.message == (
        f"serverless compute of {workspace.host} can't be reached: "
        "The compute is starting"
    )
    assert "run this again in a minute" in problem.hint
    assert len(workspace.asked("AnalyzePlan")) <= 6


def test_a_refused_login_is_a_sentence(connect_to, workspace):
    problem = problem_of(connect_to(token="dapi-other"))
    assert problem.code == "not-authenticated"
    assert problem.message.endswith("refuses the login: Invalid access token")
    assert len(workspace.asked("AnalyzePlan")) == 1


def test_a_token_that_expires_later_is_a_sentence(connect_to, workspace):
    engine = connect_to()
    engine.preview("SELECT 1", 1)
    workspace.faults["ExecutePlan"] = fail("UNAUTHENTICATED", "Token is expired.")
    problem = problem_of(engine)
    assert problem.code == "not-authenticated"
    assert problem.message.endswith("refuses the login: Token is expired")


@pytest.mark.parametrize(
    ("said", "privilege", "kind", "name"),
    [
        (
            f"{DENIED}User does not have SELECT on Table 'main.bronze.planes'. SQLSTATE: 42501",
            "SELECT",
            "table",
            "main.bronze.planes",
        ),
        (
            f"{DENIED}User does not have USE SCHEMA on Schema 'main.bronze'. SQLSTATE: 42501",
            "USE SCHEMA",
            "schema",
            "main.bronze",
        ),
        (
            "PERMISSION_DENIED: User does not have CREATE SCHEMA on Catalog 'main'.",
            "CREATE SCHEMA",
            "catalog",
            "main",
        ),
    ],
)
def test_a_missing_right_is_named_with_its_object(
    connect_to, workspace, said, privilege, kind, name
):
    engine = connect_to()
    engine.preview("SELECT 1", 1)
    condition = "INSUFFICIENT_PERMISSIONS" if said.startswith("[") else ""
    workspace.faults["ExecutePlan"] = fail("INTERNAL", said, condition)
    problem = problem_of(engine)
    assert problem.code == "permission-denied"
    assert problem.message == f'the right {privilege} on the {kind} "{name}" is missing'
    assert f"GRANT {privilege} ON {kind.upper()} {name} TO ..." in problem.hint


def test_cancel_interrupts_by_tag_and_the_session_stays(connect_to, workspace):
    engine = connect_to()
    query = EndlessQuery(engine)
    while query.is_alive():
        engine.cancel()
        query.join(0.1)
    [error] = query.raised
    assert error.problems[0].code == "cancelled"
    [begun] = {
        tag for call in workspace.asked("ExecutePlan") for tag in call.request.tags
    }
    interrupts = workspace.asked("Interrupt")
    assert {one.request.operation_tag for one in interrupts} == {begun}
    assert engine.preview("SELECT 1 AS one", 1).rows == ((1,),)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_interrupts_on_the_server(connect_to, workspace):
    engine = connect_to()
    engine.preview("SELECT 1", 1)
    interrupt = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        engine.preview(ENDLESS, 1)
    assert workspace.asked("Interrupt")
    assert engine.preview("SELECT 1 AS one", 1).rows == ((1,),)
