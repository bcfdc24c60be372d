"""From definitions to a Databricks workspace and back, with the command, as processes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.engines.embedded import EmbeddedEngine
from tests.workspace import Outcome, WorkspaceServer

PROJECT = """\
project: flights
default_target: dev
targets:
  dev:
    engine: databricks
    catalog: dev
    schema_prefix: "${user}_"
    mode: development
    state: {schema: mdf, warehouse_id: w1}
groups:
  bronze: {runs_on: job}
  silver: {runs_on: pipeline}
"""

TABLES = """\
tables:
  - name: bronze.planes
    sql: SELECT * FROM raw.planes
  - name: silver.planes
    sql: SELECT * FROM bronze.planes
"""


class Shop:
    """A project folder, and a workspace that the environment leads to."""

    def __init__(self, folder: Path, server: WorkspaceServer) -> None:
        self.folder, self.server = folder, server
        (folder / "definitions/tables").mkdir(parents=True)
        (folder / "definitions/mdf.yml").write_text(PROJECT)
        (folder / "definitions/tables/all.yml").write_text(TABLES)
        self.environment = os.environ | server.environment
        self.environment["DATABRICKS_CONFIG_FILE"] = str(folder / "none")

    def run(self, *words: str, status: int = 0, **more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mdf_magics", *words],
            cwd=self.folder,
            env=self.environment | more,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + (done.stderr if status else "")

    def json(self, *words: str, status: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", status=status))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with (
        contextlib.closing(EmbeddedEngine(tmp_path / "warehouse", "dev")) as engine,
        WorkspaceServer(engine=lambda: engine, catalog="dev") as server,
    ):
        yield Shop(tmp_path / "project", server)


@pytest.mark.full  # a process for each command, and each logs in
def test_the_loop(shop: Shop):
    server = shop.server

    planned = shop.json("plan")
    deployed = shop.json("deploy")
    server.calls.clear()
    again = shop.json("deploy")

    assert {one["action"] for one in planned["actions"]} == {"create"}
    assert [one["key"] for one in deployed["done"]] == ["bronze", "silver", "all"]
    assert again["done"] == []
    changes = {
        line for line in server.lines(writes=True) if "sql/statements" not in line
    }
    assert changes == set()
    names = [job.settings["name"] for job in server.jobs.jobs.values()]
    assert names == ["[dev me] flights bronze", "[dev me] flights all"]

    server.pipelines.tables["[dev me] flights silver"] = ["dev.me_silver.planes"]
    ran = shop.json("run")
    status = shop.json("status")

    assert [(one["name"], one["status"], one["rows"]) for one in ran["tables"]] == [
        ("bronze.planes", "succeeded", 7),
        ("silver.planes", "succeeded", 7),
    ]
    assert {one["status"] for one in status["resources"]} == {"deployed"}
    assert {one["status"] for one in status["tables"]} == {"succeeded"}

    server.runs.outcomes["bronze-planes"] = Outcome(
        succeeds=False, error="no raw.planes"
    )
    failed = shop.run("run", status=1)

    assert "bronze.planes: no raw.planes\n  definitions/tables/all.yml:2" in failed
    assert "Run again only what failed:  mdf run --repair" in failed
    assert "silver.planes  skipped" in failed

    (job_id,) = [
        job_id
        for job_id, job in server.jobs.jobs.items()
        if job.settings["name"].endswith("bronze")
    ]
    del server.jobs.jobs[job_id]
    (missing,) = [
        one for one in shop.json("status")["resources"] if one["key"] == "bronze"
    ]
    assert missing["status"] == "missing"

    shop.json("destroy", "--delete", "2")
    assert not server.jobs.jobs
    assert not server.pipelines.pipelines
    assert server.pipelines.cascaded == []


def test_a_login_that_fails_changes_nothing(shop: Shop):
    said = shop.run("deploy", status=1, DATABRICKS_TOKEN="dapi-wrong")

    assert "doesn't accept these credentials (pat): Invalid access token" in said
    assert shop.server.lines(writes=True) == []
    assert not (shop.folder / "workflows").exists()
