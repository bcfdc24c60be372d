"""The statement execution API against databricks-sdk's own client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import InvalidParameterValue, NotFound
from databricks.sdk.service.sql import StatementState

from mdf_magics.engines.embedded import EmbeddedEngine
from tests.workspace import WorkspaceServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WorkspaceServer]:
    engine = EmbeddedEngine(tmp_path / "warehouse", "main")
    with WorkspaceServer(engine=lambda: engine) as server:
        server.metadata = {"oidc_endpoint": f"{server.host}/oidc"}
        yield server
    engine.close()


@pytest.fixture
def client(server: WorkspaceServer) -> WorkspaceClient:
    config = Config(
        host=server.host, token=server.token, auth_type="pat", retry_timeout_seconds=1
    )
    return WorkspaceClient(config=config)


def test_values_come_as_text_and_errors_as_replies(client: WorkspaceClient):
    run = client.statement_execution.execute_statement

    reply = run("SELECT 7 AS a, CAST(NULL AS STRING) AS b, true AS c", "w1")
    wrong = run("SELECT nothing", "w1")

    assert reply.result
    assert reply.result.data_array == [["7", None, "true"]]
    assert reply.manifest
    assert reply.manifest.total_row_count == 1
    assert wrong.status
    assert wrong.status.state == StatementState.FAILED
    assert wrong.status.error
    assert "nothing" in str(wrong.status.error.message)


def test_a_statement_may_end_after_its_reply(
    server: WorkspaceServer, client: WorkspaceClient
):
    server.statements.warehouses["w1"] = "STOPPED"
    server.statements.start_seconds = 1.0
    run = client.statement_execution.execute_statement

    reply = run("SELECT 1", "w1", wait_timeout="0s")

    states = [reply.status.state if reply.status else None]
    while states[-1] in (StatementState.PENDING, StatementState.RUNNING):
        reply = client.statement_execution.get_statement(str(reply.statement_id))
        states.append(reply.status.state if reply.status else None)

    assert (states[0], states[-1]) == (StatementState.PENDING, StatementState.SUCCEEDED)
    assert reply.result
    assert reply.result.data_array == [["1"]]


def test_what_the_platform_refuses(client: WorkspaceClient):
    run = client.statement_execution.execute_statement

    with pytest.raises(InvalidParameterValue, match="between 5 and 50"):
        run("SELECT 1", "w1", wait_timeout="2s")
    with pytest.raises(NotFound, match="w2"):
        run("SELECT 1", "w2")
