"""Running what is deployed: parts in the order of the job `all`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from mdf_magics.deploying.runs import DeployedRuns
from mdf_magics.deploying.workspaces.local import LocalWorkspace
from mdf_magics.deploying.workspaces.protocol import (
    Refused,
    Remote,
    RunRequest,
    TableRun,
)
from mdf_magics.errors import DeployError
from tests.deploying.desired import BRONZE, FLIGHTS, compiled, part, whole
from tests.deploying.place import Place

REQUEST = RunRequest("run-1")


class Runner:
    """Stands for the local runner: notes what it is given, and fails on order."""

    def __init__(self, *failing: str) -> None:
        self.parts: list[Remote] = []
        self.folders: set[Path] = set()
        self.requests: list[RunRequest] = []
        self._failing = failing

    def __call__(
        self,
        part: Remote,
        folder: Path,
        request: RunRequest,
        progress: Callable[[TableRun], None],
    ) -> Iterable[TableRun]:
        self.parts.append(part)
        self.folders.add(folder)
        self.requests.append(request)
        key = part.tags["mdf_key"]
        status = "failed" if key in self._failing else "succeeded"
        progress(TableRun(f"{key}.t", status))
        return [TableRun(f"{key}.t", status)]

    @property
    def keys(self) -> list[str]:
        return [part.tags["mdf_key"] for part in self.parts]


def runs(place: Place, runner: Runner | None) -> DeployedRuns:
    workspace = LocalWorkspace(
        place.folder / ".mdf/workspace",
        target="local",
        project_root=place.folder,
        run_part=runner,
    )
    return DeployedRuns(place.store, workspace)


def test_all_runs_the_parts_in_order(place: Place):
    place.deploy(FLIGHTS)
    runner, seen = Runner(), list[TableRun]()

    outcomes = runs(place, runner).run(REQUEST, progress=seen.append)

    assert runner.keys == ["bronze", "silver", "gold"]
    assert [outcome.name for outcome in outcomes] == ["bronze.t", "silver.t", "gold.t"]
    assert seen == outcomes
    assert {one.run_id for one in runner.requests} == {REQUEST.run_id}


def test_what_comes_after_a_failure_is_skipped_and_the_rest_runs(place: Place):
    other = part("other", "other.t")
    parts = [BRONZE, *FLIGHTS.resources[2:], other]
    order = {"silver": ["bronze"], "gold": ["silver"]}
    place.deploy(compiled(*parts, whole(parts, order)))
    runner = Runner("bronze")

    outcomes = runs(place, runner).run(REQUEST)

    assert sorted(runner.keys) == ["bronze", "other"]
    assert {(o.name, o.status, o.error) for o in outcomes} == {
        ("bronze.t", "failed", None),
        ("silver", "skipped", "bronze failed"),
        ("gold", "skipped", "silver failed"),
        ("other.t", "succeeded", None),
    }


def test_a_part_gets_real_paths_ids_and_the_projects_root(place: Place):
    bronze = part("bronze", "bronze.flights", description="${project.root}/landing")
    place.deploy(compiled(bronze))
    runner = Runner()

    runs(place, runner).run(REQUEST)

    (given,) = runner.parts
    (folder,) = runner.folders
    assert folder == place.folder / ".mdf/workspace/files/local"
    notebook = given.settings["tasks"][0]["notebook_task"]["notebook_path"]
    assert Path(notebook) == folder / "src/bronze.py"
    assert Path(notebook).is_file()
    assert given.settings["description"] == f"{place.folder}/landing"


def test_chosen_resources_run_in_the_order_given(place: Place):
    place.deploy(FLIGHTS)
    runner = Runner()

    runs(place, runner).run(REQUEST, keys=["silver", "bronze"])

    assert runner.keys == ["silver", "bronze"]


def test_nothing_deployed_says_what_to_do(place: Place):
    with pytest.raises(DeployError, match="nothing is deployed to local"):
        runs(place, Runner()).run(REQUEST)
    place.deploy(FLIGHTS)
    with pytest.raises(DeployError, match="marts is not deployed to local"):
        runs(place, Runner()).run(REQUEST, keys=["marts"])


def test_without_a_runner_nothing_runs(place: Place):
    place.deploy(FLIGHTS)

    with pytest.raises(Refused, match="nothing here can run a job"):
        runs(place, None).run(REQUEST)


def test_a_job_that_starts_itself_is_refused(place: Place):
    place.deploy(FLIGHTS)
    all_id = int(place.ids()["all"])
    place.edit("all", lambda s: s["tasks"][0]["run_job_task"].update(job_id=all_id))

    with pytest.raises(Refused, match="starts itself"):
        runs(place, Runner()).run(REQUEST)


def test_json_of_a_table():
    assert TableRun("gold.delays", "succeeded", 1.5, 20).to_json() == {
        "name": "gold.delays",
        "status": "succeeded",
        "seconds": 1.5,
        "rows": 20,
        "error": None,
    }
