"""A workspace's target through the command: state in a table, by a SQL warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mdf_magics.cli import main
from mdf_magics.engines.embedded import EmbeddedEngine
from tests.workspace import WorkspaceServer

PROJECT = """\
project: shop
default_target: prod
targets:
  prod:
    engine: databricks
    catalog: lab
    root_path: /Workspace/Shared/shop
    state: {schema: mdf, warehouse_id: w1}
"""
TABLES = "tables:\n  - {name: gold.ones, sql: SELECT 1 AS one}\n"

type Mdf = Callable[..., Result]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WorkspaceServer]:
    engine = EmbeddedEngine(tmp_path / "warehouse", "lab")
    with WorkspaceServer(engine=lambda: engine, catalog="lab") as server:
        yield server
    engine.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "definitions/tables").mkdir(parents=True)
    (folder / "definitions/mdf.yml").write_text(PROJECT)
    (folder / "definitions/tables/gold.yml").write_text(TABLES)
    return folder


@pytest.fixture
def mdf(server: WorkspaceServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Mdf:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["-C", str(folder), *words])

    return run


def test_a_deploy_is_remembered_there(mdf: Mdf, server: WorkspaceServer, folder: Path):
    deployed = mdf("deploy", "--yes")
    again = mdf("deploy", "--yes")
    shown = json.loads(mdf("state", "--json").output)

    assert deployed.exit_code == 0, deployed.output
    assert again.output.startswith("prod is up to date.")
    assert shown["where"] == "lab.mdf.mdf_journal"
    assert [one["key"] for one in shown["resources"]] == ["gold"]
    assert server.count("POST /api/2.2/jobs/create") == 1
    assert not (folder / ".mdf/state.db").exists()


def test_a_missing_warehouse_is_a_sentence(
    mdf: Mdf, server: WorkspaceServer, folder: Path
):
    file = folder / "definitions/mdf.yml"
    file.write_text(PROJECT.replace("w1", "w9"))

    refused = mdf("deploy")

    assert refused.exit_code == 1
    assert (
        "state-warehouse: the SQL warehouse of the state can't be used"
        in refused.output
    )
    assert server.count("POST /api/2.2/jobs/create") == 0


def test_a_target_without_a_place_for_its_state_is_refused(mdf: Mdf, folder: Path):
    file = folder / "definitions/mdf.yml"
    file.write_text(PROJECT.replace("    state: {schema: mdf, warehouse_id: w1}\n", ""))

    refused = mdf("plan")

    assert refused.exit_code == 1
    assert refused.output.startswith("no-state: prod is deployed to a workspace")


def test_outcomes_wait_here_while_the_warehouse_is_away(
    mdf: Mdf, server: WorkspaceServer, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """Fault 28: the job is made, its outcome can't be written; the next run writes it."""
    monkeypatch.setattr("mdf_magics.state.delta.PAUSES", (0.01,))
    outcome = r'MERGE INTO.*phase\\": \\"done'
    broken = server.fault(outcome, "drop", times=None)

    stopped = mdf("deploy", "--yes")
    server.faults.clear()
    again = mdf("deploy", "--yes")

    assert broken.seen
    assert stopped.exit_code == 1
    assert "state-unreachable" in stopped.output
    assert "No further operation was begun." in stopped.output
    assert "- create job gold done (" in stopped.output
    assert again.exit_code == 0, again.output
    assert server.count("POST /api/2.2/jobs/create") == 1
    assert [row["phase"] for row in json.loads(mdf("state", "export").output)["rows"]] == [
        "lock", "intent", "done",
    ]  # fmt: skip
