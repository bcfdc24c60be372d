"""`examples/bundle`: one databricks.yml takes in what is compiled for two targets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from mdf_magics.cli import main

BUNDLE = Path(__file__).parents[2] / "examples" / "bundle"
TARGETS = ("staging", "prod")

type Mapping = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    shutil.copytree(BUNDLE, folder)
    for target in TARGETS:
        done = CliRunner().invoke(main, ["-C", str(folder), "-t", target, "compile"])
        assert done.exit_code == 0, done.output
    return folder


def bundle(folder: Path) -> Mapping:
    """The bundle as the CLI sees it: its file with all that it includes merged in."""
    whole: Mapping = yaml.safe_load((folder / "databricks.yml").read_text())
    for pattern in whole["include"]:
        for path in sorted(folder.glob(pattern)):
            merge(whole, yaml.safe_load(path.read_text()), path)
    return whole


def merge(into: Mapping, more: Mapping, path: Path) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and key in into:
            merge(into[key], value, path)
        else:
            assert key not in into, f"{path} says {key} again"
            into[key] = value


def test_both_targets_have_their_resources(folder: Path) -> None:
    targets = bundle(folder)["targets"]

    found = {
        name: {kind: sorted(one) for kind, one in targets[name]["resources"].items()}
        for name in TARGETS
    }
    wanted = {"jobs": ["all", "bronze"], "pipelines": ["silver"]}
    assert found == {"staging": wanted, "prod": wanted}


def test_files_and_resources_that_are_named_are_there(folder: Path) -> None:
    for target in TARGETS:
        resources = bundle(folder)["targets"][target]["resources"]
        jobs = folder / "workflows" / target / "jobs"
        for task in resources["jobs"]["bronze"]["tasks"]:
            assert (jobs / task["notebook_task"]["notebook_path"]).is_file()
        for library in resources["pipelines"]["silver"]["libraries"]:
            assert (jobs / library["file"]["path"]).is_file()
        references = [
            str(one.get("run_job_task") or one.get("pipeline_task"))
            for one in resources["jobs"]["all"]["tasks"]
        ]
        assert references == [
            "{'job_id': '${resources.jobs.bronze.id}'}",
            "{'pipeline_id': '${resources.pipelines.silver.id}'}",
        ]


def test_fields_are_those_of_the_api(folder: Path) -> None:
    """databricks-sdk reads them, and gives back the same."""
    from databricks.sdk.service.jobs import JobSettings
    from databricks.sdk.service.pipelines import PipelineSpec

    for target in TARGETS:
        resources = bundle(folder)["targets"][target]["resources"]
        for job in resources["jobs"].values():
            for task in job["tasks"]:  # the id is a reference here, a number there
                task.pop("run_job_task", None)
            job.pop("permissions", None)
            assert JobSettings.from_dict(job).as_dict() == job
        for pipeline in resources["pipelines"].values():
            own = {key: pipeline.pop(key) for key in ("permissions",)}
            assert own["permissions"] == [
                {"level": "CAN_VIEW", "group_name": "analysts"}
            ]
            read = PipelineSpec.from_dict(pipeline).as_dict()
            assert {**read, "tags": pipeline["tags"]} == pipeline


def test_check_tells_stale_files(folder: Path) -> None:
    check = ["-C", str(folder), "-t", "prod", "compile", "--check"]
    assert CliRunner().invoke(main, check).exit_code == 0
    path = folder / "workflows" / "prod" / "jobs" / "all.yml"
    text = path.read_text()
    path.write_text(text + "\n")

    result = CliRunner().invoke(main, check)

    path.write_text(text)
    assert result.exit_code == 3
    assert "workflows/prod/jobs/all.yml is stale" in result.output
